"""What people read in the terminal: why a case came out as it did, and the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pytest_sr.history import History
from pytest_sr.judge import Judged
from pytest_sr.report.transcript import Transcript
from pytest_sr.scenario import Verdict

_MARK: Final = {Verdict.PASS: "ok", Verdict.INVALID: "??", Verdict.FAIL: "NO"}
EVENTS_SHOWN: Final = 10
_SOURCE_LINES: Final = 4


def tell(transcript: Transcript) -> str:
    """Return what there is to know of a case that is not PASS."""
    return "\n".join(_told(transcript))


def summarise(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Return the verdict table; a row is a case, its verdict, its claims, its seconds."""
    head = ("case", "verdict", "claims", "seconds")
    widths = [max(len(each[n]) for each in (head, *rows)) for n in range(4)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    ]


def held_of(transcript: Transcript) -> str:
    """Return how many of the claims hold, such as 8/8."""
    claims = transcript.judgement.claims
    held = sum(each.verdict is Verdict.PASS for each in claims)
    return f"{held}/{len(claims)}"


def _told(transcript: Transcript) -> Iterator[str]:
    scenario, judgement = transcript.scenario, transcript.judgement
    yield f"{judgement.verdict}: {scenario.title}"
    yield f"  proves {', '.join(scenario.proves)}"
    if judgement.invalid is not None:
        yield f"  ??  the experiment did not take place: {judgement.invalid}"
    red = [each for each in judgement.claims if each.verdict is not Verdict.PASS]
    for each in red:
        yield f"  {_MARK[each.verdict]}  {each.place}  {each.claim}: {each.why}"
        yield from _excerpt(transcript, each)
    held = len(judgement.claims) - len(red)
    yield f"  ok  {held} of {len(judgement.claims)} claims hold"
    yield from _faults(transcript.history)
    yield from _events(transcript.history)
    yield f"  again: pytest '{transcript.node_id}'"


def _excerpt(transcript: Transcript, judged: Judged) -> Iterator[str]:
    """Yield the lines of the file in which the claim stands."""
    start = int(judged.place.split(":")[-2])
    lines = transcript.scenario.source.splitlines()
    for number in range(start, min(start + _SOURCE_LINES, len(lines) + 1)):
        line = lines[number - 1]
        if number > start and not line.startswith("    "):
            return
        yield f"      {number} | {line}"


def _faults(history: History) -> Iterator[str]:
    for each in history.moments:
        yield f"  fault {each.fault} {each.what} (log at {each.position}): {each.detail}"


def _events(history: History) -> Iterator[str]:
    if history.events:
        yield f"  the last of {len(history.events)} events:"
    for each in history.events[-EVENTS_SHOWN:]:
        yield f"    {each.position:>4}  {each.event_type}  {each.actor_kind}"
