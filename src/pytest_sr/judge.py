"""Judge a recorded history: a pure function, so that it can be run again, and over others.

    did the case run to its end? ─no─▶ INVALID
    did every fault land, and heal? ─no─▶ INVALID
    is every claim of `always` true at every sample of its part? ─no─▶ FAIL
    is every claim of `then` true of its part? ─no─▶ FAIL

A claim that found nothing to tell from is INVALID. A violated `always` is FAIL whatever
else there is; the worst verdict of all is the case's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pytest_sr.checks.base import Finding, View, undecided, violated
from pytest_sr.history import History
from pytest_sr.registry import Registry
from pytest_sr.scenario import Claim, Lookup, Scenario, Verdict, filled, worst

HEAL: Final = "heal"
_MISSING: Final = object()
"""What a lookup gives whose step never gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One claim and what was found of it."""

    claim: str
    section: str
    place: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a history supports; `invalid` says why the experiment did not take place."""

    verdict: Verdict
    invalid: str | None
    claims: tuple[Judged, ...]

    def red(self) -> frozenset[str]:
        """Return the claims that do not hold."""
        return frozenset(
            each.claim for each in self.claims if each.verdict is Verdict.FAIL
        )


def judge(scenario: Scenario, history: History, checks: Registry) -> Judgement:
    """Return what `history` supports; `scenario` is bound to the history's case."""
    judged = tuple(_Judge(scenario, history, checks).claims())
    invalid = _not_taken_place(scenario, history)
    verdicts = [each.verdict for each in judged]
    if invalid is not None:
        always = [
            each.verdict
            for each in judged
            if each.section == "always" and each.verdict is Verdict.FAIL
        ]
        verdicts = [Verdict.INVALID, *always]
    return Judgement(verdict=worst(verdicts), invalid=invalid, claims=judged)


def _not_taken_place(scenario: Scenario, history: History) -> str | None:
    """Return why there was no experiment to judge, if there was none."""
    if history.stop is not None:
        return f"{history.stop.place}: {history.stop.why}"
    if history.faultless:
        return None
    for fault in scenario.faults:
        missed = history.moment(fault.name, "not landed")
        if missed is not None:
            return f"{fault.place}: {fault.name} did not land: {missed.detail}"
        if history.moment(fault.name, "landed") is None:
            return f"{fault.place}: {fault.name} was never done"
        if history.moment(fault.name, "healed") is None:
            return f"{fault.place}: {fault.name} was not healed"
    return None


class _Judge:
    """The claims of one scenario over one history, in order."""

    def __init__(self, scenario: Scenario, history: History, checks: Registry) -> None:
        self._scenario = scenario
        self._history = history
        self._checks = checks
        self._named = {each.name: each.result for each in history.answers if each.name}
        self._found: dict[str, Finding] = {}

    def claims(self) -> Iterator[Judged]:
        """Yield each claim with what was found."""
        for claim in self._scenario.claims:
            finding = self._finding(claim)
            self._found[claim.name] = finding
            yield Judged(
                claim=claim.name,
                section=claim.section,
                place=str(claim.place),
                verdict=finding.verdict,
                why=finding.why,
            )

    def _finding(self, claim: Claim) -> Finding:
        view = self._view(claim)
        if isinstance(view, Finding):
            return view
        if claim.section == "then":
            return self._in_time(claim, self._checked(claim, view))
        finding = undecided("nothing was seen in this part of the story")
        for sample in view.samples:
            until = replace(
                view,
                positions=(view.positions[0], sample.position),
                ticks=(view.ticks[0], sample.tick),
            )
            finding = self._checked(claim, until)
            if finding.verdict is Verdict.FAIL:
                return violated(f"at {sample.label}: {finding.why}")
        return finding

    def _in_time(self, claim: Claim, finding: Finding) -> Finding:
        """Return `finding`, or that the event it rests on came too late.

        A claim that rests on no event is seen to hold when the looking ends, which is
        when the longest time that a claim gives is over.
        """
        if claim.within_s is None or finding.position is None:
            return finding
        since = self._since(claim)
        if not since:
            return undecided("there is no moment from which to count the time")
        event = next(
            each for each in self._history.events if each.position == finding.position
        )
        took = datetime.fromisoformat(event.occurred_at) - datetime.fromisoformat(since)
        if took.total_seconds() <= claim.within_s:
            return finding
        return violated(
            f"{finding.why} came after {took.total_seconds():.1f} s, "
            f"not within {claim.within_s:g} s"
        )

    def _since(self, claim: Claim) -> str | None:
        """Return when the time that a claim gives begins to run."""
        history = self._history
        if claim.after == HEAL and not history.faultless:
            moments = [each.at for each in history.moments if each.what == "healed"]
            return moments[-1] if moments else None
        if claim.after not in {None, HEAL}:
            position = self._found[str(claim.after)].position
            return next(
                (
                    each.occurred_at
                    for each in history.events
                    if each.position == position
                ),
                None,
            )
        if claim.during is not None and not history.faultless:
            landed = history.moment(claim.during, "landed")
            return landed.at if landed else None
        return next((each.at for each in history.answers if each.part == "when"), None)

    def _checked(self, claim: Claim, view: View) -> Finding:
        missed: list[str] = []

        def find(lookup: Lookup) -> object:
            found = self._looked_up(lookup)
            if found is _MISSING:
                missed.append(str(lookup))
            return found

        arguments = {
            name: filled(value, find) for name, value in claim.arguments.items()
        }
        if missed:
            return undecided(f"{missed[0]} was never made")
        finding = self._checks[claim.check].function(view, **arguments)
        assert isinstance(finding, Finding), f"{claim.check} gives a finding"
        return finding

    def _looked_up(self, lookup: Lookup) -> object:
        name, *fields = lookup.path
        found: object = self._named.get(name, _MISSING)
        for field in fields:
            if not isinstance(found, Mapping) or field not in found:
                return _MISSING
            found = found[field]
        return found

    def _view(self, claim: Claim) -> View | Finding:
        """Return the part of the story that the claim is about, or why there is none."""
        history = self._history
        positions, ticks = (0, _last_position(history)), (0, _last_tick(history))
        if claim.during is not None and not history.faultless:
            landed = history.moment(claim.during, "landed")
            ended = history.moment(claim.during, "healed") or history.moment(
                claim.during, "not healed"
            )
            if landed is None or ended is None:
                return undecided(f"{claim.during} was not on and off again")
            positions = (landed.position, ended.position)
            ticks = (landed.tick, ended.tick)
        if claim.after is not None:
            anchor = self._anchor(claim.after)
            if isinstance(anchor, Finding):
                return anchor
            positions = (max(positions[0], anchor[0]), positions[1])
            ticks = (max(ticks[0], anchor[1]), ticks[1])
        return View(history=history, positions=positions, ticks=ticks)

    def _anchor(self, after: str) -> tuple[int, int] | Finding:
        """Return the position and the tick after which a claim is about the story.

        What was to come after something that the log does not have has not come; what
        was to come after something that could not be told is not to be told either.
        """
        history = self._history
        if after == HEAL:
            healed = [each for each in history.moments if each.what == "healed"]
            if healed:
                return healed[-1].position, healed[-1].tick
            return (0, 0) if history.faultless else undecided("nothing was healed")
        anchor = self._found[after]
        if anchor.position is not None:
            return anchor.position, _tick_before(history, anchor.position)
        return Finding(
            verdict=worst([anchor.verdict, Verdict.INVALID]),
            why=f"{after}, which it is to come after: {anchor.why}",
        )


def _last_position(history: History) -> int:
    return history.events[-1].position if history.events else 0


def _tick_before(history: History, position: int) -> int:
    """Return the last tick at which the log had not yet come to `position`."""
    seen = [each.tick for each in history.answers if each.position < position]
    seen += [each.tick for each in history.moments if each.position < position]
    seen += [each.tick for each in history.samples if each.position < position]
    return max(seen, default=0)


def _last_tick(history: History) -> int:
    answered = [each.tick for each in history.answers]
    happened = [each.tick for each in history.moments]
    sampled = [each.tick for each in history.samples]
    return max(answered + happened + sampled, default=0)
