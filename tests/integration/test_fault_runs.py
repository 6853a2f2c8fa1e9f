"""R-EVT-1, 2, 4 and 5: fault runs, with few faults; `python -m bench.faults` has many."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("kill-writer", "end-backend", "kill-postgres", "cut-answer")
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)


@pytest.fixture
def judge(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("bench.faults.judge")


@pytest.fixture
def told(monkeypatch):
    """What two writers were told: a of 1 and 3, b of 2."""
    monkeypatch.syspath_prepend(ROOT)
    told = importlib.import_module("bench.faults.writing").Told()
    for line in ("ack 0 a1 1", "ack 1 b1 2", "ack 0 a2 3"):
        _, writer, event_id, position = line.split()
        told.take(f"try {writer} {event_id} {NOON.isoformat()}")
        told.take(f"ack {writer} {event_id} {position}")
    return told


@pytest.fixture
def rows(judge):
    """The log of three events."""
    chain, found = bytes(32), []
    for position, event_id in enumerate(("a1", "b1", "a2"), start=1):
        digest = sha256(event_id.encode()).digest()
        chain = sha256(chain + position.to_bytes(8, "big") + digest).digest()
        found.append(
            judge.Row(
                position=position,
                event_id=event_id,
                inserted_at=NOON,
                envelope=event_id.encode(),
                envelope_hash=f"sha256:{digest.hex()}",
                chain_hash=chain,
            )
        )
    return found


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("bench.faults.__main__")


@pytest.fixture
def figures(judge):
    """A run that shows something: the log is right, and each control is not."""

    def of(subject: str, **shown: int):
        return judge.Figures(
            kind="a", subject=subject, faults=1, acknowledged=9, **shown
        )

    return [
        of("log"),
        of("control: writer", duplicates=1),
        of("control: reader", lost=1),
    ]


def run_faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "bench.faults", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


class TestAFewFaults:
    """Under each kind of fault the log keeps its promises, and the controls do not."""

    def test_of_each_kind_leave_nothing_lost_twice_reordered_or_missing(self, tmp_path):
        written = tmp_path / "found.json"

        ended = run_faults(
            *("--seconds", "120", "--faults", "1", "--seed", "7"),
            *("--kinds", ",".join(KINDS), "--json", str(written)),
        )

        assert ended.returncode == 0, ended.stdout + ended.stderr
        found = json.loads(written.read_text())
        assert {(each["kind"], each["subject"]) for each in found} == {
            (kind, subject)
            for kind in KINDS
            for subject in ("log", "reader", "control: writer", "control: reader")
        }
        assert all(each["faults"] == 1 for each in found)


class TestARunIsInvalid:
    """It says so, and does not pass, if it could not have shown a fault."""

    def test_unless_every_fault_has_landed(self, program, figures):
        figures[0] = replace(figures[0], faults=0)

        assert program.invalid(figures) == ["a: no fault has landed on log"]
        assert program.verdict(figures) == 2

    def test_unless_something_was_acknowledged(self, program, figures):
        figures[0] = replace(figures[0], acknowledged=0)

        assert program.invalid(figures) == ["a: log had nothing acknowledged"]

    @pytest.mark.parametrize("silent", [1, 2])
    def test_unless_each_control_shows_its_fault(self, program, figures, silent):
        figures[silent] = replace(figures[silent], lost=0, duplicates=0)

        assert len(program.invalid(figures)) == 1
        assert program.verdict(figures) == 2

    def test_and_otherwise_is_green_or_red_by_what_it_found(self, program, figures):
        assert program.verdict(figures) == 0

        figures[0] = replace(figures[0], lost=1)

        assert program.verdict(figures) == 1

    def test_of_a_kind_that_there_is_not(self, program, capsys):
        assert program.main(["--kinds", "end-backend,flood"]) == 2
        assert "no such kind: flood" in capsys.readouterr().err


class TestTheJudge:
    """It finds what is wrong with a log, and nothing in one that is right."""

    def test_finds_nothing_in_a_log_that_is_right(self, judge, told, rows):
        head = (3, rows[-1].chain_hash)

        assert judge.lost(told, rows) == 0
        assert judge.duplicates(rows) == 0
        assert judge.reordered(told) == 0
        assert judge.holes(rows) == 0
        assert judge.broken(rows, head) == 0
        assert judge.unanswered(told, rows) == 0

    def test_finds_an_acknowledged_event_that_is_not_there(self, judge, told, rows):
        assert judge.lost(told, rows[:2]) == 1

    def test_finds_an_acknowledged_event_at_another_place(self, judge, told, rows):
        assert judge.lost(told, [*rows[:2], replace(rows[2], position=4)]) == 1

    def test_finds_an_event_that_is_there_twice(self, judge, rows):
        assert judge.duplicates([*rows, replace(rows[0], position=4)]) == 1

    def test_finds_a_writer_whose_places_do_not_rise(self, judge, told):
        told.take("ack 1 b2 1")

        assert judge.reordered(told) == 1

    def test_finds_a_number_that_is_missing(self, judge, rows):
        assert judge.holes([rows[0], rows[2]]) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"envelope": b"other"},
            {"envelope_hash": "sha256:" + "0" * 64},
            {"chain_hash": bytes(32)},
        ],
    )
    def test_finds_a_link_that_does_not_hold(self, judge, rows, change):
        head = (3, rows[-1].chain_hash)

        assert judge.broken([rows[0], replace(rows[1], **change), rows[2]], head)

    def test_finds_a_head_that_is_elsewhere(self, judge, rows):
        assert judge.broken(rows, (2, rows[-1].chain_hash)) == 1

    def test_counts_what_was_stored_before_it_was_tried_again(self, judge, told, rows):
        later = NOON + timedelta(seconds=1)

        told.take(f"try 1 b1 {later.isoformat()}")

        assert judge.unanswered(told, rows) == 1

    def test_counts_what_was_stored_and_never_answered(self, judge, told, rows):
        assert judge.unanswered(told, [*rows, replace(rows[0], event_id="c")]) == 1

    def test_finds_what_a_reader_has_passed_by_or_been_given_twice(self, judge, rows):
        assert judge.unread([1, 3], rows) == 1
        assert judge.inversions([1, 2, 2, 3]) == 1
