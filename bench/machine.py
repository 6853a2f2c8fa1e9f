"""`python -m bench.machine`: the log against a list, for long (R-EVT-18).

It is `tests/integration/test_log_machine.py` with more examples than `make test` has time
for. Each is up to 25 steps: appends, conflicts, appends again, lost servers, crashes,
restarts, rebuilds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1] / "tests/integration/test_log_machine.py"


def main(arguments: Sequence[str]) -> int:
    """Run as many examples as the command line says; 1 if log and list ever differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.machine")
    parser.add_argument("--examples", type=int, default=2000, metavar="N")
    chosen = parser.parse_args(arguments)
    os.environ["SR_LOG_MACHINE_EXAMPLES"] = str(chosen.examples)
    statistics = "--hypothesis-show-statistics"
    return int(pytest.main([str(TESTS), statistics, "-p", "no:cacheprovider"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
