"""As whom a service runs, and whether that account can reach its files.

Postgres refuses to run as root. Started by root it runs as `postgres` where there is
such a user, as `nobody` elsewhere, and then both its programs and its data must be
reachable for that user: a directory that only root may enter, anywhere above, hides
them.
"""

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_sr.stack.errors import PlaceError

_LESS_RIGHTS: Final = ("postgres", "nobody")
_INSTALLED: Final = ("bin", "lib", "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of this machine; `is_other` if it is not the one who started us."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def may(self, path: Path, right: int) -> bool:
        """Return whether the mode of `path` gives `right`, one of 4, 2 and 1.

        Lists of further rights are not looked at: they are rare here, and only give
        more.
        """
        if not self.is_other:
            return os.access(path, right)
        status = path.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode >> 6 & right)
        if status.st_gid == self.gid:
            return bool(status.st_mode >> 3 & right)
        return bool(status.st_mode & right)

    def may_enter(self, directory: Path) -> bool:
        """Return whether the account can get as far as into `directory`."""
        resolved = directory.resolve()
        return all(self.may(each, os.X_OK) for each in (resolved, *resolved.parents))


def current() -> Account:
    """Return the account that runs this process."""
    uid = os.geteuid()
    return Account(name=_name_of(uid), uid=uid, gid=os.getegid(), is_other=False)


def without_root() -> Account:
    """Return an account that is not root's: our own, or one with fewer rights.

    Raises:
        PlaceError: we are root and this machine has nobody else.

    """
    if os.geteuid() != 0:
        return current()
    for name in _LESS_RIGHTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)
    raise PlaceError(
        found="postgres does not run as root, and there is no user postgres or nobody",
        remedy="Run as an ordinary user, or add one of the two",
    )


def reachable_install(bin_dir: Path, account: Account, *, copy_to: Path) -> Path:
    """Return a directory with the programs of `bin_dir` that `account` can run.

    That is `bin_dir` itself, or its twin in a copy of the whole installation: links
    where the modes suffice and the file system allows, bytes elsewhere.

    Raises:
        PlaceError: it is out of reach and no installation that can be moved.

    """
    install = bin_dir.parent
    program = bin_dir / "postgres"
    if account.may_enter(bin_dir) and account.may(program, os.R_OK | os.X_OK):
        return bin_dir
    if not all((install / each).is_dir() for each in _INSTALLED):
        raise PlaceError(
            found=f"the user {account.name} cannot reach {bin_dir}, and it is part of "
            "no installation that could be copied",
            remedy="Open the directories above it to others (chmod o+x), or set "
            "SR_POSTGRES_BIN_DIR to another",
        )
    for part in _INSTALLED:
        shutil.copytree(
            install / part, copy_to / part, symlinks=True, copy_function=_link_or_copy
        )
    for directory in (copy_to, *(each for each in copy_to.rglob("*") if each.is_dir())):
        directory.chmod(0o755)
    return copy_to / bin_dir.name


def _link_or_copy(source: str, target: str) -> None:
    mode = Path(source).stat().st_mode
    readable_by_all = mode & stat.S_IROTH and (
        mode & stat.S_IXOTH or not mode & stat.S_IXUSR
    )
    if readable_by_all:
        try:
            os.link(source, target, follow_symlinks=True)
        except OSError:
            pass  # another file system: the bytes, then
        else:
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
