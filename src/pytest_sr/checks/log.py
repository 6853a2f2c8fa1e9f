"""Claims about the log: what was recorded, by whom, and what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Literal

from pytest_sr.checks.base import (
    Finding,
    View,
    differences,
    held,
    undecided,
    violated,
)
from pytest_sr.history import Logged
from pytest_sr.registry import EventName, check

ActorKind = Literal["HUMAN", "AGENT", "SYSTEM"]


@check("event")
def event(
    view: View,
    *,
    event: EventName,
    where: Mapping[str, object] | None = None,
    by: ActorKind | None = None,
    count: int | None = None,
) -> Finding:
    """Such an event is in the log; exactly `count` of them, if that is said.

    Args:
        event: the event's type, such as StopTriggered
        where: fields that its payload holds
        by: the kind of its actor

    """
    if unheard_of := _unheard_of(view, event):
        return unheard_of
    of_type = [each for each in view.events if each.event_type == event]
    if unknown := _unknown_fields(of_type, where or {}):
        return undecided(f"{event} has no field {unknown}")
    found = [each for each in of_type if _fits(each, where, by)]
    if count is not None and len(found) != count:
        return violated(f"{len(found)} such events, not {count}: {_near(of_type)}")
    if count is None and not found:
        return violated(f"no such event; {_near(of_type)}")
    if not found and not view.answers:
        return undecided("nothing was tried in this part of the story")
    if not found:
        return held(f"no {event}, as claimed")
    first = found[0]
    return held(f"{event} at {first.position}", position=first.position)


@check("no_event")
def no_event(
    view: View,
    *,
    no_event: EventName,
    where: Mapping[str, object] | None = None,
) -> Finding:
    """No such event is in the log, though something was tried.

    Args:
        no_event: the event's type
        where: fields that its payload would hold

    """
    if unheard_of := _unheard_of(view, no_event):
        return unheard_of
    if not view.answers:
        return undecided("nothing was tried in this part of the story")
    known = [each for each in view.history.events if each.event_type == no_event]
    if unknown := _unknown_fields(known, where or {}):
        return undecided(f"{no_event} has no field {unknown}")
    found = [
        each
        for each in view.events
        if each.event_type == no_event and _fits(each, where, None)
    ]
    if found:
        return violated(f"{no_event} at {found[0].position}: {dict(found[0].payload)}")
    return held(f"no {no_event} after {len(view.answers)} answers")


@check("every_event")
def every_event(view: View, *, every_event: EventName, by: ActorKind) -> Finding:
    """Every event of a type, at least one, was recorded by an actor of one kind.

    Args:
        every_event: the event's type
        by: the kind of actor

    """
    found = [each for each in view.events if each.event_type == every_event]
    if not found:
        return undecided(f"there is no {every_event} to look at")
    others = [each for each in found if each.actor_kind != by]
    if others:
        first = others[0]
        return violated(
            f"{every_event} at {first.position} is by {first.actor_kind} {first.actor_id}"
        )
    return held(f"{len(found)} of {len(found)} by {by}")


@check("refs")
def refs(view: View, *, refs: EventName, hold: Mapping[str, object]) -> Finding:
    """The last event of a type carries a ref like this.

    Args:
        refs: the event's type
        hold: what the ref holds: kind, rel, id, meta

    """
    found = [each for each in view.events if each.event_type == refs]
    if not found:
        return undecided(f"there is no {refs} to look at")
    last = found[-1]
    if any(not differences(hold, each) for each in last.refs):
        return held(f"{refs} at {last.position} has it", position=last.position)
    carried = [
        " ".join(str(each.get(name)) for name in ("kind", "rel", "id"))
        for each in last.refs
    ]
    return violated(f"{refs} at {last.position} carries {carried}")


@check("invariant")
def invariant(
    view: View, *, invariant: Literal["log-sound", "projections-equal-replay"]
) -> Finding:
    """The whole log, or all of the read model, is as it has to be.

    Args:
        invariant: gapless with every hash holding; or rows equal to those of the log alone

    """
    if not view.history.events:
        return undecided("the log is empty")
    if invariant == "log-sound":
        return _log_is_sound(view.history.events)
    return _rows_equal_replay(view)


def _log_is_sound(events: Sequence[Logged]) -> Finding:
    versions: dict[str, int] = {}
    for number, each in enumerate(events, start=1):
        if each.position != number:
            return violated(f"position {number} is missing")
        if not each.is_sound:
            return violated(f"the hashes of the event at {number} do not hold")
        if each.stream_seq != versions.get(each.stream_id, 0) + 1:
            return violated(f"{each.stream_id} has a gap before {each.stream_seq}")
        versions[each.stream_id] = each.stream_seq
    return held(f"{len(events)} events, gapless, every hash holds")


def _rows_equal_replay(view: View) -> Finding:
    replayed, samples = view.history.replayed, view.history.samples
    if replayed is None or not samples:
        return undecided("the read model was not made anew")
    live = samples[-1].rows
    rows = 0
    for table in sorted(replayed.keys() | live.keys()):
        made, found = replayed.get(table, {}), live.get(table, {})
        for key in sorted(made.keys() | found.keys()):
            if key not in made or key not in found:
                where = "the read model" if key in made else "the log"
                return violated(f"{table} {key} is not in {where}")
            for column in sorted(made[key].keys() | found[key].keys()):
                given, value = made[key].get(column), found[key].get(column)
                if given != value:
                    return violated(
                        f"{table} {key}: {column} is {value!r}, the log gives {given!r}"
                    )
            rows += 1
    if not rows:
        return undecided("the read model has no rows")
    return held(f"{rows} rows in {len(replayed)} tables equal those of the log alone")


def _unheard_of(view: View, event_type: str) -> Finding | None:
    """Return that the platform has no such event, if it has not."""
    known = view.history.event_types
    if not known or event_type in known:
        return None
    near = get_close_matches(event_type, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return undecided(f"the platform records no {event_type}{hint}")


def _fits(
    each: Logged, where: Mapping[str, object] | None, by: ActorKind | None
) -> bool:
    return not differences(where or {}, each.payload) and by in {None, each.actor_kind}


def _unknown_fields(
    events: Sequence[Logged], where: Mapping[str, object]
) -> str | None:
    """Return a field of `where` that none of the events has."""
    return next(
        (
            field
            for field in where
            if events and not any(field in each.payload for each in events)
        ),
        None,
    )


def _near(events: Sequence[Logged]) -> str:
    """Return the last event of the type, as the nearest there is."""
    if not events:
        return "there is none of that type"
    last = events[-1]
    return f"the last of that type, by {last.actor_kind}: {dict(last.payload)}"
