"""The suite of Infisical turns red for every way in which the adapter is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.infisical_mutants import MUTANTS

HERE = Path(__file__).parent.parent.parent
TESTS_MIN = 100
"""How many tests the control has to run, at least, to say anything."""


def test_each_mutant_is_killed_and_the_adapter_as_it_is_passes():
    """One test, so that one process runs them all: the control, then each mutant."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.infisical_mutants"],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    told = json.loads(ran.stdout)

    assert told["control"] == [], "what kills is the mutant, not how it is put in"
    assert told["ran"] > TESTS_MIN
    assert told["killed"].keys() == MUTANTS.keys()
    assert [each for each in MUTANTS if not told["killed"][each]] == []
