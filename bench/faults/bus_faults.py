"""What befalls the bus and its publisher, and what the consumer did of the log.

Eight writers append meanwhile. JetStream may lose what it holds; the consumer may not
miss it, and what the publisher itself puts there is there once and in order.
"""

from __future__ import annotations

import asyncio
import json
import random  # noqa: TID251 - the schedule is drawn from the seed
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import nats
import psycopg
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from psycopg.sql import SQL, Identifier

from bench.faults.bus_process import CONSUMER
from bench.faults.judge import Figures, inversions
from bench.faults.log_faults import Bounds, harm
from bench.faults.nats_server import Nats
from bench.faults.servers import Postgres, until
from bench.faults.writing import ROOT, Writing
from sr_core.bootstrap.compose import make_streams, migrate
from sr_core.bootstrap.settings import Settings, parse_settings

MARKS: Final = "CREATE TABLE naive_marks (global_seq bigint PRIMARY KEY)"
HEAD: Final = "SELECT global_seq FROM es.head"
DONE: Final = """
SELECT coalesce(max(position), 0) FROM es.consumers WHERE consumer = %s
"""
UNPUBLISHED: Final = """
SELECT count(*) FROM es.events AS e LEFT JOIN es.outbox AS o USING (global_seq)
 WHERE o.published_at IS NULL
"""
UNMARKED: Final = """
SELECT count(*) FROM es.events WHERE global_seq NOT IN (TABLE naive_marks)
"""
EVENTS: Final = "SELECT global_seq FROM es.events ORDER BY 1"
NOTICES: Final = "SELECT global_seq FROM es.notices ORDER BY notice_id"
POSITION: Final = "Sr-Global-Seq"
WRITER_PAUSE_S: Final = 0.4
"""Between two events of one writer, so that the bus keeps up on a small machine."""
ROLES: Final = ("publisher", "consumer", "naive")


class Role:
    """A process at the bus, which may be killed and started again."""

    def __init__(self, role: str, environment: Mapping[str, str]) -> None:
        self._task = {"role": role, "environment": environment}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.faults.bus_process"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the keyboard is ours to answer
        )
        assert self._process.stdin is not None, "it was asked for"
        self._process.stdin.write(json.dumps(self._task).encode() + b"\n")
        await self._process.stdin.drain()

    async def kill(self) -> bool:
        """Kill it at once, and return whether it was alive and that killed it."""
        if self._process is None:
            return False
        if self._process.returncode is None:
            self._process.kill()
        return await self._process.wait() == -signal.SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where the faults of one kind take place."""

    bus: Nats
    dsn: str
    settings: Settings
    writing: Writing
    roles: Mapping[str, Role]

    @property
    def stream(self) -> str:
        """The stream of events."""
        return f"{self.settings.stream_prefix}-events"

    @property
    def control(self) -> str:
        """The stream of the control's publisher."""
        return f"{self.settings.stream_prefix}-naive"

    async def number(self, statement: str, *values: object) -> int:
        """Return the one number that the statement finds."""
        return (await self.numbers(statement, *values))[0]

    async def numbers(self, statement: str, *values: object) -> list[int]:
        """Return the numbers that the statement finds."""
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            cursor = await connection.execute(statement.encode(), values)
            return [row[0] for row in await cursor.fetchall()]


Inject = Callable[[Field, random.Random], Awaitable[bool]]


async def kill_publisher(field: Field, rng: random.Random) -> bool:
    """Kill -9 both publishers, and start others in their place."""
    del rng
    landed = {name: await field.roles[name].kill() for name in ("publisher", "naive")}
    for name in landed:
        await field.roles[name].start()
    return landed["publisher"]


async def kill_nats(field: Field, rng: random.Random) -> bool:
    """Kill -9 NATS, and start it on the same files."""
    del rng
    field.bus.kill()
    await field.bus.start()
    return True


async def flip_bit(field: Field, rng: random.Random) -> bool:
    """Stop NATS, flip one bit of a file of messages, and start it again."""
    field.bus.end()
    landed = field.bus.flip_bit(field.stream, rng)
    await field.bus.start()
    await make_streams(field.settings)
    return landed


async def purge(field: Field, rng: random.Random) -> bool:
    """Take all messages out of the stream."""
    del rng
    async with _jetstream(field) as jetstream:
        held = (await jetstream.stream_info(field.stream)).state.messages
        await jetstream.purge_stream(field.stream)
    return held > 0


async def delete_stream(field: Field, rng: random.Random) -> bool:
    """Take the stream away, its consumer with it, and make it anew, as `sr init` does."""
    del rng
    async with _jetstream(field) as jetstream:
        held = (await jetstream.stream_info(field.stream)).state.messages
        await jetstream.delete_stream(field.stream)
    await make_streams(field.settings)
    return held > 0


KINDS: Final[Mapping[str, Inject]] = {
    "kill-publisher": kill_publisher,
    "kill-nats": kill_nats,
    "flip-bit": flip_bit,
    "purge": purge,
    "delete-stream": delete_stream,
}
LOSING: Final = frozenset({"flip-bit", "purge", "delete-stream"})
"""After these the stream lacks what it held; that is the fault, and not a finding."""


async def run(
    kind: str, server: Postgres, bus: Nats, rng: random.Random, bounds: Bounds
) -> list[Figures]:
    """Have faults of one kind, and return what became of the bus and its consumer."""
    async with _field(server, bus) as field:
        try:
            await field.writing.start()
            for role in field.roles.values():
                await role.start()
            inject = partial(KINDS[kind], field, rng)
            faults = await harm(inject, partial(_caught_up, field), rng, bounds)
            await field.writing.kill()
            await _drained(field)
        finally:
            await field.writing.kill()
            for role in field.roles.values():
                await role.kill()
        return await _judged(kind, field, faults)


async def _caught_up(field: Field) -> None:
    """Return when the consumer has come to where the log is now, or further."""
    await field.writing.progress()
    head = await field.number(HEAD)

    async def is_so() -> bool:
        return await field.number(DONE, CONSUMER) >= head

    await until(is_so)


async def _drained(field: Field) -> None:
    """Return when nothing is left to be published, marked or consumed."""
    await until(lambda: _is_zero(field, UNPUBLISHED))
    await until(lambda: _is_zero(field, UNMARKED))
    head = await field.number(HEAD)

    async def is_so() -> bool:
        return await field.number(DONE, CONSUMER) >= head

    await until(is_so)


async def _is_zero(field: Field, statement: str) -> bool:
    return await field.number(statement) == 0


async def _judged(kind: str, field: Field, faults: int) -> list[Figures]:
    """Judge what plain psycopg and nats-py find; nothing of the platform reads it."""
    events = await field.numbers(EVENTS)
    notices = await field.numbers(NOTICES)
    marks = await field.numbers("TABLE naive_marks")
    async with _jetstream(field) as jetstream:
        told = [
            int((each.headers or {})[POSITION])
            for each in await _messages(jetstream, field.stream)
        ]
        naive = [int(each.data) for each in await _messages(jetstream, field.control)]
    missing = len(set(events) - set(told))
    return [
        Figures(
            kind=kind,
            subject="bus",
            faults=faults,
            acknowledged=len(field.writing.told.acknowledged),
            lost=0 if kind in LOSING else missing,
            gone=missing if kind in LOSING else 0,
            duplicates=len(told) - len(set(told)),
            reordered=inversions(told),
            unposted=await field.number(UNPUBLISHED),
        ),
        Figures(
            kind=kind,
            subject="consumer",
            faults=faults,
            acknowledged=len(notices),
            lost=len(set(events) - set(notices)),
            duplicates=len(notices) - len(set(notices)),
            reordered=inversions(notices),
        ),
        Figures(
            kind=kind,
            subject="control: publisher",
            faults=faults,
            acknowledged=len(marks),
            lost=len(set(marks) - set(naive)),
            duplicates=len(naive) - len(set(naive)),
            reordered=inversions(naive),
        ),
    ]


async def _messages(jetstream: JetStreamContext, stream: str) -> list[Any]:
    state = (await jetstream.stream_info(stream)).state
    found = []
    for stream_seq in range(state.first_seq, state.last_seq + 1):
        try:
            found.append(await jetstream.get_msg(stream, seq=stream_seq))
        except NotFoundError:
            continue  # a hole in the stream
    return found


@asynccontextmanager
async def _jetstream(field: Field) -> AsyncIterator[JetStreamContext]:
    address = field.bus.address
    client = await nats.connect(
        address.url, user=address.user, password=address.password
    )
    try:
        yield client.jetstream()
    finally:
        await client.close()


@asynccontextmanager
async def _field(server: Postgres, bus: Nats) -> AsyncIterator[Field]:
    database = f"faults_{secrets.token_hex(4)}"
    dsn = server.address.dsn(database)
    async with await psycopg.AsyncConnection.connect(
        server.address.dsn("postgres"), autocommit=True
    ) as connection:
        await connection.execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
    await migrate(dsn)
    environment = _environment(dsn, database, bus)
    settings = parse_settings(environment)
    await make_streams(settings)
    field = Field(
        bus=bus,
        dsn=dsn,
        settings=settings,
        writing=Writing("ours", dsn, pause_s=WRITER_PAUSE_S),
        roles={role: Role(role, environment) for role in ROLES},
    )
    async with AsyncExitStack() as exits:
        made = await exits.enter_async_context(
            await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        )
        await made.execute(MARKS)
        jetstream = await exits.enter_async_context(_jetstream(field))
        await jetstream.add_stream(
            name=field.control, subjects=[f"naive.{settings.stream_prefix}"]
        )
    yield field


def _environment(dsn: str, database: str, bus: Nats) -> dict[str, str]:
    """Return the settings of a deployment of which only log and bus are there."""
    nowhere = "127.0.0.1:1"
    return {
        "SR_DATABASE_URL": dsn,
        "SR_MINIO_ENDPOINT": nowhere,
        "SR_MINIO_ACCESS_KEY": "none",
        "SR_MINIO_SECRET_KEY": "none",
        "SR_MINIO_TLS": "false",
        "SR_NATS_URL": bus.address.url,
        "SR_NATS_USER": bus.address.user,
        "SR_NATS_PASSWORD": bus.address.password,
        "SR_NATS_STREAM_PREFIX": database.replace("_", "-"),
        "SR_NATS_MONITOR_URL": bus.address.monitor_url,
        "SR_OIDC_ISSUER": f"http://{nowhere}",
        "SR_OIDC_JWKS_URI": f"http://{nowhere}/keys",
        "SR_OIDC_HUMAN_CLIENTS": "none",
        "SR_OIDC_AGENT_CLIENTS": "none",
        "SR_OIDC_SYSTEM_CLIENTS": "none",
        "SR_OUTBOX_POLL_INTERVAL_MS": "50",
        "SR_OUTBOX_LEASE_MS": "1000",
    }
