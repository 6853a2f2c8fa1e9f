"""The rows of what people write down and attach; nothing of it binds."""

from __future__ import annotations

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.attachment import AttachmentEvent
from sr_core.domain.record import RecordCreated, RecordEvent
from sr_core.ports.read_model import InsertRow, RowChange, UpdateRows


def record_changes(event: RecordEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds or changes."""
    if not isinstance(event, RecordCreated):
        superseded = UpdateRows(
            table="human_judgment_records",
            where={"record_id": event.record_id},
            values={"superseded_by": event.new_record_id},
        )
        return (superseded,)
    row = {
        **plain(event),
        "severity": event.details.get("severity"),
        "fitness_judgment": event.details.get("fitness_judgment"),
        "recommendations": event.details.get("recommendations"),
        "is_binding": False,
        "recorded_at": on.at,
        **by_columns("recorded", on),
    }
    return (InsertRow(table="human_judgment_records", row=row),)


def attachment_changes(event: AttachmentEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {**plain(event), "uploaded_at": on.at, **by_columns("uploaded", on)}
    return (InsertRow(table="attachments", row=row),)
