"""The suite of Infisical turns red for every way in which the adapter is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.infisical_mutants import MUTANTS

HERE = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def told():
    """What the suite says of the adapter with each mutant in it, in a process apart."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.infisical_mutants"],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(ran.stdout)


def test_the_adapter_as_it_is_passes(told):
    """The control: what kills is the mutant, not the way in which it is put in."""
    assert told["control"] == []
    assert told["ran"] > 100


@pytest.mark.parametrize("mutant", MUTANTS)
def test_each_mutant_is_killed(told, mutant):
    assert told["killed"][mutant], f"the suite passes with: {mutant}"
