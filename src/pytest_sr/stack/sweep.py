"""Clearing away what dead supervisors left behind.

A directory is swept when its supervisor is certainly dead, and then only what its note
names is ended: processes by identifier and start, never by name. In doubt it is left
for the next start.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_sr.stack.owner import LOCK, Owner, creator_of, read_owner, try_lock
from pytest_sr.stack.ports import SOCKET_HOME, weed_sockets
from pytest_sr.stack.processes import (
    boot_id,
    pid_namespace,
    running_in,
    started_at,
)

GRACE_S: Final = 60.0
"""How long a directory without a note may be one that is just being made."""


END_S: Final = 5.0
POLL_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What can be seen of a directory's supervisor."""

    is_locked: bool
    has_note: bool
    supervisor_lives: bool
    creator_lives: bool
    age_s: float


def is_abandoned(signs: Signs) -> bool:
    """Return whether the directory's supervisor is certainly dead."""
    if signs.is_locked or signs.supervisor_lives:
        return False
    if signs.has_note:
        return True
    return signs.age_s >= GRACE_S and not signs.creator_lives


def sweep(
    base: Path,
    *,
    say: Callable[[str], None],
    ours: Path,
    socket_home: Path = SOCKET_HOME,
) -> None:
    """Remove every abandoned directory of our user in `base`, and what belongs to it.

    `ours` is the caller's own directory, just made: its time tells the age of others.
    """
    now = ours.stat().st_mtime
    for directory in sorted(base.resolve().glob("sr-stack-*")):
        if directory != ours and _is_of_our_user(directory):
            _sweep_one(directory, now=now, say=say, socket_home=socket_home)


def remove_sockets(ports: tuple[int, ...], *, socket_home: Path = SOCKET_HOME) -> None:
    """Remove what weed leaves outside its directory, as far as it is ours."""
    for port in ports:
        for path in weed_sockets(port, socket_home=socket_home):
            with suppress(OSError):
                if path.lstat().st_uid == os.geteuid():
                    path.unlink()


def end_postgres(data: Path, program: Path) -> None:
    """End what is left of the server of the cluster in `data`."""
    for pid in running_in(data, program):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _is_of_our_user(directory: Path) -> bool:
    creator = creator_of(directory)
    if creator is None or creator[0] != os.geteuid() or directory.is_symlink():
        return False
    try:
        return directory.is_dir() and directory.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _sweep_one(
    directory: Path, *, now: float, say: Callable[[str], None], socket_home: Path
) -> None:
    lock = try_lock(directory)
    is_locked = lock is None and (directory / LOCK).exists()
    try:
        if not is_abandoned(_signs(directory, is_locked=is_locked, now=now)):
            return
        owner = read_owner(directory)
        if owner is not None:
            _end_leftovers(directory, owner)
            remove_sockets(owner.weed_grpc_ports, socket_home=socket_home)
        shutil.rmtree(directory, ignore_errors=True)
        say(f"swept {directory}, whose supervisor is dead")
    finally:
        if lock is not None:
            lock.close()


def _signs(directory: Path, *, is_locked: bool, now: float) -> Signs:
    owner = read_owner(directory)
    creator = creator_of(directory)
    assert creator is not None, "only directories of that name are looked at"
    try:
        age_s = now - directory.stat().st_mtime
    except OSError:
        age_s = 0.0
    return Signs(
        is_locked=is_locked,
        has_note=owner is not None,
        supervisor_lives=(
            owner is not None and _is_here(owner) and owner.supervisor.lives()
        ),
        creator_lives=started_at(creator[1]) is not None,
        age_s=age_s,
    )


def _is_here(owner: Owner) -> bool:
    """Return whether the note's process identifiers mean anything to us."""
    return owner.boot == boot_id() and owner.namespace == pid_namespace()


def _end_leftovers(directory: Path, owner: Owner) -> None:
    if not _is_here(owner):
        return
    left = [each for each in owner.children.values() if each.lives()]
    for child in left:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    end_postgres(directory / "postgres" / "data", Path(owner.postgres_program))
    deadline = time.monotonic() + END_S
    while any(each.lives() for each in left) and time.monotonic() < deadline:
        time.sleep(POLL_S)
