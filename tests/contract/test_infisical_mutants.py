"""The contract suite of Infisical turns red for every way in which the adapter is broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.infisical_mutants import MUTANTS

HERE = Path(__file__).parent
SUITE = ("test_infisical.py", "test_infisical_wire.py", "test_kek_cache.py")
FAILED, PASSED = 1, 0


def run(mutant: str) -> subprocess.CompletedProcess[str]:
    """Run the suite over the adapter with this mutant in it, up to the first failure."""
    return subprocess.run(
        [
            *(sys.executable, "-P", "-m", "pytest", "-p", "infisical_mutants"),
            *("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            *("-W", "default::pytest.PytestUnraisableExceptionWarning"),
            *("-k", "not WireMock"),
            *(str(HERE / each) for each in SUITE),
        ],
        cwd=HERE.parent.parent,
        env={**os.environ, "MUTANT": mutant, "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_adapter_as_it_is_passes():
    """The control: what kills is the mutant, not the way in which it is put in."""
    ran = run("none")

    assert ran.returncode == PASSED, ran.stdout[-3000:]


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_each_mutant_is_killed(mutant):
    ran = run(mutant)

    assert ran.returncode == FAILED, ran.stdout[-3000:]
    killers = re.findall(r"^FAILED .*::(test_\w+)", ran.stdout, re.MULTILINE)
    assert killers, ran.stdout[-3000:]
