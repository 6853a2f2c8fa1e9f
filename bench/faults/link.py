"""A cable between a writer and Postgres that breaks when the statement is through."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum, auto
from typing import Final, Self

LOOPBACK: Final = "127.0.0.1"
EVENT: Final = b"evt_"
"""What only statements that store an event carry to the server."""
CHUNK: Final = 65_536


class Cut(Enum):
    """When the cable breaks; in both cases the server has the statement."""

    SENT = auto()
    """As soon as the bytes are sent: nobody knows whether it is carried out."""
    ANSWERED = auto()
    """When the answer comes, which is thrown away: it is committed."""


class Link:
    """Carries bytes to one server and back, until it is told to cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self._armed: Cut | None = None
        self._done = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> Self:
        """Take connections."""
        self._server = await asyncio.start_server(self._carry, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Break off every connection."""
        assert self._server is not None, "it was entered"
        self._server.close()
        for each in self._carrying:
            each.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def cut(self, when: Cut, *, within_s: float) -> bool:
        """Break the connection of the next event; return whether there was one."""
        self._done.clear()
        self._armed = when
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), within_s)
        self._armed = None
        return self._done.is_set()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._carrying.add(task)
        far_writer: asyncio.StreamWriter | None = None
        try:
            # A server that is down refuses, and so do we, by hanging up.
            with suppress(ConnectionError, asyncio.CancelledError):
                far_reader, far_writer = await asyncio.open_connection(*self._target)
                await self._between((reader, writer), (far_reader, far_writer))
        finally:
            self._carrying.discard(task)
            writer.transport.abort()
            if far_writer is not None:
                far_writer.close()  # not aborted: the server may still read its bytes

    async def _between(
        self,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        doomed = asyncio.Event()
        pumps = {
            asyncio.create_task(self._there(near[0], far[1], doomed)),
            asyncio.create_task(self._back(far[0], near[1], doomed)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in pumps:
                each.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _there(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        doomed: asyncio.Event,
    ) -> None:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
            if self._armed is not None and EVENT in data:
                when, self._armed = self._armed, None
                if when is Cut.SENT:
                    self._done.set()
                    return
                doomed.set()

    async def _back(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        doomed: asyncio.Event,
    ) -> None:
        while data := await reader.read(CHUNK):
            if doomed.is_set():
                self._done.set()
                return
            writer.write(data)
            await writer.drain()
