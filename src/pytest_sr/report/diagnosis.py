"""What to look at first, where a case is not as it should be: all on one screen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pytest_sr.history import History, Logged
from pytest_sr.judge import Judged
from pytest_sr.report.controls import ControlRun
from pytest_sr.report.markup import Child, Html, clipped, joined, prose, table, tag
from pytest_sr.report.shell import section
from pytest_sr.report.storyline import around_position, position_named
from pytest_sr.report.transcript import Transcript
from pytest_sr.report.words import Bounds, expectation, resolved, value_of
from pytest_sr.scenario import Claim, FaultPlan, Scenario, Verdict

EVENTS_SHOWN: Final = 10
LINES_BEFORE: Final = 2
LINES_AFTER: Final = 3
_LINE_CHARS_MAX: Final = 400
_LINE: Final = re.compile(r"[^\n]{0,400}?:(\d{1,7}):\d{1,7}\b")


def diagnosis(
    transcript: Transcript, control: ControlRun | None, bounds: Bounds
) -> Html | None:
    """Return the first things to look at; None where all is as it should be."""
    if control is not None:
        if control.verdict is Verdict.PASS:
            return None
        first = _named(transcript, control.missed)
    else:
        if transcript.verdict is Verdict.PASS:
            return None
        first = _gravest(transcript)
    return section(
        "What to look at first",
        "first",
        tag(
            "div",
            tag("div", _what_is_wrong(transcript, control, first, bounds)),
            tag("div", _state(transcript)),
            class_="two",
        ),
    )


def command(transcript: Transcript) -> str:
    """Return the line that runs the case again, for a shell."""
    quoted = transcript.node_id.replace("'", "'\"'\"'")
    prove = "" if transcript.control is None else " --sr-prove=controls"
    return f"pytest '{quoted}'{prove}"


def excerpt(scenario: Scenario, line: int) -> Html:
    """Return the lines of the file around `line`, which is marked."""
    lines = scenario.source.splitlines()
    first = max(line - LINES_BEFORE, 1)
    last = min(line + LINES_AFTER, len(lines))
    rows = [
        _source_row(number, lines[number - 1], line)
        for number in range(first, last + 1)
    ]
    return tag(
        "pre",
        rows or "(the file has no such line)",
        class_="yaml",
        tabindex=0,
        aria_label=f"{scenario.place.file}, line {line}",
    )


def line_of(place: str) -> int | None:
    """Return the line that a text names at its start: `file:line:column`."""
    found = _LINE.match(place)
    return int(found[1]) if found else None


def why_of(why: str, history: History, bounds: Bounds) -> Html:
    """Return a finding's reason, with a link to the event that it names."""
    position = position_named(why)
    told = clipped(why, bounds.text_chars_max)
    before, named, after = around_position(told)
    if not named or all(each.position != position for each in history.events):
        return prose(told)
    link = tag("a", named, href=f"#event-{position}")
    return joined(prose(before), link, prose(after))


def fault_state(plan: FaultPlan, history: History) -> Html:
    """Return how far a fault came, in a line."""
    if history.faultless:
        return tag("li", tag("b", plan.name), ": left out by this control")
    moments = [each for each in history.moments if each.fault == plan.name]
    told = ", ".join(f"{each.what} (log at {each.position})" for each in moments)
    detail = f": {moments[-1].detail}" if moments else ""
    return tag(
        "li",
        tag("b", plan.name),
        prose(f": {told or 'never asked for: its moment did not come'}{detail}"),
    )


def _what_is_wrong(
    transcript: Transcript,
    control: ControlRun | None,
    first: Judged | None,
    bounds: Bounds,
) -> Iterator[Child]:
    invalid = transcript.judgement.invalid
    if invalid is not None:
        yield tag("h3", "Why there was no experiment")
        yield tag("p", prose(invalid), class_="found")
        line = line_of(invalid)
        if line is not None:
            yield excerpt(transcript.scenario, line)
    elif first is not None:
        yield from _claim_at_fault(transcript, control, first, bounds)
    yield _others(transcript, first)


def _claim_at_fault(
    transcript: Transcript, control: ControlRun | None, first: Judged, bounds: Bounds
) -> Iterator[Child]:
    yield tag("h3", "The claim ", tag("code", first.claim))
    line = line_of(first.place)
    if line is not None:
        yield excerpt(transcript.scenario, line)
    claim = next(
        (each for each in transcript.scenario.claims if each.name == first.claim), None
    )
    if claim is not None:
        wanted = "Expected" if control is None else "Expected, but for the control"
        yield tag("h4", wanted)
        yield expectation(claim, transcript.history, bounds)
    yield tag("h4", "Found")
    yield tag("p", why_of(first.why, transcript.history, bounds), class_="found")
    if claim is not None:
        yield _nearest(claim, transcript.history, bounds)


def _others(transcript: Transcript, first: Judged | None) -> Html | None:
    took_place = transcript.judgement.invalid is None
    others = [
        each
        for each in transcript.judgement.claims
        if (each.verdict is Verdict.FAIL or (took_place and _is_open(each)))
        and each is not first
    ]
    if not others or transcript.control is not None:
        return None
    links = [
        joined(tag("a", each.claim, href=f"#claim-{each.claim}"), " ")
        for each in others
    ]
    said = "Not held either: " if took_place else "Violated, whatever the experiment: "
    return tag("p", said, links, class_="others")


def _is_open(each: Judged) -> bool:
    return each.verdict is Verdict.INVALID


def _nearest(claim: Claim, history: History, bounds: Bounds) -> Html | None:
    """Return the event that comes nearest to the one demanded, and where it differs."""
    named = {each.name: each.result for each in history.answers if each.name}
    where = resolved(claim.arguments.get("where"), named)
    of_type = [
        each
        for each in history.events
        if each.event_type == claim.arguments.get("event")
    ]
    if not of_type or not isinstance(where, Mapping):
        return None
    nearest = max(of_type, key=lambda each: (_alike(each, where), each.position))
    rows = (_field_row(name, each, nearest, bounds) for name, each in where.items())
    caption = f"The nearest event: {nearest.event_type} at {nearest.position}"
    return joined(
        tag("h4", caption),
        table(caption, ("field", "expected", "found", ""), rows, class_="nearest"),
    )


def _alike(event: Logged, where: Mapping[str, object]) -> int:
    return sum(event.payload.get(name) == each for name, each in where.items())


def _field_row(name: str, expected: object, event: Logged, bounds: Bounds) -> Html:
    found = event.payload.get(name)
    same = found == expected
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", value_of(expected, bounds)),
        tag("td", value_of(found, bounds) if name in event.payload else "is not there"),
        tag("td", "✓ same" if same else tag("b", "✗ differs"), class_="nowrap"),
    )


def _state(transcript: Transcript) -> Iterator[Child]:
    history = transcript.history
    faults = transcript.scenario.faults
    yield tag("h3", "The fault" if len(faults) == 1 else "Faults")
    if faults:
        yield tag("ul", [fault_state(each, history) for each in faults], class_="plain")
    else:
        yield tag("p", "The scenario breaks nothing.")
    last = history.events[-EVENTS_SHOWN:]
    yield tag("h3", f"The last {len(last)} of {len(history.events)} events")
    yield tag(
        "ol",
        (
            tag(
                "li",
                tag("a", str(each.position), href=f"#event-{each.position}"),
                f" {each.event_type} ",
                tag("span", each.actor_kind, class_="kind"),
            )
            for each in last
        ),
        class_="plain last-events",
    )
    yield tag("h3", "Run it again")
    yield tag("pre", tag("code", command(transcript)), class_="command")


def _gravest(transcript: Transcript) -> Judged | None:
    claims = transcript.judgement.claims
    for verdict in (Verdict.FAIL, Verdict.INVALID):
        for each in claims:
            if each.verdict is verdict:
                return each
    return None


def _named(transcript: Transcript, names: tuple[str, ...]) -> Judged | None:
    return next(
        (each for each in transcript.judgement.claims if each.claim in names), None
    )


def _source_row(number: int, text: str, marked: int) -> Html:
    sign = "▶" if number == marked else " "
    kind = "marked" if number == marked else None
    line = f"{sign} {number:>3}  {clipped(text, _LINE_CHARS_MAX)}\n"
    return tag("span", line, class_=kind)
