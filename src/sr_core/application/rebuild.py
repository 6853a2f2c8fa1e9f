"""The read model made anew from the log, while the platform goes on (R-EVT-11).

    replay ──▶ look at one moment: compare ──▶ replay the rest ──▶ standstill: compare, swap
    └──────────── appends go on ─────────────────────────────┘    └ appends wait ┘

What differs is what the live rows said and the log does not; the rebuild mends it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sr_core.application.replay import BATCH, LogEmpty, replay
from sr_core.ports.event_store import BEGINNING, EventStore
from sr_core.ports.metrics import Duration, Histogram, Metrics
from sr_core.ports.read_copy import Compared, RebuildSite


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of a rebuild; times are in seconds."""

    events: int
    compared: Compared
    replay_s: float
    standstill_s: float
    took_s: float


async def rebuild(
    store: EventStore, site: RebuildSite, metrics: Metrics, *, batch: int = BATCH
) -> Rebuilt:
    """Make the read model anew, and let it take the place of the live one.

    Whatever is raised, the live rows are as they were.

    Raises:
        LogEmpty: there is nothing to make it from.
        EventPoisoned: an event cannot be projected.
        LogDisordered: an event is missing.
        RebuildUnderWay: another process is at it.
        ReadModelUnfit: a copy would lack something that the live tables have.
        Unavailable: no answer in time.

    """
    began = time.perf_counter()
    async with site.open() as copy:
        position = await replay(store, copy, after=BEGINNING, batch=batch)
        if position == BEGINNING:
            raise LogEmpty
        replayed = time.perf_counter()
        async with copy.moment() as seen:
            await replay(store, copy, after=position, upto=seen, batch=batch)
            compared = await copy.compare()
        position = await replay(store, copy, after=seen, batch=batch)
        async with copy.standstill() as end:
            halted = time.perf_counter()
            await replay(store, copy, after=position, upto=end, batch=batch)
            compared += await copy.compare(since=seen)
            await copy.swap()
        ended = time.perf_counter()
    metrics.move(Duration(Histogram.REBUILD, ended - began))
    return Rebuilt(
        events=end,
        compared=compared,
        replay_s=replayed - began,
        standstill_s=ended - halted,
        took_s=ended - began,
    )
