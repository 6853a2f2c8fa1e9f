"""Governed exceptions, as they are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.api.views.refs import RefView
from sr_core.domain.exception_scope import ExceptionKind, ScopeKind
from sr_core.domain.governed_exception import ExceptionPhase


class ScopeView(msgspec.Struct, kw_only=True):
    """What bounds an exception."""

    scope_kind: ScopeKind
    loop_id: str | None
    candidate_id: str | None
    oracle_id: str | None
    baseline_id: str | None
    work_unit_id: str | None
    artifact_refs: list[RefView]


class ExceptionView(View):
    """An exception; `details` holds what its kind says besides (SPEC 6.5)."""

    exception_id: str
    kind: ExceptionKind
    status: ExceptionPhase
    scope: ScopeView
    scope_kind: ScopeKind
    applies_to: str | None
    rationale: str
    target_description: str
    details: dict[str, Any]
    created_by_kind: str
    created_by_id: str
    created_at: datetime
    expires_at: datetime
    activated_at: datetime | None = None
    activated_by_kind: str | None = None
    activated_by_id: str | None = None
    resolved_at: datetime | None = None
    resolved_by_kind: str | None = None
    resolved_by_id: str | None = None
    resolution_notes: str | None = None
    expired_at: datetime | None = None


class ExceptionPage(Page):
    """Some exceptions, oldest first."""

    exceptions: list[ExceptionView]


class ExceptionAccepted(Accepted):
    """An exception was drawn up, brought into force or lifted."""

    exception_id: str
    status: ExceptionPhase
