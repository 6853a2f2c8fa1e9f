"""Checkpoints in a dict; every version of an object stays until the process ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sr_core.ports.checkpoints import Kept
from sr_core.ports.content_store import (
    ContentConflict,
    ObjectKey,
    PartState,
    Unretrievable,
)


class MemoryCheckpointStore:
    """A `CheckpointStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._versions: dict[ObjectKey, list[bytes | None]] = defaultdict(list)

    async def put(self, key: ObjectKey, data: bytes) -> None:
        """See `CheckpointStore.put`."""
        versions = self._versions[key]
        latest = versions[-1] if versions else None
        if latest is None:
            versions.append(data)
        elif latest != data:
            raise ContentConflict(key=key)

    async def kept(self, prefix: str) -> Sequence[Kept]:
        """See `CheckpointStore.kept`."""
        return [
            Kept(key=key, version=None, changed=_changed(self._versions[key]))
            for key in sorted(self._versions)
            if key.startswith(prefix) and self._versions[key]
        ]

    async def first(self, kept: Kept) -> bytes:
        """See `CheckpointStore.first`."""
        stored = [each for each in self._versions[kept.key] if each is not None]
        if not stored:
            raise Unretrievable(key=kept.key, state=PartState.MISSING)
        return stored[0]

    def tamper(self, key: ObjectKey, data: bytes | None) -> None:
        """Let somebody write over the object, or remove it with None."""
        self._versions[key].append(data)


def _changed(versions: Sequence[bytes | None]) -> str | None:
    if None in versions:
        return "a mark that it is removed"
    return f"{len(versions) - 1} later versions" if len(versions) > 1 else None
