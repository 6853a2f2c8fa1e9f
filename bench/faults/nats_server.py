"""A NATS of one's own, that can be killed, damaged, and comes back on the same files."""

from __future__ import annotations

import os
import random  # noqa: TID251 - the schedule is drawn from the seed
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.faults.servers import ready
from pytest_sr.stack import nats
from pytest_sr.stack.addresses import NatsAddress
from pytest_sr.stack.binaries import NATS, resolve
from pytest_sr.stack.children import Child
from pytest_sr.stack.ports import PortBook


class Nats:
    """A server that keeps its streams in a directory."""

    def __init__(self, room: Path) -> None:
        """Plan it below `room`; nothing runs yet."""
        self._plan = nats.plan(resolve(NATS, os.environ).path, room, PortBook())
        self._store = room / "jetstream"
        self._log = room / "nats.log"
        self._child: Child | None = None

    @property
    def address(self) -> NatsAddress:
        """Where it listens, before and after every fault."""
        return self._plan.address

    async def start(self) -> None:
        """Start it, on the files that are there, and return when it does real work."""
        self._child = Child(self._plan.launch, log=self._log)
        await ready(self._child, self._plan)

    def kill(self) -> None:
        """Kill it at once."""
        assert self._child is not None, "killed after the start only"
        os.killpg(self._child.pid, signal.SIGKILL)
        self._child.finish_stop()

    def end(self) -> None:
        """Ask it to end, and see to it that it does."""
        if self._child is not None:
            self._child.begin_stop()
            self._child.finish_stop()

    def flip_bit(self, stream: str, rng: random.Random) -> bool:
        """Flip one bit of a file of the stream's messages; return whether there was one."""
        blocks = sorted(
            each
            for each in self._store.glob(f"**/{stream}/msgs/*.blk")
            if each.stat().st_size
        )
        if not blocks:
            return False
        block = rng.choice(blocks)
        data = bytearray(block.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        block.write_bytes(data)
        return True


@contextmanager
def nats_of_our_own() -> Iterator[Nats]:
    """Plan a NATS below a new directory; end it and remove that, however it goes."""
    with tempfile.TemporaryDirectory(prefix="sr-faults-") as directory:
        server = Nats(Path(directory))
        try:
            yield server
        finally:
            server.end()
