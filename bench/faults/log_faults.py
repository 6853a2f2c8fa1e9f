"""What befalls the log's writers, and what is in the log afterwards.

The platform's writers and the control's are processes of their own that work at the same
time, on one Postgres; each fault is injected into both.
"""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - the schedule is drawn from the seed
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier

from bench.faults import judge
from bench.faults.judge import Figures, Row
from bench.faults.link import Cut, Link
from bench.faults.readers import Reader, naive_reader, platform_reader
from bench.faults.servers import Postgres, until
from bench.faults.writing import Writing
from sr_core.bootstrap.compose import migrate

NAIVE: Final = """
CREATE TABLE naive (
    seq bigserial PRIMARY KEY, event_id text NOT NULL, envelope bytea NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT now())
"""
OURS_ROWS: Final = """
SELECT global_seq, event_id, inserted_at, envelope, envelope_hash, chain_hash
  FROM es.events ORDER BY global_seq
"""
NAIVE_ROWS: Final = "SELECT seq, event_id, inserted_at FROM naive ORDER BY seq"
HEAD: Final = "SELECT global_seq, chain_hash FROM es.head"
UNPOSTED: Final = """
SELECT count(*) FROM es.events AS e FULL JOIN es.outbox AS o USING (global_seq)
 WHERE e.global_seq IS NULL OR o.global_seq IS NULL
    OR o.topic <> 'sr.events.' || e.stream_kind || '.' || e.event_type
"""
BACKENDS: Final = """
SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY pid
"""
WRITERS: Final = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY (%s)
"""
TERMINATE: Final = "SELECT pg_terminate_backend(%s)"
SCHEMES: Final = ("ours", "naive")
PAUSE_S: Final = (0.05, 0.5)
"""Between which bounds the wait for the next fault is drawn."""
CUT_S: Final = 30.0
"""How long a cut waits for an event to come by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When enough has happened to one kind: after so long, or so many faults."""

    seconds: float
    faults_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where the faults of one kind take place."""

    server: Postgres
    dsn: str
    writing: Mapping[str, Writing]
    links: Mapping[str, Link]


Inject = Callable[[Field, random.Random], Awaitable[bool]]
"""Does its harm once; says whether it landed on the platform's writers."""


async def kill_writer(field: Field, rng: random.Random) -> bool:
    """Kill -9 the processes that write, and start others in their place."""
    del rng
    landed = {name: await field.writing[name].kill() for name in SCHEMES}
    for name in SCHEMES:
        await field.writing[name].start()
    return landed["ours"]


async def end_backend(field: Field, rng: random.Random) -> bool:
    """End a random session of each by `pg_terminate_backend`."""
    landed = {}
    async with await psycopg.AsyncConnection.connect(
        field.dsn, autocommit=True
    ) as connection:
        for name in SCHEMES:
            cursor = await connection.execute(BACKENDS, (name,))
            pids = [pid for (pid,) in await cursor.fetchall()]
            if not pids:
                continue
            cursor = await connection.execute(TERMINATE, (rng.choice(pids),))
            landed[name] = await cursor.fetchone() == (True,)
    return landed.get("ours", False)


async def kill_postgres(field: Field, rng: random.Random) -> bool:
    """Kill -9 every process of Postgres, and start it on the same files."""
    del rng
    await field.server.kill()
    await field.server.start()
    return True


async def cut_answer(field: Field, rng: random.Random) -> bool:
    """Cut the connection once a statement that stores an event went through it."""
    when = rng.choices([Cut.ANSWERED, Cut.SENT], weights=[3, 1])[0]
    landed = await asyncio.gather(
        *(field.links[name].cut(when, within_s=CUT_S) for name in SCHEMES)
    )
    return landed[0]


KINDS: Final[Mapping[str, Inject]] = {
    "kill-writer": kill_writer,
    "end-backend": end_backend,
    "kill-postgres": kill_postgres,
    "cut-answer": cut_answer,
}


async def run(
    kind: str, server: Postgres, rng: random.Random, bounds: Bounds
) -> list[Figures]:
    """Have faults of one kind, and return what became of the log and of the controls."""
    async with _field(server) as field, _readers(field) as (ours, naive):
        for each in field.writing.values():
            await each.start()
        try:
            inject = partial(KINDS[kind], field, rng)
            faults = await harm(inject, partial(_progress, field), rng, bounds)
        finally:
            for each in field.writing.values():
                await each.kill()
        await _quiet(field)
        read = await ours.finish(), await naive.finish()
        return await _judged(kind, field, faults, read)


async def harm(
    inject: Callable[[], Awaitable[bool]],
    caught_up: Callable[[], Awaitable[None]],
    rng: random.Random,
    bounds: Bounds,
) -> int:
    """Inject faults, each once work has gone on after the last; return how many landed."""
    landed, loop = 0, asyncio.get_running_loop()
    deadline = loop.time() + bounds.seconds
    await caught_up()
    while landed < bounds.faults_max and loop.time() < deadline:
        await asyncio.sleep(rng.uniform(*PAUSE_S))
        landed += await inject()
        await caught_up()
    return landed


async def _progress(field: Field) -> None:
    await asyncio.gather(*(each.progress() for each in field.writing.values()))


@asynccontextmanager
async def _field(server: Postgres) -> AsyncIterator[Field]:
    database = f"faults_{secrets.token_hex(4)}"
    dsn = server.address.dsn(database)
    async with await psycopg.AsyncConnection.connect(
        server.address.dsn("postgres"), autocommit=True
    ) as connection:
        await connection.execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
    await migrate(dsn)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as made:
        await made.execute(NAIVE)
    async with AsyncExitStack() as exits:
        links = {
            name: await exits.enter_async_context(
                Link(server.address.host, server.address.port)
            )
            for name in SCHEMES
        }
        writing = {
            name: Writing(
                name,
                replace(server.address, port=link.port).dsn(database)
                + f"?application_name={name}",
            )
            for name, link in links.items()
        }
        yield Field(server=server, dsn=dsn, writing=writing, links=links)


@asynccontextmanager
async def _readers(field: Field) -> AsyncIterator[tuple[Reader, Reader]]:
    async with platform_reader(field.dsn) as ours, naive_reader(field.dsn) as naive:
        yield ours, naive


async def _quiet(field: Field) -> None:
    """Return when no session of a writer is left that could still commit."""
    async with await psycopg.AsyncConnection.connect(
        field.dsn, autocommit=True
    ) as connection:

        async def is_quiet() -> bool:
            cursor = await connection.execute(WRITERS, (list(SCHEMES),))
            return await cursor.fetchone() == (0,)

        await until(is_quiet)


async def _judged(
    kind: str, field: Field, faults: int, read: tuple[Sequence[int], Sequence[int]]
) -> list[Figures]:
    """Judge what plain psycopg finds; nothing of the platform reads it."""
    async with await psycopg.AsyncConnection.connect(field.dsn) as connection:
        ours = [
            Row(
                position=row[0],
                event_id=row[1],
                inserted_at=row[2],
                envelope=row[3],
                envelope_hash=row[4],
                chain_hash=row[5],
            )
            for row in await (await connection.execute(OURS_ROWS)).fetchall()
        ]
        naive = [
            Row(position=row[0], event_id=row[1], inserted_at=row[2])
            for row in await (await connection.execute(NAIVE_ROWS)).fetchall()
        ]
        head = await (await connection.execute(HEAD)).fetchone()
        unposted = await (await connection.execute(UNPOSTED)).fetchone()
    assert head is not None, "the head is one row"
    assert unposted is not None, "a count is one row"
    told, other = (field.writing[name].told for name in SCHEMES)
    return [
        Figures(
            kind=kind,
            subject="log",
            faults=faults,
            acknowledged=len(told.acknowledged),
            unanswered=judge.unanswered(told, ours),
            lost=judge.lost(told, ours),
            duplicates=judge.duplicates(ours),
            reordered=judge.reordered(told),
            holes=judge.holes(ours),
            broken=judge.broken(ours, (head[0], head[1])),
            unposted=unposted[0],
        ),
        _of_reader(kind, "reader", faults, read[0], ours),
        Figures(
            kind=kind,
            subject="control: writer",
            faults=faults,
            acknowledged=len(other.acknowledged),
            unanswered=judge.unanswered(other, naive),
            lost=judge.lost(other, naive),
            duplicates=judge.duplicates(naive),
            reordered=judge.reordered(other),
            holes=judge.holes(naive),
        ),
        _of_reader(kind, "control: reader", faults, read[1], naive),
    ]


def _of_reader(
    kind: str, subject: str, faults: int, read: Sequence[int], rows: Sequence[Row]
) -> Figures:
    return Figures(
        kind=kind,
        subject=subject,
        faults=faults,
        acknowledged=len(read),
        lost=judge.unread(read, rows),
        reordered=judge.inversions(read),
    )
