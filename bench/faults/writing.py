"""A writer process as its starter sees it: what it was told, and what it acknowledged."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
WRITERS: Final = 8
PROGRESS_S: Final = 60.0
"""How long to wait for an acknowledgement before the run is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A writer was told that its event is in the log."""

    writer: int
    event_id: str
    position: int


@dataclass(kw_only=True)
class Told:
    """All that writers said, in their order.

    `asked_again` has when each event was last tried, if more than once.
    """

    acknowledged: list[Acknowledged] = field(default_factory=list)
    tried: dict[str, datetime] = field(default_factory=dict)
    asked_again: dict[str, datetime] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """Take down one line of a writer process."""
        word, writer, event_id, value = line.split()
        if word == "ack":
            self.acknowledged.append(
                Acknowledged(writer=int(writer), event_id=event_id, position=int(value))
            )
            return
        at = datetime.fromisoformat(value)
        if event_id in self.tried:
            self.asked_again[event_id] = at
        self.tried[event_id] = at

    def next_numbers(self) -> list[int]:
        """Return the number of each writer's next event, the first not acknowledged."""
        counts = [1] * WRITERS
        for each in self.acknowledged:
            counts[each.writer] += 1
        return counts


class Writing:
    """A process of eight writers, which may be killed and started again."""

    def __init__(self, scheme: str, dsn: str, *, pause_s: float = 0) -> None:
        self.told = Told()
        self._scheme = scheme
        self._dsn = dsn
        self._pause_s = pause_s
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Start the process where the one before it came to."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.faults.writer"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # an interrupt from the keyboard is ours to answer
        )
        assert self._process.stdin is not None, "it was asked for"
        task = {
            "dsn": self._dsn,
            "scheme": self._scheme,
            "pause_s": self._pause_s,
            "next": self.told.next_numbers(),
        }
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        await self._process.stdin.drain()
        self._reading = asyncio.create_task(self._read(self._process))

    async def kill(self) -> bool:
        """Kill it at once, and return whether it was alive and that killed it."""
        assert self._process is not None, "killed after the start only"
        assert self._reading is not None, "read from the start on"
        if self._process.returncode is None:
            self._process.kill()
        status = await self._process.wait()
        await self._reading
        return status == -signal.SIGKILL

    async def progress(self, more: int = 1) -> None:
        """Return when `more` events are acknowledged than now.

        Raises:
            TimeoutError: they were not, within `PROGRESS_S`.
            RuntimeError: the process has ended.

        """
        wanted = len(self.told.acknowledged) + more
        await self._until(lambda: len(self.told.acknowledged) >= wanted)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PROGRESS_S):
            while not is_so():
                if self._reading is None or self._reading.done():
                    msg = f"the process of {self._scheme} writers has ended"
                    raise RuntimeError(msg)
                self._news.clear()
                await self._news.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "it was asked for"
        try:
            async for line in process.stdout:
                if line.endswith(b"\n"):  # the last may be broken off
                    self.told.take(line.decode())
                    self._news.set()
        finally:
            self._news.set()
