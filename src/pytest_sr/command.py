"""`sr verify`: the scenarios, for people who want a verdict and not pytest."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence

import pytest


def verify(arguments: Sequence[str]) -> int:
    """Run scenarios; return 0 if all held, 1 if something did not, 2 if misused."""
    parser = argparse.ArgumentParser(prog="sr verify")
    parser.add_argument("paths", nargs="*", default=["scenarios"])
    parser.add_argument("--backend", choices=("auto", "embedded"), default="auto")
    parser.add_argument(
        "--system", choices=("in-process", "server"), default="in-process"
    )
    parser.add_argument("--report", metavar="DIR", help="write the report there")
    parser.add_argument("--prove", action="store_true", help="run the controls too")
    parser.add_argument("-n", dest="workers", metavar="N", help="how many workers")
    chosen = parser.parse_args(arguments)
    options = [
        *chosen.paths,
        "-p",
        "no:cacheprovider",
        f"--sr-backend={chosen.backend}",
        f"--sr-system={chosen.system}",
    ]
    if chosen.report:
        options += [
            f"--sr-report={chosen.report}",
            f"--junitxml={chosen.report}/junit.xml",
        ]
    if chosen.prove:
        options.append("--sr-prove=controls")
    if chosen.workers and importlib.util.find_spec("xdist"):
        options += ["-n", chosen.workers]
    return _exit_code(pytest.main(options))


def _exit_code(code: int | pytest.ExitCode) -> int:
    """Return our exit code for pytest's: no tests at all is misuse, never green."""
    if code == pytest.ExitCode.OK:
        return 0
    return 1 if code == pytest.ExitCode.TESTS_FAILED else 2
