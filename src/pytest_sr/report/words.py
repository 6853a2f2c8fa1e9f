"""What a report says in words: of verdicts, actors, moments, claims and values.

What a step, a fault, a check or a mutant does is told by the first line of its own
documentation, so the catalogue is loaded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_sr import checks, faults, mutants, steps
from pytest_sr.history import Answered, History, Row
from pytest_sr.judge import HEAL
from pytest_sr.registry import REGISTRIES, Registry
from pytest_sr.report.markup import (
    Child,
    Html,
    as_json,
    clipped,
    identifier,
    joined,
    prose,
    tag,
)
from pytest_sr.scenario import Claim, FaultPlan, Lookup, Moment, Value, Verdict, filled
from pytest_sr.world.accounts import ACTORS

LOADED: Final = (checks, faults, mutants, steps)
SYMBOL: Final = {Verdict.PASS: "✓", Verdict.INVALID: "?", Verdict.FAIL: "✗"}
MEANING: Final = {
    Verdict.PASS: "Everything that was claimed held.",
    Verdict.INVALID: (
        "The experiment did not take place as it is written. "
        "This says nothing about the claims, neither for nor against."
    ),
    Verdict.FAIL: "The experiment took place, and something that was claimed did not hold.",
}
_HOUSEKEEPING: Final = ("position", "last_event_id", "last_global_seq")
_SUCCESS: Final = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of each thing a page shows; the transcript keeps everything."""

    text_chars_max: int
    fields_shown: int
    fields_max: int
    events_max: int
    changes_max: int
    objects_max: int


def badge(verdict: Verdict) -> Html:
    """Return a verdict: its symbol, its word, its colour."""
    return tag(
        "span",
        tag("span", SYMBOL[verdict], aria_hidden="true"),
        f" {verdict}",
        class_=f"badge {verdict.lower()}",
    )


def summary(registry: Registry, name: str) -> str | None:
    """Return what the catalogue says that `name` does."""
    spec = registry.get(name)
    return spec.summary if spec else None


def step_does(answered: Answered) -> str | None:
    """Return what the step asks for, in a sentence."""
    return summary(REGISTRIES.steps, answered.step)


def fault_does(plan: FaultPlan) -> str | None:
    """Return what the kind of fault breaks, in a sentence."""
    return summary(REGISTRIES.faults, plan.kind)


def check_says(claim: Claim) -> str | None:
    """Return what the kind of check demands, in a sentence."""
    return summary(REGISTRIES.checks, claim.check)


def mutant_does(name: str) -> str | None:
    """Return what the mutant breaks, in a sentence."""
    return summary(REGISTRIES.mutants, name)


def actor(answered: Answered) -> str | None:
    """Return who took the step; None where the step has several of them, or none."""
    given = answered.arguments.get("by")
    if given is None:
        given = _usual_actor(answered.step)
    return None if given is None else str(given)


def who_is(name: str) -> str | None:
    """Return who stands behind an actor's name."""
    return ACTORS.get(name)


def status_of(answered: Answered) -> tuple[int, str] | None:
    """Return status and code of the system's answer, if the step had exactly one."""
    answer = answered.result.get("answer")
    if not isinstance(answer, Mapping) or not isinstance(answer.get("status"), int):
        return None
    return answer["status"], str(answer.get("code", ""))


def is_refused(answered: Answered) -> bool:
    """Whether the system said no."""
    said = status_of(answered)
    return said is not None and said[0] not in _SUCCESS


def moment(at: Moment | None) -> str:
    """Return when a fault is to strike."""
    if at is None:
        return "when the steps of “when” begin"
    what = "the step" if "." in at.what else "the event"
    return f"just {at.relation} {what} {at.what}"


def scope(claim: Claim) -> str:
    """Return over which part of the story a claim is to hold."""
    parts = []
    if claim.section == "always":
        parts.append("at every look at the system")
    if claim.during:
        parts.append(f"while {claim.during} is on")
    if claim.after:
        after = "everything is healed" if claim.after == HEAL else f"“{claim.after}”"
        parts.append(f"after {after}")
    if claim.within_s is not None:
        parts.append(f"within {claim.within_s:g} s")
    return ", ".join(parts) or "over the whole story"


def expectation(claim: Claim, history: History, bounds: Bounds) -> Html:
    """Return what a claim demands: its check in a sentence, then what was filled in."""
    found = {each.name: each.result for each in history.answers if each.name}
    pairs = {
        name.removesuffix("_"): resolved(value, found)
        for name, value in claim.arguments.items()
    }
    said = check_says(claim)
    return joined(
        tag("p", said, class_="says") if said else None,
        fields(_without_bodies(pairs), bounds, all_shown=True),
        tag("p", scope(claim), class_="scope"),
    )


def resolved(value: Value, found: Mapping[str, object]) -> object:
    """Return an argument with its lookups filled in, as far as their steps were taken."""

    def find(lookup: Lookup) -> object:
        at: object = found
        for part in lookup.path:
            if not isinstance(at, Mapping) or part not in at:
                return str(lookup)
            at = at[part]
        return at

    return filled(value, find)


def fields(pairs: Row, bounds: Bounds, *, all_shown: bool = False) -> Html | None:
    """Return fields with their values; what is past the first few folds away."""
    if not pairs:
        return None
    ordered = sorted(pairs.items(), key=lambda each: is_housekeeping(each[0]))
    kept = ordered[: bounds.fields_max]
    shown = len(kept) if all_shown else bounds.fields_shown
    folded = kept[shown:] if len(kept) > shown + 1 else []
    here = kept[: len(kept) - len(folded)]
    return joined(
        tag("dl", _fields(here, bounds), class_="fields"),
        _folded(folded, len(ordered) - len(kept), bounds) if folded else None,
    )


def value_of(value: object, bounds: Bounds) -> Html:
    """Return one value, bounded, its identifiers shortened to the eye."""
    return prose(clipped(as_json(value), bounds.text_chars_max))


def is_housekeeping(column: str) -> bool:
    """Whether a field keeps the books, and says little of what happened."""
    return column in _HOUSEKEEPING or column.endswith(("_at", "_by_id"))


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return `1 case` or `3 cases`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def short_name(text: str) -> Html:
    """Return a name that may be an identifier, or anything else."""
    return identifier(text) if len(text) > 40 and " " not in text else prose(text)  # noqa: PLR2004 - what fits a column


def _usual_actor(step: str) -> object:
    spec = REGISTRIES.steps.get(step)
    parameters = spec.parameters if spec else ()
    return next((each.default for each in parameters if each.key == "by"), None)


def _without_bodies(pairs: Row) -> Row:
    """Return the arguments, a step's whole result replaced by what was answered."""
    return {name: _answer_alone(value) for name, value in pairs.items()}


def _answer_alone(value: object) -> object:
    if isinstance(value, Mapping) and isinstance(value.get("answer"), Mapping):
        said = value["answer"]
        return f"the answer was {said.get('status')} {said.get('code', '')}".rstrip()
    if isinstance(value, Mapping) and isinstance(value.get("attempts"), Mapping):
        return f"{len(value['attempts'])} attempts"
    return value


def _fields(pairs: list[tuple[str, object]], bounds: Bounds) -> Iterator[Child]:
    for name, value in pairs:
        written = value_of(value, bounds)
        yield tag("div", tag("dt", name), " ", tag("dd", written))


def _folded(pairs: list[tuple[str, object]], left_out: int, bounds: Bounds) -> Html:
    more = f", {left_out} left out" if left_out else ""
    return tag(
        "details",
        tag("summary", f"{len(pairs)} more{more}"),
        tag("dl", _fields(pairs, bounds), class_="fields"),
    )
