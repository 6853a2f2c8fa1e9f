"""Claims about names, about lists in answers, and about numbers in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pytest_sr.checks.base import Finding, View, differences, held, undecided, violated
from pytest_sr.registry import EventName, check

ULID: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
"""26 characters of Crockford base32 (SPEC 1.3.1)."""


@check("named")
def named(view: View, *, named: EventName, field: str, prefix: str) -> Finding:
    """Every event of a type, at least one, names something as ``<prefix>_<ULID>``.

    Args:
        named: the event's type, such as LoopCreated
        field: the field of its payload that holds the name
        prefix: what the name begins with, such as loop

    """
    found = [each for each in view.events if each.event_type == named]
    if not found:
        return undecided(f"there is no {named} to look at")
    form = re.compile(f"{re.escape(prefix)}_{ULID}")
    names = [each.payload.get(field) for each in found]
    wrong = [each for each in names if not _is_of(form, each)]
    if wrong:
        return violated(f"{field} is {wrong[0]!r}, not {prefix}_ and a ULID")
    if len({*map(str, names)}) < len(names):
        return violated(f"one {field} stands for two things: {names}")
    return held(f"{len(names)} of {len(names)}")


@check("listed")
def listed(
    view: View,
    *,
    listed: object,
    under: str,
    where: Mapping[str, object],
    has: Mapping[str, object] | None = None,
    says: tuple[str, ...] = (),
) -> Finding:
    """An answer lists exactly one such item, and it holds this.

    Args:
        listed: the step's name, such as ${list}
        under: the field of the body that holds the list
        where: what the item is known by
        has: what it holds besides
        says: fields that say something, whatever it is

    """
    if not isinstance(listed, Mapping) or "answer" not in listed:
        return undecided("this is no step that the system answered")
    if not any(each.result is listed for each in view.answers):
        return undecided("it was answered outside of this part of the story")
    items = listed["answer"]["body"].get(under)
    if not isinstance(items, Sequence) or isinstance(items, str):
        return violated(f"the answer has no list {under}: {listed['answer']}")
    found = [each for each in items if not differences(where, each)]
    if len(found) != 1:
        return violated(f"{len(found)} of {len(items)} {under} are such: {items}")
    if other := differences(has or {}, found[0]):
        return violated("; ".join(other))
    if unsaid := [name for name in says if found[0].get(name) in (None, "", [], {})]:
        return violated(f"it says nothing of {', '.join(unsaid)}: {found[0]}")
    return held(f"one of {len(items)} {under}")


@check("number")
def number(
    view: View, *, number: object, at: str, above: float, below: float
) -> Finding:
    """A number in an answer lies between two others.

    Args:
        number: the step's name, such as ${read}
        at: where in the body it stands, such as usage.wallclock_hours
        above: what it has to be more than
        below: what it has to be less than

    """
    if not isinstance(number, Mapping) or "answer" not in number:
        return undecided("this is no step that the system answered")
    if not any(each.result is number for each in view.answers):
        return undecided("it was answered outside of this part of the story")
    said: object = number["answer"]["body"]
    for name in at.split("."):
        said = said.get(name) if isinstance(said, Mapping) else None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return violated(f"{at} is {said!r}, not a number")
    if not above < said < below:
        return violated(f"{at} is {said}, not between {above} and {below}")
    return held(f"{at} is {said}")


def _is_of(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None
