"""Bytes on their way into a store: hashed as they come, and kept in a file, not in memory.

    with Spool() as spool:
        entry = spool.entry()
        async for piece in pieces:
            entry.add(piece)
        source = entry.end()

A key names bytes by their hash, and a bundle is looked at whole before any of it is
stored: both are known only when the last byte has come. So what is too large for memory
waits in a file. It has no name, and is gone with the process whatever becomes of it; what
is restricted is sealed before it gets there. It lies where the system keeps temporary
files (`TMPDIR`), which has to be a disk, not memory, for what this is about.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from sr_core.domain.refs import ContentHash
from sr_core.ports.content_store import PIECE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A `Source`: some bytes of a spool, there for as long as it is open."""

    size: int
    content_hash: ContentHash
    file: int = field(repr=False)
    start: int = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """See `Source.pieces`."""
        for at in range(0, self.size, PIECE_BYTES):
            wanted = min(PIECE_BYTES, self.size - at)
            yield os.pread(self.file, wanted, self.start + at)


class Spool:
    """One file for the bytes of one request; its entries are written one after another."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed at exit
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def entry(self) -> Entry:
        """Return a place for the next bytes."""
        return Entry(self)

    def append(self, piece: bytes) -> None:
        """Write `piece` behind all that is there."""
        written = 0
        with memoryview(piece) as left:
            while written < len(piece):
                written += os.pwrite(
                    self._file.fileno(), left[written:], self._end + written
                )
        self._end += written

    def part(self, start: int, content_hash: ContentHash) -> Spooled:
        """Return what was written since `start`."""
        return Spooled(
            size=self._end - start,
            content_hash=content_hash,
            file=self._file.fileno(),
            start=start,
        )

    @property
    def end(self) -> int:
        """How many bytes have been written."""
        return self._end


class Entry:
    """Some bytes that are being written to a spool."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._start = spool.end
        self._seen = hashlib.sha256()

    @property
    def size(self) -> int:
        """How many bytes it has by now."""
        return self._spool.end - self._start

    def add(self, *pieces: bytes) -> None:
        """Write the pieces behind what it has."""
        for each in pieces:
            self._seen.update(each)
            self._spool.append(each)

    def end(self) -> Spooled:
        """Return all of it, to be read."""
        content_hash = ContentHash(f"sha256:{self._seen.hexdigest()}")
        return self._spool.part(self._start, content_hash)


async def regrouped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes in pieces of `PIECE_BYTES` at least, but for the last.

    Each piece costs a change of threads, whatever its length.
    """
    held: list[bytes] = []
    size = 0
    async for each in pieces:
        held.append(each)
        size += len(each)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)
