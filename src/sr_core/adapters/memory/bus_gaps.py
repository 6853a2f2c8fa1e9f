"""The book of gaps, in a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sr_core.ports.bus_gaps import BusGap, NoticedGap
from sr_core.ports.clock import Clock
from sr_core.ports.event_store import Position


class MemoryBusGaps:
    """A `BusGaps` that forgets everything with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gaps: list[NoticedGap] = []

    async def notice(self, gap: BusGap) -> bool:
        """See `BusGaps.notice`."""
        known = {(it.gap.noticed_by, it.gap.first, it.gap.last) for it in self._gaps}
        if (gap.noticed_by, gap.first, gap.last) in known:
            return False
        now = self._clock.now()
        self._gaps.append(NoticedGap(gap=gap, noticed_at=now, healed_at=None))
        return True

    async def healed(self, noticed_by: str, *, up_to: Position) -> None:
        """See `BusGaps.healed`."""
        now = self._clock.now()
        self._gaps = [
            replace(each, healed_at=each.healed_at or now)
            if each.gap.noticed_by == noticed_by and each.gap.last <= up_to
            else each
            for each in self._gaps
        ]

    async def all(self, *, limit: int) -> Sequence[NoticedGap]:
        """See `BusGaps.all`."""
        return self._gaps[::-1][:limit]
