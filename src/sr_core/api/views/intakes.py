"""What is told of intakes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, View
from sr_core.api.views.paging import Sheet
from sr_core.domain.intake import IntakePhase, WorkKind


class DeliverableView(msgspec.Struct, kw_only=True):
    """One thing that the work is to leave."""

    name: str
    format: str
    path: str
    description: str | None = None


class RefView(msgspec.Struct, kw_only=True):
    """A typed reference."""

    kind: str
    id: str
    rel: str
    meta: dict[str, str]


class IntakeView(View, kw_only=True):
    """One intake."""

    intake_id: str
    work_unit_id: str
    title: str
    kind: WorkKind
    objective: str
    audience: str
    deliverables: list[DeliverableView]
    constraints: list[str]
    definitions: dict[str, str]
    inputs: list[RefView]
    unknowns: list[str]
    completion_criteria: list[str]
    status: IntakePhase
    version: int
    created_by_kind: str
    created_by_id: str
    created_at: datetime
    supersedes: str | None = None
    content_hash: str | None = None
    canonical_json_hash: str | None = None
    activated_by_kind: str | None = None
    activated_by_id: str | None = None
    activated_at: datetime | None = None
    archived_by_kind: str | None = None
    archived_by_id: str | None = None
    archived_at: datetime | None = None
    archive_reason: str | None = None


class IntakePage(Sheet, kw_only=True):
    """Some of the intakes, oldest first."""

    intakes: list[IntakeView]


class IntakeAccepted(Accepted, kw_only=True):
    """An intake as a command left it."""

    intake_id: str
    status: IntakePhase
    version: int
    content_hash: str | None
    canonical_json_hash: str | None
    supersedes: str | None
