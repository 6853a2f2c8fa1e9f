"""How many data keys each KEK version has wrapped, over all processes (R-ENC-11)."""

from __future__ import annotations

from typing import Protocol

from sr_core.domain.kek import KekRef, WrapCount


class WrapCounts(Protocol):
    """The counts of all KEK versions; they only grow."""

    async def take(self, kek: KekRef) -> WrapCount:
        """Count one wrap more, and return the count as it was before it.

        It is counted before the key is used: a wrap that fails then is one too many in
        the count, never one too few.

        Raises:
            WrapLimitReached: the version has wrapped as many as it may.
            Unavailable: no answer in time; it may or may not be counted.

        """
        ...
