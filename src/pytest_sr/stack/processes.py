"""Processes, told apart by identifier *and* start: an identifier alone is given again.

Read from /proc, so only where there is one. Elsewhere nobody is known to live, and
nobody is killed.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_START_FIELD: Final = 19  # field 22 of stat, counted from the state behind the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A process; `started` is in clock ticks since boot, None where nobody tells."""

    pid: int
    started: int | None

    def lives(self) -> bool:
        """Return whether this very process, and not a later one, runs."""
        return self.started is not None and started_at(self.pid) == self.started


def identity(pid: int) -> Identity:
    """Return the process that has `pid` now."""
    return Identity(pid=pid, started=started_at(pid))


def started_at(pid: int) -> int | None:
    """Return when the process began; None if it is gone or only its exit is left."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[_START_FIELD - 1])


def boot_id() -> str:
    """Return what names this run of the machine, empty where nothing does."""
    try:
        path = _PROC / "sys/kernel/random/boot_id"
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def pid_namespace() -> str:
    """Return what names the namespace in which our process identifiers are valid."""
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def running_in(directory: Path, program: Path) -> list[int]:
    """Return the processes that run `program` with `directory` as their own.

    Every process of a Postgres server stays in its data directory, also those that have
    left the group of the first.
    """
    found = []
    for entry in _PROC.glob("[0-9]*"):
        try:
            is_it = (entry / "cwd").readlink() == directory and (
                entry / "exe"
            ).readlink() == program
        except OSError:
            continue
        if is_it:
            found.append(int(entry.name))
    return [each for each in found if each != os.getpid()]
