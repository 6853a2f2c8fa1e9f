"""The settings page, `deploy/env.example` and the code name the same settings."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_sr.stack.binaries import NATS, POSTGRES, WEED
from sr_core.bootstrap.settings import SETTINGS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "settings.md"
EXAMPLE = ROOT / "deploy" / "env.example"

ROW = re.compile(r"^\| `([A-Z]+_\w+)` \| (.*) \| (.*) \|$", re.MULTILINE)
GIVEN = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)


def section(heading: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_page_has_the_codes_table():
    shown = {None: "required", "": "empty"}
    expected = [
        (name, shown.get(each.default, f"`{each.default}`"), each.meaning)
        for name, each in SETTINGS.items()
    ]

    assert ROW.findall(section("The platform")) == expected


def test_the_page_has_the_programs_of_the_stack():
    named = [name for name, _, _ in ROW.findall(section("The services of a session"))]

    assert named == [each.setting for each in (POSTGRES, NATS, WEED)]


def test_the_example_has_the_same_names_and_defaults():
    given = GIVEN.findall(EXAMPLE.read_text(encoding="utf-8"))

    assert given == [(name, each.default or "") for name, each in SETTINGS.items()]
