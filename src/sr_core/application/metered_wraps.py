"""Counts of wraps that also move a metric (R-ENC-11)."""

from __future__ import annotations

from dataclasses import dataclass

from sr_core.domain.kek import KekRef, WrapCount
from sr_core.ports.metrics import Count, Counter, Metrics
from sr_core.ports.wrap_counts import WrapCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredWraps:
    """A `WrapCounts` whose wraps are seen in the process's metrics."""

    wraps: WrapCounts
    metrics: Metrics

    async def take(self, kek: KekRef) -> WrapCount:
        """See `WrapCounts.take`."""
        count = await self.wraps.take(kek)
        self.metrics.move(Count(Counter.KEK_WRAPS, str(kek)))
        return count
