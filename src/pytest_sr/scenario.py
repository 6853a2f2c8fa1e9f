"""What a scenario is: a state, a fault, what is tried, and what must hold.

    given ──▶ fault ──▶ when ──▶ then, always
                                  ▲
                        controls ─┘ each says what must turn a claim red

Plain values. The parser makes them, everything above uses them; neither YAML nor
pytest is known here. Arguments hold `Value`s: what was written, with a `Lookup` for
each `${name.field}`, and lookups are `filled` in when the value is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, TypeAlias, cast

TIMEOUT_S_DEFAULT: Final = 60.0
"""How long a case may take whose scenario does not say."""

_DURATION: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|s|m)", re.ASCII)
_SECONDS_IN: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


class Verdict(StrEnum):
    """How one claim, or a whole case, came out."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    INVALID = "INVALID"
    """The experiment did not take place, which says nothing about the claim."""
    FAIL = "FAIL"


_GRAVITY: Final = (Verdict.PASS, Verdict.INVALID, Verdict.FAIL)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest of `verdicts`; INVALID for none: absence is never green."""
    return max(verdicts, key=_GRAVITY.index, default=Verdict.INVALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands in a scenario file, as editors count: from one."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What `${run.evidence}` stands for; it keeps the type of what it refers to."""

    path: tuple[str, ...]
    place: Place
    in_seconds: bool = False
    """A duration is wanted: `10s`, where it is written as text, becomes 10.0."""

    def __str__(self) -> str:
        return "${" + ".".join(self.path) + "}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text with lookups in it; each is put in as it would be written in YAML."""

    parts: tuple[str | Lookup, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))


Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = (
    "Scalar | Lookup | Text | tuple[Value, ...] | Mapping[str, Value]"  # a YAML value
)
Arguments: TypeAlias = Mapping[str, Value]
"""By the names of the function's parameters, so `from_` and not `from`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step to take; what it gives is known by `name` from then on."""

    step: str
    arguments: Arguments
    name: str | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Heal:
    """The end of a fault, at this point of the story."""

    fault: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point of the story: just before or just after an event or a step."""

    relation: Literal["before", "after"]
    what: str
    """An event (`RunCompleted`) or a step (`run.start`)."""
    place: Place
    lookup: Lookup | None = None
    """Where `what` differs by case, until the case is bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """What is to break, how, and when."""

    name: str
    kind: str
    arguments: Arguments
    at: Moment | None
    """None: when the `when` part begins."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What must hold, and over which part of the story."""

    name: str
    check: str
    arguments: Arguments
    within_s: float | None
    after: str | None
    """A claim of `then`, or `heal`."""
    during: str | None
    """The fault that must be on (`while`)."""
    section: Literal["then", "always"]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A change under which the claims of `turns_red` must come out red."""

    name: str
    removes_fault: bool
    mutant: str | None
    turns_red: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of `cases`, or one cell of `matrix`; unnamed where there is neither."""

    name: str | None
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One failure mode, and what the system owes when it happens."""

    name: str
    title: str
    proves: tuple[str, ...]
    tags: tuple[str, ...]
    timeout_s: float
    axis: Literal["case", "matrix"] | None
    cases: tuple[Case, ...]
    """At least one; exactly one, without a name, where `axis` is None."""
    given: tuple[Action, ...]
    faults: tuple[FaultPlan, ...]
    when: tuple[Action | Heal, ...]
    then: tuple[Claim, ...]
    always: tuple[Claim, ...]
    controls: tuple[Control, ...]
    place: Place
    source: str
    """The file's text, as it was read."""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Every claim, in the order of the file."""
        return self.then + self.always


def bind(scenario: Scenario, case: Case) -> Scenario:
    """Return `scenario` for `case` alone, its values in the place of their lookups."""

    def find(lookup: Lookup) -> Scalar | Lookup:
        return case.values[lookup.path[1]] if lookup.path[0] == axis else lookup

    axis = scenario.axis
    return replace(
        scenario,
        cases=(case,),
        given=tuple(_action_bound(each, find) for each in scenario.given),
        faults=tuple(_fault_bound(each, find) for each in scenario.faults),
        when=tuple(
            each if isinstance(each, Heal) else _action_bound(each, find)
            for each in scenario.when
        ),
        then=tuple(_claim_bound(each, find) for each in scenario.then),
        always=tuple(_claim_bound(each, find) for each in scenario.always),
    )


Find: TypeAlias = Callable[[Lookup], object]
"""Returns what a lookup refers to, or the lookup itself to leave it for later."""


def filled(value: Value, find: Find) -> object:
    """Return `value` with each lookup replaced by what `find` gives for it."""
    match value:
        case Lookup():
            return _found(value, find)
        case Text():
            return _joined(
                part if isinstance(part, str) else find(part) for part in value.parts
            )
        case tuple():
            return tuple(filled(each, find) for each in value)
        case Mapping():
            return {key: filled(each, find) for key, each in value.items()}
        case _:
            return value


def as_text(value: object) -> str:
    """Return `value` as it stands inside a text: scalars as YAML writes them."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def seconds(text: str) -> float | None:
    """Return what `10s`, `500ms` or `2m` lasts; None if `text` is no duration."""
    found = _DURATION.fullmatch(text)
    return float(found[1]) * _SECONDS_IN[found[2]] if found else None


def _found(lookup: Lookup, find: Find) -> object:
    found = find(lookup)
    if lookup.in_seconds and isinstance(found, str):
        lasts = seconds(found)
        assert lasts is not None, f"{lookup} is {found!r}, which is no duration"
        return lasts
    return found


def _joined(parts: Iterable[object]) -> str | Text:
    """Return one text where no lookup is left, otherwise a `Text` with the rest."""
    joined: list[str | Lookup] = []
    for part in parts:
        if isinstance(part, Lookup):
            joined.append(part)
        elif joined and isinstance(joined[-1], str):
            joined[-1] += as_text(part)
        else:
            joined.append(as_text(part))
    if any(isinstance(each, Lookup) for each in joined):
        return Text(parts=tuple(joined))
    return "".join(map(str, joined))


def _arguments_bound(arguments: Arguments, find: Find) -> Arguments:
    # A case holds scalars alone, so what is filled with it is still a `Value`.
    return cast("Arguments", filled(arguments, find))


def _action_bound(action: Action, find: Find) -> Action:
    return replace(action, arguments=_arguments_bound(action.arguments, find))


def _claim_bound(claim: Claim, find: Find) -> Claim:
    return replace(claim, arguments=_arguments_bound(claim.arguments, find))


def _fault_bound(fault: FaultPlan, find: Find) -> FaultPlan:
    return replace(
        fault,
        arguments=_arguments_bound(fault.arguments, find),
        at=_moment_bound(fault.at, find) if fault.at else None,
    )


def _moment_bound(moment: Moment, find: Find) -> Moment:
    if moment.lookup is None:
        return moment
    return replace(moment, what=as_text(find(moment.lookup)), lookup=None)
