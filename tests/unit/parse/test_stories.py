"""A scenario file says what it says: every form that may be written, and its value."""

from pathlib import Path

import pytest

from pytest_sr.parse import Code, parse_file
from pytest_sr.scenario import (
    TIMEOUT_S_DEFAULT,
    Action,
    Case,
    Heal,
    Lookup,
    Moment,
    Place,
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


class TestMoments:
    """`at`, `after` and `while` name points of the story that exist."""

    @pytest.mark.parametrize("word", ["RunCompleted", "candidate.verify", "A1"])
    def test_of_an_event_or_a_step(self, parse, a_file, word):
        at = parse(a_file("RunCompleted", word)).faults[0].at

        assert at is not None
        assert (at.what, at.lookup) == (word, None)

    @pytest.mark.parametrize(
        ("written", "code"),
        [
            *(
                ("null", Code.WRONG_TYPE),
                ("[A]", Code.WRONG_TYPE),
                ("7", Code.BAD_EVENT),
            ),
            *(("start", Code.BAD_EVENT), ('"${run.id}"', Code.BAD_EVENT)),
            *(('"A${case.how}"', Code.BAD_EVENT), ('"${run.idd}"', Code.UNKNOWN_FIELD)),
            *(('"${run"', Code.BAD_LOOKUP), ('""', Code.BAD_EVENT)),
        ],
    )
    def test_of_another_form_are_refused(self, codes, a_file, written, code):
        assert codes(a_file("{after: RunCompleted}", f"{{after: {written}}}")) == [code]

    def test_a_step_that_there_is_not_is_refused(self, codes, a_file):
        text = a_file("RunCompleted", "candidate.verfy")

        assert codes(text) == [Code.UNKNOWN_STEP]

    def test_nobody_sees_an_event_coming(self, codes, a_file):
        text = a_file("after: RunCompleted", "before: RunCompleted")

        assert codes(text) == [Code.BAD_EVENT]

    def test_what_always_holds_is_given_no_time(self, codes, a_file):
        text = a_file("while: lost}", "while: lost, within: 2s}")

        assert codes(text) == [Code.UNKNOWN_KEY]

    def test_a_fault_that_says_nothing_of_its_moment_is_refused(self, codes, a_file):
        assert codes(a_file("{after: RunCompleted}", "RunCompleted")) == [
            Code.WRONG_TYPE
        ]

    @pytest.mark.parametrize(
        ("after", "accepted"),
        [("refused", True), ("told", True), ("heal", True), ("silent", False)],
    )
    def test_always_may_begin_after_a_claim_of_then(
        self, parse, codes, a_file, after, accepted
    ):
        also = f"  also: {{no_event: FreezeRecordCreated, after: {after}}}\n"
        text = a_file("controls:\n", also + "controls:\n")
        text = text.replace("[silent]", "[silent, also]")

        if accepted:
            assert parse(text).always[1].after == after
        else:
            assert codes(text) == [Code.UNKNOWN_CLAIM]


class TestWords:
    """What is a word has to say something."""

    @pytest.mark.parametrize("title", ['" "', '""', "null", "7", "[a]"])
    def test_a_title_that_says_nothing_is_refused(self, codes, a_file, title):
        assert codes(a_file("A run that fails is never verified", title)) == [
            Code.WRONG_TYPE
        ]

    @pytest.mark.parametrize("change", ["mutant: 7", "mutant: [a]", "without: null"])
    def test_a_control_without_a_word_is_refused(self, codes, a_file, change):
        text = a_file("mutant: verifier.trusts-manifest", change)

        assert codes(text) == [Code.WRONG_TYPE]
