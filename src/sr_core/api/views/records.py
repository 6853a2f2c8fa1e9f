"""Notes of human judgement, as they are told."""

from __future__ import annotations

from datetime import datetime

from sr_core.api.views.base import Accepted, Page, View
from sr_core.api.views.refs import RefView
from sr_core.domain.record import RecordType


class RecordView(View):
    """A note; it binds nobody."""

    record_id: str
    record_type: RecordType
    subject_refs: list[RefView]
    evidence_refs: list[str]
    content: str
    severity: str | None
    fitness_judgment: str | None
    recommendations: str | None
    details: dict[str, str]
    content_hash: str
    supersedes: str | None
    is_binding: bool
    recorded_by_kind: str
    recorded_by_id: str
    recorded_at: datetime
    superseded_by: str | None = None


class RecordPage(Page):
    """Some notes, oldest first."""

    records: list[RecordView]


class RecordAccepted(Accepted):
    """A note was written."""

    record_id: str
    record_type: RecordType
    content_hash: str
    is_binding: bool
