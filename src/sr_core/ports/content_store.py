"""Bytes that are named by their hash: candidates and evidence (C-EVID-2, C-EVID-6)."""

from __future__ import annotations

from typing import NewType, Protocol

from sr_core.domain.evidence import PartState
from sr_core.domain.refs import ContentHash
from sr_core.ports.errors import PortError

ObjectKey = NewType("ObjectKey", str)
"""Where an object lies in its store, such as ``sha256/<hex>/manifest.json``."""


__all__ = ["ContentConflict", "ContentStore", "ObjectKey", "PartState", "Unretrievable"]


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


class ContentStore(Protocol):
    """One place, a bucket say, where objects are written once and read for ever."""

    async def put(self, key: ObjectKey, data: bytes) -> None:
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
