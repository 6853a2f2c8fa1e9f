"""The fixture `sr_loop_test`: nineteen tests, none of them missing."""

import pytest

pytest_plugins = ["pytester"]

SCENARIO = """
scenario: {name}
title: A loop is created
proves: [TEST-{number}]
when:
  - loop.create: {{}}
    as: made
then:
  made: {{answer: "${{made}}", status: {status}}}
controls:
  lawless: {{mutant: loop.never-stops, turns_red: [made]}}
"""

TEST = """
def test_of_the_plan(sr_loop_test):
    outcome = sr_loop_test.run()
    assert outcome.verdict == "PASS", str(outcome)
"""


@pytest.fixture
def plan(pytester):
    """Writes scenario files of these numbers, and a test that asks for them."""

    def write(numbers, status=201):
        folder = pytester.mkdir("scenarios") / "loops"
        folder.mkdir()
        for number in numbers:
            name = f"test-{number:02}"
            text = SCENARIO.format(name=name, number=number, status=status)
            (folder / f"{name}.scenario.yaml").write_text(text)
        pytester.makepyfile(TEST)

    return write


def run(pytester, *arguments):
    return pytester.runpytest_subprocess("-p", "no:schemathesis", *arguments)


def test_gives_each_of_the_nineteen_by_its_name(pytester, plan):
    plan(range(1, 20))

    result = run(pytester, "--collect-only", "-q", "-k", "test_of")

    names = [f"*test_of_the_plan?test-{each:02}?" for each in range(1, 20)]
    result.stdout.fnmatch_lines(names)


def test_refuses_a_plan_of_which_a_part_is_missing(pytester, plan):
    plan(set(range(1, 20)) - {7, 18})

    result = run(pytester, "-k", "test_of")

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*for test 07, 18*"])


@pytest.mark.usefixtures("lent")
def test_runs_what_it_gives(pytester, plan):
    plan(range(1, 20))

    result = run(pytester, "-k", "test_of and test-03")

    result.assert_outcomes(passed=1, deselected=37)


@pytest.mark.usefixtures("lent")
def test_fails_where_the_scenario_does(pytester, plan):
    plan(range(1, 20), status=418)

    result = run(pytester, "-k", "test_of and test-03")

    result.assert_outcomes(failed=1, deselected=37)
