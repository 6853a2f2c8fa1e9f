"""What a program left in its scratch directory, taken without following anything.

Whoever wrote there is not to be trusted (R-SBX-8). Each directory is opened by its
name below the one before, and each file below that: never by a path, never through a
link. A regular file with one name and a canonical one is taken; all else is refused,
with the reason, and refusing stops nothing.
"""

from __future__ import annotations

import contextlib
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

_ENTRIES_MAX: Final = 4096
_NAME_BYTES_MAX: Final = 1024
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a fifo",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFile:
    """A file's bytes, under its path below the scratch directory, with ``/`` between."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was there and was not taken; its name is escaped for reading."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was taken and what was not, each in the order of its names."""

    files: tuple[ArtifactFile, ...]
    refused: tuple[Refusal, ...]


def collect(
    scratch: Path,
    *,
    files_max: int = 256,
    file_bytes_max: int = 8 * 1024**2,
    total_bytes_max: int = 32 * 1024**2,
    depth_max: int = 8,
) -> Collected:
    """Take the regular files below `scratch`; which ones never depends on chance.

    A directory tree of more than 4096 entries is refused whole, under the name ``.``.
    `depth_max` counts the parts of a name.

    Raises:
        OSError: `scratch` itself cannot be opened, or is a link.

    """
    bounds = _Bounds(
        files=files_max,
        file_bytes=file_bytes_max,
        total_bytes=total_bytes_max,
        depth=depth_max,
    )
    collection = _Collection(bounds=bounds)
    with _opened(str(scratch), None, os.O_DIRECTORY) as root:
        try:
            collection.enter(root, ())
        except _TooManyError:
            reason = f"more than {_ENTRIES_MAX} entries"
            return Collected(files=(), refused=(Refusal(name=".", reason=reason),))
    return Collected(
        files=tuple(sorted(collection.files, key=lambda each: each.name)),
        refused=tuple(sorted(collection.refused, key=lambda each: each.name)),
    )


class _TooManyError(Exception):
    """There are more entries than are looked at."""


class _RefusedError(Exception):
    """An entry is not taken, for the reason that is the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    files: int
    file_bytes: int
    total_bytes: int
    depth: int


@dataclass(slots=True, kw_only=True)
class _Collection:
    """The files taken so far, and what may still be."""

    bounds: _Bounds
    files: list[ArtifactFile] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    entries: int = 0
    total_bytes: int = 0

    def enter(self, directory: int, above: tuple[str, ...]) -> None:
        """Take what lies in the directory and below."""
        names = sorted(self._names(directory))
        twins = Counter(map(_folded, names))
        for name in names:
            parts = (*above, name)
            try:
                _require_canonical(parts, is_twin=twins[_folded(name)] > 1)
                self._take(directory, parts)
            except _RefusedError as why:
                self._note(parts, str(why))
            except OSError as error:
                self._note(parts, f"cannot be read: {error.strerror}")

    def _names(self, directory: int) -> Iterator[str]:
        with os.scandir(directory) as entries:
            for entry in entries:
                self.entries += 1
                if self.entries > _ENTRIES_MAX:
                    raise _TooManyError
                yield entry.name

    def _take(self, directory: int, parts: tuple[str, ...]) -> None:
        name = parts[-1]
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        kind = stat.S_IFMT(found.st_mode)
        if len(parts) > self.bounds.depth:
            _refuse(f"more than {self.bounds.depth} levels deep")
        if kind == stat.S_IFDIR:
            with _opened(name, directory, os.O_DIRECTORY) as below:
                self.enter(below, parts)
        elif kind == stat.S_IFREG:
            self._take_file(directory, parts)
        else:
            _refuse(_KINDS.get(kind, "no regular file"))

    def _take_file(self, directory: int, parts: tuple[str, ...]) -> None:
        if len(self.files) >= self.bounds.files:
            _refuse(f"more than {self.bounds.files} files")
        with _opened(parts[-1], directory, 0) as file:
            data = _read(file, self.bounds.file_bytes)
        if self.total_bytes + len(data) > self.bounds.total_bytes:
            _refuse(f"more than {self.bounds.total_bytes} bytes in sum")
        self.total_bytes += len(data)
        self.files.append(ArtifactFile(name="/".join(parts), data=data))

    def _note(self, parts: tuple[str, ...], reason: str) -> None:
        self.refused.append(Refusal(name=_readable("/".join(parts)), reason=reason))


def _refuse(reason: str) -> NoReturn:
    raise _RefusedError(reason) from None


def _read(file: int, bytes_max: int) -> bytes:
    """Return the file's bytes, if it is one file and stays as it is."""
    before = os.fstat(file)
    if not stat.S_ISREG(before.st_mode):
        _refuse("no regular file")
    if before.st_nlink != 1:
        _refuse(f"a hard link, one of {before.st_nlink} names")
    data = bytearray()
    while len(data) <= bytes_max and before.st_size <= bytes_max:
        chunk = os.read(file, bytes_max + 1 - len(data))
        if not chunk:
            break
        data += chunk
    if max(len(data), before.st_size) > bytes_max:
        _refuse(f"more than {bytes_max} bytes")
    if _state(os.fstat(file)) != _state(before) or len(data) != before.st_size:
        _refuse("changed while it was read")
    return bytes(data)


def _state(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink


def _require_canonical(parts: tuple[str, ...], *, is_twin: bool) -> None:
    name = parts[-1]
    try:
        bytes_total = len("/".join(parts).encode())
    except UnicodeEncodeError:
        _refuse("the name is not UTF-8")
    if is_twin:
        _refuse("the name differs from another's in case or form alone")
    if not name.isprintable() or "\\" in name:
        _refuse("the name holds control characters or a backslash")
    if not unicodedata.is_normalized("NFC", name):
        _refuse("the name is not in the form NFC")
    if bytes_total > _NAME_BYTES_MAX:
        _refuse(f"the name is longer than {_NAME_BYTES_MAX} bytes")


def _folded(name: str) -> str:
    """Return what a name has in common with its twins."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _readable(name: str) -> str:
    """Return a name that can be printed and stored, whatever was in it."""
    if name.isprintable():
        return name[:_NAME_BYTES_MAX]
    return ascii(name)[1:-1][:_NAME_BYTES_MAX]


@contextlib.contextmanager
def _opened(name: str, directory: int | None, flags: int) -> Iterator[int]:
    descriptor = os.open(name, _OPEN | flags, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
