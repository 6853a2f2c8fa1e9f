"""What each `${…}` refers to, known before anything runs.

A name is made by the `as:` of an action and can be used after it. What the action's
step returns says which fields there are and of what kind; a case's values are known
outright, so they are held against every case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NoReturn, TypeAlias

from pytest_sr.parse.problems import Code, Problems, clipped, did_you_mean
from pytest_sr.parse.scalars import NO_WORDS, YES_WORDS
from pytest_sr.registry import Form, Kind, Reached, fields_of
from pytest_sr.scenario import Case, Lookup, Place, Scalar, seconds

AXES: Final = {"case": "cases", "matrix": "matrix"}
"""What a lookup into the cases begins with, and the section it takes them from."""


class _Unresolved(Exception):  # noqa: N818 - named for what it says
    def __init__(self, code: Code, found: str, remedy: str) -> None:
        super().__init__(found)
        self.code = code
        self.found = found
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseValues:
    """What a lookup into the cases stands for, by the name of the case."""

    values: Mapping[str, Scalar]


Meaning: TypeAlias = Reached | CaseValues


@dataclass(slots=True, kw_only=True)
class Scope:
    """The names that can be looked up at one point of the file."""

    problems: Problems
    axis: Literal["case", "matrix"] | None
    cases: Sequence[Case]
    made_at: Mapping[str, Place]
    """Where each name of the whole file is made."""
    names: dict[str, Reached | None] = field(default_factory=dict)
    """None where the step is unknown, which was noted where it stands."""

    def define(self, name: str, gives: Reached | None) -> None:
        """Make `name` known from here on."""
        self.names[name] = gives

    def meaning(self, lookup: Lookup, *, secret: bool) -> Meaning | None:
        """Return what `lookup` gives; None where that is unknown, which was noted."""
        root = lookup.path[0]
        try:
            if root in AXES:
                return self._case_values(lookup, root)
            if root not in self.names:
                self._refuse_root(root)
            return _field(lookup, self.names[root])
        except _Unresolved as why:
            found = "a lookup that is not shown refers to nothing here"
            self.problems.add(
                why.code, lookup.place, found if secret else why.found, why.remedy
            )
            return None

    def _case_values(self, lookup: Lookup, root: str) -> CaseValues:
        if root != self.axis:
            found = f"{_told(lookup)} needs `{AXES[root]}`, which this scenario has not"
            raise _Unresolved(Code.UNKNOWN_NAME, found, self._instead(root))
        key = ".".join(lookup.path[1:])
        missing = [case.name for case in self.cases if key not in case.values]
        if missing:
            keys = sorted({each for case in self.cases for each in case.values})
            found = (
                f"{_told(lookup)} is not there in the case `{clipped(str(missing[0]))}`"
            )
            remedy = "Give it to every case" if key in keys else did_you_mean(key, keys)
            raise _Unresolved(Code.UNKNOWN_NAME, found, remedy)
        return CaseValues(
            values={str(case.name): case.values[key] for case in self.cases}
        )

    def _refuse_root(self, root: str) -> NoReturn:
        if root in self.made_at:
            found = f"`{root}` is made only at line {self.made_at[root].line}"
            remedy = "Use it after that, or move the action up"
            raise _Unresolved(Code.UNKNOWN_NAME, found, remedy)
        found = f"`{clipped(root)}` is a name that no `as:` makes"
        raise _Unresolved(Code.UNKNOWN_NAME, found, self._instead(root))

    def _instead(self, word: str) -> str:
        return did_you_mean(word, [*self.names, *([self.axis] if self.axis else [])])


def _field(lookup: Lookup, reached: Reached | None) -> Reached | None:
    """Follow the path of `lookup` from what its first name gives."""
    for at, name in enumerate(lookup.path[1:], start=1):
        if reached is None:
            return None
        so_far = clipped(".".join(lookup.path[:at]))
        if isinstance(reached, Kind):
            found = f"`{so_far}` is {reached.form} and has no fields"
            raise _Unresolved(Code.UNKNOWN_FIELD, found, f"Write `${{{so_far}}}`")
        possible = fields_of(reached)
        if name not in possible:
            found = f"`{so_far}` has no field `{clipped(name)}`"
            raise _Unresolved(Code.UNKNOWN_FIELD, found, did_you_mean(name, possible))
        reached = possible[name]
    return reached


def takes(kind: Kind, given: Reached) -> bool:
    """Return whether a parameter of `kind` can be given what a lookup reaches."""
    if kind.form is Form.ANY:
        return True
    if not isinstance(given, Kind):
        return False
    if kind.form is given.form is Form.CHOICE:
        return set(given.choices) <= set(kind.choices)
    return given.form in _ALSO_TAKES.get(kind.form, ()) or given.form in (
        kind.form,
        Form.ANY,
    )


def in_text(given: Reached) -> bool:
    """Return whether what a lookup reaches can be put into the middle of a text."""
    return isinstance(given, Kind) and given.form in _SCALARS


def fits(kind: Kind, value: Scalar) -> bool:
    """Return whether a parameter of `kind` can be given `value`."""
    match kind.form:
        case Form.ANY:
            return True
        case _ if value is None:
            return kind.nullable
        case Form.TEXT:
            return isinstance(value, str)
        case Form.EVENT:
            return isinstance(value, str) and is_event(value)
        case Form.FLAG:
            return isinstance(value, bool)
        case Form.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case Form.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Form.DURATION:
            return isinstance(value, str) and seconds(value) is not None
        case Form.CHOICE:
            return any(
                value == each and type(value) is type(each) for each in kind.choices
            )
        case _:
            return False


def remedy_for(kind: Kind, value: Scalar) -> str:
    """Return what to write in the place of `value`."""
    match kind.form:
        case Form.FLAG if str(value).lower() in YES_WORDS:
            return "Write `true`"
        case Form.FLAG if str(value).lower() in NO_WORDS:
            return "Write `false`"
        case Form.FLAG:
            return "Write `true` or `false`"
        case Form.TEXT if value is not None:
            return "Put it in quotes"
        case Form.EVENT if isinstance(value, str):
            return "Write it in CamelCase, such as `RunCompleted`"
        case Form.DURATION:
            return "Write a number and ms, s or m, such as `10s`"
        case Form.CHOICE:
            return did_you_mean(str(value), [str(each) for each in kind.choices])
        case Form.INTEGER | Form.NUMBER if isinstance(value, str):
            return "Write the number without quotes"
        case _:
            return f"Write {kind.form}"


def _told(lookup: Lookup) -> str:
    return f"`{clipped(str(lookup))}`"


def is_event(word: str) -> bool:
    """Return whether `word` has the form of an event's name."""
    return bool(_EVENT.fullmatch(word))


_EVENT: Final = re.compile(r"([A-Z][a-z0-9]*)+", re.ASCII)
_ALSO_TAKES: Final = {
    Form.TEXT: (Form.CHOICE, Form.EVENT),
    Form.EVENT: (Form.TEXT,),
    Form.NUMBER: (Form.INTEGER, Form.DURATION),
    Form.DURATION: (Form.INTEGER, Form.NUMBER),
    Form.MAP: (Form.TEXT_MAP,),
}
_SCALARS: Final = frozenset(
    {
        Form.TEXT,
        Form.EVENT,
        Form.CHOICE,
        Form.INTEGER,
        Form.NUMBER,
        Form.FLAG,
        Form.DURATION,
        Form.ANY,
    }
)
