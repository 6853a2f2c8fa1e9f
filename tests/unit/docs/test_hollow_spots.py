"""The map of hollow spots: whole, and each test that it names is there."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_sr.parse import ScenarioRefused

ROOT: Final = Path(__file__).parents[3]
PROGRAM: Final = runpy.run_path(str(ROOT / "docs" / "hollow_spots.py"))
SPOTS: Final = PROGRAM["read"](PROGRAM["MAP"].read_text(encoding="utf-8"))
FAILURE: Final = "scenarios/failure_modes/oracle-failure.scenario.yaml"
THIS: Final = "tests/unit/docs/test_hollow_spots.py"


def faults(*spots: Any, root: Path = ROOT) -> list[str]:
    return [*PROGRAM["faults"](spots, root)]


def with_first(**changes: Any) -> list[str]:
    """What is wrong with the map once its first spot is changed."""
    return faults(replace(SPOTS[0], **changes), *SPOTS[1:])


class TestTheMap:
    def test_has_no_fault(self):
        assert faults(*SPOTS) == []

    def test_has_a_row_for_each_of_the_142(self):
        written = PROGRAM["WRITTEN"].read_text(encoding="utf-8")
        rows = [each for each in written.splitlines() if each[:3].strip("| ").isdigit()]

        assert len(SPOTS) == len(rows) == 142
        assert len({each.number for each in SPOTS}) == 142

    def test_its_page_is_what_the_generator_makes(self):
        again = "run `python docs/hollow_spots.py --write`"
        written = PROGRAM["WRITTEN"].read_text(encoding="utf-8")
        assert written == PROGRAM["page"](SPOTS), again

    def test_the_governed_core_is_caught(self):
        core = [each for each in SPOTS if each.area in PROGRAM["CORE"]]

        assert len(core) == 44
        assert {each.state for each in core} == {"caught"}


class TestWhatIsWrong:
    """Each fault of a map is found, and told with the number of its spot."""

    @pytest.mark.parametrize("number", [1, 95, 142])
    def test_a_missing_number(self, number):
        spots = [*SPOTS[: number - 1], *SPOTS[number:]]

        (told,) = faults(*spots)

        assert told.endswith(f"missing: ['{SPOTS[number - 1].number}']")

    def test_a_number_that_stands_twice(self):
        assert len(faults(SPOTS[0], *SPOTS)) == 1

    def test_numbers_out_of_order(self):
        assert len(faults(*SPOTS[::-1])) == 1

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"pretended": " "}, "what was pretended is not said"),
            ({"area": "elsewhere"}, "there is no area elsewhere"),
            ({"room": "attic", "left": "all"}, "there is no room attic"),
            ({"room": "log"}, "are said together"),
            ({"left": "all"}, "are said together"),
            ({"room": "log", "left": ""}, "are said together"),
            ({"caught_by": ()}, "nothing would have caught it"),
            (
                {"area": "api", "room": "log", "left": "all"},
                "belongs to the governed core, and is open",
            ),
            ({"caught_by": 2 * (f"{FAILURE}::no-ship",)}, "named twice"),
        ],
        ids=str,
    )
    def test_a_row_that_is_not_whole(self, changes, told):
        assert [each for each in with_first(**changes) if told in each] == [
            with_first(**changes)[0]
        ]

    @pytest.mark.parametrize(
        ("named", "told"),
        [
            ("tests/unit/test_nowhere.py::test_it", "there is no tests/unit/test_no"),
            (THIS, f"there is no {THIS}"),
            (f"{THIS}::TestNowhere::test_has_no_fault", "there is no test"),
            (f"{THIS}::TestTheMap::test_nothing", "there is no test"),
            (f"{THIS}::test_has_no_fault", "there is no test"),
            (f"{THIS}::TestTheMap", "there is no test"),
            (f"{THIS}::with_first", "there is no test"),
            ("scenarios/none.scenario.yaml::a", "there is no scenarios/none"),
            (f"{FAILURE}::no-ship, no-such", f"{FAILURE} claims no no-such"),
            (f"{FAILURE}::", f"{FAILURE} claims no "),
        ],
    )
    def test_what_is_named_and_not_there(self, named, told):
        (fault,) = with_first(caught_by=(named,))

        assert fault.startswith(f"1: {told}")

    def test_a_claim_that_no_control_turns_red(self, tmp_path):
        text = (ROOT / FAILURE).read_text(encoding="utf-8")
        unproven = text.replace("no-freeze, never-verified]", "never-verified]")
        (tmp_path / FAILURE).parent.mkdir(parents=True)
        (tmp_path / FAILURE).write_text(unproven, encoding="utf-8")
        spot = replace(SPOTS[0], caught_by=(f"{FAILURE}::no-freeze",))

        with pytest.raises(ScenarioRefused, match="to turn `no-freeze` red"):
            faults(spot, root=tmp_path)

    def test_a_key_that_is_none(self):
        with pytest.raises(TypeError, match="proven_by"):
            PROGRAM["read"]('[[spot]]\nnumber = "1"\nproven_by = []\n')
