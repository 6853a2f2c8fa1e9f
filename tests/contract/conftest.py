"""Events to append, and a table of the read model for them to change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import psycopg
import pytest
from tests.infisical_world import World, a_world, asking
from tests.minio_server import S3_SERVERS

from sr_core.adapters.infisical.kek_source import InfisicalKekSource
from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.read_model import PostgresReadModel
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.refs import hash_bytes
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    EventStore,
    NewEvent,
    Position,
    StreamId,
)
from sr_core.ports.read_model import ReadModel, RowChange

THINGS = """
SET ROLE sr_owner;
CREATE TABLE proj.things (
    thing_id text PRIMARY KEY, state text, count bigint NOT NULL DEFAULT 0,
    tags jsonb, made_at timestamptz,
    position bigint NOT NULL, last_event_id text NOT NULL, last_global_seq bigint NOT NULL
)
"""


@dataclass(frozen=True)
class Log:
    """The two ports over one log."""

    store: EventStore
    read_model: ReadModel


class Events:
    """Makes events and batches, each event with an id of its own."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def event(
        self, stream: str, stream_seq: int, *changes: RowChange, kind: str = "LOOP"
    ) -> NewEvent:
        number = next(self._numbers)
        envelope = f'{{"payload":{{"number":{number}}},"refs":[]}}'.encode()
        return NewEvent(
            event_id=f"evt_{number}",
            stream_id=StreamId(stream),
            stream_kind=kind,
            stream_seq=stream_seq,
            event_type="LoopActivated",
            by=Actor(ActorKind.SYSTEM, "sr"),
            occurred_at=datetime(2026, 1, 9, 12, tzinfo=UTC),
            correlation_id=None,
            envelope=envelope,
            envelope_hash=hash_bytes(envelope),
            changes=changes,
        )

    def batch(
        self, boundary: str, *events: NewEvent, expected: Position = BEGINNING
    ) -> Batch:
        return Batch(boundary=StreamId(boundary), expected=expected, events=events)

    def one(
        self,
        boundary: str,
        stream_seq: int = 1,
        *changes: RowChange,
        expected: Position = BEGINNING,
    ) -> Batch:
        """One event of the stream that the boundary is named for."""
        event = self.event(boundary, stream_seq, *changes)
        return self.batch(boundary, event, expected=expected)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def things(database: str, app_database: str) -> str:
    """The address for a platform of a database that has a table `proj.things`."""
    with psycopg.connect(database) as connection:
        connection.execute(THINGS)
    return app_database


@pytest.fixture(params=["memory", "postgres"])
def dsn(request: pytest.FixtureRequest) -> str | None:
    """The database to use; None is for the adapter in memory."""
    return None if request.param == "memory" else request.getfixturevalue("things")


@pytest.fixture
def bus_dsn(dsn: str | None, request: pytest.FixtureRequest) -> str | None:
    """The same database, for a worker at the bus."""
    return None if dsn is None else request.getfixturevalue("bus_database")


@pytest.fixture
async def log(dsn: str | None) -> AsyncIterator[Log]:
    if dsn is None:
        read_model = MemoryReadModel()
        yield Log(MemoryEventStore(read_model), read_model)
        return
    async with connection_pool(dsn) as pool:
        yield Log(PostgresEventStore(pool), PostgresReadModel(pool))


@pytest.fixture
def s3_kind(request: pytest.FixtureRequest) -> str:
    """Each kind of server for the tests that `pytest_generate_tests` finds."""
    return str(getattr(request, "param", "seaweedfs"))


_OF_BUCKETS = {"bucket", "locked_bucket"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for buckets at each kind of server; the suites do so themselves."""
    if _OF_BUCKETS & set(metafunc.fixturenames):
        metafunc.parametrize("s3_kind", S3_SERVERS, indirect=True)


@pytest.fixture
def world() -> Iterator[World]:
    """An Infisical of the test's own."""
    with a_world() as it:
        yield it


@pytest.fixture
async def source(world: World) -> AsyncIterator[InfisicalKekSource]:
    """Who asks it for KEKs."""
    async with asking(world.url, world.clock) as it:
        yield it
