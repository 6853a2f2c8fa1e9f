"""Open stops, and what it takes to go on after them (SPEC 6.9, C-DEC-1).

Each open stop needs a human decision to go on: about this loop, about its trigger, made
after it fired, and not used before. What its trigger asks for beside the decision
(`sr_core.domain.integrity.Answer`) is looked at as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from sr_core.domain.budget import Bound
from sr_core.domain.decision import DecisionKind, DecisionRecorded
from sr_core.domain.errors import DecisionRequired, DecisionScopeMismatch, StopUncured
from sr_core.domain.ids import DecisionId, LoopId
from sr_core.domain.integrity import Answer, StopTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStop:
    """A stop that is not answered yet.

    `decisions` are those to go on that were made since it fired, oldest first; `bound` is
    the one that was used up, if one was.
    """

    bound: Bound | None = None
    decisions: tuple[DecisionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A decision as the loop heard it; `is_spent` once the loop went on by it."""

    trigger: StopTrigger | None
    kind: DecisionKind
    is_about_loop: bool
    is_spent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """What stands in a loop's way, and every decision that it heard."""

    open: Mapping[StopTrigger, OpenStop] = field(default_factory=dict)
    heard: Mapping[DecisionId, Heard] = field(default_factory=dict)


def fired(stops: Stops, trigger: StopTrigger, bound: Bound | None) -> Stops:
    """Return `stops` after one more fired."""
    return replace(stops, open={**stops.open, trigger: OpenStop(bound=bound)})


def weighed(stops: Stops, loop_id: LoopId, event: DecisionRecorded) -> Stops:
    """Return `stops` after a decision.

    One that lets the loop go on counts towards the open stop that it is about; one that
    refuses takes back those before it.
    """
    is_about_loop = event.scope.loop_id == loop_id
    known = Heard(trigger=event.trigger, kind=event.kind, is_about_loop=is_about_loop)
    heard = {**stops.heard, event.decision_id: known}
    stop = stops.open.get(event.trigger) if event.trigger and is_about_loop else None
    if stop is None or event.trigger is None:
        return replace(stops, heard=heard)
    counted = (*stop.decisions, event.decision_id) if event.kind.goes_on else ()
    after = {**stops.open, event.trigger: replace(stop, decisions=counted)}
    return Stops(open=after, heard=heard)


def lifted(stops: Stops, answers: Collection[DecisionId]) -> Stops:
    """Return `stops` after the loop went on by `answers`, which are spent by that."""
    heard = {
        name: replace(each, is_spent=each.is_spent or name in answers)
        for name, each in stops.heard.items()
    }
    return Stops(heard=heard)


def answers(
    stops: Stops, loop_id: LoopId, decision_id: DecisionId | None
) -> Mapping[StopTrigger, DecisionId]:
    """Return the decision that answers each open stop; `decision_id` is one of them.

    Raises:
        DecisionRequired: none is named, or a stop beside the one it answers has none.
        DecisionScopeMismatch: the one that is named answers none of them.

    """
    if decision_id is None:
        raise DecisionRequired(loop_id=loop_id, trigger=", ".join(sorted(stops.open)))
    named = [each for each in stops.open.values() if decision_id in each.decisions]
    if not named:
        raise DecisionScopeMismatch(
            decision_id=decision_id, why=_why_unfit(stops, loop_id, decision_id)
        )
    undecided = sorted(each for each, stop in stops.open.items() if not stop.decisions)
    if undecided:
        raise DecisionRequired(loop_id=loop_id, trigger=", ".join(undecided))
    return {
        trigger: decision_id if decision_id in stop.decisions else stop.decisions[-1]
        for trigger, stop in sorted(stops.open.items())
    }


def require_cured(
    stops: Stops, loop_id: LoopId, cured: Collection[StopTrigger]
) -> None:
    """Raise `StopUncured` unless all that needs a cure is among `cured`.

    What nobody looked at is not cured.
    """
    uncured = [
        each
        for each in stops.open
        if each.answer is Answer.CURE and not each.is_integrity and each not in cured
    ]
    if uncured:
        raise StopUncured(loop_id=loop_id, triggers=uncured)


def _why_unfit(stops: Stops, loop_id: LoopId, decision_id: DecisionId) -> str:
    heard = stops.heard.get(decision_id)
    stopped_by = ", ".join(sorted(stops.open))
    if heard is None or not heard.is_about_loop:
        return f"is no decision whose scope is {loop_id}"
    if heard.is_spent:
        return "was used before, and a decision counts for one stop only"
    if not heard.kind.goes_on:
        return f"is {heard.kind}, which does not let {loop_id} go on"
    if heard.trigger not in stops.open:
        about = heard.trigger or "no trigger"
        return f"is about {about}, and {stopped_by} stopped {loop_id}"
    return (
        f"was made before {heard.trigger} stopped {loop_id}, or was taken back by a "
        "later one"
    )
