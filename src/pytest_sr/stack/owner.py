"""Whose a stack's directory is: a lock that lives as long as the supervisor, and a note.

    sr-stack-<uid>-<pid>-<random>/
        lock           held by the supervisor; the kernel lets go of it at its death
        owner.json     the supervisor, its children, the ports that leave sockets behind

The lock is right across namespaces and reused process identifiers; the note says what a
dead supervisor left behind.
"""

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import IO, Final, Self

from pytest_sr.stack.errors import PlaceError
from pytest_sr.stack.processes import Identity, boot_id, identity, pid_namespace

LOCK: Final = "lock"
NOTE: Final = "owner.json"

_NAME: Final = re.compile(r"sr-stack-(?P<uid>\d+)-(?P<pid>\d+)-[0-9a-f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A supervisor, and all that it would have to clear away."""

    boot: str
    namespace: str
    supervisor: Identity
    children: Mapping[str, Identity]
    weed_grpc_ports: tuple[int, ...]
    postgres_program: str

    def to_json(self) -> str:
        """Return the note's text."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what `to_json` wrote; raise ValueError or KeyError for anything else."""
        note = json.loads(text)
        return cls(
            boot=note["boot"],
            namespace=note["namespace"],
            supervisor=Identity(**note["supervisor"]),
            children={k: Identity(**v) for k, v in note["children"].items()},
            weed_grpc_ports=tuple(note["weed_grpc_ports"]),
            postgres_program=note["postgres_program"],
        )


def read_owner(directory: Path) -> Owner | None:
    """Return the note in `directory`; None if there is none, or none that is whole."""
    try:
        return Owner.from_json((directory / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def creator_of(directory: Path) -> tuple[int, int] | None:
    """Return the user and process that made `directory`, by its name; None for others."""
    match = _NAME.fullmatch(directory.name)
    return (int(match["uid"]), int(match["pid"])) if match else None


def try_lock(directory: Path) -> IO[bytes] | None:
    """Return the lock of `directory`, held until closed.

    None if somebody holds it, and if there is none: only a directory's maker makes one.
    """
    try:
        lock = (directory / LOCK).open("rb")
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


class Home:
    """The directory of a stack that is ours, from its making to its removal."""

    def __init__(self, base: Path, *, open_to_others: bool) -> None:
        """Make it in `base`; `open_to_others` lets them pass through, and see nothing.

        Raises:
            PlaceError: `base` is no directory that we may write to.

        """
        name = f"sr-stack-{os.geteuid()}-{os.getpid()}-{token_hex(4)}"
        self.path = base.resolve() / name
        try:
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise PlaceError(
                found=f"no directory can be made in {base}: {error.strerror}",
                remedy="Give another with --directory, or set TMPDIR",
            ) from error
        self._lock = (self.path / LOCK).open("xb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # waits while a sweeper looks
        if open_to_others:
            self.path.chmod(0o711)
        self._children: dict[str, Identity] = {}
        self._grpc_ports: set[int] = set()
        self._postgres_program = ""

    def room(self, name: str) -> Path:
        """Return an empty directory called `name`, for us alone."""
        path = self.path / name
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(mode=0o700)
        return path

    def remove(self) -> None:
        """Remove the directory, and only then let go of its lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def note(
        self,
        *,
        children: Mapping[str, Identity] | None = None,
        weed_grpc_ports: tuple[int, ...] = (),
        postgres_program: Path | None = None,
    ) -> None:
        """Add to the note what would have to be cleared away."""
        self._children |= children or {}
        self._grpc_ports |= set(weed_grpc_ports)
        self._postgres_program = str(postgres_program or self._postgres_program)
        owner = Owner(
            boot=boot_id(),
            namespace=pid_namespace(),
            supervisor=identity(os.getpid()),
            children=self._children,
            weed_grpc_ports=tuple(sorted(self._grpc_ports)),
            postgres_program=self._postgres_program,
        )
        draft = self.path / f"{NOTE}.draft"
        draft.touch(mode=0o600)
        draft.write_text(owner.to_json(), encoding="utf-8")
        draft.replace(self.path / NOTE)


def default_base() -> Path:
    """Return where stacks keep their directories unless told otherwise."""
    return Path(tempfile.gettempdir())
