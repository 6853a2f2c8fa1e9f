"""The rows of oracle suites."""

from __future__ import annotations

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.oracle_suite import SuiteEvent
from sr_core.ports.read_model import InsertRow, RowChange


def changes(event: SuiteEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {
        "suite_id": event.suite_id,
        "suite_hash": event.suite_hash,
        "definition": plain(event.definition),
        "registered_at": on.at,
        **by_columns("registered", on),
    }
    return (InsertRow(table="oracle_suites", row=row),)
