"""The catalogue says what the registries say, and nothing by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
WRITTEN = DOCS / "reference" / "catalogue.md"


def test_it_is_what_the_generator_prints():
    generator = DOCS / "catalogue.py"

    printed = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-X", "utf8", generator],
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=60,
    ).stdout

    again = "run `python docs/catalogue.py --write`"
    assert WRITTEN.read_text(encoding="utf-8") == printed, again
