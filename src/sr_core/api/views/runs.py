"""Answers about runs (SPEC 5.3)."""

from __future__ import annotations

from datetime import datetime

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.actors import ActorKind
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.run import Execution, RunOutcome, RunPhase


class ViolationView(View, kw_only=True):
    """An integrity condition that was found of a run, with the facts of its kind."""

    violation_id: str
    condition: IntegrityCondition
    suite_id: str
    detail: str
    facts: dict[str, str | list[str]]
    requires_escalation: bool
    detected_at: datetime


class RunView(View, kw_only=True):
    """One run."""

    run_id: str
    candidate_id: str
    loop_id: str
    iteration_id: str
    oracle_suite_id: str
    oracle_suite_hash: str
    execution: Execution
    state: RunPhase
    outcome: RunOutcome | None = None
    verdict: ResultStatus | None = None
    reason: str | None = None
    evidence_bundle_hash: str | None = None
    environment_fingerprint: dict[str, str] | None = None
    started_by_kind: ActorKind
    started_by_id: str
    started_at: datetime
    workspace_path: str | None = None
    execution_started_at: datetime | None = None
    execution_completed_at: datetime | None = None
    duration_ms: int | None = None
    completed_at: datetime | None = None


class RunDetail(RunView, kw_only=True):
    """One run, with what was found of it."""

    integrity_violations: list[ViolationView]


class RunPage(Page):
    """Some runs."""

    runs: list[RunView]


class RunMade(Accepted, kw_only=True):
    """A run was started, and with execution platform carried out to its end."""

    run_id: str
    candidate_id: str
    loop_id: str
    iteration_id: str
    oracle_suite_id: str
    oracle_suite_hash: str
    execution: Execution
    state: RunPhase
    outcome: RunOutcome | None = None
    evidence_bundle_hash: str | None = None


class RunEnded(Accepted, kw_only=True):
    """A run was ended."""

    run_id: str
    candidate_id: str
    state: RunPhase
    outcome: RunOutcome | None = None
    evidence_bundle_hash: str | None = None
