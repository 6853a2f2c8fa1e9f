"""R-API-12: two minutes of made-up requests, and the fuzzer seen to notice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SECONDS = 120


@pytest.mark.takes_minutes
def test_the_face_keeps_its_word():
    ended = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, HERE / "fuzz.py", "--seconds", str(SECONDS), "--seed", "1"],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=1800,
    )

    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]


@pytest.fixture
def verdict(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    import fuzz  # type: ignore[import-not-found]  # noqa: PLC0415 - a program beside this file

    def build(*, failed=(), reached):
        operations = frozenset("abcde")
        return fuzz.Verdict(
            said=dict.fromkeys(failed, "said"),
            failed=failed,
            statuses={each: Counter({200: 1}) for each in reached},
            reached=frozenset(reached),
            operations=operations,
        )

    return build


def test_a_run_that_reaches_most_of_it_holds(verdict):
    assert verdict(reached="abcd").holds


def test_one_that_shows_too_little_does_not(verdict):
    made = verdict(reached="abc")

    assert not made.holds
    assert "never succeeded: d" in str(made)


def test_nor_does_one_in_which_a_check_failed(verdict):
    assert not verdict(failed=("agent",), reached="abcde").holds


def test_what_nobody_knows_counts_for_nothing(verdict):
    assert not verdict(reached="vwxyz").holds
