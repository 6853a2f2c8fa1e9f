"""The rows of oracle suites, and of every definition that each ever had."""

from __future__ import annotations

from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.oracle_suite import (
    OracleSuitePinned,
    OracleSuiteRebased,
    OracleSuiteRegistered,
    OracleSuiteUpdated,
    SuiteEvent,
    SuitePhase,
)
from sr_core.ports.read_model import InsertRow, Row, RowChange, UpdateRows


def changes(event: SuiteEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case OracleSuiteRegistered():
            row = {
                "suite_id": event.suite_id,
                "suite_hash": event.suite_hash,
                "definition": plain(event.definition),
                "state": SuitePhase.REGISTERED,
                "status": "active",
                "registered_at": on.at,
                **by_columns("registered", on),
            }
            added = InsertRow(table="oracle_suites", row=row)
            return (added, _version(event, on, {"change": "registered"}))
        case OracleSuiteUpdated():
            how: Row = {"change": "updated", "previous_hash": event.previous_hash}
            return (_redefined(event, on), _version(event, on, how))
        case OracleSuiteRebased():
            how = {
                "change": "rebased",
                "previous_hash": event.previous_hash,
                "rationale": event.rationale,
                "weakenings": list(event.weakenings),
                "approval_id": event.approval_id,
            }
            return (_redefined(event, on), _version(event, on, how))
        case OracleSuitePinned():
            return (_suite(event.suite_id, {"state": SuitePhase.PINNED}),)
        case _:
            assert_never(event)


def _redefined(
    event: OracleSuiteUpdated | OracleSuiteRebased, on: Occasion
) -> UpdateRows:
    return _suite(
        event.suite_id,
        {
            "suite_hash": event.suite_hash,
            "previous_hash": event.previous_hash,
            "definition": plain(event.definition),
            "state": SuitePhase.REGISTERED,
            "changed_at": on.at,
        },
    )


def _version(
    event: OracleSuiteRegistered | OracleSuiteUpdated | OracleSuiteRebased,
    on: Occasion,
    how: Row,
) -> InsertRow:
    return InsertRow(
        table="oracle_suite_versions",
        row={
            "version_id": on.event_id,
            "suite_id": event.suite_id,
            "suite_hash": event.suite_hash,
            "definition": plain(event.definition),
            "recorded_at": on.at,
            **by_columns("recorded", on),
            "weakenings": [],
            **how,
        },
    )


def _suite(suite_id: str, values: Row) -> UpdateRows:
    return UpdateRows(
        table="oracle_suites", where={"suite_id": suite_id}, values=values
    )
