"""What is wrong with a scenario file, where, and what to write instead.

Reading goes on after a problem where it can, so an author sees them together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, NoReturn

from pytest_sr.scenario import Place

PROBLEMS_MAX: Final = 50
"""After that many, one more of them helps nobody."""

_WORD_CHARS_MAX: Final = 60
_CHOICES_MAX: Final = 20


class Code(StrEnum):
    """What kind of problem it is; a code never changes, its words may."""

    UNREADABLE = "UNREADABLE"
    TOO_LARGE = "TOO_LARGE"
    NOT_UTF8 = "NOT_UTF8"
    BAD_CHARACTER = "BAD_CHARACTER"
    DIRECTIVE = "DIRECTIVE"
    NOT_YAML = "NOT_YAML"
    TAB = "TAB"
    TOO_DEEP = "TOO_DEEP"
    TOO_MANY = "TOO_MANY"
    ANCHOR = "ANCHOR"
    ALIAS = "ALIAS"
    TAG = "TAG"
    MERGE_KEY = "MERGE_KEY"
    MANY_DOCUMENTS = "MANY_DOCUMENTS"
    DOUBLED_KEY = "DOUBLED_KEY"
    KEY_NOT_TEXT = "KEY_NOT_TEXT"
    BAD_NUMBER = "BAD_NUMBER"
    EMPTY = "EMPTY"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    MISSING_KEY = "MISSING_KEY"
    WRONG_TYPE = "WRONG_TYPE"
    BAD_ID = "BAD_ID"
    BAD_DURATION = "BAD_DURATION"
    BAD_EVENT = "BAD_EVENT"
    BAD_LOOKUP = "BAD_LOOKUP"
    WRONG_NAME = "WRONG_NAME"
    DOUBLED_NAME = "DOUBLED_NAME"
    UNKNOWN_NAME = "UNKNOWN_NAME"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    UNKNOWN_STEP = "UNKNOWN_STEP"
    UNKNOWN_FAULT = "UNKNOWN_FAULT"
    UNKNOWN_CHECK = "UNKNOWN_CHECK"
    UNKNOWN_CLAIM = "UNKNOWN_CLAIM"
    UNKNOWN_MUTANT = "UNKNOWN_MUTANT"
    UNKNOWN_ARGUMENT = "UNKNOWN_ARGUMENT"
    MISSING_ARGUMENT = "MISSING_ARGUMENT"
    NOTHING_TO_NAME = "NOTHING_TO_NAME"
    CONFLICT = "CONFLICT"
    UNPROVEN_CLAIM = "UNPROVEN_CLAIM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend."""

    place: Place
    found: str
    remedy: str
    code: Code

    def __str__(self) -> str:
        end = "?" if self.remedy.startswith("Did you mean") else "."
        return f"{self.place}: {self.found}. {self.remedy}{end}"


class ScenarioRefused(Exception):  # noqa: N818 - named for what it says
    """A file that is no scenario; says why, a line for each problem."""

    def __init__(self, errors: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


class Problems:
    """The problems of one file, as they are met."""

    def __init__(self) -> None:
        self._met: list[Problem] = []

    def add(self, code: Code, place: Place, found: str, remedy: str) -> None:
        """Note a problem and go on.

        Raises:
            ScenarioRefused: it is one too many.

        """
        self._met.append(Problem(place=place, found=found, remedy=remedy, code=code))
        if len(self._met) >= PROBLEMS_MAX:
            raise self._refusal()

    def refuse(self, code: Code, place: Place, found: str, remedy: str) -> NoReturn:
        """Note a problem after which there is nothing to go on with."""
        self.add(code, place, found, remedy)
        raise self._refusal()

    def raise_if_any(self) -> None:
        """Refuse the file unless nothing was noted."""
        if self._met:
            raise self._refusal()

    def _refusal(self) -> ScenarioRefused:
        by_place = sorted(self._met, key=lambda each: _order(each.place))
        return ScenarioRefused(tuple(by_place))


def _order(place: Place) -> tuple[int, int]:
    return place.line, place.column


def did_you_mean(word: str, possible: Collection[str]) -> str:
    """Return the advice for a `word` that is none of the `possible` ones."""
    near = get_close_matches(clipped(word), possible, n=1)
    if near:
        return f"Did you mean `{clipped(near[0])}`"
    return f"Write {one_of(possible)}" if possible else "Leave it out"


def one_of(choices: Iterable[object]) -> str:
    """Return `choices` as a person would list them."""
    listed = [f"`{clipped(str(each))}`" for each in choices]
    if len(listed) > _CHOICES_MAX:
        listed = [*listed[:_CHOICES_MAX], "…"]
    return ", ".join(listed[:-1]) + " or " + listed[-1] if listed[1:] else listed[0]


def clipped(word: str) -> str:
    """Return the beginning of `word`, on one line and without control characters."""
    printable = "".join(each if each.isprintable() else " " for each in word)
    flat = " ".join(printable.split())
    return flat if len(flat) <= _WORD_CHARS_MAX else flat[: _WORD_CHARS_MAX - 1] + "…"
