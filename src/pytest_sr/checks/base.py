"""What a check is given and what it answers.

A check is a pure function: it looks at a part of what was seen and says whether the claim
holds there. It never looks at what the scenario's steps meant to bring about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from pytest_sr.history import Answered, History, Logged, Sample
from pytest_sr.scenario import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The part of a history that a claim is about.

    Positions and ticks are after the first and up to the second of each pair.
    """

    history: History
    positions: tuple[int, int]
    ticks: tuple[int, int]

    @property
    def events(self) -> tuple[Logged, ...]:
        """The events of the log that fall into it."""
        after, last = self.positions
        return tuple(
            each for each in self.history.events if after < each.position <= last
        )

    @property
    def answers(self) -> tuple[Answered, ...]:
        """The steps that were taken in it."""
        after, last = self.ticks
        return tuple(each for each in self.history.answers if after < each.tick <= last)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The rows and objects that were read in it."""
        after, last = self.ticks
        return tuple(each for each in self.history.samples if after < each.tick <= last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found; `position` is the event that it rests on, if it is one."""

    verdict: Verdict
    why: str
    position: int | None = None


def held(why: str, *, position: int | None = None) -> Finding:
    """Return that the claim holds."""
    return Finding(verdict=Verdict.PASS, why=why, position=position)


def violated(why: str) -> Finding:
    """Return that the claim does not hold."""
    return Finding(verdict=Verdict.FAIL, why=why)


def undecided(why: str) -> Finding:
    """Return that there was nothing from which to tell."""
    return Finding(verdict=Verdict.INVALID, why=why)


def differences(expected: object, found: object, *, at: str = "") -> tuple[str, ...]:
    """Return where `found` does not hold what `expected` asks; maps may hold more."""
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return (f"{at or 'it'} is {found!r}, not a map",)
        return tuple(
            each
            for key, value in expected.items()
            for each in (
                differences(value, found[key], at=f"{at}.{key}".removeprefix("."))
                if key in found
                else (f"{at}.{key}".removeprefix(".") + " is not there",)
            )
        )
    if _is_list(expected) and _is_list(found):
        return () if [*expected] == [*found] else (_unlike(expected, found, at),)
    if expected == found and type(expected) is type(found):
        return ()
    return (_unlike(expected, found, at),)


def _unlike(expected: object, found: object, at: str) -> str:
    return f"{at or 'it'} is {found!r}, not {expected!r}"


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
