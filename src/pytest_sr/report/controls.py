"""What controls turned red: for each scenario, its claims against its controls.

A control is the scenario without its fault, or against a mutant of the system. It shows
that a claim can fail. It counts where its experiment took place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_sr.report.markup import Child, Html, joined, table, tag
from pytest_sr.report.transcript import Transcript
from pytest_sr.report.words import badge, counted, mutant_does, sentence
from pytest_sr.scenario import Claim, Control, Scenario, Verdict


class Cell(StrEnum):
    """What a control did to a claim."""

    PROVEN = "✓ red"
    MISSED = "✗ green"
    ALSO = "red too"
    HELD = "—"
    NOT_RUN = "? not run"


MEANING: Final = {
    Cell.PROVEN: "it had to turn red, and did",
    Cell.MISSED: "it had to turn red, and stayed green",
    Cell.ALSO: "it turned red, though nobody asked for that",
    Cell.HELD: "nobody asked for red, and none was seen",
    Cell.NOT_RUN: "the control was not run, or did not take place",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRun:
    """One control, with every case that it was run over."""

    control: Control
    transcripts: tuple[Transcript, ...]

    @property
    def sound(self) -> tuple[Transcript, ...]:
        """The runs whose experiment took place."""
        return tuple(
            each for each in self.transcripts if each.judgement.invalid is None
        )

    @property
    def red(self) -> frozenset[str]:
        """The claims that turned red in one run at least."""
        return frozenset[str]().union(*(each.judgement.red() for each in self.sound))

    @property
    def missed(self) -> tuple[str, ...]:
        """The claims that had to turn red, and did not."""
        return tuple(each for each in self.control.turns_red if each not in self.red)

    @property
    def verdict(self) -> Verdict:
        """PASS if every claim that it names turned red."""
        if not self.sound:
            return Verdict.INVALID
        return Verdict.FAIL if self.missed else Verdict.PASS

    def did_to(self, claim: str) -> Cell:
        """Return what it did to a claim."""
        if claim in self.control.turns_red:
            if not self.sound:
                return Cell.NOT_RUN
            return Cell.PROVEN if claim in self.red else Cell.MISSED
        return Cell.ALSO if claim in self.red else Cell.HELD


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRuns:
    """One scenario: its cases as they are written, and its controls."""

    scenario: Scenario
    cases: tuple[Transcript, ...]
    controls: tuple[ControlRun, ...]
    """Every control that the file has; one that was not run has no transcripts."""
    transcripts: tuple[Transcript, ...]

    @property
    def proven(self) -> tuple[Claim, ...]:
        """The claims that a control turned red which had to."""
        return tuple(
            each
            for each in self.scenario.claims
            if any(run.did_to(each.name) is Cell.PROVEN for run in self.controls)
        )

    @property
    def controls_run(self) -> tuple[ControlRun, ...]:
        """The controls that were run at all."""
        return tuple(each for each in self.controls if each.transcripts)


def by_scenario(transcripts: Sequence[Transcript]) -> tuple[ScenarioRuns, ...]:
    """Return the transcripts by scenario, in the order of their first one."""
    groups: dict[tuple[str, str], list[Transcript]] = {}
    for each in transcripts:
        key = (each.scenario.place.file, each.scenario.name)
        groups.setdefault(key, []).append(each)
    return tuple(map(_runs, groups.values()))


def control_verdict(runs: ScenarioRuns, name: str) -> ControlRun | None:
    """Return the control of that name, if the file still has it."""
    return next((each for each in runs.controls if each.control.name == name), None)


def kill_matrix(runs: ScenarioRuns, *, highlighted: str | None = None) -> Html:
    """Return claims against controls, and what each control is."""
    if not runs.controls_run:
        return tag(
            "p",
            f"No controls were run. The file has {counted(len(runs.controls), 'control')}; "
            "pytest runs them with --sr-prove=controls. "
            "Until then nothing shows that these claims can fail.",
        )
    return joined(
        tag("p", proven_in_words(runs), class_="says"),
        _matrix(runs, highlighted),
        _key(),
        _control_list(runs),
    )


def proven_in_words(runs: ScenarioRuns) -> str:
    """Return how many of the claims were shown to be able to fail."""
    claims, proven = runs.scenario.claims, runs.proven
    unproven = [each.name for each in claims if each not in proven]
    told = (
        f"{len(proven)} of {counted(len(claims), 'claim')} turned red when they had to."
    )
    if not unproven:
        return f"{told} Each claim was shown to be able to fail."
    return f"{told} Not shown to be able to fail: {', '.join(unproven)}."


def _runs(transcripts: Iterable[Transcript]) -> ScenarioRuns:
    kept = tuple(transcripts)
    scenario = kept[0].scenario
    return ScenarioRuns(
        scenario=scenario,
        cases=tuple(each for each in kept if each.control is None),
        controls=tuple(
            ControlRun(
                control=control,
                transcripts=tuple(
                    each for each in kept if each.control == control.name
                ),
            )
            for control in scenario.controls
        ),
        transcripts=kept,
    )


def _matrix(runs: ScenarioRuns, highlighted: str | None) -> Html:
    rows = (_claim_row(claim, runs, highlighted) for claim in runs.scenario.claims)
    names = [each.control.name for each in runs.controls]
    return table("Claims against controls", ["claim", *names], rows, class_="matrix")


def _claim_row(claim: Claim, runs: ScenarioRuns, highlighted: str | None) -> Html:
    def cell(run: ControlRun) -> Html:
        did = run.did_to(claim.name)
        here = " here" if run.control.name == highlighted else ""
        return tag("td", str(did), class_=f"{did.name.lower().replace('_', '-')}{here}")

    return tag(
        "tr", tag("th", claim.name, scope="row"), [cell(each) for each in runs.controls]
    )


def _key() -> Html:
    words = "; ".join(f"“{cell}” {meaning}" for cell, meaning in MEANING.items())
    return tag("p", f"Rows are claims, columns are controls. {words}.", class_="legend")


def _control_list(runs: ScenarioRuns) -> Html:
    columns = ("control", "verdict", "what it changes", "turned red", "run over")
    return table("Controls", columns, _control_rows(runs), class_="controls")


def _control_rows(runs: ScenarioRuns) -> Iterator[Child]:
    for each in runs.controls:
        wanted = len(each.control.turns_red)
        red = f"{wanted - len(each.missed)} of {wanted}"
        missed = f"; green: {', '.join(each.missed)}" if each.missed else ""
        yield tag(
            "tr",
            tag("th", each.control.name, scope="row"),
            tag("td", badge(each.verdict) if each.transcripts else "not run"),
            tag("td", what_it_changes(each.control)),
            tag("td", f"{red}{missed}" if each.transcripts else "—"),
            tag(
                "td",
                counted(len(each.transcripts), "case") if each.transcripts else "—",
            ),
        )


def what_it_changes(control: Control) -> Html:
    """Return how a control differs from the scenario as it is written."""
    if control.mutant is None:
        return joined("the fault is left out")
    does = mutant_does(control.mutant)
    return joined(
        "mutant ",
        tag("code", control.mutant),
        joined(": ", sentence(does)) if does else None,
    )
