"""The process that appends, told on its input what to do and telling all it knows.

    python -m bench.faults.writer   <- one line of JSON: dsn, scheme, pause_s, next
                                    -> try WRITER EVENT_ID TIME
                                    -> ack WRITER EVENT_ID POSITION

Each writer rests `pause_s` after an event. `next` has for each the number of its next
event. Whoever starts the process again gives the number after the last acknowledged one,
so what nobody answered is tried again: with the same identifier, as a client does. It
ends when its input does.

The scheme `ours` appends through the platform's event store. `naive` is the control: a
table with a sequence and no idempotency, and a writer that tries again after an error.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, Final

import psycopg

from bench.events import loops_created
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.system import SystemClock
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import Batch

APART: Final = 10**9
"""How far apart the numbers of two writers' events begin."""
DEADLINE_S: Final = 5.0
CONNECT_S: Final = 5
RETRY_S: Final = 0.02
"""How long a writer that was refused waits before it tries again."""
INSERT: Final = "INSERT INTO naive (event_id, envelope) VALUES (%s, %s) RETURNING seq"

Append = Callable[[Batch], Awaitable[int]]
"""Appends one event and returns its position, or raises what `_FAILED` names."""

_FAILED: Final = (Unavailable, psycopg.OperationalError, psycopg.InterfaceError)


async def main() -> None:
    """Append until the input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    # That connections break is what a fault run is for: the tries tell of it.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    task = json.loads(await reader.readline())
    work = asyncio.create_task(
        _SCHEMES[task["scheme"]](task["dsn"], task["next"], task["pause_s"])
    )
    ended = asyncio.create_task(reader.read())
    await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()  # it never ends by itself, so this raises
    work.cancel()


async def _ours(dsn: str, numbers: Sequence[int], pause_s: float) -> None:
    async with connection_pool(dsn, deadline_s=DEADLINE_S) as pool:
        store = PostgresEventStore(pool)

        async def append(batch: Batch) -> int:
            return (await store.append(batch))[0]

        async with asyncio.TaskGroup() as group:
            for writer, number in enumerate(numbers):
                group.create_task(_write(writer, number, append, pause_s))


async def _naive(dsn: str, numbers: Sequence[int], pause_s: float) -> None:
    async with asyncio.TaskGroup() as group:
        for writer, number in enumerate(numbers):
            group.create_task(_write(writer, number, _Naive(dsn).append, pause_s))


class _Naive:
    """Inserts, and dials again when the connection is gone."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def append(self, batch: Batch) -> int:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=CONNECT_S
            )
        event = batch.events[0]
        cursor = await self._connection.execute(
            INSERT, (event.event_id, event.envelope)
        )
        found = await cursor.fetchone()
        assert found is not None, "an INSERT that succeeds returns its row"
        return int(found[0])


async def _write(writer: int, number: int, append: Append, pause_s: float) -> None:
    for batch in loops_created(writer * APART + number):
        await _until_appended(writer, batch, append)
        await asyncio.sleep(pause_s)


async def _until_appended(writer: int, batch: Batch, append: Append) -> None:
    event_id = batch.events[0].event_id
    for attempt in count():
        if attempt:
            await asyncio.sleep(RETRY_S)
        _tell("try", writer, event_id, SystemClock().now().isoformat())
        try:
            position = await append(batch)
        except _FAILED:
            continue
        _tell("ack", writer, event_id, position)
        return


def _tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


_SCHEMES: Final = {"ours": _ours, "naive": _naive}

if __name__ == "__main__":
    asyncio.run(main())
