"""Bytes that are named by their hash: candidates and evidence (C-EVID-2, C-EVID-6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Final, NewType, Protocol, TypeAlias

from sr_core.domain.evidence import PartState
from sr_core.domain.refs import ContentHash
from sr_core.ports.errors import PortError

ObjectKey = NewType("ObjectKey", str)
"""Where an object lies in its store, such as ``sha256/<hex>/manifest.json``."""

PIECE_BYTES: Final = 1024 * 1024
"""How much of an object is in memory at a time, where it is not there whole."""

__all__ = [
    "PIECE_BYTES",
    "ContentConflict",
    "ContentStore",
    "Data",
    "ObjectKey",
    "PartState",
    "Source",
    "Unretrievable",
]


class Unretrievable(PortError):  # noqa: N818 - named for what it says
    """The store answered, and what it answered is not the bytes (C-EVID-6)."""

    code = "UNRETRIEVABLE"

    def __init__(self, *, key: ObjectKey, state: PartState) -> None:
        super().__init__(
            f"{key} is {state}",
            remedy="Run the oracles again, so that new evidence is recorded",
        )
        self.key = key
        self.state = state


class ContentConflict(PortError):  # noqa: N818 - named for what it says
    """The key already holds other bytes."""

    code = "CONTENT_CONFLICT"

    def __init__(self, *, key: ObjectKey) -> None:
        super().__init__(
            f"{key} already holds other bytes",
            remedy="Look at who wrote them; what is stored is never overwritten",
        )
        self.key = key


class Source(Protocol):
    """Bytes that are not in memory; they can be read from their beginning, repeatedly."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    @property
    def content_hash(self) -> ContentHash:
        """Their hash."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Yield them in their order, none of the pieces longer than `PIECE_BYTES`."""
        ...


Data: TypeAlias = bytes | Source
"""What an object is to be, in memory or not."""


class ContentStore(Protocol):
    """One place, a bucket say, where objects are written once and read for ever."""

    async def put(self, key: ObjectKey, data: Data) -> None:
        """Write `data` where nothing is yet, and read it back.

        A key that holds these very bytes already is left as it is.

        Raises:
            ContentConflict: the key holds other bytes, which stay.
            Unretrievable: what was written does not read back as `data`.
            Unavailable: no answer in time; the object may or may not be written.

        """
        ...

    async def get(self, key: ObjectKey, *, expected: ContentHash) -> bytes:
        """Return the object's bytes, whose hash is `expected`.

        Raises:
            Unretrievable: it is missing, denied, or its bytes have another hash.
            Unavailable: no answer in time, which says nothing about the object.

        """
        ...

    def pieces(
        self, key: ObjectKey, *, expected: ContentHash
    ) -> AsyncGenerator[bytes, None]:
        """Yield the object's bytes in pieces, of which memory holds two at most.

        The last piece comes after the hash of all of them was found to be `expected`:
        whoever got to the end has the object, and whoever did not has a beginning of
        bytes of which nothing is known.

        Raises:
            Unretrievable: it is missing, denied, or its bytes have another hash.
            Unavailable: a piece did not come in time.

        """
        ...
