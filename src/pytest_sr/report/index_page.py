"""The first page: what came out, what was run, what is proven."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_sr.report.controls import ControlRun, ScenarioRuns, proven_in_words
from pytest_sr.report.markup import (
    Child,
    Html,
    clipped,
    facts,
    joined,
    prose,
    table,
    tag,
)
from pytest_sr.report.shell import page, section
from pytest_sr.report.transcript import Session, Transcript
from pytest_sr.report.words import MEANING, badge, counted
from pytest_sr.scenario import Verdict, worst

_WHY_CHARS_MAX: Final = 240

Links: TypeAlias = Mapping[int, str]
"""A page's name by the `id` of its transcript."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    """One requirement, and the scenarios that prove it."""

    name: str
    runs: tuple[ScenarioRuns, ...]

    @property
    def verdict(self) -> Verdict:
        return worst(case.verdict for each in self.runs for case in each.cases)


def index_page(
    session: Session, scenarios: Sequence[ScenarioRuns], links: Links
) -> str:
    """Return the page."""
    verdict = _session_verdict(scenarios)
    return page(
        f"{verdict} Scenarios",
        tag(
            "main",
            tag(
                "header",
                tag("p", badge(verdict)),
                tag("h1", "Scenarios, and what they showed"),
                tag("p", _in_short(scenarios), class_="says"),
                facts(_session_facts(session)),
                class_=f"case {verdict.lower()}",
            ),
            _attention(scenarios, links),
            section("Verdicts", "verdicts", _verdicts(scenarios, links)),
            section("Controls", "controls", _controls(scenarios, links)),
            section("Requirements", "requirements", _requirements(scenarios, links)),
            section("The words", "words", _glossary()),
        ),
    )


def _session_verdict(scenarios: Iterable[ScenarioRuns]) -> Verdict:
    return worst(
        verdict
        for each in scenarios
        for verdict in (
            *(case.verdict for case in each.cases),
            *(control.verdict for control in each.controls_run),
        )
    )


def _in_short(scenarios: Sequence[ScenarioRuns]) -> str:
    cases = [case for each in scenarios for case in each.cases]
    controls = [run for each in scenarios for run in each.controls_run]
    told = f"{counted(len(scenarios), 'scenario')}, {counted(len(cases), 'case')}: "
    told += _tally(each.verdict for each in cases)
    if not controls:
        return f"{told} No controls were run."
    said = _tally(each.verdict for each in controls)
    return f"{told} {counted(len(controls), 'control')}: {said}"


def _tally(verdicts: Iterable[Verdict]) -> str:
    counts = dict.fromkeys(Verdict, 0)
    for each in verdicts:
        counts[each] += 1
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.items()) + "."


def _session_facts(session: Session) -> Iterator[tuple[str, Child]]:
    yield "started", session.started_at
    yield "command", tag("code", session.command)
    yield "services", session.backend
    yield "system", session.system
    yield "versions", ", ".join(f"{each} {v}" for each, v in session.versions.items())


def _attention(scenarios: Iterable[ScenarioRuns], links: Links) -> Html | None:
    rows = [row for each in scenarios for row in _not_as_they_should(each, links)]
    if not rows:
        return None
    return section(
        "What needs a look", "attention", tag("ul", rows, class_="plain attention")
    )


def _not_as_they_should(runs: ScenarioRuns, links: Links) -> Iterator[Html]:
    for each in runs.cases:
        if each.verdict is not Verdict.PASS:
            yield _item(each.verdict, _link(each, links), _why(each))
    for control in runs.controls_run:
        if control.verdict is not Verdict.PASS:
            link = _link(control.transcripts[-1], links)
            yield _item(control.verdict, link, _why_control(control))


def _item(verdict: Verdict, link: Html, why: str) -> Html:
    return tag(
        "li", badge(verdict), " ", link, tag("p", prose(clipped(why, _WHY_CHARS_MAX)))
    )


def _why(each: Transcript) -> str:
    if each.judgement.invalid is not None:
        return each.judgement.invalid
    gravest = [one for one in each.judgement.claims if one.verdict is each.verdict]
    if not gravest:
        return "there was nothing to judge"
    more = f" (and {len(gravest) - 1} more)" if len(gravest) > 1 else ""
    return f"{gravest[0].claim}{more}: {gravest[0].why}"


def _why_control(control: ControlRun) -> str:
    if not control.sound:
        return control.transcripts[-1].judgement.invalid or "it did not take place"
    return f"stayed green: {', '.join(control.missed)}"


def _verdicts(scenarios: Sequence[ScenarioRuns], links: Links) -> Child:
    if not any(each.cases for each in scenarios):
        return tag("p", "No case was run as it is written.")
    columns = ("scenario", "verdict", "cases", "claims held", "took")
    rows = (row for each in scenarios if each.cases for row in _group(each, links))
    return table("Verdicts by scenario and case", columns, rows, class_="verdicts")


def _group(runs: ScenarioRuns, links: Links) -> Iterator[Html]:
    cases = runs.cases
    only = cases[0] if len(cases) == 1 else None
    named = _link(only, links) if only else tag("b", runs.scenario.name)
    yield tag(
        "tr",
        tag("th", named, tag("small", runs.scenario.title), scope="row"),
        tag("td", badge(worst(each.verdict for each in cases))),
        tag("td", str(len(cases)), class_="number"),
        tag("td", _held(cases), class_="number"),
        tag("td", _seconds(cases), class_="number"),
        class_="group",
    )
    if only is None:
        yield from (_case_row(each, links) for each in cases)


def _case_row(each: Transcript, links: Links) -> Html:
    name = each.scenario.cases[0].name or "the case"
    link = tag("a", name, href=links[id(each)])
    return tag(
        "tr",
        tag("th", link, scope="row", class_="inner"),
        tag("td", badge(each.verdict)),
        tag("td"),
        tag("td", _held([each]), class_="number"),
        tag("td", _seconds([each]), class_="number"),
    )


def _held(cases: Sequence[Transcript]) -> str:
    claims = [each for case in cases for each in case.judgement.claims]
    held = sum(each.verdict is Verdict.PASS for each in claims)
    return f"{held} of {len(claims)}"


def _seconds(cases: Iterable[Transcript]) -> str:
    return f"{sum(each.duration_s for each in cases):.1f} s"


def _controls(scenarios: Sequence[ScenarioRuns], links: Links) -> Iterator[Child]:
    run = [each for each in scenarios if each.controls_run]
    if not run:
        yield tag(
            "p",
            "None were run. A control shows that a claim can fail; "
            "pytest runs them with --sr-prove=controls.",
        )
        return
    yield tag(
        "p",
        "A control changes the scenario or the system so that the claims it names must "
        "come out red. A claim that nothing turns red proves nothing.",
        class_="says",
    )
    columns = (
        "scenario",
        "verdict",
        "controls that turned red what they name",
        "claims",
    )
    rows = (_controls_row(each, links) for each in run)
    yield table("What the controls showed", columns, rows, class_="proofs")


def _controls_row(runs: ScenarioRuns, links: Links) -> Html:
    verdict = worst(each.verdict for each in runs.controls_run)
    first = (runs.cases or runs.controls_run[0].transcripts)[0]
    matrix = tag(
        "a",
        "claims against controls",
        href=f"{links[id(first)]}#controls",
        aria_label=f"claims against controls of {runs.scenario.name}",
    )
    return tag(
        "tr",
        tag("th", runs.scenario.name, tag("small", matrix), scope="row"),
        tag("td", badge(verdict), tag("small", _how_many_run(runs))),
        tag("td", _control_links(runs, links)),
        tag("td", proven_in_words(runs)),
    )


def _how_many_run(runs: ScenarioRuns) -> str:
    return f"{len(runs.controls_run)} of {len(runs.controls)} run"


def _control_links(runs: ScenarioRuns, links: Links) -> Iterator[Child]:
    for each in runs.controls_run:
        sign = {Verdict.PASS: "✓", Verdict.INVALID: "?"}.get(each.verdict, "✗")
        link = tag("a", each.control.name, href=links[id(each.transcripts[-1])])
        yield joined(tag("span", f"{sign} ", link, class_="nowrap"), " ")
    idle = [each.control.name for each in runs.controls if not each.transcripts]
    if idle:
        yield tag("small", f"{len(idle)} not run: {', '.join(idle)}")


def _requirements(scenarios: Sequence[ScenarioRuns], links: Links) -> Child:
    columns = ("clause", "verdict", "cases", "proven by", "controls that passed")
    rows = (_clause_row(each, links) for each in _clauses(scenarios))
    return table("Requirements, and what proves them", columns, rows, class_="clauses")


def _clauses(scenarios: Iterable[ScenarioRuns]) -> tuple[_Clause, ...]:
    found: dict[str, list[ScenarioRuns]] = {}
    for each in scenarios:
        for name in each.scenario.proves:
            found.setdefault(name, []).append(each)
    return tuple(
        _Clause(name=name, runs=tuple(runs)) for name, runs in sorted(found.items())
    )


def _clause_row(clause: _Clause, links: Links) -> Html:
    cases = sum(len(each.cases) for each in clause.runs)
    controls = [run for each in clause.runs for run in each.controls_run]
    there = sum(len(each.controls) for each in clause.runs)
    good = sum(run.verdict is Verdict.PASS for run in controls)
    return tag(
        "tr",
        tag("th", clause.name, scope="row"),
        tag("td", badge(clause.verdict) if cases else "not run"),
        tag("td", str(cases), class_="number"),
        tag("td", [joined(_scenario_link(each, links), " ") for each in clause.runs]),
        tag("td", f"{good} of {there}" if controls else "not run"),
    )


def _scenario_link(runs: ScenarioRuns, links: Links) -> Html:
    gravest = [*runs.cases, *(t for run in runs.controls for t in run.transcripts)]
    bad = (each for each in runs.cases if each.verdict is not Verdict.PASS)
    target = next(bad, gravest[0])
    return tag("a", runs.scenario.name, href=links[id(target)])


def _link(each: Transcript, links: Links) -> Html:
    case = each.scenario.cases[0].name
    name = each.scenario.name + (f"[{case}]" if case else "")
    shown = f"{name}, control {each.control}" if each.control else name
    return tag("a", shown, href=links[id(each)])


def _glossary() -> Html:
    return facts((f"{verdict}", MEANING[verdict]) for verdict in Verdict)
