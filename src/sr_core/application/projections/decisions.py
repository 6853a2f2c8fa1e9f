"""The rows of decisions."""

from __future__ import annotations

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.decision import DecisionEvent
from sr_core.ports.read_model import InsertRow, RowChange


def changes(event: DecisionEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds; its loop, if it has one, is a column too."""
    row = {
        **plain(event),
        "loop_id": event.scope.loop_id,
        **by_columns("decided", on),
        "decided_at": on.at,
    }
    return (InsertRow(table="decisions", row=row),)
