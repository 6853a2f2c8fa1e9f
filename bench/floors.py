"""What we are held to: the least that storing an event costs, and another's event store."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID  # noqa: TID251 - what the library names an aggregate by

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import AsyncConnection

from sr_core.ports.event_store import Batch

TABLE: Final = """
CREATE TABLE bare_events (LIKE es.events INCLUDING ALL);
CREATE SEQUENCE bare_events_seq OWNED BY bare_events.global_seq;
ALTER TABLE bare_events ALTER global_seq SET DEFAULT nextval('bare_events_seq')
"""
INSERT: Final = """
INSERT INTO bare_events (
    event_id, boundary, stream_id, stream_kind, stream_seq, event_type, actor_kind,
    actor_id, occurred_at, correlation_id, envelope, envelope_hash, chain_hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %b, %s, %b)
"""


class Bare:
    """One INSERT an event, each committed by itself, into a table like `es.events`.

    The same columns, checks and indexes, and the same driver; no head, no chain, no
    outbox, no projections, and a sequence for a number.
    """

    def __init__(self, connections: Sequence[AsyncConnection]) -> None:
        self._connections = connections

    async def append(self, batches: Sequence[Batch]) -> None:
        """Insert the batches' events, by as many writers as there are connections."""
        rows = [_row(each) for each in batches]
        count = len(self._connections)
        async with asyncio.TaskGroup() as group:
            for number, connection in enumerate(self._connections):
                group.create_task(_insert(connection, rows[number::count]))


@asynccontextmanager
async def bare(dsn: str, writers: int) -> AsyncIterator[Bare]:
    """Make the table, and yield its writers."""
    async with AsyncExitStack() as exits:
        connections = [
            await exits.enter_async_context(
                await AsyncConnection.connect(dsn, autocommit=True)
            )
            for _ in range(writers)
        ]
        await connections[0].execute("DROP TABLE IF EXISTS bare_events")
        await connections[0].execute(TABLE)
        yield Bare(connections)


async def _insert(
    connection: AsyncConnection, rows: Sequence[tuple[object, ...]]
) -> None:
    for row in rows:
        await connection.execute(INSERT, row, prepare=True)


def _row(batch: Batch) -> tuple[object, ...]:
    (event,) = batch.events
    return (
        event.event_id,
        batch.boundary,
        event.stream_id,
        event.stream_kind,
        event.stream_seq,
        event.event_type,
        event.by.kind.value,
        event.by.actor_id,
        event.occurred_at,
        event.correlation_id,
        event.envelope,
        event.envelope_hash,
        bytes(32),
    )


class Recorder:
    """The recorder of the `eventsourcing` library, one thread a writer."""

    def __init__(self, recorder: PostgresApplicationRecorder, writers: int) -> None:
        self._recorder = recorder
        self._writers = writers

    def append(self, batches: Sequence[Batch]) -> float:
        """Record the batches' events, and return how long that took, in seconds."""
        stored = [_stored(each) for each in batches]
        failures: list[Exception] = []
        threads = [
            threading.Thread(
                target=self._record, args=(stored[number :: self._writers], failures)
            )
            for number in range(self._writers)
        ]
        began = time.perf_counter()
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        took = time.perf_counter() - began
        if failures:
            raise failures[0]
        return took

    def _record(self, events: Sequence[StoredEvent], failures: list[Exception]) -> None:
        try:
            for each in events:
                self._recorder.insert_events([each])
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            failures.append(error)


@contextmanager
def recorder(dsn: str, writers: int) -> Iterator[Recorder]:
    """Make the library's table, and yield its recorder with a pool for the writers."""
    address = urlsplit(dsn)
    with PostgresDatastore(
        dbname=address.path.removeprefix("/"),
        host=str(address.hostname),
        port=str(address.port),
        user=str(address.username),
        password=unquote(str(address.password)),
        pool_size=writers,
        max_overflow=0,
    ) as datastore:
        made = PostgresApplicationRecorder(
            datastore, events_table_name="recorded_events"
        )
        made.create_table()
        yield Recorder(made, writers)


def _stored(batch: Batch) -> StoredEvent:
    (event,) = batch.events
    name = hashlib.sha256(event.stream_id.encode()).digest()
    return StoredEvent(
        originator_id=UUID(bytes=name[:16]),
        originator_version=event.stream_seq,
        topic=event.event_type,
        state=event.envelope,
    )
