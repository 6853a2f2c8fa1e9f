"""Objects in a dict; what is put stays until the process ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from threading import Lock

from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.content_store import (
    PIECE_BYTES,
    ContentConflict,
    Data,
    ObjectKey,
    PartState,
    Unretrievable,
)


class MemoryContentStore:
    """A `ContentStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._objects: dict[ObjectKey, bytes] = {}
        self._lock = Lock()

    async def put(self, key: ObjectKey, data: Data) -> None:
        """See `ContentStore.put`."""
        if not isinstance(data, bytes):
            data = b"".join(data.pieces())
        with self._lock:
            if self._objects.setdefault(key, data) != data:
                raise ContentConflict(key=key)

    async def get(self, key: ObjectKey, *, expected: ContentHash) -> bytes:
        """See `ContentStore.get`."""
        data = self._found(key)
        if hash_bytes(data) != expected:
            raise Unretrievable(key=key, state=PartState.CORRUPTED)
        return data

    async def pieces(
        self, key: ObjectKey, *, expected: ContentHash
    ) -> AsyncGenerator[bytes, None]:
        """See `ContentStore.pieces`."""
        data = self._found(key)
        last = max(0, len(data) - 1) // PIECE_BYTES * PIECE_BYTES
        for start in range(0, last, PIECE_BYTES):
            yield data[start : start + PIECE_BYTES]
        if hash_bytes(data) != expected:
            raise Unretrievable(key=key, state=PartState.CORRUPTED)
        if data:
            yield data[last:]

    def _found(self, key: ObjectKey) -> bytes:
        data = self._objects.get(key)
        if data is None:
            raise Unretrievable(key=key, state=PartState.MISSING)
        return data
