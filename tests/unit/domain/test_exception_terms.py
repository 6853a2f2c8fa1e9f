"""How exceptions are drawn up (SPEC 6.5, C-EXC-3, C-EXC-4): what each kind owes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sr_core.domain.errors import (
    AuthorityRequired,
    IntegrityUnresolved,
    MalformedInput,
    NonWaivable,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.exception_scope import ExceptionScope, ScopeKind
from sr_core.domain.exception_terms import (
    Circumstances,
    CreateException,
    DeferralTerms,
    DeviationTerms,
    Terms,
    WaiverTerms,
    create,
)
from sr_core.domain.gates import GATES
from sr_core.domain.governed_exception import (
    DeferralCreated,
    DeviationCreated,
    WaiverCreated,
)
from sr_core.domain.ids import ExceptionId, GateId, OracleId, RunId, SuiteId
from sr_core.domain.integrity import IntegrityCondition, StopTrigger
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    DIRECTIVE,
    HUMAN,
    LOOP_1,
    NOON,
    SBOM,
    SOME_HASH,
    SYSTEM,
    UNIT_TESTS,
    Story,
    ulid,
)

EXCEPTION = ExceptionId(f"exc_{ulid(99)}")
LATER = NOON + timedelta(hours=1)
WAIVER = WaiverTerms(
    target=BUILD,
    gate_id="G-VERIFIED-STRICT",
    risk="low",
    mitigation="watched",
    resolution_criteria="mended",
)
DEVIATION = DeviationTerms(
    requirement_ref="SR-SPEC 3.1",
    risk="low",
    mitigation="watched",
    resolution_criteria="mended",
)
DEFERRAL = DeferralTerms(
    subject_ref=DIRECTIVE, compensating_controls="watched", target_deliverable="D-35"
)
KINDS: dict[str, Terms] = {
    "waiver": WAIVER,
    "deviation": DEVIATION,
    "deferral": DEFERRAL,
}
NAMES = [*IntegrityCondition, StopTrigger.INTEGRITY_VIOLATION]


@pytest.fixture
def failed() -> Story:
    """A candidate on which one required oracle failed."""
    return Story().open().iterate().register().judge({BUILD: ResultStatus.FAIL})


def creating(story: Story, terms: Terms = WAIVER, **changes: Any) -> CreateException:
    command = CreateException(
        by=HUMAN,
        exception_id=EXCEPTION,
        scope=ExceptionScope(
            scope_kind=ScopeKind.PER_CANDIDATE,
            candidate_id=story.candidate.candidate_id,
        ),
        rationale="known and harmless",
        target_description="a slow build",
        expires_at=LATER,
        now=NOON,
        terms=terms,
    )
    return replace(command, **changes)


def blank(field: str) -> Any:
    return {field: " "}


def created(story: Story, terms: Terms = WAIVER, **changes: Any) -> Any:
    seen = changes.pop("seen", {})
    target = terms.target if isinstance(terms, WaiverTerms) else BUILD
    found = Circumstances(runs=story.judging(target), required=story.required)
    (event,) = create(creating(story, terms, **changes), replace(found, **seen))
    return event


class TestEveryKind:
    """C-EXC-1, C-EXC-5: a human asks, with a reason, a bound and an end."""

    @pytest.mark.parametrize("terms", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_nobody_else_asks(self, failed, terms, by):
        with pytest.raises(AuthorityRequired, match="creating an exception needs"):
            created(failed, terms, by=by)

    @pytest.mark.parametrize("terms", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("field", ["rationale", "target_description"])
    @pytest.mark.parametrize("text", ["", " \n"], ids=repr)
    def test_it_says_what_and_why(self, failed, terms, field, text):
        with pytest.raises(MalformedInput) as refused:
            created(failed, terms, **{field: text})

        assert refused.value.field == field

    @pytest.mark.parametrize("terms", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("age", [timedelta(0), timedelta(seconds=1)], ids=str)
    def test_it_ends_in_the_future(self, failed, terms, age):
        with pytest.raises(MalformedInput, match="a time in the future"):
            created(failed, terms, expires_at=NOON - age)

    @pytest.mark.parametrize("terms", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("name", NAMES)
    def test_no_integrity_condition_is_what_it_is_about(self, failed, terms, name):
        with pytest.raises(NonWaivable, match="it is an integrity condition"):
            created(failed, terms, target_description=f"the {name} of last night")

    @pytest.mark.parametrize(
        "text", ["oracle gap", "Oracle-Gap", "ORACLE  GAP!", "ORACLE_FAIL:oracle_gap"]
    )
    def test_however_it_is_spelled(self, failed, text):
        with pytest.raises(NonWaivable, match="ORACLE_GAP cannot be waived"):
            created(failed, DEVIATION, applies_to=text)

    @pytest.mark.parametrize(
        "text", ["MYORACLE_GAPS", "the gap between oracles", "evidence is there"]
    )
    def test_other_words_are_no_condition(self, failed, text):
        assert created(failed, DEVIATION, target_description=text)

    def test_nor_is_it_named_by_the_scope(self, failed):
        scope = creating(failed).scope

        with pytest.raises(NonWaivable):
            created(
                failed,
                DEVIATION,
                scope=replace(scope, oracle_id=OracleId("EVIDENCE_MISSING")),
            )

    @pytest.mark.parametrize(
        "terms",
        [
            replace(WAIVER, target="ORACLE_TAMPER"),
            replace(DEVIATION, requirement_ref="ORACLE_TAMPER"),
            replace(DEFERRAL, subject_ref=replace(DIRECTIVE, id="ORACLE_TAMPER")),
        ],
        ids=KINDS,
    )
    def test_nor_by_its_own_terms(self, failed, terms):
        with pytest.raises(NonWaivable):
            created(failed, terms)

    def test_an_oracle_in_the_scope_is_one(self, failed):
        scope = replace(creating(failed).scope, oracle_id=OracleId("build"))

        with pytest.raises(MalformedInput, match="oracle id"):
            created(failed, DEVIATION, scope=scope)

    @pytest.mark.parametrize("terms", [WAIVER, DEFERRAL], ids=["waiver", "deferral"])
    def test_while_a_condition_stands_it_is_refused(self, failed, terms):
        standing = frozenset({IntegrityCondition.ORACLE_FLAKE})

        with pytest.raises(IntegrityUnresolved, match="ORACLE_FLAKE stands"):
            created(failed, terms, seen={"standing": standing})

    def test_a_deviation_is_not(self, failed):
        standing = frozenset({IntegrityCondition.ORACLE_FLAKE})

        assert created(failed, DEVIATION, seen={"standing": standing})


class TestWaiver:
    """C-EXC-4: an explicit failure of a required oracle, in named runs, at a gate."""

    def test_it_names_the_failure_it_covers(self, failed):
        assert created(failed) == WaiverCreated(
            exception_id=EXCEPTION,
            scope=ExceptionScope(
                scope_kind=ScopeKind.PER_CANDIDATE,
                candidate_id=failed.candidate.candidate_id,
                oracle_id=BUILD,
            ),
            rationale="known and harmless",
            target_description="a slow build",
            expires_at=LATER,
            applies_to="ORACLE_FAIL:build",
            oracle_id=BUILD,
            oracle_suite_id=failed.suite.suite_id,
            oracle_suite_hash=failed.suite.suite_hash,
            run_ids=(failed.run.run_id,),
            gate_id=GateId("G-VERIFIED-STRICT"),
            risk="low",
            mitigation="watched",
            resolution_criteria="mended",
        )

    def test_it_affects_its_candidate_and_is_about_its_runs(self, failed):
        assert [(each.kind, each.rel) for each in created(failed).refs] == [
            (RefKind.CANDIDATE, RefRelation.AFFECTS),
            (RefKind.RUN, RefRelation.ABOUT),
        ]

    @pytest.mark.parametrize(
        "target", sorted(set(StopTrigger) - {each.value for each in NAMES})
    )
    def test_what_stops_a_loop_is_no_failure(self, failed, target):
        with pytest.raises(NonWaivable, match="it is no oracle's failure"):
            created(failed, replace(WAIVER, target=target))

    @pytest.mark.parametrize("target", ["build", "everything", "oracle:", ""], ids=repr)
    def test_the_target_is_an_oracle(self, failed, target):
        with pytest.raises(MalformedInput, match="oracle id"):
            created(failed, replace(WAIVER, target=target))

    def test_before_any_run_there_is_nothing_to_waive(self, failed):
        with pytest.raises(NonWaivable, match="no run has judged by it"):
            created(failed, seen={"runs": (None,)})

    def test_without_candidate_or_run_it_is_about_nothing(self, failed):
        with pytest.raises(MalformedInput, match="run_ids"):
            created(failed, seen={"runs": ()})

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            (ResultStatus.PASS, "has PASS, not FAIL"),
            (ResultStatus.ERROR, "has ERROR, not FAIL"),
            (ResultStatus.SKIPPED, "has SKIPPED, not FAIL"),
            (None, "no run has judged by it"),
        ],
        ids=str,
    )
    def test_only_an_explicit_failure_is_waived(self, story, said, told):
        story.open().iterate().register().judge({BUILD: said})

        with pytest.raises(NonWaivable, match=told):
            created(story)

    def test_a_run_that_is_silent_on_it_is_no_failure(self, failed):
        silent = replace(failed.run, results={})

        with pytest.raises(NonWaivable, match="has no result, not FAIL"):
            created(failed, seen={"runs": (silent,)})

    def test_an_advisory_oracle_has_nothing_to_waive(self, story):
        story.open().iterate().register().judge({SBOM: ResultStatus.FAIL})

        with pytest.raises(NonWaivable, match="its word does not decide"):
            created(story, replace(WAIVER, target=SBOM))

    @pytest.mark.parametrize(
        "gate", sorted(name for name, each in GATES.items() if not each.is_waivable)
    )
    def test_not_every_gate_can_be_waived(self, failed, gate):
        with pytest.raises(NonWaivable, match="waivable are G-"):
            created(failed, replace(WAIVER, gate_id=gate))

    @pytest.mark.parametrize("gate", ["G-NOWHERE", "verified", "", "G-"], ids=repr)
    def test_a_gate_is_one_of_the_registry(self, failed, gate):
        with pytest.raises(MalformedInput, match="gate_id"):
            created(failed, replace(WAIVER, gate_id=gate))

    @pytest.mark.parametrize("field", ["risk", "mitigation", "resolution_criteria"])
    def test_it_says_what_it_owes(self, failed, field):
        with pytest.raises(MalformedInput, match=field):
            created(failed, replace(WAIVER, **blank(field)))

    def test_runs_that_are_named_are_the_latest(self, failed):
        first = failed.run.run_id
        failed.judge({BUILD: ResultStatus.FAIL})

        with pytest.raises(NonWaivable, match="judged latest"):
            created(failed, replace(WAIVER, run_ids=(first,)))
        latest = (failed.run.run_id,)
        assert created(failed, replace(WAIVER, run_ids=latest)).run_ids == latest

    def test_several_candidates_of_a_loop_are_covered_by_their_runs(self, failed):
        first = failed.run
        failed.register({"b": b"other"}).judge({BUILD: ResultStatus.FAIL})
        scope = ExceptionScope(scope_kind=ScopeKind.PER_LOOP, loop_id=LOOP_1)

        event = created(failed, scope=scope, seen={"runs": (first, failed.run)})

        assert event.run_ids == (first.run_id, failed.run.run_id)

    def test_they_are_of_one_suite(self, failed):
        other = replace(
            failed.run, run_id=RunId(f"run_{ulid(98)}"), suite_hash=SOME_HASH
        )

        with pytest.raises(MalformedInput, match="runs of one suite"):
            created(failed, seen={"runs": (failed.run, other)})

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"suite_id": SuiteId("suite:OTHER")}, "oracle_suite_id"),
            ({"suite_hash": SOME_HASH}, "oracle_suite_hash"),
        ],
        ids=["id", "hash"],
    )
    def test_a_suite_that_is_named_is_the_one_that_judged(self, failed, given, field):
        with pytest.raises(MalformedInput) as refused:
            created(failed, replace(WAIVER, **given))

        assert refused.value.field == field

    def test_what_it_applies_to_is_its_own_failure(self, failed):
        with pytest.raises(MalformedInput, match="ORACLE_FAIL:build"):
            created(failed, applies_to="ORACLE_FAIL:lint")

    def test_an_oracle_in_the_scope_is_the_one_that_failed(self, failed):
        scope = replace(creating(failed).scope, oracle_id=UNIT_TESTS)

        with pytest.raises(MalformedInput, match=r"scope\.oracle_id"):
            created(failed, scope=scope)

    def test_it_is_bounded_by_candidate_or_loop(self, failed):
        scope = ExceptionScope(scope_kind=ScopeKind.PER_BASELINE, baseline_id="b:1")

        with pytest.raises(MalformedInput, match="candidate_id or loop_id"):
            created(failed, scope=scope)


class TestDeviation:
    """SPEC 6.5: which requirement, at what risk, until when."""

    def test_it_names_the_requirement(self, failed):
        event = created(failed, DEVIATION)

        assert isinstance(event, DeviationCreated)
        assert event.requirement_ref == "SR-SPEC 3.1"
        assert [each.kind for each in event.refs] == [RefKind.CANDIDATE]

    @pytest.mark.parametrize(
        "field", ["requirement_ref", "risk", "mitigation", "resolution_criteria"]
    )
    def test_it_says_what_it_owes(self, failed, field):
        with pytest.raises(MalformedInput, match=field):
            created(failed, replace(DEVIATION, **{field: ""}))


class TestDeferral:
    """SPEC 6.5: what is put off, to when, and what holds meanwhile."""

    @pytest.mark.parametrize(
        "to",
        [
            {"target_deliverable": "D-35"},
            {"target_deliverable": None, "target_date": LATER},
        ],
        ids=["deliverable", "date"],
    )
    def test_it_is_put_off_to_something(self, failed, to):
        event = created(failed, replace(DEFERRAL, **to))

        assert isinstance(event, DeferralCreated)
        assert [(each.kind, each.rel) for each in event.refs] == [
            (RefKind.CANDIDATE, RefRelation.AFFECTS),
            (RefKind.GOVERNED_ARTIFACT, RefRelation.AFFECTS),
        ]

    @pytest.mark.parametrize("deliverable", [None, " "], ids=repr)
    def test_never_to_nothing(self, failed, deliverable):
        with pytest.raises(MalformedInput, match="to which it is put off"):
            created(failed, replace(DEFERRAL, target_deliverable=deliverable))

    def test_nor_into_the_past(self, failed):
        with pytest.raises(MalformedInput, match="target_date"):
            created(failed, replace(DEFERRAL, target_date=NOON))

    def test_something_holds_meanwhile(self, failed):
        with pytest.raises(MalformedInput, match="compensating_controls"):
            created(failed, replace(DEFERRAL, compensating_controls="\t"))
