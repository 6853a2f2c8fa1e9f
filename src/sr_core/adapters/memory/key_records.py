"""Key records in a dict, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from sr_core.ports.content_store import (
    ContentConflict,
    ObjectKey,
    PartState,
    Unretrievable,
)


class MemoryKeyRecords:
    """A `KeyRecords` that forgets everything with the process."""

    def __init__(self) -> None:
        self._records: dict[ObjectKey, bytes] = {}

    async def add(self, key: ObjectKey, data: bytes) -> None:
        """See `KeyRecords.add`."""
        if self._records.setdefault(key, data) != data:
            raise ContentConflict(key=key)

    async def found(self, prefix: str) -> Sequence[ObjectKey]:
        """See `KeyRecords.found`."""
        return sorted(each for each in self._records if each.startswith(prefix))

    async def read(self, key: ObjectKey) -> bytes:
        """See `KeyRecords.read`."""
        if key not in self._records:
            raise Unretrievable(key=key, state=PartState.MISSING)
        return self._records[key]

    async def remove(self, key: ObjectKey) -> None:
        """See `KeyRecords.remove`."""
        self._records.pop(key, None)
