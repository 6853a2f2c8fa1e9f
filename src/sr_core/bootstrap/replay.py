"""The read model made anew from the log alone, in memory (C-EVT-7)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.application.projections import Occasion, changes_of
from sr_core.codec.envelope import opened
from sr_core.ports.event_store import NewEvent, Position, StoredEvent
from sr_core.ports.metrics import Duration, Histogram, Metrics
from sr_core.ports.read_model import Row


def replayed(
    events: Iterable[StoredEvent], metrics: Metrics | None = None
) -> Mapping[str, tuple[Row, ...]]:
    """Return the rows, by table, that the events give when applied in order.

    How long that took is told to `metrics`, if there are any.
    """
    began = time.perf_counter()
    rows = _replayed(events)
    if metrics is not None:
        took = time.perf_counter() - began
        metrics.move(Duration(Histogram.REBUILD, took))
    return rows


def _replayed(events: Iterable[StoredEvent]) -> Mapping[str, tuple[Row, ...]]:
    model = MemoryReadModel()
    for stored in events:
        model.apply([(Position(stored.position), _as_appended(stored))])
    return model.tables()


def _as_appended(stored: StoredEvent) -> NewEvent:
    said = opened(stored)
    on = Occasion(event_id=said.event_id, by=said.by, at=said.occurred_at)
    return NewEvent(
        event_id=said.event_id,
        stream_id=stored.stream_id,
        stream_kind="",
        stream_seq=stored.stream_seq,
        event_type=stored.event_type,
        by=said.by,
        occurred_at=said.occurred_at,
        correlation_id=said.correlation_id,
        envelope=stored.envelope,
        envelope_hash=stored.envelope_hash,
        changes=changes_of(said.event, on),
    )
