"""A case drawn as a line of entries, from left to right in order, not by the clock.

    steps     ①  ②        ③     ④        each mark has its number from the table below
    fault          ▒▒███████████│         asked, landed, healed
    events     ■■ ▲●■   ■               ■ the actor's kind is the shape
    looks           │     │     │     │   rows and objects were read
    claims    ├──────────────✓            where it is about, and what decided it

Every mark says in its own words what it is, and a list says all of it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pytest_sr.history import Answered, FaultMoment, History, Logged, Sample
from pytest_sr.judge import Judged
from pytest_sr.report.markup import Html, joined, tag
from pytest_sr.report.storyline import (
    Entry,
    Window,
    entries,
    span,
    step_numbers,
    windows,
)
from pytest_sr.report.transcript import Transcript
from pytest_sr.report.words import SYMBOL, counted, is_refused, status_of
from pytest_sr.scenario import Claim

GUTTER: Final = 128
"""How wide the names of the lanes are, in pixels."""
WIDTH: Final = 1040
"""How wide the drawing is where that leaves each entry enough room."""
PITCH_MIN: Final = 13
PITCH_MAX: Final = 34
LANE: Final = 30
CLAIM: Final = 17
_NAME_CHARS_MAX: Final = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class _Canvas:
    """Where things go: a column for each entry, a lane for each kind of them."""

    history: History
    line: tuple[Entry, ...]
    numbers: Mapping[int, int]
    lives: tuple[Window, ...]
    claims: tuple[tuple[Claim, Judged], ...]

    @property
    def pitch(self) -> float:
        room = (WIDTH - GUTTER) / max(len(self.line), 1)
        return min(max(room, PITCH_MIN), PITCH_MAX)

    @property
    def width(self) -> float:
        return round(GUTTER + self.pitch * (max(len(self.line), 1) + 1), 1)

    @property
    def claims_top(self) -> int:
        return self.lane(3 + len(self.lives)) - LANE // 2 + 12

    @property
    def height(self) -> int:
        return self.claims_top + CLAIM * len(self.claims) + 8

    def x(self, column: int) -> float:
        return round(GUTTER + self.pitch * (column + 0.75), 1)

    def lane(self, number: int) -> int:
        return LANE // 2 + 4 + LANE * number


def draw(transcript: Transcript, entries_max: int) -> Html:
    """Return the drawing and its text alternative, of the last `entries_max` entries."""
    canvas = _canvas(transcript, entries_max)
    left_out = len(entries(transcript.history)) - len(canvas.line)
    picture = tag(
        "svg",
        tag("title", "Timeline: what happened, in order", id="timeline-title"),
        tag(
            "desc",
            _described(transcript.history, len(canvas.claims)),
            id="timeline-described",
        ),
        _lanes(canvas),
        [_band(canvas, number, each) for number, each in enumerate(canvas.lives)],
        _marks(canvas),
        [_claim(canvas, number, *each) for number, each in enumerate(canvas.claims)],
        role="img",
        aria_labelledby="timeline-title timeline-described",
        class_="timeline",
        viewBox=f"0 0 {canvas.width} {canvas.height}",
        width=canvas.width,
        height=canvas.height,
    )
    return joined(
        tag(
            "div",
            picture,
            class_="scroll",
            role="region",
            aria_label="Timeline",
            tabindex=0,
        ),
        tag("p", f"The first {left_out} entries are left out.") if left_out else None,
        _legend(),
        _told(canvas),
    )


def _told(canvas: _Canvas) -> Html:
    """Return the same as a list in words."""
    return tag(
        "details",
        tag("summary", "The timeline in words"),
        tag(
            "ol",
            (tag("li", _in_words(each, canvas.numbers)) for each in canvas.line),
            class_="told",
        ),
    )


def _canvas(transcript: Transcript, entries_max: int) -> _Canvas:
    line = entries(transcript.history)[-entries_max:]
    judged = {each.claim: each for each in transcript.judgement.claims}
    return _Canvas(
        history=transcript.history,
        line=line,
        numbers=step_numbers(transcript.history),
        lives=windows(transcript.history, line),
        claims=tuple(
            (each, judged[each.name])
            for each in transcript.scenario.claims
            if each.name in judged
        ),
    )


def _described(history: History, claims: int) -> str:
    lives = [_life(each, history) for each in _faults(history)]
    return " ".join(
        (
            f"{counted(len(history.answers), 'step')},",
            f"{counted(len(history.events), 'event')},",
            f"{counted(len(history.samples), 'look')} at rows and objects,",
            f"{counted(claims, 'claim')}.",
            *lives,
            "The timeline in words follows.",
        )
    )


def _faults(history: History) -> Sequence[str]:
    return [*dict.fromkeys(each.fault for each in history.moments)]


def _life(fault: str, history: History) -> str:
    moments = [each for each in history.moments if each.fault == fault]
    told = ", ".join(f"{each.what} with the log at {each.position}" for each in moments)
    return f"Fault {fault}: {told}."


def _lanes(canvas: _Canvas) -> Iterator[Html]:
    names = ["steps", *(each.fault for each in canvas.lives), "events", "looks"]
    for number, name in enumerate(names):
        y = canvas.lane(number)
        yield _text(name, 0, y + 4, "lane-name")
        yield tag(
            "line",
            x1=GUTTER,
            x2=canvas.width,
            y1=y,
            y2=y,
            class_="lane",
        )


def _band(canvas: _Canvas, number: int, life: Window) -> Html:
    y = canvas.lane(1 + number) - 9
    end = len(canvas.line) if life.ended is None else life.ended
    landed = life.landed
    on = (
        _box(canvas.x(landed), y, canvas.x(end), "fault-on")
        if landed is not None
        else None
    )
    asked = _box(canvas.x(life.asked), y, canvas.x(landed or end), "fault-asked")
    words = _life(life.fault, canvas.history)
    return tag("g", tag("title", words), asked, on, class_="band")


def _box(x: float, y: float, until: float, kind: str) -> Html:
    return tag(
        "rect", x=x, y=y, width=round(max(until - x, 2), 1), height=18, class_=kind
    )


def _marks(canvas: _Canvas) -> Iterator[Html]:
    numbers = canvas.numbers
    faults = {each.fault: 1 + number for number, each in enumerate(canvas.lives)}
    events_lane, looks_lane = 1 + len(faults), 2 + len(faults)
    for column, each in enumerate(canvas.line):
        x, words = canvas.x(column), _in_words(each, numbers)
        match each:
            case Answered():
                yield _answer(each, x, canvas.lane(0), numbers[each.tick], words)
            case FaultMoment():
                yield _fault_moment(each, x, canvas.lane(faults[each.fault]), words)
            case Logged():
                yield _event(each, x, canvas.lane(events_lane), words)
            case Sample():
                y = canvas.lane(looks_lane)
                bar = tag("line", x1=x, x2=x, y1=y - 7, y2=y + 7)
                yield _mark("look", words, bar, data_tick=each.tick)


def _answer(each: Answered, x: float, y: int, number: int, words: str) -> Html:
    kind = "refused" if is_refused(each) else "accepted"
    shape = (
        tag("path", d=f"M{x} {y - 11}l10 11l-10 11l-10 -11z")
        if is_refused(each)
        else tag("circle", cx=x, cy=y, r=8)
    )
    label = _text(str(number), x, y + 3, "number")
    return _mark(f"answer {each.part} {kind}", words, shape, label, data_tick=each.tick)


def _fault_moment(each: FaultMoment, x: float, y: int, words: str) -> Html:
    signs = {"asked": "?", "landed": "↯", "healed": "✓"}
    sign = signs.get(each.what, "✗")
    kind = each.what.replace(" ", "-")
    return _mark(
        f"moment {kind}",
        words,
        tag("line", x1=x, x2=x, y1=y - 11, y2=y + 11),
        _text(sign, x + 2, y + 4, "sign"),
        data_tick=each.tick,
    )


def _event(each: Logged, x: float, y: int, words: str) -> Html:
    shapes = {
        "HUMAN": tag("circle", cx=x, cy=y, r=5),
        "AGENT": tag("path", d=f"M{x} {y - 6}l6 11h-12z"),
    }
    square = tag("rect", x=x - 4.5, y=y - 4.5, width=9, height=9)
    return _mark(
        f"event {each.actor_kind.lower()}",
        words,
        shapes.get(each.actor_kind, square),
        data_position=each.position,
    )


def _mark(kind: str, words: str, *shapes: Html, **data: int) -> Html:
    return tag("g", tag("title", words), *shapes, class_=f"mark {kind}", **data)


def _claim(canvas: _Canvas, number: int, claim: Claim, judged: Judged) -> Html:
    y = canvas.claims_top + CLAIM * number + CLAIM // 2
    part = span(claim, judged, canvas.line, canvas.lives)
    x = canvas.x(part.anchor)
    words = f"{claim.name}: {judged.verdict}. {judged.why}"
    return tag(
        "g",
        tag("title", words),
        _text(_shortened(claim.name), 0, y + 4, "lane-name"),
        tag("line", x1=canvas.x(part.first), x2=x, y1=y, y2=y, class_="span"),
        tag("circle", cx=x, cy=y, r=7),
        _text(SYMBOL[judged.verdict], x, y + 4, "sign"),
        class_=f"claim {judged.verdict.lower()}",
        data_claim=claim.name,
    )


def _legend() -> Html:
    return tag(
        "p",
        "Left to right is order, not time. ",
        "Steps: a circle was accepted, a diamond refused; hollow belongs to “given”. ",
        "Fault: dashed from asked to landed, solid while on. ",
        "Events: ● human, ▲ agent, ■ system. ",
        "Looks: rows and objects were read, past the system. ",
        "Claims: a line over the part that the claim is about, "
        "and its verdict where it was decided.",
        class_="legend",
    )


def _in_words(each: Entry, numbers: Mapping[int, int]) -> str:
    match each:
        case Answered():
            return f"step {numbers[each.tick]}, {each.part}: {each.step}{_said(each)}"
        case FaultMoment():
            return f"fault {each.fault} {each.what}"
        case Logged():
            return f"event {each.position}: {each.event_type}, by {each.actor_kind}"
        case Sample():
            return f"look: {each.label}, the log at {each.position}"


def _said(each: Answered) -> str:
    said = status_of(each)
    return "" if said is None else f", answered {said[0]} {said[1]}".rstrip()


def _shortened(name: str) -> str:
    if len(name) <= _NAME_CHARS_MAX:
        return name
    return f"{name[: _NAME_CHARS_MAX - 1]}…"


def _text(
    text: str,
    x: float,
    y: float,
    kind: Literal["lane-name", "number", "sign"],
) -> Html:
    return tag("text", text, x=x, y=y, class_=kind)
