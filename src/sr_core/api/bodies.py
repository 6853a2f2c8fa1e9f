"""What requests may hold; anything else in them is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=512)]
Prose = Annotated[str, Meta(min_length=1, max_length=20_000)]
BudgetNumber = Annotated[int, Meta(ge=1, le=1_000_000)]


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A request's body: its fields and no others."""


class BudgetsBody(Body):
    """Bounds of a loop; those left out have their defaults."""

    max_iterations: BudgetNumber = 5
    max_oracle_runs: BudgetNumber = 25


class RefBody(Body):
    """A typed reference."""

    kind: Name
    id: Name
    rel: Name
    meta: dict[str, str]


class NewLoop(Body):
    """Open a loop."""

    goal: Prose
    directive_ref: RefBody
    budgets: BudgetsBody = msgspec.field(default_factory=BudgetsBody)


class Resume(Body):
    """Let a loop go on."""

    decision_id: Name | None = None


class NewIteration(Body):
    """Begin the next iteration of a loop."""

    loop_id: Name


class EndOfIteration(Body):
    """End an iteration."""

    outcome: Name
    summary: Prose


class NewCandidate(Body):
    """Hand over a candidate's files, each as base64 by its path."""

    produced_by_iteration_id: Name
    files: dict[str, bytes]
    content_hash: Name | None = None


class NewOracle(Body):
    """One oracle of a suite."""

    oracle_id: Name
    argv: Annotated[list[str], Meta(min_length=1, max_length=256)]
    report: Name
    classification: Name = "required"
    timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 600


class NewSuite(Body):
    """Register an oracle suite."""

    suite_id: Name
    oracles: Annotated[list[NewOracle], Meta(min_length=1, max_length=64)]


class NewRun(Body):
    """Have a suite judge a candidate."""

    candidate_id: Name
    oracle_suite_id: Name


class NewDecision(Body):
    """Judge what is to become of a stopped loop."""

    loop_id: Name
    trigger: Name
    decision: Name
    rationale: Prose


class NewWaiver(Body):
    """Ask that an oracle's failure be accepted for a candidate, for a time."""

    candidate_id: Name
    target: Name
    rationale: Prose
    expires_at: Annotated[datetime, Meta(tz=True)]


class NewApproval(Body):
    """Say at a portal what is to become of a candidate."""

    portal_id: Name
    decision: Name
    candidate_id: Name
    evidence_refs: list[str]
    exceptions_acknowledged: list[str]
    rationale: str = ""


class NewFreeze(Body):
    """Fix a candidate as shippable."""

    baseline_id: Name
    candidate_id: Name
    release_approval_id: Name
