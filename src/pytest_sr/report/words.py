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
from pytest_sr.scenario import (
    Claim,
    FaultPlan,
    Lookup,
    Moment,
    Scenario,
    Value,
    Verdict,
    filled,
)
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
GLANCE_CHARS_MAX: Final = 120
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
    entries_max: int


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
    return ", ".join(parts)


def expectation(claim: Claim, history: History, bounds: Bounds) -> Html:
    """Return what a claim demands: its check in a sentence, then what was filled in."""
    found = {each.name: each.result for each in history.answers if each.name}
    pairs: dict[str, object] = {}
    for name, value in claim.arguments.items():
        pairs |= _demanded(name.removesuffix("_"), value, found)
    said = check_says(claim)
    return joined(
        tag("p", sentence(said), class_="says") if said else None,
        fields(pairs, bounds, all_shown=True),
        tag("p", scope(claim), class_="scope"),
    )


def sentence(text: str) -> Html:
    """Return a line of documentation, what stands between backticks as code."""
    parts = text.split("`")
    return joined(
        tag("code", each) if number % 2 else each for number, each in enumerate(parts)
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


def fields(
    pairs: Row,
    bounds: Bounds,
    *,
    key_fields: frozenset[str] = frozenset(),
    all_shown: bool = False,
) -> Html | None:
    """Return fields with their values; what is past the first few folds away.

    Those of `key_fields` come first, then what can be read as words.
    """
    if not pairs:
        return None
    ordered = sorted(
        pairs.items(), key=lambda each: (each[0] not in key_fields, _rank(each))
    )
    if all_shown:
        ordered = [*pairs.items()]
    kept = ordered[: bounds.fields_max]
    here = kept if all_shown else _at_a_glance(kept, bounds)
    folded = kept[len(here) :]
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


def _demanded(name: str, value: Value, found: Mapping[str, object]) -> Row:
    """Return an argument as fields: a step by its name, a map by its own fields."""
    if isinstance(value, Lookup) and len(value.path) == 1:
        return {name: f"of the step “{value.path[0]}”"}
    filled_in = resolved(value, found)
    if isinstance(filled_in, Mapping) and filled_in:
        return {f"{name} {key}": each for key, each in filled_in.items()}
    return {name: filled_in}


def key_fields_of(scenario: Scenario) -> frozenset[str]:
    """Return the fields that the scenario's claims ask about."""
    maps = [
        argument
        for claim in scenario.claims
        for argument in claim.arguments.values()
        if isinstance(argument, Mapping)
    ]
    return frozenset(name for each in maps for name in each)


def _rank(pair: tuple[str, object]) -> int:
    """Return how late a field is told: words first, then identifiers, then the rest."""
    name, value = pair
    if _is_aside(pair):
        return 3
    if isinstance(value, Mapping | list | tuple):
        return 2
    return 1 if name.endswith(("_id", "_hash", "_ref")) else 0


def _is_aside(pair: tuple[str, object]) -> bool:
    """Whether a field says little, or more than can be taken in at a glance."""
    name, value = pair
    return is_housekeeping(name) or len(as_json(value)) > GLANCE_CHARS_MAX


def _at_a_glance(
    pairs: list[tuple[str, object]], bounds: Bounds
) -> list[tuple[str, object]]:
    """Return the first few fields that are short; all of them where one is left."""
    here = [each for each in pairs[: bounds.fields_shown] if not _is_aside(each)]
    rest = pairs[len(here) :]
    return pairs if len(rest) == 1 and not _is_aside(rest[0]) else here


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
