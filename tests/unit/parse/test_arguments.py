"""An argument is read in the type that its function asks for, or refused."""

import pytest

from pytest_sr.parse import Code, ScenarioRefused
from pytest_sr.scenario import Action, Lookup, Text, bind


class TestArguments:
    """Written in a map or beside the word, looked up or written out."""

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("elapsed: 500ms", {"elapsed": 0.5}),
            ("elapsed: 2m", {"elapsed": 120.0}),
            ("elapsed: 0s", {"elapsed": 0.0}),
            ("elapsed: 1s, while: x", {"elapsed": 1.0, "while_": "x"}),
            ("elapsed: 1s, while: null", {"elapsed": 1.0, "while_": None}),
            ("elapsed: 1s, share: 2", {"elapsed": 1.0, "share": 2.0}),
        ],
    )
    def test_nested(self, parse, a_file, written, value):
        step = f"  - wait.until: {{{written}}}\n"

        scenario = parse(a_file("  - heal: lost\n", step + "  - heal: lost\n"))

        assert scenario.when[1].arguments == value
        assert [type(each) for each in scenario.when[1].arguments.values()] == [
            type(each) for each in value.values()
        ]

    @pytest.mark.parametrize(
        "written",
        [
            "event: {type: StopTriggered, count: 2}, within: 1s",
            "event: StopTriggered, count: 2, within: 1s",
            "within: 1s, count: 2, event: StopTriggered",
        ],
    )
    def test_nested_or_beside(self, parse, a_file, written):
        scenario = parse(
            a_file(
                'event: StopTriggered, where: {loop: "${run.loop}"}, within: 10s',
                written,
            )
        )

        claim = scenario.then[1]
        assert (claim.check, claim.within_s) == ("event", 1.0)
        assert claim.arguments == {"type": "StopTriggered", "count": 2}

    def test_a_step_takes_them_beside_it_too(self, parse, a_file):
        step = "  - candidate.verify: x\n    force: true\n    as: again\n"

        act = parse(a_file("  - heal: lost\n", step + "  - heal: lost\n")).when[1]

        assert (act.name, act.arguments) == ("again", {"candidate": "x", "force": True})

    def test_a_lookup_keeps_its_type_and_a_text_does_not(self, parse, a_file):
        text = a_file(
            '{loop: "${run.loop}"}',
            '{n: "${run.evidence.size}", t: "${run.id}-${run.took}!"}',
        )

        where = parse(text).then[1].arguments["where"]

        assert isinstance(where["n"], Lookup)
        assert isinstance(where["t"], Text)
        assert str(where["t"]) == "${run.id}-${run.took}!"

    def test_lists_and_maps_of_texts(self, parse, a_file):
        text = a_file(
            "{no_event: FreezeRecordCreated,",
            '{carried: {subjects: [a, "${run.id}"], labels: {b: c}},',
        )

        arguments = parse(text).always[0].arguments

        assert arguments["subjects"][0] == "a"
        assert isinstance(arguments["subjects"][1], Lookup)
        assert arguments["labels"] == {"b": "c"}

    @pytest.mark.parametrize(
        ("written", "code"),
        [
            ("{subjects: a}", Code.WRONG_TYPE),
            ("{subjects: [a, 1]}", Code.WRONG_TYPE),
            ("{subjects: {a: b}}", Code.WRONG_TYPE),
            ('{subjects: "${run.labels}"}', Code.WRONG_TYPE),
            ('{subjects: ["${run.trace}"]}', Code.WRONG_TYPE),
            ("{subjects: [], labels: {b: 1}}", Code.WRONG_TYPE),
            ("{subjects: [], labels: {b: [c]}}", Code.WRONG_TYPE),
            ("{subjects: null}", Code.WRONG_TYPE),
        ],
    )
    def test_of_anything_else_are_refused(self, codes, a_file, written, code):
        text = a_file("{no_event: FreezeRecordCreated,", f"{{carried: {written},")

        assert codes(text) == [code]

    @pytest.mark.parametrize(
        "written", ['{subjects: "${run.evidence.parts}", labels: "${run.labels}"}']
    )
    def test_a_lookup_may_be_all_of_them(self, parse, a_file, written):
        assert parse(
            a_file("{no_event: FreezeRecordCreated,", f"{{carried: {written},")
        )

    @pytest.mark.parametrize(
        ("given", "accepted"),
        [
            ("${run.took}", True),
            ("${run.evidence.size}", True),
            ("${run.id}", False),
            ("${case.times}", False),
            ("${run.took} s", False),
        ],
    )
    def test_a_duration_may_be_looked_up(self, parse, codes, a_file, given, accepted):
        text = a_file(
            "  - heal: lost\n",
            f'  - wait.until: {{elapsed: "{given}"}}\n  - heal: lost\n',
        )

        if accepted:
            assert parse(text)
        else:
            assert codes(text) == [Code.WRONG_TYPE]

    def test_a_duration_of_a_case_is_in_seconds(self, parse, a_file):
        text = a_file("times: 2", "times: 2s").replace("times: 3", "times: 500ms")
        step = '  - wait.until: {elapsed: "${case.times}"}\n'

        scenario = parse(text.replace("  - heal: lost\n", step + "  - heal: lost\n"))

        bound = [bind(scenario, each).when[1] for each in scenario.cases]
        waits = [
            each.arguments["elapsed"] for each in bound if isinstance(each, Action)
        ]
        assert waits == [2.0, 0.5]

    @pytest.mark.parametrize(
        ("given", "accepted"),
        [
            ("${run.verdict}", True),
            ("${run.phase}", False),
            ("${run.id}", False),
            ("${run.verdict}!", False),
            ("${case.how}", False),
        ],
    )
    def test_a_choice_may_be_looked_up(self, parse, codes, a_file, given, accepted):
        step = f'  - run.completed: {{suite: "${{run.verdict}}", verdict: "{given}"}}\n'
        text = a_file("  - heal: lost\n", step + "  - heal: lost\n")

        if accepted:
            assert parse(text)
        else:
            assert codes(text) == [Code.WRONG_TYPE]

    def test_a_name_of_an_unknown_step_has_any_field(self, codes, a_file):
        text = a_file("- run.completed", "- run.compleet")

        assert codes(text.replace("${run.loop}", "${run.a.b.c}")) == [Code.UNKNOWN_STEP]

    def test_a_word_that_is_argument_and_check_is_told_apart(self, parse, a_file):
        text = a_file(
            "{no_event: FreezeRecordCreated,",
            "{projection: loops, event: x, has: {state: PAUSED},",
        )

        assert parse(text).always[0].check == "projection"

    def test_the_remedy_repeats_what_is_known_of_an_argument(self, parse, a_file):
        step = "  - approval.record: {candidate: x}\n"

        with pytest.raises(ScenarioRefused, match="where approvals of that sort"):
            parse(a_file("  - heal: lost\n", step + "  - heal: lost\n"))
