"""Wraps counted in a dict, for tests."""

from __future__ import annotations

from sr_core.domain.kek import WRAPS_MAX, KekRef, WrapCount


class MemoryWrapCounts:
    """A `WrapCounts` that forgets everything with the process."""

    def __init__(self, *, wraps_max: int = WRAPS_MAX) -> None:
        self._wraps_max = wraps_max
        self._counts: dict[KekRef, WrapCount] = {}

    async def take(self, kek: KekRef) -> WrapCount:
        """See `WrapCounts.take`."""
        fresh = WrapCount(kek=kek, wraps_max=self._wraps_max)
        before = self._counts.get(kek, fresh)
        self._counts[kek] = before.one_more()
        return before
