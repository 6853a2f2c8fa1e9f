"""Readers that follow a log while it is written: the platform's, and one that is naive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import Position

LIMIT: Final = 500
POLL_S: Final = 0.005
CONNECT_S: Final = 5
SELECT: Final = "SELECT seq FROM naive WHERE seq > %s ORDER BY seq LIMIT %s"

After = Callable[[int], Awaitable[Sequence[int]]]
"""Returns the numbers after one, in their order; raises what `_FAILED` names."""

_FAILED: Final = (Unavailable, psycopg.OperationalError, psycopg.InterfaceError)


class Reader:
    """Asks for what is after the last number it has seen, and never looks back."""

    def __init__(self, after: After) -> None:
        self.read: list[int] = []
        self._after = after
        self._is_over = False
        self._task = asyncio.create_task(self._follow())

    async def finish(self) -> Sequence[int]:
        """Return all it has read, once there is no more to read."""
        self._is_over = True
        await self._task
        return self.read

    async def abandon(self) -> None:
        """Stop at once."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            was_over = self._is_over
            try:
                found = await self._after(self.read[-1] if self.read else 0)
            except _FAILED:
                found, was_over = (), False
            self.read += found
            if was_over and not found:
                return
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def platform_reader(dsn: str) -> AsyncIterator[Reader]:
    """Follow the log by the platform's event store."""
    async with connection_pool(dsn, connections_max=1) as pool:
        store = PostgresEventStore(pool)

        async def after(last: int) -> Sequence[int]:
            found = await store.read(after=Position(last), limit=LIMIT)
            return [each.position for each in found]

        async with _reading(after) as reader:
            yield reader


@asynccontextmanager
async def naive_reader(dsn: str) -> AsyncIterator[Reader]:
    """Follow the control's table by `seq > the last seen`."""
    connection: psycopg.AsyncConnection[Any] | None = None

    async def after(last: int) -> Sequence[int]:
        nonlocal connection
        if connection is None or connection.closed:
            connection = await psycopg.AsyncConnection.connect(
                dsn, autocommit=True, connect_timeout=CONNECT_S
            )
        cursor = await connection.execute(SELECT, (last, LIMIT))
        return [seq for (seq,) in await cursor.fetchall()]

    try:
        async with _reading(after) as reader:
            yield reader
    finally:
        if connection is not None:
            await connection.close()


@asynccontextmanager
async def _reading(after: After) -> AsyncIterator[Reader]:
    reader = Reader(after)
    try:
        yield reader
    finally:
        await reader.abandon()
