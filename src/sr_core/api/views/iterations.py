"""How iterations are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.gating_policy import Hook
from sr_core.domain.iteration import IterationOutcome, IterationPhase
from sr_core.domain.iteration_summary import IterationSummary


class IterationView(View, kw_only=True):
    """An iteration, the context that it started from, and what it left."""

    iteration_id: str
    loop_id: str
    sequence: int
    work_surface_id: str | None = None
    state: IterationPhase
    outcome: IterationOutcome | None = None
    started_at: datetime
    begun_at: datetime | None = None
    completed_at: datetime | None = None
    failure_reason: str | None = None
    refs: list[dict[str, Any]]
    summary: IterationSummary | None = None


class IterationPage(Page, kw_only=True):
    """Some of the iterations of a loop."""

    iterations: list[IterationView]


class IterationAccepted(Accepted, kw_only=True):
    """A command to an iteration was carried out."""

    iteration_id: str
    loop_id: str
    state: IterationPhase


class IterationStart(IterationAccepted, kw_only=True):
    """An iteration began; a human still owes the loop the notes that are pending."""

    pending_hooks: list[Hook]


class LoopRecordView(View, kw_only=True):
    """The record that an iteration left (SPEC 8.5)."""

    type_key: Literal["domain.loop_record"]
    iteration_id: str
    loop_id: str
    summary: IterationSummary
