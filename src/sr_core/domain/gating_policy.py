"""The gating policy: which human notes an iteration has to take with it (SPEC 6.8).

A hook is a moment at which a human's judgement is wanted. Soft hooks wait for nobody.
Hard ones hold the next iteration until the note is there. Hybrid ones are soft until
something makes them hard. A hook makes no portal and gives no approval (C-TB-7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sr_core.domain.errors import MalformedInput
from sr_core.domain.type_keys import ASSESSMENT_NOTE, EVALUATION_NOTE, TypeKey


class Hook(StrEnum):
    """The moments at which a policy may want a human's judgement."""

    PLAN_REVIEW = "plan_review"
    EVALUATION_ON_VERIFICATION = "evaluation_on_verification"
    ASSESSMENT_ON_VALIDATION = "assessment_on_validation"
    CLOSEOUT = "closeout"


class Mode(StrEnum):
    """How much a hook holds."""

    SOFT = "soft"
    HARD = "hard"
    HYBRID = "hybrid"


class Trigger(StrEnum):
    """What makes a hybrid hook hard."""

    EXCEPTIONS_ACTIVE = "EXCEPTIONS_ACTIVE"
    OPEN_RISK_HIGH = "OPEN_RISK_HIGH"
    REPEATED_FAILURE = "REPEATED_FAILURE"
    BUDGET_NEAR_EXHAUSTED = "BUDGET_NEAR_EXHAUSTED"
    GOVERNANCE_TOUCH = "GOVERNANCE_TOUCH"
    CLOSEOUT_PENDING = "CLOSEOUT_PENDING"


NOTE_OF: Final[Mapping[Hook, TypeKey]] = MappingProxyType(
    {
        Hook.EVALUATION_ON_VERIFICATION: EVALUATION_NOTE,
        Hook.ASSESSMENT_ON_VALIDATION: ASSESSMENT_NOTE,
    }
)
"""The note that answers a hook, where a note does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatingPolicy:
    """The mode of every hook, and what makes hybrid ones hard."""

    hooks: Mapping[Hook, Mode]
    triggers: frozenset[Trigger]


def parse_policy(definition: Mapping[str, object]) -> GatingPolicy:
    """Return the policy that a definition's ``hooks`` and ``triggers`` give.

    Raises:
        MalformedInput: a hook, mode or trigger is unknown, a hook is left out, or there
            is something else in it.

    """
    surplus = sorted(definition.keys() - {"hooks", "triggers"})
    if surplus:
        raise MalformedInput(
            field="gating policy", found=surplus[0], expected="hooks and triggers alone"
        )
    hooks = definition.get("hooks")
    if not isinstance(hooks, Mapping) or hooks.keys() != {*Hook}:
        raise MalformedInput(
            field="hooks", found=hooks, expected=f"a mode for each of {', '.join(Hook)}"
        )
    unknown = [each for each in hooks.values() if each not in {*Mode}]
    if unknown:
        raise MalformedInput(
            field="mode of a hook",
            found=unknown[0],
            expected=f"one of {', '.join(Mode)}",
        )
    triggers = definition.get("triggers")
    if not isinstance(triggers, list) or not {*triggers} <= {*Trigger}:
        raise MalformedInput(
            field="triggers", found=triggers, expected=f"a list of {', '.join(Trigger)}"
        )
    return GatingPolicy(
        hooks={Hook(each): Mode(mode) for each, mode in hooks.items()},
        triggers=frozenset(Trigger(each) for each in triggers),
    )


def notes_due(
    policy: GatingPolicy, reached: frozenset[Hook], raised: frozenset[Trigger]
) -> frozenset[TypeKey]:
    """Return the notes that have to be there, of those hooks that are `reached`."""
    is_hardened = bool(policy.triggers & raised)
    holding = {Mode.HARD, Mode.HYBRID} if is_hardened else {Mode.HARD}
    return frozenset(
        note
        for hook, note in NOTE_OF.items()
        if hook in reached and policy.hooks[hook] in holding
    )
