"""A scenario file says what it says: every form that may be written, and its value."""

from pathlib import Path

import pytest

from pytest_sr.parse import Code, ScenarioRefused, parse_file
from pytest_sr.scenario import (
    TIMEOUT_S_DEFAULT,
    Action,
    Case,
    Heal,
    Lookup,
    Moment,
    Place,
    Text,
    bind,
)

FILE = Path(__file__).parent / "evidence-missing.yaml"
SHOWN_AS = "evidence-missing.scenario.yaml"


def place(line: int, column: int) -> Place:
    return Place(file=SHOWN_AS, line=line, column=column)


def lookup(path: str, line: int, column: int) -> Lookup:
    return Lookup(path=tuple(path.split(".")), place=place(line, column))


@pytest.fixture(scope="module")
def evidence_missing(registries):
    return parse_file(FILE, registries, shown_as=SHOWN_AS)


@pytest.fixture
def codes(parse):
    """The codes that a text is refused with."""

    def read(text):
        with pytest.raises(ScenarioRefused) as caught:
            parse(text)
        return [each.code for each in caught.value.errors]

    return read


class TestEvidenceMissing:
    """The story that the format was made for, value by value."""

    def test_its_head(self, evidence_missing):
        assert evidence_missing.name == "evidence-missing"
        assert evidence_missing.title.startswith("A candidate whose evidence")
        assert evidence_missing.proves == (
            *("C-EVID-6.1", "C-EVID-6.2", "C-EVID-6.4", "TEST-18"),
        )
        assert evidence_missing.tags == ("integrity", "stop-the-line")
        assert evidence_missing.timeout_s == 90.0
        assert evidence_missing.place == place(2, 1)
        assert evidence_missing.source == FILE.read_text(encoding="utf-8")

    def test_its_cases(self, evidence_missing):
        assert evidence_missing.axis == "case"
        assert evidence_missing.cases == (
            Case(name="deleted", values={"how": "delete"}),
            Case(name="corrupted", values={"how": "corrupt"}),
            Case(name="denied", values={"how": "deny"}),
        )

    def test_its_state(self, evidence_missing):
        assert evidence_missing.given == (
            Action(
                step="run.completed",
                arguments={"suite": "SR-SUITE-CORE", "verdict": "PASS"},
                name="run",
                place=place(14, 5),
            ),
        )

    def test_its_fault(self, evidence_missing):
        (fault,) = evidence_missing.faults

        assert (fault.name, fault.kind, fault.place) == (
            *("evidence-gone", "s3.object", place(18, 3)),
        )
        assert fault.arguments == {
            "do": lookup("case.how", 19, 21),
            "key": lookup("run.evidence.digest", 19, 41),
        }
        assert fault.at == Moment(
            relation="after", what="RunCompleted", place=place(20, 10)
        )

    def test_what_is_tried(self, evidence_missing):
        acts = evidence_missing.when

        assert [getattr(each, "name", None) for each in acts] == [
            *("verify", "waiver", "approve", "freeze", None, "rerun")
        ]
        assert acts[4] == Heal(fault="evidence-gone", place=place(31, 5))
        assert acts[5].arguments == {"of": lookup("run", 32, 22)}

    def test_its_claims(self, evidence_missing):
        claims = {each.name: each for each in evidence_missing.claims}

        assert list(claims) == [
            *("detected", "stopped", "paused", "no-verify", "no-waiver"),
            *("no-approve", "no-freeze", "recovers"),
            *("never-verified", "never-frozen", "replayable"),
        ]
        assert [each.section for each in claims.values()].count("always") == 3
        assert claims["detected"].arguments == {
            "type": "EvidenceMissingDetected",
            "where": {"digest": lookup("run.evidence.digest", 36, 63)},
            "count": 1,
        }
        assert claims["detected"].within_s == 10.0
        assert claims["stopped"].after == "detected"
        assert claims["recovers"].after == "heal"
        assert claims["paused"].during == "evidence-gone"
        assert claims["paused"].arguments["has"] == {"state": "PAUSED"}
        assert claims["replayable"].arguments == {
            "invariant": "projections-equal-replay"
        }

    def test_its_controls(self, evidence_missing):
        first, second = evidence_missing.controls[:2]

        assert (first.removes_fault, first.mutant) == (True, None)
        assert first.turns_red == ("detected", "stopped", "paused", "no-verify")
        assert (second.removes_fault, second.mutant) == (
            *(False, "verifier.trusts-manifest"),
        )
        assert len(evidence_missing.controls) == 7

    def test_a_case_of_it_has_its_values(self, evidence_missing):
        bound = bind(evidence_missing, evidence_missing.cases[1])

        assert bound.faults[0].arguments["do"] == "corrupt"
        assert bound.faults[0].arguments["key"] == lookup("run.evidence.digest", 19, 41)
        assert bound.when == evidence_missing.when


class TestSmallFile:
    """What may be left out."""

    def test_has_one_case_without_a_name(self, parse, a_file):
        text = a_file("cases:\n  gone: {how: delete, times: 2}\n", "")
        text = text.replace("  bad: {how: corrupt, times: 3}\n", "")

        scenario = parse(text.replace("${case.how}", "delete"))

        assert scenario.axis is None
        assert scenario.cases == (Case(name=None, values={}),)
        assert (scenario.timeout_s, scenario.tags) == (TIMEOUT_S_DEFAULT, ())

    def test_a_fault_without_a_moment_begins_with_when(self, parse, a_file):
        assert parse(a_file("    at: {after: RunCompleted}\n")).faults[0].at is None


class TestArguments:
    """An argument is what is written, in the type that the function asks for."""

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


class TestMatrix:
    """One case for each cell, named by its values."""

    @pytest.fixture
    def a_matrix(self, a_file):
        def build(axes):
            text = a_file(
                "cases:\n  gone: {how: delete, times: 2}\n", f"matrix: {axes}\n"
            )
            text = text.replace("  bad: {how: corrupt, times: 3}\n", "")
            return text.replace("${case.", "${matrix.")

        return build

    def test_is_the_product(self, parse, a_matrix):
        scenario = parse(
            a_matrix("{how: [delete, deny], phase: [run.start, RunFailed]}")
        )

        assert scenario.axis == "matrix"
        assert [each.name for each in scenario.cases] == [
            *(
                "delete-run.start",
                "delete-runfailed",
                "deny-run.start",
                "deny-runfailed",
            ),
        ]
        assert scenario.cases[0].values == {"how": "delete", "phase": "run.start"}

    def test_may_say_when_a_fault_comes(self, parse, a_matrix):
        text = a_matrix("{how: [delete], phase: [run.start, RunFailed]}")

        scenario = parse(
            text.replace("after: RunCompleted", 'before: "${matrix.phase}"')
        )

        bound = [bind(scenario, each).faults[0].at for each in scenario.cases]
        assert [(at.relation, at.what, at.lookup) for at in bound if at] == [
            ("before", "run.start", None),
            ("before", "RunFailed", None),
        ]

    def test_that_says_it_wrongly_is_refused(self, codes, a_matrix):
        text = a_matrix("{how: [delete], phase: [run.start, 7]}")

        assert codes(
            text.replace("after: RunCompleted", 'before: "${matrix.phase}"')
        ) == [Code.BAD_EVENT]

    @pytest.mark.parametrize(
        ("axes", "code"),
        [
            ("{how: []}", Code.EMPTY),
            ("{how: delete}", Code.WRONG_TYPE),
            ("{How: [delete]}", Code.BAD_ID),
            ('{how: ["${run.id}"]}', Code.BAD_LOOKUP),
            ("{how: [delete], a: [x-y, x], b: [z, y-z]}", Code.DOUBLED_NAME),
        ],
    )
    def test_of_another_form_is_refused(self, codes, a_matrix, axes, code):
        assert code in codes(a_matrix(axes))
