"""`python -m bench.rebuild_kills`: a rebuild killed at random (R-EVT-11).

    append, all the time ──▶ es.events ──▶ proj.loops ◀── sr log rebuild ──▶ kill -9, again
                                 │                                           and again
                                 └──▶ compared in one statement ◀────────────┘

The control makes a table of its own anew where it stands: when it is killed, rows are
missing. Exit 0 if nothing is wrong, 1 if something is, and 2 if the run is INVALID: a
kill came too late, or the control was never seen to lose a row.
"""

from __future__ import annotations

import argparse
import asyncio
import random  # noqa: TID251 - the schedule is drawn from the seed
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import psycopg

from bench.events import loops_created
from bench.servers import Database, database, stack
from pytest_sr.stack.addresses import StackAddresses
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.rebuilding import PostgresRebuildSite
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application.rebuild import rebuild
from sr_core.ports.event_store import Batch, EventStore

PAUSE_S: Final = 0.002
"""Between two appends, so that the log does not grow beyond what a rebuild is timed for."""
REBUILD: Final = """
import asyncio, sys
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.rebuilding import PostgresRebuildSite
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application.rebuild import rebuild

async def main():
    async with connection_pool(sys.argv[1], deadline_s=60) as pool:
        print("begins", flush=True)
        site = PostgresRebuildSite(sys.argv[1])
        await rebuild(PostgresEventStore(pool), site, PrometheusMetrics(), batch=100)

asyncio.run(main())
"""
NAIVE: Final = """
import sys
import psycopg

with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    print("begins", flush=True)
    connection.execute("TRUNCATE naive_loops")
    for each in connection.execute("SELECT event_id FROM es.events").fetchall():
        connection.execute("INSERT INTO naive_loops VALUES (%s)", each)
"""
WRONG: Final = """
SELECT count(*) FROM (SELECT event_id FROM es.events) AS e
  FULL JOIN (SELECT last_event_id AS event_id FROM proj.loops) AS l USING (event_id)
 WHERE e.event_id IS NULL OR l.event_id IS NULL
"""
"""Each event makes a loop, so that rows of the one are rows of the other."""
LOG: Final = "SELECT count(*) FROM es.events"
NAIVE_ROWS: Final = "SELECT count(*) FROM naive_loops"


@dataclass(slots=True, kw_only=True)
class Found:
    """What was found; all but `kills` and `acknowledged` is wrong, unless in a control."""

    kills: int = 0
    late: int = 0
    wrong: int = 0
    control_wrong: int = 0
    acknowledged: list[int] = field(default_factory=list)
    lost: int = 0
    differing: int = 0


def main(arguments: Sequence[str]) -> int:
    """Kill as often as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.rebuild_kills")
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument(
        "--events", type=int, default=4000, metavar="N", help="before the first kill"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    chosen = parser.parse_args(arguments)
    rng = random.Random(chosen.seed)  # noqa: S311 - a schedule, no secret
    with stack() as addresses:
        found = asyncio.run(_in_database(addresses, rng, chosen.kills, chosen.events))
    _say(f"seed {chosen.seed}")
    _say(f"killed {found.kills} times, {found.late} times after its end")
    _say(
        f"acknowledged meanwhile {len(found.acknowledged)}, of these lost {found.lost}"
    )
    _say(f"rows missing or too many after a kill: {found.wrong}")
    _say(f"the same, of the control: {found.control_wrong}")
    _say(f"cells that the last rebuild found differing: {found.differing}")
    return verdict(found)


def verdict(found: Found) -> int:
    """Return the exit code for what was found."""
    if found.wrong or found.lost or found.differing:
        return 1
    shown = found.kills > found.late and found.acknowledged and found.control_wrong
    return 0 if shown else 2


async def _in_database(
    addresses: StackAddresses, rng: random.Random, kills: int, events: int
) -> Found:
    found = Found()
    source = loops_created()
    async with (
        database(addresses) as made,
        connection_pool(made.app, deadline_s=60) as pool,
    ):
        store = PostgresEventStore(pool)
        await asyncio.gather(*map(store.append, islice(source, events)))
        async with _appending(store, source, found):
            await _kill(made, rng, kills, found)
        site = PostgresRebuildSite(made.owner)
        ended = await rebuild(store, site, PrometheusMetrics())
        found.differing = ended.compared.rows
        there = await _count(made.owner, LOG)
        found.lost = events + len(found.acknowledged) - there
    return found


async def _kill(made: Database, rng: random.Random, kills: int, found: Found) -> None:
    await _count(made.owner, "CREATE TABLE naive_loops (event_id text)", rows=False)
    whole = [await _timed(each, made.owner) for each in (REBUILD, NAIVE)]
    for _ in range(kills):
        found.late += await _killed(REBUILD, made.owner, rng.uniform(0, whole[0]))
        found.kills += 1
        found.wrong += await _count(made.owner, WRONG)
        there = await _count(made.owner, LOG)
        await _killed(NAIVE, made.owner, rng.uniform(0, whole[1]))
        left = await _count(made.owner, NAIVE_ROWS)
        found.control_wrong += max(0, there - left)


async def _killed(program: str, dsn: str, after_s: float) -> bool:
    """Start the program and kill it, and return whether it had ended before."""
    process = await _started(program, dsn)
    await asyncio.sleep(after_s)
    is_late = process.returncode is not None
    if not is_late:
        process.kill()
    await process.wait()
    return is_late


async def _started(program: str, dsn: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, dsn, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None, "it was asked for"
    if await process.stdout.readline() != b"begins\n":
        msg = "what is to be killed did not begin"
        raise RuntimeError(msg)
    return process


async def _timed(program: str, dsn: str) -> float:
    process = await _started(program, dsn)
    began = time.perf_counter()
    if await process.wait():
        msg = "what is to be killed does not end well by itself"
        raise RuntimeError(msg)
    return time.perf_counter() - began


@asynccontextmanager
async def _appending(
    store: EventStore, source: Iterator[Batch], found: Found
) -> AsyncIterator[None]:
    """Append as long as the block lasts, and keep what was acknowledged."""

    async def append() -> None:
        for batch in source:
            found.acknowledged += await store.append(batch)
            if is_over.is_set():
                return
            await asyncio.sleep(PAUSE_S)

    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(append())
        try:
            yield
        finally:
            is_over.set()


async def _count(dsn: str, statement: str, *, rows: bool = True) -> int:
    async with await psycopg.AsyncConnection.connect(
        dsn, autocommit=True
    ) as connection:
        cursor = await connection.execute(statement.encode())
        if not rows:
            return 0
        row = await cursor.fetchone()
    assert row is not None, "a count is one row"
    return int(row[0])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
