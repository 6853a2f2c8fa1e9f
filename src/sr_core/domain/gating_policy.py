"""The gating policy: where a human's judgement is asked for, and how firmly (SPEC 6.8).

A hook is a point at which a human's note is due. It holds a loop back or it does not:

    soft     the loop goes on, and what is missing is told
    hard     no iteration starts until the note is there
    hybrid   soft until a trigger fires, hard from then on

Hooks make no portals, no phases and no approvals: a note binds nobody, it only has to be
there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeGuard, assert_never

from sr_core.domain.errors import HookPending, MalformedInput
from sr_core.domain.ids import LoopId


class Hook(StrEnum):
    """The points at which a human's note is due."""

    PLAN_REVIEW = "plan_review"
    EVALUATION_ON_VERIFICATION = "evaluation_on_verification"
    ASSESSMENT_ON_VALIDATION = "assessment_on_validation"
    CLOSEOUT = "closeout"


class GateMode(StrEnum):
    """How firmly a hook holds."""

    SOFT = "soft"
    HARD = "hard"
    HYBRID = "hybrid"


class GateTrigger(StrEnum):
    """What makes a hybrid hook hard."""

    EXCEPTIONS_ACTIVE = "EXCEPTIONS_ACTIVE"
    OPEN_RISK_HIGH = "OPEN_RISK_HIGH"
    REPEATED_FAILURE = "REPEATED_FAILURE"
    BUDGET_NEAR_EXHAUSTED = "BUDGET_NEAR_EXHAUSTED"
    GOVERNANCE_TOUCH = "GOVERNANCE_TOUCH"
    CLOSEOUT_PENDING = "CLOSEOUT_PENDING"


class NoteType(StrEnum):
    """The human judgements that answer hooks; none of them binds."""

    EVALUATION = "record.evaluation_note"
    ASSESSMENT = "record.assessment_note"
    INTERVENTION = "record.intervention_note"


ANSWERED_BY: Final[Mapping[Hook, NoteType]] = MappingProxyType(
    {
        Hook.PLAN_REVIEW: NoteType.ASSESSMENT,
        Hook.EVALUATION_ON_VERIFICATION: NoteType.EVALUATION,
        Hook.ASSESSMENT_ON_VALIDATION: NoteType.ASSESSMENT,
        Hook.CLOSEOUT: NoteType.ASSESSMENT,
    }
)
assert ANSWERED_BY.keys() == set(Hook), "every hook says what answers it"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRule:
    """How one hook holds; `triggers` are those that make it hard where it is hybrid."""

    mode: GateMode = GateMode.HYBRID
    triggers: frozenset[GateTrigger] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatingPolicy:
    """How each hook holds.

    Raises:
        MalformedInput: a hook is left out; what nobody set is not guessed at.

    """

    hooks: Mapping[Hook, HookRule]

    def __post_init__(self) -> None:
        if missing := sorted(set(Hook) - self.hooks.keys()):
            raise MalformedInput(
                field="hooks", found=f"no {', '.join(missing)}", expected="every hook"
            )


HYBRID_POLICY: Final = GatingPolicy(
    hooks=MappingProxyType(
        {
            Hook.PLAN_REVIEW: HookRule(
                triggers=frozenset(
                    {GateTrigger.GOVERNANCE_TOUCH, GateTrigger.REPEATED_FAILURE}
                )
            ),
            Hook.EVALUATION_ON_VERIFICATION: HookRule(
                triggers=frozenset(
                    {GateTrigger.OPEN_RISK_HIGH, GateTrigger.REPEATED_FAILURE}
                )
            ),
            Hook.ASSESSMENT_ON_VALIDATION: HookRule(
                triggers=frozenset(
                    {GateTrigger.EXCEPTIONS_ACTIVE, GateTrigger.OPEN_RISK_HIGH}
                )
            ),
            Hook.CLOSEOUT: HookRule(
                triggers=frozenset(
                    {GateTrigger.CLOSEOUT_PENDING, GateTrigger.BUDGET_NEAR_EXHAUSTED}
                )
            ),
        }
    )
)
"""What holds where no governed artifact says otherwise."""


def parse_policy(definition: Mapping[str, object]) -> GatingPolicy:
    """Return the policy that a definition's ``hooks`` and ``triggers`` give.

    Every hybrid hook is made hard by the same triggers.

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
    unknown = [each for each in hooks.values() if each not in tuple(GateMode)]
    if unknown:
        raise MalformedInput(
            field="mode of a hook",
            found=unknown[0],
            expected=f"one of {', '.join(GateMode)}",
        )
    said = definition.get("triggers")
    if not _is_list_of_triggers(said):
        raise MalformedInput(
            field="triggers", found=said, expected=f"a list of {', '.join(GateTrigger)}"
        )
    triggers = frozenset(GateTrigger(each) for each in said)
    return GatingPolicy(
        hooks={
            Hook(each): HookRule(mode=GateMode(mode), triggers=triggers)
            for each, mode in hooks.items()
        }
    )


def _is_list_of_triggers(said: object) -> TypeGuard[list[str]]:
    known = tuple(
        GateTrigger
    )  # a tuple compares what no set could hold, such as a list
    return isinstance(said, list) and all(each in known for each in said)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What a policy is asked about: the hooks that are due, and what has happened.

    `answered` are the hooks to which a note about this loop is recorded.
    """

    due: frozenset[Hook]
    fired: frozenset[GateTrigger] = frozenset()
    answered: frozenset[Hook] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFinding:
    """What the policy says: go on with these hooks pending, or not for these."""

    pending: tuple[Hook, ...] = ()
    holding: tuple[Hook, ...] = ()

    @property
    def may_proceed(self) -> bool:
        """Whether no hook holds the loop back."""
        return not self.holding


def evaluate(policy: GatingPolicy, facts: GateFacts) -> GateFinding:
    """Return which hooks wait for a note, and which of them hold the loop back."""
    missing = [each for each in Hook if each in facts.due - facts.answered]
    holding = [each for each in missing if _is_hard(policy.hooks[each], facts.fired)]
    return GateFinding(
        pending=tuple(each for each in missing if each not in holding),
        holding=tuple(holding),
    )


def require(
    loop_id: LoopId, policy: GatingPolicy, facts: GateFacts
) -> tuple[Hook, ...]:
    """Return the hooks that stay pending, or raise `HookPending` if any holds."""
    finding = evaluate(policy, facts)
    if not finding.may_proceed:
        raise HookPending(
            loop_id=loop_id,
            hooks=[f"{each} ({ANSWERED_BY[each]})" for each in finding.holding],
        )
    return finding.pending


def _is_hard(rule: HookRule, fired: Collection[GateTrigger]) -> bool:
    match rule.mode:
        case GateMode.SOFT:
            return False
        case GateMode.HARD:
            return True
        case GateMode.HYBRID:
            return not rule.triggers.isdisjoint(fired)
        case _:
            assert_never(rule.mode)
