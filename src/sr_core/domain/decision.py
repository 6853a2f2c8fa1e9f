"""Decisions: binding human judgements about a loop that was stopped (C-DEC-1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import DecisionId, LoopId
from sr_core.domain.integrity import PORTAL_ROLE, StopTrigger, recommended_portal
from sr_core.domain.ref_builders import loop_ref
from sr_core.domain.refs import Ref


class DecisionKind(StrEnum):
    """Which way a decision goes."""

    PROCEED = "PROCEED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecision:
    """Judge what is to become of a stopped loop."""

    by: Actor
    decision_id: DecisionId
    loop_id: LoopId
    trigger: StopTrigger
    decision: DecisionKind
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecorded:
    """A human judged."""

    decision_id: DecisionId
    loop_id: LoopId
    trigger: StopTrigger
    decision: DecisionKind
    rationale: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (loop_ref(self.loop_id),)


DecisionEvent: TypeAlias = DecisionRecorded


def decide(command: RecordDecision) -> tuple[DecisionRecorded, ...]:
    """Return the decision as recorded.

    Raises:
        AuthorityRequired: no human, or one without the role of the trigger's portal.
        MalformedInput: no rationale is given.

    """
    command.by.require(ActorKind.HUMAN, action="recording a decision")
    command.by.require_role(
        PORTAL_ROLE[recommended_portal(command.trigger)], action="recording a decision"
    )
    if not command.rationale.strip():
        raise MalformedInput(
            field="rationale", found=command.rationale, expected="why it was so decided"
        )
    return (
        DecisionRecorded(
            decision_id=command.decision_id,
            loop_id=command.loop_id,
            trigger=command.trigger,
            decision=command.decision,
            rationale=command.rationale,
        ),
    )
