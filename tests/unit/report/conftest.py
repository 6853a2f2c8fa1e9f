"""One small story, told five ways: it held, failed, never took place, and two controls.

What comes from outside is hostile wherever it may be: titles, ids, payloads, answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.history import (
    Answered,
    FaultMoment,
    History,
    Logged,
    ObjectSeen,
    Sample,
    Stop,
)
from pytest_sr.judge import judge
from pytest_sr.parse import parse_text
from pytest_sr.report.html import render_report
from pytest_sr.report.transcript import Session, Transcript
from pytest_sr.scenario import bind

FILE = "scenarios/evidence-gone.scenario.yaml"
HOSTILE = (
    "</script><img src=http://evil.example/x onerror=alert(1)> \" ' & \u202egpj.exe"
)
EVIDENCE = "sha256:" + "9f86d081884c7d659a2feaa0c55ad015" * 2
CANDIDATE = "cand_01J9ZD0C8V4Q2M7K5T3R1N6P8W"
KEY = f"case-bucket/sha256/{EVIDENCE.removeprefix('sha256:')}/manifest.json"
VOID = {"br", "link", "meta"}


def answered(
    tick: int,
    part: Literal["given", "when"],
    step: str,
    name: str,
    status: int,
    code: str = "",
    **more: Any,
) -> Answered:
    return Answered(
        tick=tick,
        part=part,
        step=step,
        name=name,
        place=f"{FILE}:{10 + tick}:5",
        arguments=more.pop("arguments", {"candidate": CANDIDATE}),
        result={
            "answer": {"status": status, "code": code, "body": {"detail": HOSTILE}},
            **more.pop("result", {}),
        },
        position=more["position"],
    )


def logged(
    position: int,
    event_type: str,
    *,
    kind: str = "SYSTEM",
    sound: bool = True,
    **payload: object,
) -> Logged:
    return Logged(
        position=position,
        event_id=f"evt_{position:026}",
        event_type=event_type,
        stream_id=f"run:{HOSTILE}" if position == 2 else "loop:loop_1",
        stream_seq=position,
        actor_kind=kind,
        actor_id="svc:platform",
        occurred_at="2026-01-02T03:04:05Z",
        payload={"content_hash": EVIDENCE, "note": HOSTILE, **payload},
        refs=(),
        is_sound=sound,
    )


def sample(
    tick: int, label: str, position: int, *, state: str, there: bool = True
) -> Sample:
    seen = ObjectSeen(sha256=EVIDENCE, size=2674)
    return Sample(
        tick=tick,
        label=label,
        position=position,
        rows={"loops": {"loop_1": {"state": state, "goal": HOSTILE}}},
        objects={KEY: seen} if there else {},
    )


@pytest.fixture
def a_history():
    """The system noticed that the evidence was gone, and stopped the line."""
    return History(
        scenario="evidence-gone",
        case="deleted",
        system="in-process",
        mutant=None,
        faultless=False,
        answers=(
            answered(
                1, "given", "candidate.prepare", "made", 201, position=1,
                arguments={}, result={"candidate": CANDIDATE, "loop": "loop_1"},
            ),
            answered(
                2, "given", "run.start", "run", 201, position=2,
                result={"evidence": EVIDENCE},
            ),
            answered(
                6, "when", "candidate.verify", "verify", 412, "EVIDENCE_MISSING",
                position=4,
            ),
            answered(10, "when", "candidate.verify", "healed", 412, "X", position=5),
        ),
        moments=(
            FaultMoment(tick=4, fault="gone", what="asked", detail=HOSTILE, position=2),
            FaultMoment(
                tick=5, fault="gone", what="landed", detail="it is missing", position=2
            ),
            FaultMoment(
                tick=9, fault="gone", what="healed", detail="as before", position=4
            ),
        ),
        samples=(
            sample(3, "the end of given", 2, state="ACTIVE"),
            sample(7, "candidate.verify at line 24", 4, state="PAUSED", there=False),
            sample(8, "before gone heals", 4, state="PAUSED", there=False),
            sample(11, "the end", 5, state="PAUSED"),
        ),
        events=(
            logged(1, "CandidateMaterialized", kind="AGENT"),
            logged(2, "RunCompleted"),
            logged(3, "EvidenceMissingDetected"),
            logged(4, "StopTriggered", trigger="EVIDENCE_MISSING"),
            logged(5, "DecisionRecorded", kind="HUMAN"),
        ),
        replayed={},
        stop=None,
        versions={"postgres": "17.10", "note": HOSTILE},
    )  # fmt: skip


@pytest.fixture
def a_scenario():
    source = (Path(__file__).parent / "a-story.yaml").read_text()
    scenario = parse_text(source, CATALOGUE, shown_as=FILE)
    return bind(scenario, scenario.cases[0])


@pytest.fixture
def told(a_scenario):
    """Return a function that judges a history and makes its transcript."""

    def tell(history, *, control=None, scenario=a_scenario):
        name = "evidence-gone[deleted]"
        return Transcript(
            node_id=f"{FILE}::{name}" + (f".control.{control}" if control else ""),
            scenario=scenario,
            history=history,
            judgement=judge(scenario, history, CATALOGUE.checks),
            duration_s=1.25,
            control=control,
        )

    return tell


@pytest.fixture
def passed(told, a_history):
    return told(a_history)


@pytest.fixture
def failed(told, a_history, a_scenario):
    """The line was never stopped."""
    events = tuple(each for each in a_history.events if each.position != 4)
    nearest = logged(4, "StopTriggered", trigger=HOSTILE, sound=False)
    history = replace(a_history, events=(*events[:3], nearest, *events[3:]))
    return told(history, scenario=replace(a_scenario, name="never-stops"))


@pytest.fixture
def invalid(told, a_history, a_scenario):
    """The fault was asked for, and did nothing."""
    missed = replace(a_history.moments[1], what="not landed", detail="it is intact")
    stop = Stop(place=f"{FILE}:18:3", why=f"gone did not land: {HOSTILE}")
    history = replace(
        a_history, moments=(a_history.moments[0], missed), answers=a_history.answers[:2],
        samples=a_history.samples[:1], events=a_history.events[:2], stop=stop,
    )  # fmt: skip
    return told(history, scenario=replace(a_scenario, name="no-experiment"))


@pytest.fixture
def controls(told, a_history):
    """One control turned red all that it names, the other left a claim green."""
    quiet = replace(
        a_history,
        moments=(),
        faultless=True,
        answers=(
            *a_history.answers[:2],
            answered(6, "when", "candidate.verify", "verify", 200, position=2),
        ),
        events=a_history.events[:2],
    )
    blind = replace(quiet, mutant="evidence.never-read", faultless=False,
                    moments=a_history.moments)  # fmt: skip
    return told(quiet, control="no-fault"), told(blind, control="blind")


@pytest.fixture
def session():
    return Session(
        started_at="2026-01-02T03:00:00+00:00",
        command=f"pytest scenarios {HOSTILE}",
        backend="embedded",
        system="in-process",
        versions={"postgres": "17.10"},
    )


@pytest.fixture
def transcripts(passed, failed, invalid, controls):
    return (passed, failed, invalid, *controls)


@pytest.fixture
def pages(session, transcripts):
    return render_report(session, transcripts)


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    parents: tuple["Element", ...]
    text: str = ""


class Page(HTMLParser):
    """A page as a browser reads it, as far as these tests look."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(source)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for each in self._open:
            each.text += data

    def all(
        self, tag: str | None = None, *, within: str | None = None, **attributes: object
    ) -> list[Element]:
        """Return the elements that fit; `class_` is one of several classes."""
        return [
            each
            for each in self.elements
            if tag in {None, each.tag}
            and _fits(each, attributes)
            and within in {None, *(e.attributes.get("id") for e in each.parents)}
        ]

    @property
    def title(self) -> str:
        return self.all("title")[0].text

    def one(self, tag: str | None = None, **attributes: Any) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]


def _fits(element: Element, attributes: Mapping[str, object]) -> bool:
    for name, value in attributes.items():
        key = name.rstrip("_").replace("_", "-")
        found = element.attributes.get(key)
        if found is None or (
            value is not True and value not in {found, *found.split()}
        ):
            return False
    return True


@pytest.fixture
def read(pages):
    """Return a function that reads one of the pages."""
    return lambda name: Page(pages[name])


@pytest.fixture
def read_text():
    return Page
