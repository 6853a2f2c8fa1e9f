"""What every test may ask for by name.

stack ──▶ template ──▶ database   a fresh database, cloned in some 50 ms
      │                └▶ logged     the same, with a log of every type of event
      └──────────────▶ bucket     a fresh bucket, emptied and removed after
                       locked_bucket   the same, where nothing is removed by the way
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from bench.logs import batches
from minio import Minio
from minio.deleteobjects import DeleteObject
from psycopg.sql import SQL, Composed, Identifier
from tests import minio_server

from pytest_sr.broker import Broker
from pytest_sr.session import SESSION
from pytest_sr.stack.addresses import S3Address, S3Keys, StackAddresses
from pytest_sr.stack.postgres import admit_users
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.migrate import Migrator
from sr_core.adapters.s3.buckets import LockedBucket, ensure_locked
from sr_core.adapters.s3.connection import S3Access
from sr_core.ports.event_store import Batch

if TYPE_CHECKING:
    from pytest_sr.world.world import Template


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes minutes begin first, so that the rest is done beside it."""
    items.sort(key=lambda each: each.get_closest_marker("takes_minutes") is None)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def stack(sr_stack: StackAddresses) -> StackAddresses:
    """The services, one set for all workers, started when the first test asks."""
    return sr_stack


@pytest.fixture(scope="session")
def lent_stack(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What `-p lent_stack` has to find in its environment to use our stack."""
    stack = request.config.stash[SESSION].stack
    desk = stack.open_desk() if isinstance(stack, Broker) else stack.desk
    return {
        "LENT_STACK": f"{desk.port}:{desk.secret}",
        "PYTHONPATH": str(Path(__file__).parent),
    }


@pytest.fixture(scope="session")
def worlds(stack: StackAddresses) -> Template:
    """What a world of `pytest_sr` clones its database from."""
    from pytest_sr.world.world import Template  # noqa: PLC0415 - only if asked

    return Template(stack)


@pytest.fixture(scope="session")
def template(stack: StackAddresses) -> str:
    """The name of a database with every migration applied, and nobody connected."""
    name = f"template_{os.getpid()}_{secrets.token_hex(4)}"
    execute(stack, SQL("CREATE DATABASE {}").format(Identifier(name)))
    asyncio.run(Migrator(stack.postgres.dsn(name)).apply())
    admit_users(stack.postgres)
    return name


@pytest.fixture
def database(stack: StackAddresses, template: str) -> Iterator[str]:
    """The address of a database of the test's own, for the superuser.

    Every migration is applied.
    """
    with fresh_database(stack, template) as name:
        yield stack.postgres.dsn(name)


@pytest.fixture
def app_database(stack: StackAddresses, database: str) -> str:
    """The address of `database` for a platform."""
    return stack.postgres.app_dsn(urlsplit(database).path[1:])


@pytest.fixture
def bus_database(stack: StackAddresses, database: str) -> str:
    """The address of `database` for a worker at the bus."""
    return stack.postgres.publisher_dsn(urlsplit(database).path[1:])


@pytest.fixture
def other_database(stack: StackAddresses, template: str) -> Iterator[str]:
    """The address of another one, which knows nothing of the first."""
    with fresh_database(stack, template) as name:
        yield stack.postgres.dsn(name)


@pytest.fixture
def empty_database(stack: StackAddresses) -> Iterator[str]:
    """The address of a database of the test's own, with nothing in it."""
    with fresh_database(stack, "template0") as name:
        yield stack.postgres.dsn(name)


EVENTS = 520
"""How many events the shared log has; by then every type has occurred."""


@pytest.fixture(scope="session")
def log_template(stack: StackAddresses, template: str) -> Iterator[str]:
    """The name of a database with a log of every type of event, and nobody connected."""
    with fresh_database(stack, template) as name:
        asyncio.run(write_log(stack.postgres.dsn(name), batches(1, EVENTS)))
        yield name


@pytest.fixture
def logged(stack: StackAddresses, log_template: str) -> Iterator[str]:
    """The address of a database of the test's own, with a log of every type of event."""
    with fresh_database(stack, log_template) as name:
        yield stack.postgres.dsn(name)


async def write_log(dsn: str, told: Iterable[Batch]) -> None:
    async with connection_pool(dsn) as pool:
        store = PostgresEventStore(pool)
        for each in told:
            await store.append(each)


@pytest.fixture
def deployed() -> Callable[[str], dict[str, str]]:
    """Gives the settings of a deployment that has this database and nothing else."""
    return lambda dsn: {
        "PATH": "/usr/bin:/bin",
        "SR_DATABASE_URL": dsn,
        "SR_MINIO_ENDPOINT": "127.0.0.1:9",
        "SR_MINIO_ACCESS_KEY": "nobody",
        "SR_MINIO_SECRET_KEY": "no-secret",
        "SR_NATS_URL": "nats://127.0.0.1:9",
        "SR_NATS_USER": "nobody",
        "SR_NATS_PASSWORD": "no-secret",
        "SR_OIDC_ISSUER": "http://127.0.0.1:9/realm",
        "SR_OIDC_JWKS_URI": "http://127.0.0.1:9/keys",
        "SR_OIDC_HUMAN_CLIENTS": "sr-human",
        "SR_OIDC_AGENT_CLIENTS": "sr-agent",
        "SR_OIDC_SYSTEM_CLIENTS": "sr-system",
    }


@contextmanager
def fresh_database(stack: StackAddresses, template: str) -> Iterator[str]:
    name = f"case_{os.getpid()}_{secrets.token_hex(4)}"
    execute(
        stack,
        SQL("CREATE DATABASE {} TEMPLATE {}").format(
            Identifier(name), Identifier(template)
        ),
    )
    yield name
    execute(stack, SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def execute(stack: StackAddresses, statement: Composed) -> None:
    with psycopg.connect(stack.postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(statement)


class Link:
    """A cable to a service: what it carries it carries whole, until it is pulled."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def plug(self) -> None:
        """Take connections; after a pull, at the same address as before."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        """Refuse new connections, and break off those that there are."""
        assert self._server is not None, "it was plugged"
        self._server.close()
        for each in [*self._ends]:
            each.transport.abort()
        await self._server.wait_closed()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        ends = {writer, far_writer}
        self._ends |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, far_writer))
                group.create_task(_pump(far_reader, writer))
        finally:
            self._ends -= ends
            for each in ends:
                each.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.write_eof()


@pytest.fixture
def cable() -> type[Link]:
    """What can be put between a program and a service."""
    return Link


@dataclass(frozen=True)
class Bucket:
    """A bucket of the test's own; `app` may use it, `admin` may do anything to it."""

    name: str
    address: S3Address
    admin: Minio

    def access(self, *, deadline_s: float = 10.0) -> S3Access:
        return access(self.address, self.address.app, deadline_s=deadline_s)

    @contextmanager
    def denied(self, action: str, resource: str) -> Iterator[None]:
        """Deny `action` to the application; whoever is admin may go on."""
        statement = {
            "Effect": "Deny",
            "Principal": {"AWS": ["arn:aws:iam::*:user/app"]},
            "Action": [action],
            "Resource": [f"arn:aws:s3:::{self.name}/{resource}"],
        }
        told = {"Version": "2012-10-17", "Statement": [statement]}
        self.admin.set_bucket_policy(self.name, json.dumps(told))
        try:
            yield
        finally:
            self.admin.delete_bucket_policy(self.name)


class MinioBucket(Bucket):
    """The same, at a MinIO."""

    @contextmanager
    def denied(self, action: str, resource: str) -> Iterator[None]:
        """See `Bucket.denied`."""
        with minio_server.denied(self.address, action, f"{self.name}/{resource}"):
            yield


@contextmanager
def a_bucket(address: S3Address, kind: type[Bucket] = Bucket) -> Iterator[Bucket]:
    name = f"case-{os.getpid()}-{secrets.token_hex(4)}"
    s3_access = access(address, address.admin)
    pool = s3_access.pool()
    made = kind(name, address, s3_access.client(pool))
    made.admin.make_bucket(name)
    yield made
    remove_for_good(made, "")
    made.admin.remove_bucket(name)
    pool.clear()


@contextmanager
def a_locked_bucket(
    address: S3Address, kind: type[Bucket] = Bucket
) -> Iterator[Bucket]:
    name = f"case-{os.getpid()}-{secrets.token_hex(4)}"
    s3_access = access(address, address.admin)
    wanted = LockedBucket(name=name, mode="GOVERNANCE", days=1)
    asyncio.run(ensure_locked(s3_access, wanted))
    pool = s3_access.pool()
    bucket = kind(name, address, s3_access.client(pool))
    yield bucket
    remove_for_good(bucket, "")
    bucket.admin.remove_bucket(name)
    pool.clear()


@pytest.fixture(scope="session")
def minio_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Address]:
    """A MinIO of this worker's own; without one, whoever asks is left out."""
    with minio_server.minio_server(tmp_path_factory.mktemp("minio")) as address:
        yield address


@pytest.fixture
def bucket(request: pytest.FixtureRequest, s3_kind: str) -> Iterator[Bucket]:
    with a_bucket(*server_of(request, s3_kind)) as made:
        yield made


@pytest.fixture
def locked_bucket(request: pytest.FixtureRequest, s3_kind: str) -> Iterator[Bucket]:
    """A bucket with object lock; GOVERNANCE, or nobody could remove it after the test."""
    with a_locked_bucket(*server_of(request, s3_kind)) as made:
        yield made


@pytest.fixture
def s3_kind() -> str:
    """Which server a test's buckets lie at; the suites of the store ask for each."""
    return "seaweedfs"


def server_of(
    request: pytest.FixtureRequest, kind: str
) -> tuple[S3Address, type[Bucket]]:
    if kind == "minio":
        return request.getfixturevalue("minio_address"), MinioBucket
    return request.getfixturevalue("stack").s3, Bucket


def remove_for_good(bucket: Bucket, prefix: str) -> None:
    """Remove every version below `prefix`, as only who may bypass the lock can."""
    stored = bucket.admin.list_objects(
        bucket.name, prefix=prefix, recursive=True, include_version=True
    )
    doomed = [
        DeleteObject(each.object_name, each.version_id)
        for each in stored
        if each.object_name
    ]
    assert not list(
        bucket.admin.remove_objects(bucket.name, doomed, bypass_governance_mode=True)
    )


def access(address: S3Address, keys: S3Keys, *, deadline_s: float = 10.0) -> S3Access:
    return S3Access(
        endpoint=address.endpoint,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        region=address.region,
        deadline_s=deadline_s,
    )
