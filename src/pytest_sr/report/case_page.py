"""One case on one page, for a reader who knows the rules and no Python.

verdict, title, clauses ─ what to look at first ─ timeline
what was done ─ broken ─ observed ─ judged ─ what the controls show
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_sr.history import Answered, FaultMoment
from pytest_sr.judge import Judged
from pytest_sr.report.controls import (
    ControlRun,
    ScenarioRuns,
    control_verdict,
    kill_matrix,
    what_it_changes,
)
from pytest_sr.report.diagnosis import diagnosis, line_of, why_of
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
from pytest_sr.report.observed import observed
from pytest_sr.report.shell import page, section
from pytest_sr.report.storyline import fault_at, step_numbers
from pytest_sr.report.timeline import draw
from pytest_sr.report.transcript import Transcript
from pytest_sr.report.words import (
    MEANING,
    Bounds,
    actor,
    badge,
    counted,
    expectation,
    fault_does,
    fields,
    is_refused,
    moment,
    sentence,
    status_of,
    step_does,
    value_of,
    who_is,
)
from pytest_sr.scenario import Claim, FaultPlan, Verdict

PAGE_BYTES_MAX: Final = 300_000
_BOUNDS: Final = (
    Bounds(
        text_chars_max=1200,
        fields_shown=4,
        fields_max=40,
        events_max=400,
        changes_max=400,
        objects_max=200,
        entries_max=800,
    ),
    Bounds(
        text_chars_max=300,
        fields_shown=3,
        fields_max=12,
        events_max=200,
        changes_max=120,
        objects_max=60,
        entries_max=300,
    ),
    Bounds(
        text_chars_max=100,
        fields_shown=3,
        fields_max=4,
        events_max=60,
        changes_max=40,
        objects_max=20,
        entries_max=120,
    ),
)


def case_page(transcript: Transcript, runs: ScenarioRuns) -> str:
    """Return the page, with as much on it as its budget lets it hold."""
    text = ""
    for bounds in _BOUNDS:
        text = _page(transcript, runs, bounds)
        if len(text.encode()) <= PAGE_BYTES_MAX:
            return text
    return text


def case_name(transcript: Transcript) -> str:
    """Return what the case is called: scenario, case, control."""
    case = transcript.scenario.cases[0].name
    name = transcript.scenario.name + (f"[{case}]" if case else "")
    return f"{name}, control {transcript.control}" if transcript.control else name


def case_verdict(transcript: Transcript, control: ControlRun | None) -> Verdict:
    """Return the case's verdict; of a control, whether it turned red what it had to."""
    return transcript.verdict if control is None else control.verdict


def _page(transcript: Transcript, runs: ScenarioRuns, bounds: Bounds) -> str:
    control = control_verdict(runs, transcript.control) if transcript.control else None
    verdict = case_verdict(transcript, control)
    return page(
        f"{verdict} {case_name(transcript)}",
        tag(
            "nav",
            tag("a", "← All scenarios", href="../index.html"),
            aria_label="Report",
        ),
        tag(
            "main",
            _head(transcript, control, verdict),
            diagnosis(transcript, control, bounds),
            section("Timeline", "timeline", draw(transcript, bounds.entries_max)),
            section("What was done", "done", _done(transcript, bounds)),
            section("What was broken", "broken", _broken(transcript, bounds)),
            section("What was observed", "observed", observed(transcript, bounds)),
            section("What was judged", "judged", _judged(transcript, control, bounds)),
            section(
                "What the controls show",
                "controls",
                kill_matrix(runs, highlighted=transcript.control),
            ),
        ),
    )


def _head(transcript: Transcript, control: ControlRun | None, verdict: Verdict) -> Html:
    scenario = transcript.scenario
    return tag(
        "header",
        tag("p", badge(verdict), " ", tag("code", case_name(transcript))),
        tag("h1", scenario.title),
        tag("p", _in_short(transcript, control), class_="says"),
        tag(
            "p",
            "Proves ",
            [
                joined(tag("span", each, class_="clause"), " ")
                for each in scenario.proves
            ],
        ),
        facts(_case_facts(transcript, control)),
        class_=f"case {verdict.lower()}",
    )


def _in_short(transcript: Transcript, control: ControlRun | None) -> str:
    judged = transcript.judgement.claims
    if control is None:
        held = sum(each.verdict is Verdict.PASS for each in judged)
        if transcript.judgement.invalid is not None:
            return MEANING[Verdict.INVALID]
        told = f"{held} of {counted(len(judged), 'claim')} held."
        return f"{told} {MEANING[transcript.verdict]}"
    if not control.sound:
        return "A control: its experiment did not take place, so it shows nothing."
    wanted = len(control.control.turns_red)
    red = wanted - len(control.missed)
    green = f" Green: {', '.join(control.missed)}." if control.missed else ""
    return (
        f"A control: the claims that it names must come out red, which shows that they "
        f"can. {red} of {wanted} did.{green}"
    )


def _case_facts(
    transcript: Transcript, control: ControlRun | None
) -> Iterator[tuple[str, Child]]:
    scenario, history = transcript.scenario, transcript.history
    case = scenario.cases[0]
    yield "file", f"{scenario.place.file}:{scenario.place.line}"
    if case.values:
        values = (f"{name} {value}" for name, value in case.values.items())
        yield scenario.axis or "case", ", ".join(values)
    if control is not None:
        yield "control", what_it_changes(control.control)
    if transcript.surprise is not None:
        yield "surprise", prose(transcript.surprise)
    yield "system", history.system
    yield "took", f"{transcript.duration_s:.1f} s"
    yield "versions", ", ".join(f"{each} {v}" for each, v in history.versions.items())


def _done(transcript: Transcript, bounds: Bounds) -> Iterator[Child]:
    history = transcript.history
    if not history.answers:
        yield tag("p", "No step was taken.")
        return
    numbers = step_numbers(history)
    columns = ("no.", "part", "step", "by", "with", "answer", "fault on", "log at")
    rows = (
        _step_row(each, numbers[each.tick], fault_at(history, each.tick), bounds)
        for each in history.answers
    )
    yield table("Steps, in order", columns, rows, class_="steps")
    if history.stop is not None:
        why = f"The case stopped here. {history.stop.place}: {history.stop.why}"
        yield tag("p", prose(clipped(why, bounds.text_chars_max)), class_="found")


def _step_row(
    each: Answered, number: int, faults: tuple[str, ...], bounds: Bounds
) -> Html:
    arguments = {name: v for name, v in each.arguments.items() if name != "by"}
    known_as = joined(" as ", tag("code", each.name)) if each.name else None
    return tag(
        "tr",
        tag("td", str(number), class_="number"),
        tag("td", each.part),
        tag(
            "th",
            tag("code", each.step),
            known_as,
            tag("small", step_does(each), _line(each.place)),
            scope="row",
        ),
        _by(each),
        tag("td", fields(arguments, bounds)),
        tag("td", _answer(each, bounds)),
        tag("td", ", ".join(faults) or "—"),
        tag("td", str(each.position), class_="number"),
        id=f"step-{number}",
        class_="during" if faults else None,
    )


def _line(place: str) -> Html:
    return joined(" ", tag("span", f"line {line_of(place)}", class_="nowrap"))


def _by(each: Answered) -> Html:
    name = actor(each)
    if name is None:
        return tag("td", "—")
    return tag("td", name, title=who_is(name))


def _answer(each: Answered, bounds: Bounds) -> Iterator[Child]:
    said = status_of(each)
    if said is not None:
        word = "refused" if is_refused(each) else "accepted"
        yield tag("p", tag("b", str(said[0])), f" {said[1] or word}", class_=word)
    gave = {name: value for name, value in each.result.items() if name != "answer"}
    attempts = gave.pop("attempts", None)
    if isinstance(attempts, Mapping):
        yield fields(
            {name: _attempt(value) for name, value in attempts.items()}, bounds
        )
    yield fields(_not_given_back(gave, each), bounds)
    answer = each.result.get("answer")
    body = answer.get("body") if isinstance(answer, Mapping) else None
    if isinstance(body, Mapping) and body:
        yield tag(
            "details",
            tag("summary", "the whole answer"),
            fields(body, bounds, all_shown=True),
        )


def _attempt(value: object) -> object:
    if isinstance(value, Mapping) and "status" in value:
        return f"{value['status']} {value.get('code', '')}".rstrip()
    return value


def _not_given_back(gave: dict[str, object], each: Answered) -> Mapping[str, object]:
    """Return what is new in the result: not what the step was given in the first place."""
    given = [*each.arguments.values()]
    return {name: value for name, value in gave.items() if value not in given and value}


def _broken(transcript: Transcript, bounds: Bounds) -> Iterator[Child]:
    scenario, history = transcript.scenario, transcript.history
    if not scenario.faults:
        yield tag("p", "Nothing: this scenario has no fault.")
    elif history.faultless:
        yield tag("p", "Nothing: this control leaves the fault out.")
    for plan in scenario.faults:
        yield _fault(plan, transcript, bounds)


def _fault(plan: FaultPlan, transcript: Transcript, bounds: Bounds) -> Html:
    history = transcript.history
    moments = [each for each in history.moments if each.fault == plan.name]
    rows = (_moment_row(each, bounds) for each in moments)
    does = fault_does(plan)
    never = None if moments else tag("p", "It was never asked for.", class_="found")
    return joined(
        tag("h3", tag("code", plan.name)),
        tag("p", tag("code", plan.kind), (": ", sentence(does)) if does else None),
        tag("p", f"To strike {moment(plan.at)} (line {plan.place.line})."),
        table(
            f"What became of the fault {plan.name}",
            ("what", "how we know", "log at"),
            rows,
            class_="moments",
        )
        if moments
        else (None if history.faultless else never),
    )


def _moment_row(each: FaultMoment, bounds: Bounds) -> Html:
    sign = {"asked": "?", "landed": "↯", "healed": "✓"}.get(each.what, "✗")
    return tag(
        "tr",
        tag("th", f"{sign} {each.what}", scope="row"),
        tag("td", value_of(each.detail, bounds)),
        tag("td", str(each.position), class_="number"),
        data_tick=each.tick,
    )


def _judged(
    transcript: Transcript, control: ControlRun | None, bounds: Bounds
) -> Iterator[Child]:
    judgement = transcript.judgement
    if judgement.invalid is not None:
        yield tag("p", badge(Verdict.INVALID), " ", MEANING[Verdict.INVALID])
        why = f"The reason: {judgement.invalid}"
        yield tag("p", prose(why), class_="found")
    if control is not None:
        yield tag(
            "p",
            "In a control, ✗ FAIL is what a claim has to come out as if the control "
            "names it.",
            class_="says",
        )
    claims = {each.name: each for each in transcript.scenario.claims}
    columns = ["claim", "verdict", "what it demands", "what was found"]
    if control is not None:
        columns.append("the control")
    yield table(
        "Claims",
        columns,
        (
            _claim_row(each, claims.get(each.claim), transcript, control, bounds)
            for each in judgement.claims
        ),
        class_="claims",
    )


def _claim_row(
    each: Judged,
    claim: Claim | None,
    transcript: Transcript,
    control: ControlRun | None,
    bounds: Bounds,
) -> Html:
    history = transcript.history
    return tag(
        "tr",
        tag(
            "th", tag("code", each.claim), tag("small", _place(each.place)), scope="row"
        ),
        tag("td", badge(each.verdict)),
        tag("td", expectation(claim, history, bounds) if claim else "—"),
        tag("td", why_of(each.why, history, bounds)),
        tag("td", _wanted(each, control)) if control is not None else None,
        id=f"claim-{each.claim}",
    )


def _wanted(each: Judged, control: ControlRun) -> str:
    if each.claim not in control.control.turns_red:
        return "not named"
    if each.verdict is Verdict.FAIL:
        return "✓ had to turn red, and did"
    if each.claim in control.red:
        return "✓ had to turn red, and did in another case"
    return "✗ had to turn red, and did not"


def _place(place: str) -> str:
    """Return `file:line` of `file:line:column`."""
    return place.rpartition(":")[0] if place.count(":") > 1 else place
