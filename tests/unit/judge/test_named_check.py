"""The checks `named`, `listed` and `number`: names, lists and numbers in answers."""

import pytest
from tests.unit.judge.conftest import (
    claim,
    did,
    healed,
    judgement,
    landed,
    last_judged,
    logged,
    lookup,
    tale,
    tried,
)

from pytest_sr.scenario import Verdict

PASS, FAIL, INVALID = Verdict.PASS, Verdict.FAIL, Verdict.INVALID
ULID = "01J9ZQ4T5M8K7V6W3X2Y1B0CDE"


def named(*names):
    parts = [logged("LoopCreated", loop_id=each) for each in names]
    asked = claim("named", named="LoopCreated", field="loop_id", prefix="loop")
    return last_judged(tale(did("make"), *parts), asked).verdict


class TestNamed:
    """SPEC 1.1: a name is a prefix and a ULID."""

    def test_the_right_form_passes(self):
        assert named(f"loop_{ULID}", f"loop_{ULID[:-1]}F") is PASS

    @pytest.mark.parametrize(
        "name",
        [
            f"loop_{ULID.lower()}",
            f"loop_{ULID[1:]}",
            f"loop_{ULID}0",
            f"loop_{ULID[:-1]}U",
            f"loop_8{ULID[1:]}",
            f"iter_{ULID}",
            f"loop:{ULID}",
            f"loop_{ULID}\n",
            "",
            None,
            7,
        ],
    )
    def test_another_form_fails(self, name):
        assert named(f"loop_{ULID}", name) is FAIL

    def test_a_name_that_is_given_twice_fails(self):
        assert named(f"loop_{ULID}", f"loop_{ULID}") is FAIL

    def test_without_such_an_event_it_is_open(self):
        assert named() is INVALID


ITEMS = [
    {"sequence": 1, "state": "COMPLETED", "at": "noon", "left": None},
    {"sequence": 2, "state": "STARTED", "at": "", "left": {}},
]


def listed(body, *before, during=None, **arguments):
    asked = {"under": "items", "where": {"sequence": 1}, **arguments}
    given = claim("listed", listed=lookup("list"), during=during, **asked)
    history = tale(*before, did("list", body=body))
    faults = ("gone",) if before else ()
    return judgement(history, given, faults=faults).claims[-1].verdict


class TestListed:
    """One item of a list is what is claimed, and it is there once."""

    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"has": {"state": "COMPLETED"}},
            {"says": ("at", "state")},
            {"where": {"sequence": 2}, "has": {"at": ""}},
        ],
    )
    def test_an_item_that_is_such_passes(self, arguments):
        assert listed({"items": ITEMS}, **arguments) is PASS

    @pytest.mark.parametrize(
        "arguments",
        [
            {"where": {"sequence": 3}},
            {"where": {"sequence": "1"}},
            {"where": {}},
            {"has": {"state": "STARTED"}},
            {"has": {"unheard": 1}},
            {"says": ("left",)},
            {"says": ("unheard",)},
            {"where": {"sequence": 2}, "says": ("at",)},
            {"where": {"sequence": 2}, "says": ("left",)},
            {"under": "others"},
        ],
    )
    def test_another_fails(self, arguments):
        assert listed({"items": ITEMS}, **arguments) is FAIL

    @pytest.mark.parametrize("items", [[], "text", None, {}])
    def test_what_is_no_list_of_it_fails(self, items):
        assert listed({"items": items}) is FAIL

    def test_an_answer_from_outside_of_the_part_is_open(self):
        before = (landed("gone"), healed("gone"))

        assert listed({"items": ITEMS}, *before, during="gone") is INVALID

    def test_what_is_no_answer_is_open(self):
        asked = claim("listed", listed=lookup("all"), under="items", where={})

        assert last_judged(tale(tried("all", a=200)), asked).verdict is INVALID


def number(said, *, above=0, below=1, at="usage.hours"):
    step = did("read", body={"usage": {"hours": said}})
    asked = claim("number", number=lookup("read"), at=at, above=above, below=below)
    return last_judged(tale(step), asked).verdict


class TestNumber:
    """A number lies strictly between two others."""

    @pytest.mark.parametrize("said", [0.5, 0.001])
    def test_between_them_passes(self, said):
        assert number(said) is PASS

    def test_a_whole_number_is_one(self):
        assert number(2, above=1, below=3) is PASS

    @pytest.mark.parametrize("said", [0, 0.0, 2, 2.0, -1, 3, "0.5", None, True])
    def test_all_else_fails(self, said):
        assert number(said, below=2) is FAIL

    @pytest.mark.parametrize("at", ["usage", "hours", "usage.hours.more", "usage.days"])
    def test_what_is_not_there_fails(self, at):
        assert number(0.5, at=at) is FAIL

    def test_what_is_no_answer_is_open(self):
        asked = claim("number", number=lookup("all"), at="a", above=0, below=1)

        assert last_judged(tale(tried("all", a=200)), asked).verdict is INVALID
