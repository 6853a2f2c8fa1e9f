"""The rows of definitions: one a version, of which the latest is current."""

from __future__ import annotations

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.config_definition import ConfigDefinitionRecorded
from sr_core.ports.read_model import InsertRow, RowChange, UpdateRows


def changes(event: ConfigDefinitionRecorded, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds, and the one that it takes out of force."""
    followed = UpdateRows(
        table="config_definitions",
        where={"type_key": event.type_key, "name": event.name, "is_current": True},
        values={"is_current": False},
        may_match_none=event.version == 1,
    )
    recorded = InsertRow(
        table="config_definitions",
        row={
            **plain(event),
            "is_current": True,
            **by_columns("recorded", on),
            "recorded_at": on.at,
        },
    )
    return (followed, recorded)
