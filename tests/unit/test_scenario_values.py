import pytest

from pytest_sr.scenario import (
    Action,
    Case,
    Claim,
    FaultPlan,
    Heal,
    Lookup,
    Moment,
    Place,
    Scenario,
    Text,
    Value,
    Verdict,
    as_text,
    bind,
    filled,
    seconds,
    worst,
)

HERE = Place(file="a.scenario.yaml", line=3, column=7)


def lookup(path: str, *, in_seconds: bool = False) -> Lookup:
    return Lookup(path=tuple(path.split(".")), place=HERE, in_seconds=in_seconds)


@pytest.fixture
def a_scenario():
    def build(**parts):
        defaults = {
            "name": "a",
            "title": "A",
            "proves": ("C-OR-2",),
            "tags": (),
            "timeout_s": 60.0,
            "axis": "case",
            "cases": (Case(name="one", values={"x": 7, "wait": "2s"}),),
            **dict.fromkeys(("given", "faults", "when", "then", "always"), ()),
            "controls": (),
            "place": HERE,
            "source": "",
        }
        return Scenario(**{**defaults, **parts})

    return build


def an_action(**arguments: Value) -> Action:
    return Action(step="run.start", arguments=arguments, name=None, place=HERE)


class TestVerdict:
    """A15: the worst verdict wins, and absent evidence is never green."""

    @pytest.mark.parametrize(
        ("verdicts", "expected"),
        [
            ([], Verdict.INVALID),
            ([Verdict.PASS], Verdict.PASS),
            ([Verdict.PASS, Verdict.INVALID, Verdict.PASS], Verdict.INVALID),
            ([Verdict.INVALID, Verdict.FAIL, Verdict.PASS], Verdict.FAIL),
        ],
    )
    def test_the_worst_wins(self, verdicts, expected):
        assert worst(iter(verdicts)) is expected


class TestPlace:
    def test_reads_as_editors_take_it(self):
        assert str(HERE) == "a.scenario.yaml:3:7"


class TestSeconds:
    @pytest.mark.parametrize(
        ("text", "lasts"),
        [("10s", 10.0), ("500ms", 0.5), ("2m", 120.0), ("1.5s", 1.5), ("0s", 0.0)],
    )
    def test_of_a_duration(self, text, lasts):
        assert seconds(text) == lasts

    @pytest.mark.parametrize(
        "text",
        ["", "10", "s", "10 s", "-1s", "1h", "1e3s", "10S", "٣s", "1234567s", "1s\n"],
    )
    def test_of_anything_else_are_none(self, text):
        assert seconds(text) is None


class TestFilled:
    """`${…}` is replaced wherever it stands; a whole one keeps its type."""

    @pytest.mark.parametrize("found", [7, None, True, "x", 1.5, (1, 2)])
    def test_a_lookup_keeps_the_type(self, found):
        assert filled(lookup("run.x"), lambda _: found) is found

    @pytest.mark.parametrize(
        ("found", "text"),
        [(7, "a7b"), (None, "anullb"), (True, "atrueb"), ("", "ab"), (1.5, "a1.5b")],
    )
    def test_in_a_text_it_is_as_yaml_writes_it(self, found, text):
        value = Text(parts=("a", lookup("run.x"), "b"))

        assert filled(value, lambda _: found) == text

    def test_lists_and_maps_are_filled_to_the_bottom(self):
        value = ("a", {"b": (lookup("run.x"), {"c": lookup("run.x")})}, 1)

        assert filled(value, lambda _: 7) == ("a", {"b": (7, {"c": 7})}, 1)

    def test_what_is_left_for_later_stays(self):
        kept = lookup("run.x")
        value = Text(parts=("a", lookup("case.x"), "b", kept))

        found = filled(value, lambda each: each if each == kept else 7)

        assert found == Text(parts=("a7b", kept))

    def test_a_duration_is_in_seconds(self):
        assert filled(lookup("case.x", in_seconds=True), lambda _: "2s") == 2.0
        assert filled(lookup("run.x", in_seconds=True), lambda _: 3.5) == 3.5

    def test_what_is_no_duration_was_refused_before(self):
        with pytest.raises(AssertionError, match="is no duration"):
            filled(lookup("case.x", in_seconds=True), lambda _: "soon")


class TestAsText:
    @pytest.mark.parametrize(
        ("value", "text"), [(None, "null"), (False, "false"), (7, "7"), ("x", "x")]
    )
    def test_is_what_yaml_would_say(self, value, text):
        assert as_text(value) == text


class TestBind:
    """One case's values stand in the place of its lookups; all else stays."""

    CASE = Case(name="one", values={"x": 7, "wait": "2s"})

    def test_steps(self, a_scenario):
        scenario = a_scenario(
            given=(an_action(n=lookup("case.x"), run=lookup("run.id")),),
            when=(an_action(n=(lookup("case.x"),)), Heal(fault="f", place=HERE)),
        )

        bound = bind(scenario, self.CASE)

        assert bound.cases == (self.CASE,)
        assert bound.given[0].arguments == {"n": 7, "run": lookup("run.id")}
        assert bound.when == (an_action(n=(7,)), scenario.when[1])

    def test_durations(self, a_scenario):
        scenario = a_scenario(
            given=(an_action(w=lookup("case.wait", in_seconds=True)),)
        )

        assert bind(scenario, self.CASE).given[0].arguments == {"w": 2.0}

    def test_claims(self, a_scenario):
        claim = Claim(
            name="c",
            check="event",
            arguments={"where": {"n": Text(parts=("n-", lookup("case.x")))}},
            within_s=1.0,
            after=None,
            during=None,
            section="then",
            place=HERE,
        )

        bound = bind(a_scenario(then=(claim,), always=(claim,)), self.CASE)

        assert [each.arguments for each in bound.claims] == [
            {"where": {"n": "n-7"}}
        ] * 2

    def test_faults_and_their_moments(self, a_scenario):
        at = Moment(
            relation="before", what="${case.x}", place=HERE, lookup=lookup("case.x")
        )
        fault = FaultPlan(
            name="f", kind="k", arguments={"n": lookup("case.x")}, at=at, place=HERE
        )

        (bound,) = bind(a_scenario(faults=(fault,)), self.CASE).faults

        assert bound.arguments == {"n": 7}
        assert bound.at == Moment(relation="before", what="7", place=HERE)

    def test_a_name_like_the_other_axis_is_left(self, a_scenario):
        scenario = a_scenario(axis=None, given=(an_action(n=lookup("case.x")),))

        assert bind(scenario, self.CASE).given == scenario.given
