"""`docs/reference/scenario-format.md`: what it shows is what the parser takes and says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.options import OPTIONS
from pytest_sr.parse import ScenarioRefused, parse_text
from pytest_sr.parse.read import _KEYS, _NEEDED
from pytest_sr.scenario import Scenario

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs" / "reference" / "scenario-format.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")

BLOCKS: Final = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
WHOLE: Final = [each for each in BLOCKS if each.startswith("scenario: ")]
PARTS: Final = [each for each in BLOCKS if each not in WHOLE]
MESSAGES: Final = re.findall(
    r"```text\n(\S+\.scenario\.yaml:.*?)\n```", TEXT, re.DOTALL
)

MISTAKES: Final = (
    ("- candidate.verify", "- candidate.verfy"),
    ("${run.evidence}", "${run.evidense}"),
    (", unapproved]", "]"),
)


def parsed(text: str) -> Scenario:
    name = text.partition("\n")[0].removeprefix("scenario: ")
    return parse_text(text, CATALOGUE, shown_as=f"{name}.scenario.yaml")


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading."""
    below = TEXT.partition(f"# {heading}\n")[2]
    rows = re.findall(r"^\| (.*) \|$", below.partition("\n#")[0], re.MULTILINE)
    return [row.split(" | ") for row in rows[2:]]


class TestExamples:
    @pytest.mark.parametrize("text", WHOLE)
    def test_a_whole_scenario_is_one(self, text):
        assert parsed(text).source == text

    def test_there_are_some(self):
        assert len(WHOLE) == 2

    @pytest.mark.parametrize("text", PARTS)
    def test_a_part_is_one_of_a_whole_scenario(self, text):
        shipped = (ROOT / "scenarios").rglob("*.scenario.yaml")
        whole = [*WHOLE, *(each.read_text(encoding="utf-8") for each in shipped)]

        assert any(text in each for each in whole)

    def test_the_matrix_makes_the_tests_that_are_named(self):
        names = [f"evidence-spoilt[{each.name}]" for each in parsed(WHOLE[1]).cases]

        assert len(names) == 6
        assert f"from `{names[0]}` to `{names[-1]}`" in TEXT


class TestTables:
    def test_every_key_is_there(self):
        rows = table("Keys")

        assert [row[0].strip("`") for row in rows] == [*_KEYS]
        assert {row[0].strip("`") for row in rows if row[1] == "yes"} == {*_NEEDED}

    def test_every_option_is_there(self):
        expected = [
            [
                f"`{each.flag}`",
                f"`{each.name.upper()}`",
                f"`{each.name}`",
                ", ".join(f"`{choice}`" for choice in each.choices) or "any",
                f"`{each.default}`" if each.default else "none",
                each.meaning,
            ]
            for each in OPTIONS
        ]

        assert table("Options") == expected

    @pytest.mark.parametrize(
        "written", ["{after: ApprovalRecorded}", "{after: run.start}"]
    )
    def test_every_moment_is_taken(self, written):
        assert f"`at: {written}`" in TEXT
        assert parsed(WHOLE[0].replace("{before: approval.record}", written)).faults


class TestMessages:
    def test_each_is_what_the_parser_says(self):
        said = []
        for old, new in MISTAKES:
            with pytest.raises(ScenarioRefused) as refused:
                parsed(WHOLE[0].replace(old, new, 1))
            said.append(str(refused.value))

        assert said == MESSAGES
