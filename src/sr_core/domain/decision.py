"""Decisions: binding human judgements, about a stop or about anything else in scope.

A decision is prose, and goes one of two ways. Which way is said by its `kind`, or by the
first word of the text where that is on one of two closed lists; a text that is on
neither is not guessed at.

Clauses: C-DEC-1 (a human decides, and says why), SPEC 5.5 (fields), SPEC 7.1 (portals).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import (
    CandidateId,
    DecisionId,
    ExceptionId,
    IterationId,
    LoopId,
    RunId,
    SuiteId,
    WorkSurfaceId,
    WorkUnitId,
)
from sr_core.domain.integrity import (
    BUDGET_ROLES,
    PORTAL_ROLE,
    Portal,
    StopTrigger,
    recommended_portal,
    roles_for,
)
from sr_core.domain.ref_builders import (
    bundle_refs,
    candidate_ref,
    iteration_ref,
    loop_ref,
    run_ref,
)
from sr_core.domain.refs import ContentHash, Ref, RefRelation

GO_AHEAD: Final = frozenset(
    {
        "ACCEPT",
        "ACCEPTED",
        "APPROVE",
        "APPROVED",
        "CONTINUE",
        "EXTEND",
        "INCREASE",
        "PROCEED",
        "RAISE",
        "RESUME",
    }
)
"""First words of a text that lets something go on."""
REFUSING: Final = frozenset(
    {
        "ABORT",
        "CANNOT",
        "CLOSE",
        "DECLINE",
        "DECLINED",
        "DENIED",
        "DENY",
        "DON'T",
        "HOLD",
        "NEVER",
        "NO",
        "NOT",
        "REFUSE",
        "REFUSED",
        "REJECT",
        "REJECTED",
        "STOP",
    }
)
"""First words of a text that does not; DO NOT is read as NOT."""


class DecisionKind(StrEnum):
    """What a decision is, and with that which way it goes (SPEC 7.1)."""

    BUDGET_ESCALATION = "BUDGET_ESCALATION"
    GOVERNANCE_CHANGE_APPROVAL = "GOVERNANCE_CHANGE_APPROVAL"
    GOVERNANCE_CHANGE_REJECTION = "GOVERNANCE_CHANGE_REJECTION"
    PROCEED = "PROCEED"
    REJECTED = "REJECTED"
    RELEASE_HOLD = "RELEASE_HOLD"
    STOP_TRIGGER_RECOVERY = "STOP_TRIGGER_RECOVERY"

    @property
    def goes_on(self) -> bool:
        """Whether it lets go on what it is about."""
        return self not in _REFUSALS


_REFUSALS: Final = frozenset(
    {
        DecisionKind.GOVERNANCE_CHANGE_REJECTION,
        DecisionKind.REJECTED,
        DecisionKind.RELEASE_HOLD,
    }
)
_PORTALS: Final[Mapping[DecisionKind, frozenset[Portal]]] = MappingProxyType(
    {
        DecisionKind.BUDGET_ESCALATION: frozenset({Portal.EXCEPTION}),
        DecisionKind.GOVERNANCE_CHANGE_APPROVAL: frozenset({Portal.GOVERNANCE}),
        DecisionKind.GOVERNANCE_CHANGE_REJECTION: frozenset({Portal.GOVERNANCE}),
        DecisionKind.PROCEED: frozenset(Portal),
        DecisionKind.REJECTED: frozenset(Portal),
        DecisionKind.RELEASE_HOLD: frozenset({Portal.RELEASE}),
        DecisionKind.STOP_TRIGGER_RECOVERY: frozenset(
            {Portal.EXCEPTION, Portal.GOVERNANCE}
        ),
    }
)
"""The portals at which each kind is made."""
assert _PORTALS.keys() == set(DecisionKind), "every kind has its portals"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionScope:
    """What a decision is about, and nothing beyond it.

    Raises:
        MalformedInput: it names nothing, so it would be about everything.

    """

    loop_id: LoopId | None = None
    iteration_id: IterationId | None = None
    candidate_id: CandidateId | None = None
    run_id: RunId | None = None
    work_unit_id: WorkUnitId | None = None
    work_surface_id: WorkSurfaceId | None = None
    oracle_suite_id: SuiteId | None = None
    exception_id: ExceptionId | None = None

    def __post_init__(self) -> None:
        names = [each.name for each in fields(self)]
        if all(getattr(self, each) is None for each in names):
            raise MalformedInput(
                field="scope", found={}, expected=f"at least one of {', '.join(names)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecision:
    """Judge, and say why.

    `looked_up` are refs to what only a look at the records can pin: suites by hash,
    exceptions by kind.
    """

    by: Actor
    decision_id: DecisionId
    trigger: StopTrigger | None
    scope: DecisionScope
    decision: str
    kind: DecisionKind | None
    rationale: str
    subjects: tuple[Ref, ...] = ()
    evidence: tuple[ContentHash, ...] = ()
    exceptions_acknowledged: tuple[ExceptionId, ...] = ()
    looked_up: tuple[Ref, ...] = ()
    is_precedent: bool = False
    applicability: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecorded:
    """A human judged."""

    decision_id: DecisionId
    trigger: StopTrigger | None
    scope: DecisionScope
    decision: str
    kind: DecisionKind
    rationale: str
    subject_refs: tuple[Ref, ...]
    evidence_refs: tuple[ContentHash, ...]
    exceptions_acknowledged: tuple[ExceptionId, ...]
    is_precedent: bool
    applicability: str | None
    refs: tuple[Ref, ...]
    """What it is about, and what it rests on (SPEC 2.3)."""


DecisionEvent: TypeAlias = DecisionRecorded


def authorise(command: RecordDecision) -> None:
    """Raise `AuthorityRequired` unless a human gives it who may bind at the portal."""
    command.by.require(ActorKind.HUMAN, action="recording a decision")
    command.by.require_one_of(_roles(command), action="recording a decision")


def decide(command: RecordDecision) -> tuple[DecisionRecorded, ...]:
    """Return the decision as recorded.

    Raises:
        AuthorityRequired: no human, or one without a role of the portal.
        MalformedInput: it says not why, or not which way it goes, or its kind is none
            that the trigger's portal knows.

    """
    authorise(command)
    if not command.rationale.strip():
        raise MalformedInput(
            field="rationale", found=command.rationale, expected="why it was so decided"
        )
    kind = which_way(command.decision, command.kind)
    _require_portal(kind, command.trigger)
    return (
        DecisionRecorded(
            decision_id=command.decision_id,
            trigger=command.trigger,
            scope=command.scope,
            decision=command.decision,
            kind=kind,
            rationale=command.rationale,
            subject_refs=command.subjects,
            evidence_refs=command.evidence,
            exceptions_acknowledged=command.exceptions_acknowledged,
            is_precedent=command.is_precedent,
            applicability=command.applicability,
            refs=(
                *_scope_refs(command.scope),
                *command.subjects,
                *bundle_refs(command.evidence, RefRelation.SUPPORTED_BY),
                *command.looked_up,
            ),
        ),
    )


def which_way(decision: str, kind: DecisionKind | None) -> DecisionKind:
    """Return the kind that is said, or that the text's first word stands for.

    Raises:
        MalformedInput: the text is on neither list, or on both, or contradicts `kind`.

    """
    words = re.findall(r"[A-Z]+(?:'[A-Z]+)?", decision.upper().replace("\u2019", "'"))
    first = _first(words)
    if kind is not None:
        _require_agreement(decision, first, kind)
        return kind
    if first in REFUSING:
        return DecisionKind.REJECTED
    if first in GO_AHEAD and REFUSING.isdisjoint(words):
        return DecisionKind.PROCEED
    raise MalformedInput(
        field="decision",
        found=decision,
        expected=f"`kind`, one of {', '.join(DecisionKind)}; or a text that begins with "
        f"one of {', '.join(sorted(GO_AHEAD))} and refuses nothing, or with one of "
        f"{', '.join(sorted(REFUSING))}",
    )


def _first(words: list[str]) -> str:
    """Return the first word; DO before NOT says nothing by itself."""
    if words[:2] == ["DO", "NOT"]:
        return "NOT"
    return words[0] if words else ""


def _require_agreement(decision: str, first: str, kind: DecisionKind) -> None:
    contradicting = REFUSING if kind.goes_on else GO_AHEAD
    if not decision.strip() or first in contradicting:
        raise MalformedInput(
            field="decision",
            found=decision,
            expected=f"a text that says the same as kind {kind}",
        )


def _require_portal(kind: DecisionKind, trigger: StopTrigger | None) -> None:
    if trigger is None or recommended_portal(trigger) in _PORTALS[kind]:
        return
    portal = recommended_portal(trigger)
    known = ", ".join(each for each in DecisionKind if portal in _PORTALS[each])
    raise MalformedInput(
        field="kind",
        found=str(kind),
        expected=f"one that {portal} knows, where {trigger} is answered: {known}",
    )


def _roles(command: RecordDecision) -> frozenset[str]:
    """Return the roles of which one is needed: those of the trigger, or of the kind."""
    if command.trigger is not None:
        return roles_for(command.trigger)
    if command.kind is DecisionKind.BUDGET_ESCALATION:
        return BUDGET_ROLES
    portals = _PORTALS[command.kind] if command.kind else frozenset(Portal)
    return frozenset(PORTAL_ROLE[each] for each in portals)


def _scope_refs(scope: DecisionScope) -> tuple[Ref, ...]:
    refs: list[Ref] = []
    if scope.loop_id is not None:
        refs.append(loop_ref(scope.loop_id))
    if scope.iteration_id is not None:
        refs.append(iteration_ref(scope.iteration_id, RefRelation.IN_SCOPE_OF))
    if scope.candidate_id is not None:
        refs.append(candidate_ref(scope.candidate_id, RefRelation.AFFECTS))
    if scope.run_id is not None:
        refs.append(run_ref(scope.run_id, RefRelation.AFFECTS))
    return tuple(refs)
