"""What the evidence supports (SPEC 6.1, C-VER-1 to C-VER-4, C-OR-4, C-OR-7)."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.domain.evidence import Flaw, ManifestDefect, PartState, ResultStatus
from sr_core.domain.ids import CandidateId, RunId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.profile import STRICT_CORE
from sr_core.domain.refs import ContentHash
from sr_core.domain.suite_definition import Classification, FlakePolicy, OnFlake
from sr_core.domain.verification import Finding, SuiteFacts, VerificationStatus, compute
from sr_core.domain.violation import Violation
from sr_core.testing import (
    BUILD,
    CORE,
    FINGERPRINT,
    INTEGRITY_SMOKE,
    SBOM,
    SOME_HASH,
    UNIT_TESTS,
    Story,
    build_suite,
    register,
    ulid,
    with_longer_timeouts,
)

FAIL, ERROR, SKIPPED = ResultStatus.FAIL, ResultStatus.ERROR, ResultStatus.SKIPPED
UNVERIFIED = VerificationStatus.UNVERIFIED
STRICT = VerificationStatus.VERIFIED_STRICT
WITH_EXCEPTIONS = VerificationStatus.VERIFIED_WITH_EXCEPTIONS
GAP, TAMPER = IntegrityCondition.ORACLE_GAP, IntegrityCondition.ORACLE_TAMPER
MISSING = IntegrityCondition.EVIDENCE_MISSING
FLAKE = IntegrityCondition.ORACLE_FLAKE
INVALID = IntegrityCondition.MANIFEST_INVALID


def told(finding: Finding) -> dict[IntegrityCondition, str]:
    """The first reason of each condition that was found."""
    reasons: dict[IntegrityCondition, str] = {}
    for each in finding.violations:
        reasons.setdefault(each.condition_type, each.reason)
    return reasons


def a_judged(said=None, violations=()) -> Story:
    story = Story().open().iterate().register()
    return story.judge(said, violations=violations)


def found(
    story: Story,
    facts: Sequence[SuiteFacts] | None = None,
    *,
    missing: Collection[ContentHash] = (),
    now: datetime | None = None,
) -> Finding:
    return compute(
        story.facts if facts is None else facts,
        profile=STRICT_CORE,
        waivers=story.dossier.waivers.values(),
        known_missing=missing,
        now=now or story.now,
    )


def seen(condition: IntegrityCondition) -> Violation:
    return Violation(condition_type=condition, reason="as seen")


def with_manifest(story: Story, **changes: Any) -> tuple[SuiteFacts, ...]:
    """The story's facts, as if its manifest had always said otherwise."""
    (facts,) = story.facts
    assert story.reading.manifest is not None
    manifest = replace(story.reading.manifest, **changes)
    return (replace(facts, reading=replace(story.reading, manifest=manifest)),)


class TestTwoSuites:
    """C-VER-3: each failure is covered by itself, in whichever suite it stands."""

    def test_a_waiver_of_one_failure_covers_no_other_of_the_same_oracle(self):
        story = a_judged({BUILD: FAIL}).waive()
        (waived,) = story.facts
        assert waived.run is not None
        assert waived.reading is not None
        assert waived.reading.manifest is not None
        other = RunId(f"run_{ulid(77)}")
        again = replace(
            waived,
            run=replace(waived.run, run_id=other),
            reading=replace(
                waived.reading,
                manifest=replace(waived.reading.manifest, run_id=other),
            ),
        )

        assert found(story, [waived]).status is WITH_EXCEPTIONS
        assert found(story, [again, waived]).status is UNVERIFIED
        assert found(story, [waived, again]).status is UNVERIFIED


class TestStrict:
    """C-VER-2: every required oracle passed, and nothing is in doubt."""

    def test_all_passed(self):
        finding = found(a_judged())

        assert finding.status is STRICT
        assert told(finding) == {}

    @pytest.mark.parametrize("said", [FAIL, ERROR, SKIPPED, None], ids=str)
    def test_an_advisory_oracle_does_not_decide(self, said):
        finding = found(a_judged({SBOM: said}))

        assert finding.status is STRICT
        assert finding.failed == ()
        assert [each.status for each in finding.others] == ([said] if said else [])

    def test_where_no_suite_is_required_nothing_is_shown(self):
        finding = found(a_judged(), facts=())

        assert finding.status is UNVERIFIED
        assert told(finding) == {GAP: "no suite is required"}

    @pytest.mark.parametrize("status", VerificationStatus)
    def test_only_unverified_counts_for_nothing(self, status):
        assert status.is_verified is (status is not UNVERIFIED)


class TestWithExceptions:
    """C-VER-3, SPEC 6.1.11: a waiver covers a failure, and never a doubt."""

    def test_a_failure_alone_is_no_verification(self):
        finding = found(a_judged({BUILD: FAIL}))

        assert finding.status is UNVERIFIED
        assert [each.oracle_id for each in finding.failed] == [BUILD]
        assert told(finding) == {}

    def test_a_waived_failure(self):
        story = a_judged({BUILD: FAIL}).waive()

        finding = found(story)

        assert finding.status is WITH_EXCEPTIONS
        assert finding.waived_by == {BUILD: story.exception.exception_id}

    def test_one_failure_of_two_without_a_waiver(self):
        story = a_judged({BUILD: FAIL, UNIT_TESTS: FAIL}).waive(BUILD)

        assert found(story).status is UNVERIFIED

    def test_both_failures_waived(self):
        story = a_judged({BUILD: FAIL, UNIT_TESTS: FAIL})

        finding = found(story.waive(BUILD).waive(UNIT_TESTS))

        assert finding.status is WITH_EXCEPTIONS
        assert set(finding.waived_by) == {BUILD, UNIT_TESTS}

    def test_a_waiver_that_is_not_in_force(self):
        story = a_judged({BUILD: FAIL}).draw_up_waiver()

        assert found(story).status is UNVERIFIED

    def test_a_waiver_that_was_lifted(self):
        story = a_judged({BUILD: FAIL}).waive()
        story.resolve()

        assert found(story).status is UNVERIFIED

    def test_a_waiver_that_has_expired(self):
        story = a_judged({BUILD: FAIL}).waive()

        assert found(story, now=story.now + timedelta(hours=1)).status is UNVERIFIED

    def test_a_waiver_of_another_candidate(self):
        story = a_judged({BUILD: FAIL}).waive()
        story.register({"b": b"other"}).judge({BUILD: FAIL})

        assert found(story).status is UNVERIFIED

    def test_a_waiver_of_an_earlier_run(self):
        story = a_judged({BUILD: FAIL}).waive().judge({BUILD: FAIL})

        finding = found(story)

        assert finding.status is UNVERIFIED
        assert finding.waived_by == {}

    def test_a_waiver_of_an_oracle_that_the_profile_protects(self):
        story = a_judged({INTEGRITY_SMOKE: FAIL}).waive(INTEGRITY_SMOKE)

        finding = found(story)

        assert finding.status is UNVERIFIED
        assert finding.waived_by == {}

    @pytest.mark.parametrize("said", [ERROR, SKIPPED, None], ids=str)
    def test_no_waiver_covers_an_oracle_that_gave_no_answer(self, said):
        story = a_judged({BUILD: FAIL}).waive().judge({BUILD: said})

        finding = found(story)

        assert finding.status is UNVERIFIED
        assert told(finding) == {GAP: f"no result of {BUILD}"}


class TestTheSuite:
    """SPEC 6.1.2, 6.1.3: registered, run, and the same from start to end."""

    def test_a_suite_that_is_not_registered(self):
        story = a_judged()
        (facts,) = story.facts

        finding = found(story, [replace(facts, registered=None)])

        assert finding.status is UNVERIFIED
        assert told(finding) == {TAMPER: f"{CORE} is not registered"}

    def test_a_suite_that_never_ran(self):
        story = Story().open().iterate().register()

        finding = found(story)

        assert finding.status is UNVERIFIED
        assert told(finding) == {GAP: f"no completed run by {CORE}"}

    def test_a_run_that_has_not_ended_is_none(self):
        story = Story().open().iterate().register().begin_run()

        assert told(found(story)) == {GAP: f"no completed run by {CORE}"}

    def test_a_suite_with_another_hash_than_the_run_pinned(self):
        story = a_judged()
        (facts,) = story.facts

        finding = found(story, [replace(facts, hash_at_start=SOME_HASH)])

        assert finding.status is UNVERIFIED
        (violation,) = finding.violations
        assert violation.condition_type is TAMPER
        assert violation.expected_hash == SOME_HASH
        assert violation.actual_hash == story.run.suite_hash

    def test_a_suite_that_was_not_there_when_the_run_started(self):
        story = a_judged()
        (facts,) = story.facts

        finding = found(story, [replace(facts, hash_at_start=None)])

        assert finding.conditions == {TAMPER}

    def test_a_definition_that_is_not_what_its_hash_says(self):
        story = a_judged()
        (facts,) = story.facts

        finding = found(story, [replace(facts, defined_hash=SOME_HASH)])

        (violation,) = finding.violations
        assert violation.condition_type is TAMPER
        assert violation.expected_hash == story.suite.suite_hash

    def test_a_manifest_that_names_another_suite_hash(self):
        story = a_judged()

        finding = found(story, with_manifest(story, oracle_suite_hash=SOME_HASH))

        assert finding.conditions == {TAMPER}
        assert finding.violations[0].actual_hash == SOME_HASH

    def test_a_suite_that_was_defined_anew_has_not_judged_yet(self):
        story = a_judged()
        story.rebase(with_longer_timeouts(story.suite.definition))

        finding = found(story)

        assert finding.status is UNVERIFIED
        assert told(finding) == {
            GAP: f"no completed run by {CORE} since it was defined anew"
        }
        assert found(story.judge()).status is STRICT

    @pytest.mark.parametrize("condition", IntegrityCondition)
    def test_a_violation_recorded_against_the_run(self, condition):
        story = a_judged(violations=(seen(condition),))

        finding = found(story)

        assert finding.status is UNVERIFIED
        assert finding.violations == (seen(condition),)

    def test_no_waiver_reaches_an_integrity_condition(self):
        story = a_judged({BUILD: FAIL}).waive()
        (facts,) = story.facts
        run = replace(story.run, violations=(seen(TAMPER),))

        assert found(story, [replace(facts, run=run)]).status is UNVERIFIED

    def test_the_latest_run_counts(self):
        story = a_judged({BUILD: None}).judge()

        assert found(story).status is STRICT

    def test_one_suite_of_two_that_never_ran(self):
        story = a_judged()
        never = SuiteFacts(
            suite_id=CORE,
            registered=story.suite,
            defined_hash=story.suite.suite_hash,
            run=None,
            reading=None,
            hash_at_start=None,
        )

        finding = found(story, [*story.facts, never])

        assert finding.status is UNVERIFIED
        assert finding.conditions == {GAP}

    def test_of_two_reasons_for_one_condition_the_first_is_told(self):
        story = a_judged({BUILD: None}, (seen(GAP),))

        assert told(found(story)) == {GAP: f"no result of {BUILD}"}
        assert len(found(story).violations) == 2


class TestTheEnvironment:
    """SPEC 6.1.7, C-OR-3: what was measured is what the suite demands."""

    @pytest.mark.parametrize(
        ("name", "value", "actual"),
        [
            ("network", "host-loopback", "host-loopback"),
            ("candidate_writable", "true", "false"),
            ("network", None, None),
        ],
        ids=["network", "workspace", "not measured"],
    )
    def test_another_place_than_demanded(self, name, value, actual):
        story = Story().open().iterate().register()
        measured = {**FINGERPRINT, name: value}
        story.judge(fingerprint={it: x for it, x in measured.items() if x is not None})

        finding = found(story)

        assert finding.status is UNVERIFIED
        (violation,) = finding.violations
        assert violation.condition_type is IntegrityCondition.ORACLE_ENV_MISMATCH
        assert violation.actual == actual


class TestRepeating:
    """SPEC 6.1.8, C-OR-5: the same inputs give the same judgement, or none counts."""

    def test_a_pass_after_a_failure_is_none(self):
        story = a_judged({BUILD: FAIL})
        before = story.run.output_hashes[BUILD]

        finding = found(story.judge())

        assert finding.status is UNVERIFIED
        (violation,) = finding.violations
        assert violation.condition_type is FLAKE
        assert violation.oracle_id == BUILD
        assert violation.run_1_hash == before
        assert violation.run_2_hash == story.run.output_hashes[BUILD]

    def test_nor_is_it_cured_by_passing_once_more(self):
        story = a_judged({BUILD: FAIL}).judge().judge()

        assert found(story).conditions == {FLAKE}

    def test_the_same_judgement_again_is_in_order(self):
        assert found(a_judged().judge()).status is STRICT

    def test_no_answer_before_is_no_other_judgement(self):
        assert found(a_judged({BUILD: ERROR}).judge()).status is STRICT

    def test_no_waiver_reaches_it(self):
        story = a_judged().judge({BUILD: FAIL}).waive()

        assert found(story).status is UNVERIFIED

    def test_an_advisory_oracle_that_flakes_is_a_warning(self):
        finding = found(a_judged({SBOM: FAIL}).judge())

        assert finding.status is STRICT
        assert [each.split(":")[0] for each in finding.warnings] == ["ORACLE_FLAKE"]

    def test_unless_the_suite_is_stricter(self):
        policy = FlakePolicy(advisory=OnFlake.STOP_THE_LINE)
        suite = register(replace(build_suite(), flake_policy=policy))
        story = Story(suite=suite).open().iterate().register()

        finding = found(story.judge({SBOM: FAIL}).judge())

        assert finding.conditions == {FLAKE}
        assert finding.warnings == ()


class TestWhateverWaivers:
    """C-OR-7: no integrity condition is ever covered."""

    @given(
        said=st.dictionaries(
            st.sampled_from([BUILD, UNIT_TESTS]), st.sampled_from([FAIL]), max_size=2
        ),
        conditions=st.sets(st.sampled_from(IntegrityCondition), min_size=1),
    )
    def test_one_is_enough_to_be_unverified(self, said, conditions):
        story = a_judged(said)
        for oracle in sorted(said):
            story.waive(oracle)
        (facts,) = story.facts
        violations = tuple(seen(each) for each in sorted(conditions))
        run = replace(story.run, violations=violations)

        finding = found(story, [replace(facts, run=run)])

        assert finding.status is UNVERIFIED
        assert finding.conditions == conditions
        assert set(finding.waived_by) == set(said)


class TestTheEvidence:
    """SPEC 6.1.4, 6.1.5, C-EVID-6: read anew, whole, and of this run."""

    def test_it_was_not_read(self):
        story = a_judged()
        (facts,) = story.facts

        finding = found(story, [replace(facts, reading=None)])

        assert finding.status is UNVERIFIED
        assert told(finding) == {MISSING: f"the evidence of {story.run.run_id}"}

    @pytest.mark.parametrize("part", ["manifest.json", "oracle:build/report.json"])
    def test_a_part_is_missing(self, part):
        story = a_judged().lose_evidence(part)

        finding = found(story)

        assert finding.status is UNVERIFIED
        assert finding.conditions == {MISSING}

    @pytest.mark.parametrize("state", [PartState.CORRUPTED, PartState.DENIED])
    def test_a_part_is_not_what_it_was(self, state):
        story = a_judged()
        (facts,) = story.facts
        reading = replace(story.reading, lost={"manifest.json": state}, manifest=None)

        finding = found(story, [replace(facts, reading=reading)])

        assert finding.conditions == {MISSING}

    def test_what_was_once_missing_is_not_cured_by_coming_back(self):
        story = a_judged()

        finding = found(story, missing=[story.reading.content_hash])

        assert finding.status is UNVERIFIED
        assert finding.conditions == {MISSING}

    def test_a_new_run_cures_it(self):
        story = a_judged()
        lost = story.reading.content_hash

        finding = found(story.judge(), missing=[lost])

        assert finding.status is STRICT

    def test_a_manifest_that_cannot_be_read(self):
        story = a_judged()
        (facts,) = story.facts
        flaw = Flaw(defect=ManifestDefect.NOT_JSON, why="not JSON")
        reading = replace(story.reading, manifest=None, flaw=flaw)

        finding = found(story, [replace(facts, reading=reading)])

        assert finding.status is UNVERIFIED
        assert told(finding) == {INVALID: "not JSON"}

    @pytest.mark.parametrize(
        ("change", "defect"),
        [
            ({"run_id": RunId(f"run_{ulid(99)}")}, "RUN_MISMATCH"),
            (
                {"candidate_id": CandidateId(f"{SOME_HASH}|cand_{ulid(99)}")},
                "CANDIDATE_MISMATCH",
            ),
            ({"oracle_suite_id": "suite:OTHER"}, "SUITE_MISMATCH"),
        ],
        ids=lambda it: it if isinstance(it, str) else next(iter(it)),
    )
    def test_a_manifest_of_something_else(self, change, defect):
        story = a_judged()

        finding = found(story, with_manifest(story, **change))

        assert finding.status is UNVERIFIED
        assert finding.conditions == {INVALID}
        assert finding.violations[0].defect == defect

    def test_a_manifest_that_contradicts_itself(self):
        story = a_judged()

        finding = found(story, with_manifest(story, produced_at="yesterday"))

        assert finding.status is UNVERIFIED
        assert finding.conditions == {INVALID}
        assert finding.violations[0].defect == "TIME_MALFORMED"

    def test_a_manifest_that_makes_a_required_oracle_advisory(self):
        """C-OR-6: what a manifest says of an oracle never takes it out of the count."""
        story = a_judged()
        assert story.reading.manifest is not None
        first, *others = story.reading.manifest.results
        lenient = replace(first, classification=Classification.ADVISORY, status=FAIL)

        finding = found(story, with_manifest(story, results=(lenient, *others)))

        assert INVALID in finding.conditions
        assert [each.oracle_id for each in finding.failed] == [BUILD]

    def test_a_required_oracle_without_a_result(self):
        story = a_judged({BUILD: None, UNIT_TESTS: SKIPPED})

        assert told(found(story)) == {GAP: f"no result of {BUILD}, {UNIT_TESTS}"}
