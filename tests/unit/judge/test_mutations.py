"""A recorded history, tampered with: each claim of a shipped scenario notices something."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.history import History, Logged, Sample
from pytest_sr.judge import judge
from pytest_sr.report.folder import kept_in
from pytest_sr.report.transcript import Transcript
from pytest_sr.scenario import Verdict

ROOT = Path(__file__).resolve().parents[3]
HAPPY = ROOT / "scenarios" / "happy-path.scenario.yaml"
BAD = f"sha256:{'0' * 64}"
KINDS = {"HUMAN": "AGENT", "AGENT": "SYSTEM", "SYSTEM": "HUMAN"}


@pytest.fixture(scope="session")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, lent_stack: Mapping[str, str]
) -> Transcript:
    """The shipped story without faults, run once."""
    folder = tmp_path_factory.mktemp("recorded") / "report"
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "lent_stack"]
    ended = subprocess.run(  # noqa: S603 - our own interpreter and scenario
        [sys.executable, *command, str(HAPPY), f"--sr-report={folder}"],
        cwd=ROOT,
        env={**os.environ, **lent_stack},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (transcript,) = kept_in(folder, CATALOGUE)
    return transcript


@pytest.fixture(scope="session")
def noticed(recorded: Transcript) -> Mapping[str, frozenset[str]]:
    """By claim, the kinds of tampering under which it is not PASS."""
    by_claim: dict[str, set[str]] = {
        each.name: set() for each in recorded.scenario.claims
    }
    for kind, history in tampered(recorded.history):
        found = judge(recorded.scenario, history, CATALOGUE.checks)
        for each in found.claims:
            if each.verdict is not Verdict.PASS:
                by_claim[each.claim].add(kind)
    return {name: frozenset(kinds) for name, kinds in by_claim.items()}


def tampered(history: History) -> Iterator[tuple[str, History]]:
    """Yield histories that differ in one respect, each with the kind of it."""
    events = history.events
    for at, each in enumerate(events):
        before, since = events[:at], events[at + 1 :]
        yield "drop event", replace(history, events=before + since)
        yield "duplicate event", replace(history, events=(*before, each, each, *since))
        for kind, altered in altered_events(each):
            yield kind, replace(history, events=(*before, altered, *since))
    rows = {
        (table, key)
        for each in history.samples
        for table, keyed in each.rows.items()
        for key in keyed
    }
    for table, key in sorted(rows):
        yield "drop row", everywhere(history, drops_row(table, key))
        yield "alter row", everywhere(history, alters_row(table, key))
    for key in sorted({key for each in history.samples for key in each.objects}):
        yield "drop object", everywhere(history, drops_object(key))
        yield "alter object", everywhere(history, alters_object(key))


def altered_events(event: Logged) -> Iterator[tuple[str, Logged]]:
    yield "actor kind", replace(event, actor_kind=KINDS[event.actor_kind])
    yield "unsound", replace(event, is_sound=False)
    yield "no refs", replace(event, refs=())
    yield "forge stop", replace(event, event_type="StopTriggered")
    for name in event.payload:
        yield "alter payload", replace(event, payload={**event.payload, name: "other"})


Change = Callable[[Sample], Sample]


def everywhere(history: History, change: Change) -> History:
    return replace(history, samples=tuple(map(change, history.samples)))


def drops_row(table: str, key: str) -> Change:
    def change(sample: Sample) -> Sample:
        kept = {name: row for name, row in sample.rows[table].items() if name != key}
        return replace(sample, rows={**sample.rows, table: kept})

    return change


def alters_row(table: str, key: str) -> Change:
    def change(sample: Sample) -> Sample:
        if key not in sample.rows[table]:
            return sample
        row: dict[str, Any] = dict.fromkeys(sample.rows[table][key], "other")
        rows = {**sample.rows[table], key: row}
        return replace(sample, rows={**sample.rows, table: rows})

    return change


def drops_object(key: str) -> Change:
    def change(sample: Sample) -> Sample:
        kept = {name: seen for name, seen in sample.objects.items() if name != key}
        return replace(sample, objects=kept)

    return change


def alters_object(key: str) -> Change:
    def change(sample: Sample) -> Sample:
        if key not in sample.objects:
            return sample
        altered = replace(sample.objects[key], sha256=BAD)
        return replace(sample, objects={**sample.objects, key: altered})

    return change


class TestTampering:
    """D1: a claim that no tampering turns is a claim that proves nothing."""

    def test_untouched_it_is_as_it_was_judged(self, recorded):
        found = judge(recorded.scenario, recorded.history, CATALOGUE.checks)

        assert found == recorded.judgement
        assert found.verdict is Verdict.PASS

    def test_every_claim_about_what_is_recorded_notices_something(
        self, recorded, noticed
    ):
        answered = {"answer", "attempts"}
        claims = {
            each.name for each in recorded.scenario.claims if each.check not in answered
        }

        assert {name for name in claims if not noticed[name]} == set()

    @pytest.mark.parametrize(
        ("name", "kinds"),
        [
            (
                "judged",
                {"drop event", "duplicate event", "alter payload", "actor kind"},
            ),
            (
                "verified",
                {"drop event", "duplicate event", "alter payload", "actor kind"},
            ),
            ("frozen", {"drop event", "no refs"}),
            ("system", {"drop event", "actor kind"}),
            ("sound", {"drop event", "duplicate event", "unsound"}),
            ("unstopped", {"forge stop"}),
            ("told", {"drop row", "alter row"}),
            ("approved", {"drop row", "alter row"}),
            ("closed", {"drop row", "alter row"}),
            ("kept", {"drop object", "alter object"}),
            ("named", {"drop event", "drop object", "alter object"}),
        ],
    )
    def test_each_kind_of_tampering_is_noticed_by_the_claims_it_touches(
        self, noticed, name, kinds
    ):
        assert kinds <= noticed[name]

    def test_no_claim_notices_what_it_is_not_about(self, noticed):
        assert not noticed["told"] & {"drop object", "alter object", "actor kind"}
        assert not noticed["no-lie"]

    def test_every_kind_of_tampering_is_noticed_by_some_claim(self, recorded, noticed):
        kinds = {kind for kind, _ in tampered(recorded.history)}

        assert kinds == frozenset[str]().union(*noticed.values())

    def test_an_altered_answer_is_noticed(self, recorded):
        history = recorded.history
        said = {"answer": {"status": 200, "code": "", "body": {}}}
        lie = next(each for each in history.answers if each.name == "lie")
        answers = tuple(
            replace(each, result=said) if each is lie else each
            for each in history.answers
        )

        found = judge(
            recorded.scenario, replace(history, answers=answers), CATALOGUE.checks
        )

        assert found.red() == {"no-lie"}
