"""All that CI checks, cheapest first; stops at the first that does not hold.

`python tests/run.py` is what `make test` calls, for people and for CI alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

RULES = ("tests/unit/domain", "tests/unit/test_actors.py", "tests/unit/test_chain.py")
"""What has to reach every branch of the rules; measuring slows it, so it runs alone."""

CHECKS: dict[str, list[str]] = {
    "format": ["-m", "ruff", "format", "--check", "--quiet", "."],
    "lint": ["-m", "ruff", "check", "--quiet", "."],
    "types": ["-m", "mypy", "--no-error-summary"],
    "layers": [str(BIN / "lint-imports"), "--no-cache"],
    "rules": [
        *("-m", "pytest", *RULES, "-n", "2", "-q"),
        *("--cov=sr_core.domain", "--cov-report="),
    ],
    "domain coverage": [
        "-m",
        "coverage",
        "report",
        "--include=src/sr_core/domain/*",
        "--fail-under=100",
        "--skip-covered",
    ],
    "tests and scenarios": [
        *("-m", "pytest", "tests", "scenarios", "-n", "2", "--dist", "worksteal", "-q"),
        *(f"--ignore={each}" for each in RULES),
    ],
}

ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name != "PYTHONDONTWRITEBYTECODE"
}
"""Ours, but that interpreters, of which hundreds are started, keep what they compile."""


def main() -> int:
    """Run every check and return the exit code."""
    for name, arguments in CHECKS.items():
        _say(f"== {name}")
        began = time.monotonic()
        command = [sys.executable, "-P", *arguments]
        ended = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=False)  # noqa: S603 - the list above
        _say(f"   {time.monotonic() - began:.1f} s")
        if ended.returncode != 0:
            _say(f"== {name} does not hold (exit {ended.returncode})")
            return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
