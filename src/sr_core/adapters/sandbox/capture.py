"""A program's output, read as it comes and kept in bounded memory (R-SBX-7)."""

from __future__ import annotations

import asyncio
import os
from typing import Final, Self

from sr_core.ports.sandbox import CAPTURED_BYTES_MAX, CappedOutput

_READ_BYTES: Final = 64 * 1024


class Capture:
    """A pipe whose first and last bytes are kept, and whose others are counted.

    The program gets `write_end`. It is read by the event loop, never by a task that
    a survivor holding the pipe open could keep waiting.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._head = bytearray()
        self._tail = bytearray()
        self._bytes_total = 0
        self._at_end = False
        self._news = asyncio.Event()
        self._read_end, self.write_end = os.pipe()
        self._is_open = self._is_write_end_ours = True
        os.set_blocking(self._read_end, False)
        self._loop.add_reader(self._read_end, self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hand_over()
        if self._is_open:
            self._loop.remove_reader(self._read_end)
            os.close(self._read_end)
            self._is_open = False

    def hand_over(self) -> None:
        """Close our copy of `write_end`, so that the pipe ends with the program."""
        if self._is_write_end_ours:
            os.close(self.write_end)
            self._is_write_end_ours = False

    async def first_line(self) -> bytes:
        """Return the first line, or what there is of it when the pipe ended."""
        while b"\n" not in self._head and not self._at_end:
            await self._next()
        return bytes(self._head.partition(b"\n")[0])

    async def drained(self, *, within_s: float) -> CappedOutput:
        """Return what was written, waiting `within_s` at most for the pipe's end."""
        try:
            async with asyncio.timeout(within_s):
                while not self._at_end:
                    await self._next()
        except TimeoutError:
            pass  # someone still holds it open; what they write is not waited for
        return CappedOutput(
            data=bytes(self._head + self._tail[-CAPTURED_BYTES_MAX:]),
            bytes_total=self._bytes_total,
        )

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _read(self) -> None:
        chunk = os.read(self._read_end, _READ_BYTES)
        self._keep(chunk)
        if not chunk:
            self._at_end = True
            self._loop.remove_reader(self._read_end)
        self._news.set()

    def _keep(self, chunk: bytes) -> None:
        self._bytes_total += len(chunk)
        room = CAPTURED_BYTES_MAX - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * CAPTURED_BYTES_MAX:
            del self._tail[:-CAPTURED_BYTES_MAX]
