"""The rows of who read restricted evidence, what was erased, and of redacted copies."""

from __future__ import annotations

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.redacted_copy import RedactionEvent
from sr_core.domain.restricted import EvidenceKeyEvent, EvidenceReadEvent
from sr_core.ports.read_model import InsertRow, RowChange


def read_changes(event: EvidenceReadEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {**plain(event), "read_at": on.at, **by_columns("read", on)}
    return (InsertRow(table="restricted_evidence_reads", row=row),)


def key_changes(event: EvidenceKeyEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {**plain(event), "erased_at": on.at, **by_columns("erased", on)}
    return (InsertRow(table="restricted_evidence_erasures", row=row),)


def copy_changes(event: RedactionEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the row that `event` adds."""
    row = {**plain(event), "redacted_at": on.at, **by_columns("redacted", on)}
    return (InsertRow(table="restricted_evidence_redactions", row=row),)
