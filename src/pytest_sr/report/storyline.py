"""What can be told from a history without judging it: order, windows, changes.

    answers, moments, samples   have ticks ──┐
    events                      have positions ──▶ one line of entries

An event stands before the first thing that was seen with the log already that long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pytest_sr.history import (
    Answered,
    FaultMoment,
    History,
    Logged,
    ObjectSeen,
    Row,
    Sample,
)
from pytest_sr.judge import HEAL, Judged
from pytest_sr.scenario import Claim, Lookup

Entry: TypeAlias = Answered | FaultMoment | Logged | Sample

_ABOUT_ANSWERS: Final = frozenset({"answer", "attempts"})
_POSITION: Final = re.compile(r"\bat (\d{1,9})\b", re.ASCII)


def entries(history: History) -> tuple[Entry, ...]:
    """Return everything that was seen, in order."""
    ticked: list[Answered | FaultMoment | Sample] = sorted(
        [*history.answers, *history.moments, *history.samples],
        key=lambda each: each.tick,
    )
    events = list(history.events)
    line: list[Entry] = []
    for each in ticked:
        while events and events[0].position <= each.position:
            line.append(events.pop(0))
        line.append(each)
    return (*line, *events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One fault's life, in columns of the line of entries; None: it never came."""

    fault: str
    asked: int
    landed: int | None
    ended: int | None
    missed: bool


def step_numbers(history: History) -> Mapping[int, int]:
    """Return each step's number by its tick, as every table and drawing has it."""
    ticks = sorted(each.tick for each in history.answers)
    return {tick: number for number, tick in enumerate(ticks, start=1)}


def windows(history: History, line: tuple[Entry, ...]) -> tuple[Window, ...]:
    """Return the life of each fault that was asked for; what `line` lost is at 0."""
    columns = {(each.fault, each.what): 0 for each in history.moments} | {
        (each.fault, each.what): column
        for column, each in reversed([*enumerate(line)])
        if isinstance(each, FaultMoment)
    }
    names = dict.fromkeys(each.fault for each in history.moments)
    return tuple(
        Window(
            fault=name,
            asked=columns.get((name, "asked"), 0),
            landed=columns.get((name, "landed")),
            ended=columns.get((name, "healed"), columns.get((name, "not healed"))),
            missed=(name, "not landed") in columns,
        )
        for name in names
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The part of the line that a claim is about, and where it was decided."""

    first: int
    anchor: int


def span(
    claim: Claim, judged: Judged, line: tuple[Entry, ...], lives: tuple[Window, ...]
) -> Span:
    """Return where a claim stands on the line of entries."""
    first, last = 0, max(len(line) - 1, 0)
    for each in lives:
        if each.fault == claim.during and each.landed is not None:
            first, last = each.landed, each.ended or last
    healed = [each.ended for each in lives if each.ended is not None]
    if claim.after == HEAL and healed:
        first = max(healed)
    anchor = _decided_at(claim, judged, line)
    return Span(
        first=min(first, anchor or first), anchor=last if anchor is None else anchor
    )


def position_named(text: str) -> int | None:
    """Return the position of the log that a finding names, if it names one."""
    found = _POSITION.search(text)
    return int(found[1]) if found else None


def around_position(text: str) -> tuple[str, str, str]:
    """Return a finding's text before, at and after the position that it names."""
    found = _POSITION.search(text)
    if found is None:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


def fault_at(history: History, tick: int) -> tuple[str, ...]:
    """Return the faults that were on at `tick`."""
    on: dict[str, None] = {}
    for each in sorted(history.moments, key=lambda moment: moment.tick):
        if each.tick > tick:
            break
        if each.what == "landed":
            on[each.fault] = None
        elif each.what == "healed":
            on.pop(each.fault, None)
    return tuple(on)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """What became of one row between two looks; a column holds (before, after)."""

    table: str
    key: str
    what: Literal["new", "gone", "changed"]
    row: Row
    columns: Mapping[str, tuple[object, object]]


def row_changes(before: Sample | None, after: Sample) -> Iterator[RowChange]:
    """Yield what changed in the rows, by table and then by key."""
    old = before.rows if before else {}
    for name in sorted(old.keys() | after.rows.keys()):
        was, now = old.get(name, {}), after.rows.get(name, {})
        for key in (*now, *(each for each in was if each not in now)):
            change = _row_change(name, key, was.get(key), now.get(key))
            if change is not None:
                yield change


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLife:
    """One stored object: what was last seen of it, and each time it was otherwise."""

    key: str
    last: ObjectSeen
    changes: tuple[tuple[Sample, str], ...]
    is_there: bool

    @property
    def is_untouched(self) -> bool:
        """Whether it was stored, and never changed after that."""
        return self.is_there and len(self.changes) == 1


def object_lives(history: History) -> Iterator[ObjectLife]:
    """Yield each object that was ever seen, by key."""
    keys = sorted({key for each in history.samples for key in each.objects})
    for key in keys:
        seen = [(each, each.objects.get(key)) for each in history.samples]
        there = [found for _, found in seen if found is not None]
        yield ObjectLife(
            key=key,
            last=there[-1],
            changes=tuple(_object_changes(seen)),
            is_there=seen[-1][1] is not None,
        )


def _decided_at(claim: Claim, judged: Judged, line: tuple[Entry, ...]) -> int | None:
    """Return the column of the answer or of the event that the claim rests on."""
    asked = {
        each.path[0]
        for name, each in claim.arguments.items()
        if name in _ABOUT_ANSWERS and isinstance(each, Lookup)
    }
    position = position_named(judged.why)
    for column, each in enumerate(line):
        if isinstance(each, Logged) and each.position == position:
            return column
        if isinstance(each, Answered) and each.name in asked:
            return column
    return None


def _row_change(
    name: str, key: str, was: Row | None, now: Row | None
) -> RowChange | None:
    if was is None or now is None:
        row = now if now is not None else was
        assert row is not None, "a key comes from one of the two"
        what: Literal["new", "gone"] = "gone" if now is None else "new"
        return RowChange(table=name, key=key, what=what, row=row, columns={})
    columns = {
        each: (was.get(each), now.get(each))
        for each in (*now, *(column for column in was if column not in now))
        if was.get(each) != now.get(each)
    }
    if not columns:
        return None
    return RowChange(table=name, key=key, what="changed", row=now, columns=columns)


def _object_changes(
    seen: list[tuple[Sample, ObjectSeen | None]],
) -> Iterator[tuple[Sample, str]]:
    before: ObjectSeen | None = None
    ever = False
    for sample, now in seen:
        if before is None and now is not None:
            yield sample, "there again" if ever else "first seen"
        elif before is not None and now is None:
            yield sample, "gone"
        elif before is not None and now is not None and before.sha256 != now.sha256:
            yield sample, "its bytes are others"
        before, ever = now, ever or now is not None
