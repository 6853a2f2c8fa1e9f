"""A stack as its user sees it: start, addresses, close.

    with StackProcess() as stack:
        addresses = stack.start(print)

The supervisor is a process of its own, in a session of its own: what happens in our
terminal does not reach it. It lives as long as we hold the pipe to it, and so never
longer than we do.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from pytest_sr.stack.addresses import READY, StackAddresses
from pytest_sr.stack.errors import SupervisorError

CLOSE_S: Final = 15.0
_LINES_KEPT: Final = 40


class StackProcess:
    """A supervisor, started and stopped from here."""

    def __init__(self, *, directory: Path | None = None) -> None:
        """Prepare; `directory` is where the stack makes its own, the default TMPDIR."""
        self._directory = directory
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._last: deque[str] = deque(maxlen=_LINES_KEPT)

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What the supervisor said last."""
        return tuple(self._last)

    @property
    def pid(self) -> int | None:
        """The supervisor's process, None before the start and after the close."""
        return self._process.pid if self._process else None

    def start(self, progress: Callable[[str], None]) -> StackAddresses:
        """Start the stack and return its addresses as soon as all of it is ready.

        `progress` is given a line at a time, in this thread.

        Raises:
            SupervisorError: it ended instead; nothing is left behind.

        """
        assert self._process is None, "a StackProcess starts once at a time"
        self._process = self._spawn()
        try:
            return self._await_addresses(self._process, progress)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the stack and wait until nothing is left of it; again does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None, "it was started with a pipe"
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _spawn(self) -> subprocess.Popen[str]:
        where = ["--directory", str(self._directory)] if self._directory else []
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", "pytest_sr.stack", *where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        for name, pipe in (("address", process.stdout), ("progress", process.stderr)):
            assert pipe is not None, "it was started with a pipe"
            threading.Thread(
                target=self._read, args=(name, pipe), daemon=True, name=f"stack-{name}"
            ).start()
        return process

    def _read(self, name: str, pipe: IO[str]) -> None:
        """Read `pipe` to its end, so that the supervisor never waits for us."""
        with pipe:
            for line in pipe:
                if name == "progress":
                    self._last.append(line.rstrip("\n"))
                self._lines.put((name, line.rstrip("\n")))
        self._lines.put(("end", name))

    def _await_addresses(
        self, process: subprocess.Popen[str], progress: Callable[[str], None]
    ) -> StackAddresses:
        """Read both pipes until all progress is told and the addresses are there.

        They come in any order: nothing ties one pipe to the other.
        """
        ended: set[str] = set()
        addresses: StackAddresses | None = None
        all_told = False
        while len(ended) < 2:  # noqa: PLR2004 - standard output and standard error
            name, line = self._lines.get()
            if name == "address":
                addresses = StackAddresses.from_json(line)
            elif name == "progress":
                progress(line)
                all_told = all_told or line.startswith(READY)
            else:
                ended.add(line)
            if addresses is not None and all_told:
                return addresses
        raise SupervisorError(
            found="the stack did not start: its supervisor ended with status "
            f"{process.wait()} and said:\n" + "\n".join(self._last),
            remedy="See its last line for what to do",
        )
