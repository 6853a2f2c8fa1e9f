"""A log that is signed and a superuser who changes it; servers to do anything on.

`Forger` reads all rows, lets them be changed, and writes them back with the triggers
off; `rechained` and `settle` make the rest fit, so that each test says by itself what
its forger has overlooked. `start` makes servers of Postgres beside that of the stack.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pytest_sr.stack import postgres
from pytest_sr.stack.accounts import Account, reachable_install, without_root
from pytest_sr.stack.addresses import PostgresAddress
from pytest_sr.stack.binaries import resolve_all
from pytest_sr.stack.children import Child
from pytest_sr.stack.plan import Plan
from pytest_sr.stack.ports import PortBook
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.log_record import PostgresLogRecord
from sr_core.adapters.s3.checkpoints import S3CheckpointStore
from sr_core.bootstrap.event_log import checkpoints
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli import log
from sr_core.codec.canonical import canonical
from sr_core.codec.checkpoint import (
    checkpoint_key,
    leaves_key,
    write_checkpoint,
    write_leaves,
)
from sr_core.codec.envelope import rfc3339
from sr_core.codec.note import SigningKey
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.checkpoint import Checkpoint, Leaves, leaf_of
from sr_core.domain.merkle import Frontier
from sr_core.domain.refs import hash_bytes
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.event_store import Batch, NewEvent, Position, StreamId

Row = dict[str, Any]

COLUMNS = (
    "global_seq, event_id, boundary, stream_id, stream_kind, stream_seq, event_type,"
    " actor_kind, actor_id, occurred_at, correlation_id, envelope, envelope_hash,"
    " chain_hash"
)
GUARDS = {
    "head": "head_stays",
    "events": "events_never_change",
    "streams": "streams_stay",
    "boundaries": "boundaries_stay",
}
SETTLED = """
INSERT INTO es.streams (stream_id, stream_kind)
    SELECT DISTINCT stream_id, stream_kind FROM es.events ON CONFLICT DO NOTHING;
DELETE FROM es.streams WHERE stream_id NOT IN (SELECT stream_id FROM es.events);
UPDATE es.streams SET stream_version =
    (SELECT count(*) FROM es.events WHERE events.stream_id = streams.stream_id);
INSERT INTO es.boundaries (boundary_id)
    SELECT DISTINCT boundary FROM es.events ON CONFLICT DO NOTHING;
DELETE FROM es.boundaries WHERE boundary_id NOT IN (SELECT boundary FROM es.events);
UPDATE es.boundaries SET position =
    (SELECT max(global_seq) FROM es.events WHERE boundary = boundary_id);
"""
HEAD = """
UPDATE es.head SET (global_seq, chain_hash) =
    (SELECT global_seq, chain_hash FROM es.events ORDER BY global_seq DESC LIMIT 1);
"""


class Forger:
    """Whoever has the database, and none of the keys."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @contextmanager
    def at_work(self) -> Iterator[psycopg.Connection[Row]]:
        """A connection on which nothing is refused."""
        with psycopg.connect(self._dsn, row_factory=dict_row) as connection:
            for table, trigger in GUARDS.items():
                off = f"ALTER TABLE es.{table} DISABLE TRIGGER {trigger}"
                connection.execute(off.encode())
            connection.execute("SET session_replication_role = replica")
            yield connection
            connection.execute("SET session_replication_role = origin")
            for table, trigger in GUARDS.items():
                on = f"ALTER TABLE es.{table} ENABLE ALWAYS TRIGGER {trigger}"
                connection.execute(on.encode())

    def do(self, statement: str) -> None:
        with self.at_work() as connection:
            connection.execute(statement.encode())

    def rows(self) -> list[Row]:
        with self.at_work() as connection:
            return connection.execute(
                f"SELECT {COLUMNS} FROM es.events ORDER BY global_seq".encode()  # noqa: S608 - our own names
            ).fetchall()

    def write(self, rows: Iterable[Row]) -> None:
        """Put these rows in the place of all that are there."""
        names = COLUMNS.split(", ")
        marks = ", ".join(f"%({name})s" for name in names)
        with self.at_work() as connection:
            connection.execute("DELETE FROM es.events")
            connection.cursor().executemany(
                f"INSERT INTO es.events ({COLUMNS}) VALUES ({marks})".encode(),  # noqa: S608 - our own names
                list(rows),
            )

    def settle(self, *, head: bool = True) -> None:
        """Make streams and boundaries say what the log says, and the head."""
        self.do(SETTLED + (HEAD if head else ""))


def resealed(row: Row, **changes: object) -> Row:
    """Return the row with other values, and an envelope that says the same."""
    said = json.loads(row["envelope"])
    columns = {name: value for name, value in changes.items() if name in row}
    envelope = json.dumps(
        {**said, **changes}, sort_keys=True, separators=(",", ":")
    ).encode()
    digest = hashlib.sha256(envelope).hexdigest()
    return {
        **row,
        **columns,
        "envelope": envelope,
        "envelope_hash": f"sha256:{digest}",
    }


def rechained(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with chain hashes that follow from one another."""
    chain = bytes(32)
    made = []
    for row in rows:
        digest = bytes.fromhex(row["envelope_hash"].removeprefix("sha256:"))
        position = row["global_seq"].to_bytes(8, "big")
        chain = hashlib.sha256(chain + position + digest).digest()
        made.append({**row, "chain_hash": chain})
    return made


def renumbered(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with numbers from 1 on."""
    return [{**row, "global_seq": number} for number, row in enumerate(rows, start=1)]


KEY = SigningKey(name="solver-ralph/log", seed=bytes(range(32)))
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
ORIGIN = "solver-ralph/log"
SIZES = (10, 20, 30)
LOOPS = ("loop:a", "loop:b", "loop:c")


@dataclass(frozen=True, kw_only=True)
class SignedLog:
    """A log of one database, whose checkpoints are in one bucket."""

    environment: dict[str, str]
    forger: Forger

    async def append(self, *events: NewEvent, boundary: str, after: int = 0) -> None:
        async with connection_pool(self.environment["SR_DATABASE_URL"]) as pool:
            await PostgresEventStore(pool).append(
                Batch(
                    boundary=StreamId(boundary),
                    expected=Position(after),
                    events=events,
                )
            )

    async def grow(self, *, up_to: int) -> None:
        """Append events, by turns to three loops, until there are `up_to`."""
        async with connection_pool(self.environment["SR_DATABASE_URL"]) as pool:
            store = PostgresEventStore(pool)
            size = len(await store.read(after=Position(0), limit=10_000))
            for number in range(size + 1, up_to + 1):
                loop = LOOPS[number % 3]
                batch = Batch(
                    boundary=StreamId(loop),
                    expected=Position(max(number - 3, 0)),
                    events=(an_event(number, loop, (number + 2) // 3),),
                )
                await store.append(batch)

    async def sign(self) -> tuple[Checkpoint, ...]:
        return await checkpoints(parse_settings(self.environment)).make()

    def record(self) -> PostgresLogRecord:
        return PostgresLogRecord(self.environment["SR_DATABASE_URL"])

    def store(self) -> S3CheckpointStore:
        service = checkpoints(parse_settings(self.environment))
        assert isinstance(service.store, S3CheckpointStore)
        return service.store

    async def signed_by(
        self,
        key: SigningKey,
        *,
        origin: str = ORIGIN,
        sizes: Sequence[int] = SIZES,
        with_another_at: int | None = None,
    ) -> dict[ObjectKey, bytes]:
        """What whoever has `key` would keep of the log as it is now, or of a fork of it."""
        hashes = [row["envelope_hash"] for row in self.forger.rows()]
        if with_another_at is not None:
            hashes[with_another_at - 1] = hash_bytes(b"another")
        leaves = [leaf_of(n, each) for n, each in enumerate(hashes, start=1)]
        made, before = {}, Frontier()
        for size in sizes:
            some = Leaves(before=before, hashes=tuple(leaves[before.size : size]))
            before = some.after
            signed = Checkpoint(origin=origin, size=size, root=before.root)
            made[leaves_key(size)] = write_leaves(some)
            made[checkpoint_key(size)] = write_checkpoint(signed, key)
        return made

    async def verify(self, *arguments: str, **changes: str) -> Verified:
        """What `sr log verify` says, with a setting changed or two."""
        path = Path(self.environment["REPORT"])
        told = {**self.environment, **changes}
        told = {name: value for name, value in told.items() if value}
        code = await log.run(["verify", "--json", str(path), *arguments], told)
        return Verified(code=code, **json.loads(path.read_bytes()))  # noqa: ASYNC240 - it is there


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The answer of `sr log verify`: its exit code, and its report."""

    code: int
    verdict: str
    events: int
    chain_hash: str | None
    first_bad: int | None
    findings_total: int
    findings: list[dict[str, Any]]
    checkpoints: int | None
    signed_events: int

    @property
    def faults(self) -> set[str]:
        return {each["fault"] for each in self.findings}


def an_event(
    number: int,
    stream: str,
    stream_seq: int,
    *,
    kind: str = "LOOP",
    payload: object = None,
    correlation_id: str | None = "corr",
) -> NewEvent:
    moment = NOON + timedelta(seconds=number, microseconds=number)
    envelope = canonical(
        {
            "schema_version": "1",
            "event_id": f"evt_{number}",
            "stream_id": stream,
            "stream_kind": kind,
            "stream_seq": stream_seq,
            "event_type": "LoopActivated",
            "occurred_at": rfc3339(moment),
            "actor_kind": "HUMAN",
            "actor_id": "ada",
            "correlation_id": correlation_id,
            "causation_id": None,
            "supersedes": [],
            "refs": [],
            "payload": payload or {"number": number},
        }
    )
    return NewEvent(
        event_id=f"evt_{number}",
        stream_id=StreamId(stream),
        stream_kind=kind,
        stream_seq=stream_seq,
        event_type="LoopActivated",
        by=Actor(ActorKind.HUMAN, "ada"),
        occurred_at=moment,
        correlation_id=correlation_id,
        envelope=envelope,
        envelope_hash=hash_bytes(envelope),
    )


@pytest.fixture
def signed_log(stack, database: str, locked_bucket, tmp_path: Path) -> SignedLog:
    """A log with nothing in it yet."""
    environment = {
        "SR_DATABASE_URL": database,
        "SR_MINIO_ENDPOINT": stack.s3.endpoint,
        "SR_MINIO_ACCESS_KEY": stack.s3.app.access_key,
        "SR_MINIO_SECRET_KEY": stack.s3.app.secret_key,
        "SR_MINIO_TLS": "false",
        "SR_MINIO_CHECKPOINTS_BUCKET": locked_bucket.name,
        "SR_NATS_URL": stack.nats.url,
        "SR_OIDC_ISSUER": "https://issuer.example",
        "SR_OIDC_JWKS_URI": "https://issuer.example/keys",
        "SR_OIDC_HUMAN_CLIENTS": "sr-human",
        "SR_OIDC_AGENT_CLIENTS": "sr-agent",
        "SR_OIDC_SYSTEM_CLIENTS": "sr-system",
        "SR_LOG_SIGNING_KEY": KEY.text,
        "SR_LOG_VERIFIER_KEY": KEY.verifier.text,
        "REPORT": str(tmp_path / "report.json"),
    }
    return SignedLog(environment=environment, forger=Forger(database))


READY_S_MAX = 30.0


@dataclass(frozen=True)
class Place:
    """Where servers are made, by whom, with whose programs."""

    directory: Path
    account: Account
    programs: Path
    ports: PortBook

    def room(self, name: str) -> Path:
        """Return a directory that the account owns."""
        made = self.directory / name
        made.mkdir(mode=0o700)
        if self.account.is_other:
            shutil.chown(made, self.account.uid, self.account.gid)
        return made

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs that come with a server, as the account."""
        other = self.account if self.account.is_other else None
        subprocess.run(  # noqa: S603 - a program of the wheel
            [self.programs / program, *arguments],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=other.uid if other else None,
            group=other.gid if other else None,
            extra_groups=[] if other else None,
            cwd=self.directory,
            check=True,
            capture_output=True,
            timeout=READY_S_MAX,
        )


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    address: PostgresAddress

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Have the superuser do something, outside any transaction."""
        with psycopg.connect(self.address.dsn(database), autocommit=True) as connection:
            connection.execute(statement.encode())


Servers = Callable[..., Server]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o711)
    account = without_root()
    programs = reachable_install(
        resolve_all().postgres.path.parent, account, copy_to=directory / "pginstall"
    )
    yield Place(directory, account, programs, PortBook())
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def start(place: Place) -> Iterator[Servers]:
    """Starts a fresh server; with `standby_of`, one that follows another.

    With `upto` it follows to the restore point of that name, and is its own from there.
    """
    with ExitStack() as exits:

        def start(
            name: str,
            *,
            checksums: bool = True,
            standby_of: Server | None = None,
            upto: str = "",
        ) -> Server:
            plan = postgres.plan(
                place.programs, place.room(name), place.account, place.ports
            )
            shell, option, script = plan.launch.argv
            address = plan.address
            if standby_of is not None:
                address = replace(standby_of.address, port=plan.port)
                script = _standby(place, standby_of, plan)
            if upto:
                script += f" -c recovery_target_name={upto}"
                script += " -c recovery_target_action=promote"
            if not checksums:
                assert "--data-checksums" in script
                script = script.replace("--data-checksums", "")
            launch = replace(plan.launch, argv=(shell, option, script))
            child = Child(launch, log=place.directory / f"{name}.log")
            exits.callback(_stop, child)
            _await(child, address)
            return Server(address)

        yield start


def _standby(place: Place, primary: Server, plan: Plan[PostgresAddress]) -> str:
    """Copy the primary's files, and return what starts a server over them."""
    data = plan.launch.directory / "data"
    place.run(
        "pg_basebackup",
        f"--dbname={primary.address.dsn('postgres')}",
        f"--pgdata={data}",
        "--write-recovery-conf",
        "--checkpoint=fast",
        "--no-sync",
    )
    return f"exec {place.programs / 'postgres'} -D {data} -p {plan.port}"


def _await(child: Child, address: PostgresAddress) -> None:
    """Return once the server lets its superuser in."""
    deadline = time.monotonic() + READY_S_MAX
    while child.exit_status() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(address.dsn("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    pytest.fail(child.log_tail())


def _stop(child: Child) -> None:
    child.begin_stop()
    child.finish_stop()
