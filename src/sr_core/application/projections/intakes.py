"""The rows of intakes."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.ids import IntakeId
from sr_core.domain.intake import (
    IntakeActivated,
    IntakeArchived,
    IntakeCreated,
    IntakeEvent,
    IntakeForked,
    IntakePhase,
    IntakeUpdated,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def changes(event: IntakeEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case IntakeCreated() | IntakeForked():
            return (_begun(event, on),)
        case IntakeUpdated():
            return (_change(event.intake_id, plain(event.changes.given())),)
        case IntakeActivated():
            values: Row = {
                "status": IntakePhase.ACTIVE,
                "content_hash": event.content_hash,
                "canonical_json_hash": event.canonical_json_hash,
                "activated_at": on.at,
                **by_columns("activated", on),
            }
            return (_change(event.intake_id, values),)
        case IntakeArchived():
            values = {
                "status": IntakePhase.ARCHIVED,
                "archive_reason": event.reason,
                "archived_at": on.at,
                **by_columns("archived", on),
            }
            return (_change(event.intake_id, values),)
        case _:
            assert_never(event)


def _begun(event: IntakeCreated | IntakeForked, on: Occasion) -> InsertRow:
    version, supersedes = 1, None
    if isinstance(event, IntakeForked):
        version, supersedes = event.version, event.source_intake_id
    return InsertRow(
        table="intakes",
        row={
            "intake_id": event.intake_id,
            **plain(event.content),
            "status": IntakePhase.DRAFT,
            "version": version,
            "supersedes": supersedes,
            "created_at": on.at,
            **by_columns("created", on),
        },
    )


def _change(intake_id: IntakeId, values: Row) -> UpdateRows:
    return UpdateRows(table="intakes", where={"intake_id": intake_id}, values=values)
