"""The tutorial and the README do what they say, step by step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial" / "first-scenario.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")

MUTANT_HEAD = """
from pytest_sr.mutants.base import Patch
from pytest_sr.registry import MUTANTS, mutant
from sr_core.api.authority import Authority
from sr_core.domain import loop

if "agents.let-in" not in MUTANTS:
"""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def scenario() -> str:
    (first,) = (each for each in blocks(TUTORIAL, "yaml") if "scenario: mine" in each)
    return first


def claimed_right(mutant: str) -> str:
    """Return the scenario of step 4, its control against `mutant`."""
    step_4 = next(each for each in blocks(TUTORIAL, "yaml") if "refused:" in each)
    text = scenario().split("then:")[0] + step_4
    return re.sub(r"mutant: [a-z.-]+", f"mutant: {mutant}", text)


def run(pytester: pytest.Pytester, text: str, *arguments: str) -> pytest.RunResult:
    folder = pytester.path / "scenarios"
    folder.mkdir(exist_ok=True)
    (folder / "mine.scenario.yaml").write_text(text, encoding="utf-8")
    path = "scenarios/mine.scenario.yaml"
    return pytester.runpytest_subprocess(
        *("-p", "no:cacheprovider", "-p", "no:schemathesis"), path, *arguments
    )


def test_the_readme_shows_the_scenario_of_the_tutorial() -> None:
    assert scenario() in blocks(README, "yaml")


def test_step_2_fails_as_it_says(pytester):
    result = run(pytester, scenario())

    result.assert_outcomes(failed=1)
    shown = next(each for each in blocks(README, "text") if "FAIL:" in each)
    lines = [re.sub(r"\(\.\.\..*", "*", each) for each in shown.splitlines()]
    result.stdout.fnmatch_lines(lines)


def test_step_3_names_the_place_and_the_cure(pytester):
    result = run(pytester, scenario().replace("loop.activate", "loop.actvate"))

    assert result.ret == 2
    result.stdout.fnmatch_lines(["*scenarios/mine.scenario.yaml:10:5*loop.activate*"])


def test_step_4_names_mutants_that_there_are(pytester):
    result = run(pytester, claimed_right("agents.let-in"))

    assert result.ret == 2
    result.stdout.fnmatch_lines(["*takes a mutant*agents.let-in*gap.unnoticed*"])


@pytest.mark.usefixtures("lent")
def test_step_4_holds_and_its_control_proves_nothing(pytester):
    text = claimed_right("authority.anyone-binds")

    result = run(pytester, text, "--sr-prove=controls")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*control lawless*left green:", "  refused"])


@pytest.mark.usefixtures("lent")
def test_step_5_shows_that_it_can_fail(pytester):
    (mutant,) = blocks(TUTORIAL, "python")
    indented = "".join(f"    {each}\n" for each in mutant.splitlines())
    pytester.makeconftest(MUTANT_HEAD + indented)

    result = run(pytester, claimed_right("agents.let-in"), "--sr-prove=controls")

    result.assert_outcomes(passed=2)
