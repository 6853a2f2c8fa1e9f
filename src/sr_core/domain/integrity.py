"""What stops the line: integrity conditions, and the triggers that pause a loop.

An integrity condition says that a judgement cannot be trusted (SPEC 6.3). All of them
block, all are escalated, none can be waived (C-OR-7). Every one is a stop trigger too;
other triggers stop a loop for its own sake (SPEC 6.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class IntegrityCondition(StrEnum):
    """Why a judgement cannot be trusted."""

    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    ORACLE_ENV_MISMATCH = "ORACLE_ENV_MISMATCH"
    ORACLE_FLAKE = "ORACLE_FLAKE"
    ORACLE_GAP = "ORACLE_GAP"
    ORACLE_TAMPER = "ORACLE_TAMPER"


class StopTrigger(StrEnum):
    """Why a loop was paused (C-LOOP-3, SPEC 6.4)."""

    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    INTEGRITY_VIOLATION = "INTEGRITY_VIOLATION"
    NO_ELIGIBLE_WORK = "NO_ELIGIBLE_WORK"
    ORACLE_ENV_MISMATCH = "ORACLE_ENV_MISMATCH"
    ORACLE_FLAKE = "ORACLE_FLAKE"
    ORACLE_GAP = "ORACLE_GAP"
    ORACLE_TAMPER = "ORACLE_TAMPER"
    REPEATED_FAILURE = "REPEATED_FAILURE"
    SEMANTIC_PROFILE_MISSING = "SEMANTIC_PROFILE_MISSING"
    STAGE_UNKNOWN = "STAGE_UNKNOWN"
    WORK_SURFACE_MISSING = "WORK_SURFACE_MISSING"

    @property
    def is_integrity(self) -> bool:
        """Whether an integrity condition is behind it, so that no decision suffices."""
        return self in _INTEGRITY

    @property
    def answer(self) -> Answer:
        """What has to be there, beside a decision, before the loop goes on."""
        return ANSWERS[self]


class Answer(StrEnum):
    """What lifts a stop (SPEC 6.4, 6.9); a human decision is needed in any case."""

    DECISION = "DECISION"
    """The decision suffices."""
    BOUND_RAISED = "BOUND_RAISED"
    """The bound that was used up has to be raised too."""
    CURE = "CURE"
    """What was found wrong has to be seen to be right again."""


class Portal(StrEnum):
    """The places where humans bind; there are no others (SPEC 7.1)."""

    EXCEPTION = "HumanAuthorityExceptionProcess"
    GOVERNANCE = "GovernanceChangePortal"
    RELEASE = "ReleaseApprovalPortal"


TRIGGER_OF: Final[Mapping[IntegrityCondition, StopTrigger]] = MappingProxyType(
    {
        IntegrityCondition.EVIDENCE_MISSING: StopTrigger.EVIDENCE_MISSING,
        IntegrityCondition.MANIFEST_INVALID: StopTrigger.INTEGRITY_VIOLATION,
        IntegrityCondition.ORACLE_ENV_MISMATCH: StopTrigger.ORACLE_ENV_MISMATCH,
        IntegrityCondition.ORACLE_FLAKE: StopTrigger.ORACLE_FLAKE,
        IntegrityCondition.ORACLE_GAP: StopTrigger.ORACLE_GAP,
        IntegrityCondition.ORACLE_TAMPER: StopTrigger.ORACLE_TAMPER,
    }
)
assert TRIGGER_OF.keys() == set(IntegrityCondition), "every condition stops the line"

_INTEGRITY: Final = frozenset(TRIGGER_OF.values())


ANSWERS: Final[Mapping[StopTrigger, Answer]] = MappingProxyType(
    {
        StopTrigger.BUDGET_EXHAUSTED: Answer.BOUND_RAISED,
        StopTrigger.EVIDENCE_MISSING: Answer.CURE,
        StopTrigger.INTEGRITY_VIOLATION: Answer.CURE,
        StopTrigger.NO_ELIGIBLE_WORK: Answer.DECISION,
        StopTrigger.ORACLE_ENV_MISMATCH: Answer.CURE,
        StopTrigger.ORACLE_FLAKE: Answer.CURE,
        StopTrigger.ORACLE_GAP: Answer.CURE,
        StopTrigger.ORACLE_TAMPER: Answer.CURE,
        StopTrigger.REPEATED_FAILURE: Answer.DECISION,
        StopTrigger.SEMANTIC_PROFILE_MISSING: Answer.CURE,
        StopTrigger.STAGE_UNKNOWN: Answer.CURE,
        StopTrigger.WORK_SURFACE_MISSING: Answer.CURE,
    }
)
assert ANSWERS.keys() == set(StopTrigger), "every trigger says what lifts it"


def recommended_portal(trigger: StopTrigger) -> Portal:
    """Return the portal at which `trigger` is answered (SPEC 6.4).

    What has to be cured is a matter of governance; the rest, of the exception process.
    """
    return Portal.GOVERNANCE if ANSWERS[trigger] is Answer.CURE else Portal.EXCEPTION


PORTAL_ROLE: Final[Mapping[Portal, str]] = MappingProxyType(
    {
        Portal.EXCEPTION: "ExceptionReviewer",
        Portal.GOVERNANCE: "GovernanceSteward",
        Portal.RELEASE: "ReleaseApprover",
    }
)
"""The role that a human needs to bind at a portal (SPEC 7.1)."""
assert PORTAL_ROLE.keys() == set(Portal), "every portal has its role"

BUDGET_ROLES: Final = frozenset({"BudgetApprover", PORTAL_ROLE[Portal.EXCEPTION]})
"""The roles of which one is needed to raise a loop's bound (SPEC 7.1)."""


def roles_for(trigger: StopTrigger) -> frozenset[str]:
    """Return the roles of which a human needs one to decide about `trigger`."""
    if trigger is StopTrigger.BUDGET_EXHAUSTED:
        return BUDGET_ROLES
    return frozenset({PORTAL_ROLE[recommended_portal(trigger)]})
