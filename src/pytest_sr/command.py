"""`sr verify` and `sr scenario`: for people who want a verdict and not pytest."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from pytest_sr.options import OPTIONS

CONTRACT: Final = "docs/platform/SR-CONTRACT.md"
"""Where the contract lies that clauses are traced to."""


def verify(arguments: Sequence[str]) -> int:
    """Run scenarios; return 0 if all held, 1 if something did not, else 2."""
    chosen = _parser().parse_args(arguments)
    code = _pytest(_options(chosen))
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        paths = ", ".join(chosen.paths)
        sys.stderr.write(
            f"sr verify: no scenario was found in {paths}. "
            "Name a *.scenario.yaml file, or a folder that holds some.\n"
        )
    if code == pytest.ExitCode.OK:
        return 0
    return 1 if code == pytest.ExitCode.TESTS_FAILED else 2


def scenario(arguments: Sequence[str]) -> int:
    """Run `sr scenario trace`; return 0 if every clause is proven, 1 if not, else 2."""
    from pytest_sr import trace  # noqa: PLC0415 - `sr verify` needs none of it
    from pytest_sr.parse import ScenarioRefused  # noqa: PLC0415 - likewise

    parser = argparse.ArgumentParser(prog="sr scenario", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    tracing = commands.add_parser("trace", help=trace.__doc__)
    tracing.add_argument("paths", nargs="*", type=Path, default=[Path("scenarios")])
    tracing.add_argument("--tests", action="append", type=Path, metavar="PATH")
    tracing.add_argument("--contract", type=Path, default=Path(CONTRACT))
    chosen = parser.parse_args(arguments)
    tests = [Path("tests")] if chosen.tests is None else chosen.tests
    try:
        rows = trace.trace(chosen.contract, chosen.paths, tests)
    except (trace.TraceError, ScenarioRefused) as error:
        sys.stderr.write(f"sr scenario trace: {error}\n")
        return 2
    for line in trace.render(rows):
        sys.stdout.write(f"{line}\n")
    return 0 if all(each.is_proven for each in rows) else 1


def _parser() -> argparse.ArgumentParser:
    choices = {each.name: each.choices for each in OPTIONS}
    parser = argparse.ArgumentParser(prog="sr verify", description=__doc__)
    parser.add_argument("paths", nargs="*", default=["scenarios"])
    parser.add_argument("--backend", choices=choices["sr_backend"], default="auto")
    parser.add_argument("--system", choices=choices["sr_system"], default="in-process")
    parser.add_argument("--report", metavar="DIR", help="write the report there")
    parser.add_argument("--prove", action="store_true", help="run the controls too")
    parser.add_argument("-n", dest="workers", metavar="N", help="how many workers")
    return parser


def _options(chosen: argparse.Namespace) -> list[str]:
    options = [
        *chosen.paths,
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_sr.exit_code",
        f"--sr-backend={chosen.backend}",
        f"--sr-system={chosen.system}",
    ]
    if chosen.report:
        options.append(f"--sr-report={chosen.report}")
        options.append(f"--junitxml={chosen.report}/junit.xml")
    if chosen.prove:
        options.append("--sr-prove=controls")
    if chosen.workers and importlib.util.find_spec("xdist"):
        options += ["-n", chosen.workers]
    return options


def _pytest(options: Sequence[str]) -> int:
    """Run pytest in a process of its own; it hears of an interrupt as we do."""
    command = [sys.executable, "-P", "-m", "pytest", *options]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own interpreter
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue
