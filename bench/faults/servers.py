"""A Postgres of one's own, that can be killed and comes back on the same files."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pytest_sr.stack import postgres
from pytest_sr.stack.accounts import reachable_install, without_root
from pytest_sr.stack.addresses import PostgresAddress
from pytest_sr.stack.binaries import resolve_postgres
from pytest_sr.stack.children import Child
from pytest_sr.stack.plan import Launch, Plan
from pytest_sr.stack.ports import PortBook, is_listening
from pytest_sr.stack.processes import running_in

READY_S: Final = 60.0
POLL_S: Final = 0.02


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return when it is so.

    Raises:
        TimeoutError: it was not, within `READY_S`.

    """
    async with asyncio.timeout(READY_S):
        while True:
            if await is_so():
                return
            await asyncio.sleep(POLL_S)


async def ready(child: Child, plan: Plan[Any]) -> None:
    """Return when the child, which was started by the plan, does real work.

    Raises:
        RuntimeError: it ended.
        TimeoutError: it did not, within `READY_S`.

    """

    async def is_so() -> bool:
        if child.exit_status() is not None:
            raise RuntimeError(child.log_tail())
        if not is_listening(plan.port):
            return False
        try:
            await asyncio.to_thread(plan.probe)
        except Exception:  # noqa: BLE001 - whatever a driver raises means: not yet
            return False
        return True

    await until(is_so)


class Postgres:
    """A server on a data directory, run as somebody who is not root."""

    def __init__(self, room: Path) -> None:
        """Plan it below `room`; nothing runs yet."""
        account = without_root()
        if account.is_other:
            room.chmod(0o711)
        bin_dir = reachable_install(
            resolve_postgres(os.environ).path.parent, account, copy_to=room / "programs"
        )
        directory = room / "postgres"
        directory.mkdir(mode=0o700)
        self._plan = postgres.plan(bin_dir, directory, account, PortBook())
        self._program = bin_dir / "postgres"
        self._data = directory / "data"
        self._log = room / "postgres.log"
        self._child: Child | None = None

    @property
    def address(self) -> PostgresAddress:
        """Where it listens, before and after every fault."""
        return self._plan.address

    async def start(self) -> None:
        """Start it, on the files that are there, and return when it does real work.

        Raises:
            RuntimeError: it ended, or did no work within `READY_S`.

        """
        launch = self._plan.launch
        if self._data.exists():
            launch = self._restart()
        self._child = Child(launch, log=self._log)
        try:
            await ready(self._child, self._plan)
        except TimeoutError as error:
            raise RuntimeError(self._child.log_tail()) from error

    async def kill(self) -> None:
        """Kill the first of its processes, then all others, and see them gone.

        Each of the others leads a group of its own, so no one signal reaches all.
        """
        assert self._child is not None, "killed after the start only"
        os.killpg(self._child.pid, signal.SIGKILL)
        self._child.finish_stop()
        await until(self._are_all_gone)

    def end(self) -> None:
        """Make an end of it, in whatever state it is."""
        if self._child is not None:
            self._child.begin_stop()
            self._child.finish_stop()
        self._kill_rest()

    async def _are_all_gone(self) -> bool:
        return not self._kill_rest()

    def _kill_rest(self) -> int:
        """Kill what is left of it, and return how many that were."""
        left = running_in(self._data, self._program)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(left)

    def _restart(self) -> Launch:
        argv = (str(self._program), "-D", str(self._data))
        return replace(self._plan.launch, argv=argv)


@contextmanager
def postgres_of_our_own() -> Iterator[Postgres]:
    """Plan a Postgres below a new directory; end it and remove that, however it goes."""
    with tempfile.TemporaryDirectory(prefix="sr-faults-") as directory:
        server = Postgres(Path(directory))
        try:
            yield server
        finally:
            server.end()
