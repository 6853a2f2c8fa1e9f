"""Child processes that do not outlive us.

Each leads a session and a group of its own. On Linux the kernel sends it its stop signal
when we die, however we die; that is bound to the thread that starts it, which must
therefore be the main one. It writes into a file that is kept short, so it never waits
for a reader.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_sr.stack.plan import Launch
from pytest_sr.stack.processes import Identity, identity

STOP_S: Final = 5.0
POLL_S: Final = 0.01
LOG_BYTES_MAX: Final = 4 << 20

_PR_SET_PDEATHSIG: Final = 1


class Child:
    """A process that was started, and can be stopped."""

    def __init__(self, launch: Launch, *, log: Path) -> None:
        """Start `launch`, which writes to `log`."""
        assert threading.current_thread() is threading.main_thread(), (
            "a child is bound to the life of the thread that starts it"
        )
        self.launch = launch
        self.log = log
        account = launch.account if launch.account.is_other else None
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - programs that the supervisor resolved
                launch.argv,
                cwd=launch.directory,
                env=dict(launch.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_dies_with_us(launch.stop_signal),  # noqa: PLW1509 - two system calls, no locks; the kernel forgets the signal if it is set before the change of user
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        self.identity: Identity = identity(self._process.pid)

    @property
    def pid(self) -> int:
        """The process, which also leads the group of this number."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Return how it ended, negative for a signal; None while it runs.

        The process is left for `finish_stop` to bury: until then nobody else can get
        its number, nor that of its group.
        """
        if self._process.returncode is not None:
            return self._process.returncode
        end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if end is None:
            return None
        return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status

    def begin_stop(self) -> None:
        """Ask it to end."""
        if self.exit_status() is None:
            os.kill(self.pid, self.launch.stop_signal)

    def finish_stop(self, timeout_s: float = STOP_S) -> bool:
        """Wait for its end, and make an end of its whole group after `timeout_s`.

        Return whether it ended by itself.
        """
        deadline = time.monotonic() + timeout_s
        while (ended := self.exit_status() is not None) is False:
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        return ended

    def log_tail(self, lines_max: int = 20) -> str:
        """Return the last lines that it wrote."""
        return log_tail(self.log, lines_max)

    def cap_log(self) -> None:
        """Set a long log aside, so that both together stay below twice the bound."""
        if self.log.stat().st_size > LOG_BYTES_MAX:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)


def log_tail(log: Path, lines_max: int) -> str:
    """Return the last lines of the file `log`."""
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            return "".join(deque(lines, lines_max)).rstrip()
    except OSError:
        return ""


def _dies_with_us(with_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what makes the kernel send a child `with_signal` at our death."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return bind
