"""What was seen past the system: its log, its rows, its objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_sr.history import Logged, Sample
from pytest_sr.report.markup import Child, Html, joined, prose, table, tag
from pytest_sr.report.storyline import ObjectLife, RowChange, object_lives, row_changes
from pytest_sr.report.transcript import Transcript
from pytest_sr.report.words import (
    Bounds,
    counted,
    fields,
    is_housekeeping,
    key_fields_of,
    short_name,
    value_of,
)

_OBSERVED_BY: Final = "Read past the system under test, straight from its stores."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Says:
    """How rows are told of: what comes first, how much, and whether nothing was before."""

    keys: frozenset[str]
    bounds: Bounds
    first: bool


def observed(transcript: Transcript, bounds: Bounds) -> Iterator[Child]:
    """Yield the log, the rows that changed, and the stored objects."""
    history = transcript.history
    yield tag("p", _OBSERVED_BY, class_="says")
    yield tag("h3", f"The log: {counted(len(history.events), 'event')}")
    keys = key_fields_of(transcript.scenario)
    yield _events(history.events, keys, bounds)
    yield tag("h3", "Rows that changed between looks")
    yield _looks(history.samples, keys, bounds)
    yield tag("h3", "Stored objects")
    yield _objects([*object_lives(history)], bounds)


def _events(
    events: tuple[Logged, ...], keys: frozenset[str], bounds: Bounds
) -> Iterator[Child]:
    if not events:
        yield tag("p", "The log is empty.")
        return
    shown = events[-bounds.events_max :]
    if len(shown) < len(events):
        yield tag("p", f"The last {len(shown)}; the transcript has all of them.")
    columns = ("position", "event", "by", "what it says", "stream", "hashes")
    yield table(
        "Events of the log, in order",
        columns,
        (_event_row(each, keys, bounds) for each in shown),
        class_="events",
    )


def _event_row(each: Logged, keys: frozenset[str], bounds: Bounds) -> Html:
    return tag(
        "tr",
        tag("td", str(each.position), class_="number"),
        tag(
            "th",
            each.event_type,
            tag("small", each.occurred_at),
            scope="row",
        ),
        tag(
            "td",
            tag("span", each.actor_kind, class_="kind"),
            tag("small", prose(each.actor_id)),
        ),
        tag("td", fields(each.payload, bounds, key_fields=keys)),
        tag("td", short_name(each.stream_id), tag("small", f"no. {each.stream_seq}")),
        tag("td", "✓ hold" if each.is_sound else tag("b", "✗ broken"), class_="nowrap"),
        id=f"event-{each.position}",
    )


def _looks(
    samples: tuple[Sample, ...], keys: frozenset[str], bounds: Bounds
) -> Iterator[Child]:
    if not samples:
        yield tag("p", "The rows were never read.")
    before: Sample | None = None
    left = bounds.changes_max
    for each in samples:
        changes = [*row_changes(before, each)]
        says = _Says(keys=keys, bounds=bounds, first=before is None)
        yield _look(each, changes, left, says)
        left = max(left - len(changes), 0)
        before = each


def _look(sample: Sample, changes: list[RowChange], left: int, says: _Says) -> Html:
    told = f"{sample.label} (log at {sample.position})"
    if not changes:
        return tag("p", f"{told}: no row changed", class_="look", data_tick=sample.tick)
    shown = changes[:left]
    left_out = len(changes) - len(shown)
    short = f", {left_out} left out here" if left_out else ""
    what = counted(len(changes), "row") + (" there" if says.first else " changed")
    return tag(
        "details",
        tag("summary", f"{told}: {what}{short}"),
        table(
            f"Rows at {told}",
            ("table", "row", "what changed"),
            (_change_row(each, says.keys, says.bounds) for each in shown),
            class_="changes",
        ),
        class_="look",
        open=not says.first,
        data_tick=sample.tick,
    )


def _change_row(each: RowChange, keys: frozenset[str], bounds: Bounds) -> Html:
    return tag(
        "tr",
        tag("th", each.table, scope="row"),
        tag("td", short_name(each.key)),
        tag("td", _what_changed(each, keys, bounds)),
    )


def _what_changed(each: RowChange, keys: frozenset[str], bounds: Bounds) -> Child:
    if each.what != "changed":
        row = {name: v for name, v in each.row.items() if v not in (each.key, None)}
        return joined(f"{each.what}: ", fields(row, bounds, key_fields=keys))
    told = [name for name in each.columns if not is_housekeeping(name)]
    if not told:
        return f"only its books: {', '.join(each.columns)}"
    return tag(
        "dl",
        (
            tag(
                "div",
                tag("dt", name),
                " ",
                tag("dd", tag("del", value_of(each.columns[name][0], bounds))),
                " → ",
                tag("dd", tag("ins", value_of(each.columns[name][1], bounds))),
            )
            for name in told
        ),
        class_="fields",
    )


def _objects(lives: list[ObjectLife], bounds: Bounds) -> Iterator[Child]:
    if not lives:
        yield tag("p", "No object was ever seen.")
        return
    touched = [each for each in lives if not each.is_untouched]
    untouched = [each for each in lives if each.is_untouched]
    if touched:
        yield _object_table("Objects that changed", touched, bounds)
    if untouched:
        told = f"{counted(len(untouched), 'object')} that never changed once stored"
        yield tag(
            "details", tag("summary", told), _object_table(told, untouched, bounds)
        )


def _object_table(caption: str, lives: list[ObjectLife], bounds: Bounds) -> Html:
    shown = lives[: bounds.objects_max]
    left_out = len(lives) - len(shown)
    return joined(
        table(
            caption,
            ("object", "bytes", "their hash", "name and hash", "what became of it"),
            (_object_row(each) for each in shown),
            class_="objects",
        ),
        tag("p", f"{left_out} more are left out here.") if left_out else None,
    )


def _object_row(each: ObjectLife) -> Html:
    digest = each.last.sha256.removeprefix("sha256:")
    return tag(
        "tr",
        tag("th", prose(each.key), scope="row"),
        tag("td", str(each.last.size), class_="number"),
        tag("td", prose(each.last.sha256)),
        tag("td", "✓ agree" if digest in each.key else "✗ differ", class_="nowrap"),
        tag(
            "td",
            "; ".join(f"{what}: {sample.label}" for sample, what in each.changes),
            None if each.is_there else tag("b", "; not there at the end"),
        ),
    )
