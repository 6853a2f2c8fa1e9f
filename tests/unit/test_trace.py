"""`sr scenario trace`: a clause that nothing proves is not passed over."""

import pytest

from pytest_sr import command
from pytest_sr.trace import TraceError, render, trace

CONTRACT = """
# The contract

C-FAR-1 is only mentioned.

## C-LOOP-1 Budgets
## C-LOOP-2: Summaries
### C-EXC-1
## C-EXC-2 Visible
## C-EXC-3 Scoped
"""

SCENARIO = """
scenario: bounded
title: A loop has bounds
proves: [C-LOOP-1, TEST-13]
when:
  - loop.create: {}
    as: made
then:
  made: {answer: "${made}", status: 201}
controls:
  lawless: {mutant: loop.never-stops, turns_red: [made]}
"""

TESTS = '''
"""Of exceptions (C-EXC-1..2)."""
import pytest

class TestSummaries:
    """C-LOOP-2: one is left."""

@pytest.mark.sr_proves("C-EXC-3")
def test_scoped(): ...

def helper():
    """C-LOOP-9 is named by no test."""
'''


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A project with a contract, a scenario and a test file."""
    (tmp_path / "docs/platform").mkdir(parents=True)
    (tmp_path / "docs/platform/SR-CONTRACT.md").write_text(CONTRACT)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/bounded.scenario.yaml").write_text(SCENARIO)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_rules.py").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rows(house):
    def of(contract="docs/platform/SR-CONTRACT.md"):
        found = trace(house / contract, [house / "scenarios"], [house / "tests"])
        return {each.clause: each for each in found}

    return of


class TestRows:
    def test_are_the_headings_of_the_contract_in_order(self, rows):
        assert [*rows()] == ["C-LOOP-1", "C-LOOP-2", "C-EXC-1", "C-EXC-2", "C-EXC-3"]

    def test_hold_scenarios_by_what_they_prove(self, rows):
        assert rows()["C-LOOP-1"].scenarios == ("bounded",)

    @pytest.mark.parametrize(
        ("clause", "where"),
        [
            ("C-LOOP-2", "test_rules.py::TestSummaries"),
            ("C-EXC-1", "test_rules.py"),
            ("C-EXC-2", "test_rules.py"),
            ("C-EXC-3", "test_rules.py::test_scoped"),
        ],
    )
    def test_hold_tests_by_docstring_and_marker(self, rows, clause, where):
        assert rows()[clause].tests == (where,)


class TestTheCommand:
    @pytest.mark.usefixtures("house")
    def test_is_0_where_everything_is_proven(self, capsys):
        assert command.scenario(["trace"]) == 0
        assert "5 of 5 clauses are proven" in capsys.readouterr().out

    def test_is_1_where_nothing_proves_a_clause(self, house, capsys):
        (house / "tests/test_rules.py").write_text('"""C-LOOP-2, C-EXC-1..2"""')

        assert command.scenario(["trace"]) == 1
        assert "nothing proves C-EXC-3\n" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("breaks", "said"),
        [
            (lambda at: (at / "docs/platform/SR-CONTRACT.md").unlink(), "not there"),
            (
                lambda at: (at / "docs/platform/SR-CONTRACT.md").write_text("# Hello"),
                "no heading with a clause",
            ),
            (
                lambda at: (at / "scenarios/bounded.scenario.yaml").unlink(),
                "no scenario proves anything",
            ),
            (
                lambda at: (at / "tests/test_rules.py").write_text('"""C-LOOP-7"""'),
                "names C-LOOP-7, which the contract does not have",
            ),
            (
                lambda at: (at / "scenarios/bounded.scenario.yaml").write_text("a: ["),
                "bounded.scenario.yaml:2:1",
            ),
        ],
        ids=["no contract", "no clause", "no scenario", "a slip", "a broken file"],
    )
    def test_is_2_where_there_is_nothing_to_judge(self, house, capsys, breaks, said):
        breaks(house)

        assert command.scenario(["trace"]) == 2
        assert said in capsys.readouterr().err


def test_a_path_that_is_not_there_is_said(house):
    contract = house / "docs/platform/SR-CONTRACT.md"

    with pytest.raises(TraceError, match="nowhere is not there"):
        trace(contract, [house / "scenarios"], [house / "nowhere"])


def test_a_long_list_is_cut_and_counted(rows):
    row = rows()["C-LOOP-1"]
    many = type(row)(clause="C-A-1", title="", scenarios=("a", "b", "c", "d"), tests=())

    assert "a, b, c (+1)" in "\n".join(render([many]))
