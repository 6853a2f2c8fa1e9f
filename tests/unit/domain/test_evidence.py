"""The evidence manifest by itself (SPEC 6.2, 7.8, C-EVID-1)."""

from dataclasses import replace

import pytest

from sr_core.domain.actors import ActorKind
from sr_core.domain.evidence import (
    ManifestDefect,
    ResultStatus,
    Secrecy,
    blob_flaws,
    blob_hashes,
    defects,
    foreign_attribution,
    is_secret,
    misjudged,
    misplaced_secrets,
    sealed_already,
    strangeness,
    unanswered,
    verdict_of,
)
from sr_core.domain.refs import hash_bytes
from sr_core.domain.suite_definition import Classification
from sr_core.testing import (
    BUILD,
    INTEGRITY_SMOKE,
    PLATFORM,
    SBOM,
    SOME_HASH,
    SYSTEM,
    UNIT_TESTS,
)

PASS, FAIL = ResultStatus.PASS, ResultStatus.FAIL
ERROR, SKIPPED = ResultStatus.ERROR, ResultStatus.SKIPPED


@pytest.fixture
def manifest(judged):
    """One without fault, of a run in which all oracles passed."""
    return judged.reading.manifest


class TestVerdict:
    """SPEC 6.2: what the results give, and nothing gives an ERROR."""

    @pytest.mark.parametrize(
        ("statuses", "verdict"),
        [
            ([], ERROR),
            ([PASS], PASS),
            ([PASS, PASS], PASS),
            ([FAIL], FAIL),
            ([PASS, FAIL], FAIL),
            ([ERROR], ERROR),
            ([PASS, ERROR], ERROR),
            ([FAIL, ERROR], ERROR),
            ([SKIPPED], ERROR),
            ([PASS, SKIPPED], ERROR),
            ([FAIL, SKIPPED], ERROR),
        ],
        ids=str,
    )
    def test_table(self, statuses, verdict):
        assert verdict_of(statuses) is verdict

    @pytest.mark.parametrize("statuses", [[PASS], [FAIL], []], ids=str)
    def test_with_one_oracle_silent_it_is_an_error(self, statuses):
        assert verdict_of(statuses, unanswered=[BUILD]) is ERROR

    @pytest.mark.parametrize(
        ("status", "judged"),
        [(PASS, True), (FAIL, True), (ERROR, False), (SKIPPED, False)],
    )
    def test_only_a_judgement_is_an_answer(self, status, judged):
        assert status.is_answer is judged


D = ManifestDefect


def with_first_result(it, **changes):
    return {"results": (replace(it.results[0], **changes), *it.results[1:])}


FAULTS = {
    D.WRONG_TYPE: lambda _: {"artifact_type": "evidence.other"},
    D.UNKNOWN_VERSION: lambda _: {"artifact_version": "v2"},
    D.EMPTY_ID: lambda _: {"bundle_id": " "},
    D.TIME_MALFORMED: lambda _: {"produced_at": "yesterday"},
    D.TIMES_REVERSED: lambda it: with_first_result(
        it, finished_at="2026-01-09T11:59:59Z"
    ),
    D.FINGERPRINT_MISSING: lambda it: {
        "context": replace(it.context, environment_fingerprint={})
    },
    D.ATTRIBUTION_MISSING: lambda it: {
        "attribution": replace(it.attribution, actor_id="")
    },
    D.ATTRIBUTION_NOT_SYSTEM: lambda it: {
        "attribution": replace(it.attribution, actor_kind=ActorKind.AGENT)
    },
    D.RESULT_DOUBLED: lambda it: {"results": (*it.results, it.results[0])},
    D.RESULT_OF_THE_SILENT: lambda _: {
        "unanswered": {BUILD: "silent"},
        "verdict": ERROR,
    },
    D.ARTIFACT_DOUBLED: lambda it: {"artifacts": (*it.artifacts, it.artifacts[0])},
    D.ARTIFACT_UNRESOLVED: lambda it: {"artifacts": it.artifacts[1:]},
    D.ARTIFACT_DIFFERS: lambda it: {
        "artifacts": (
            replace(it.artifacts[0], content_hash=SOME_HASH),
            *it.artifacts[1:],
        )
    },
    D.VERDICT_MISMATCH: lambda _: {"verdict": FAIL},
}
"""For each defect that a manifest can have by itself: what makes it so."""


class TestDefects:
    """SPEC 7.8: each way in which a manifest contradicts itself has a name of its own."""

    def test_one_without_fault_has_none(self, manifest):
        assert defects(manifest) == ()

    @pytest.mark.parametrize("defect", FAULTS)
    def test_each_is_told_by_its_name_and_no_other(self, manifest, defect):
        faulty = replace(manifest, **FAULTS[defect](manifest))

        assert [each.defect for each in defects(faulty)] == [defect]

    def test_all_of_them_are_told(self, manifest):
        context = replace(manifest.context, environment_fingerprint={})
        faulty = replace(manifest, verdict=FAIL, context=context)

        assert len(defects(faulty)) == 2

    def test_a_time_without_its_zone_is_none(self, manifest):
        faulty = replace(manifest, run_started_at="2026-01-09T12:00:00")

        (flaw,) = defects(faulty)

        assert flaw.defect is D.TIME_MALFORMED


class TestOfItsRun:
    """C-VER-1: a manifest of another run, candidate or suite is none of this one."""

    @pytest.fixture
    def whose(self, judged):
        run = judged.run
        return {
            "run_id": run.run_id,
            "candidate_id": run.candidate_id,
            "suite_id": run.suite_id,
            "suite_hash": run.suite_hash,
            "iteration_id": run.iteration_id,
        }

    def test_its_own_is_not_strange(self, manifest, whose):
        assert strangeness(manifest, **whose) == ()

    @pytest.mark.parametrize(
        ("name", "defect"),
        [
            ("run_id", D.RUN_MISMATCH),
            ("candidate_id", D.CANDIDATE_MISMATCH),
            ("suite_id", D.SUITE_MISMATCH),
            ("suite_hash", D.SUITE_MISMATCH),
            ("iteration_id", D.CONTEXT_MISMATCH),
        ],
    )
    def test_another_is(self, manifest, whose, name, defect):
        (flaw,) = strangeness(manifest, **{**whose, name: "another"})

        assert flaw.defect is defect
        assert "the run's is another" in flaw.why


class TestOfItsSuite:
    """C-OR-6: an oracle is what the suite says it is, whoever says otherwise."""

    def test_the_suites_own_results_are_in_order(self, manifest, judged):
        assert misjudged(manifest, judged.suite.definition) == ()

    def test_one_that_the_suite_does_not_have(self, manifest, judged):
        faulty = replace(manifest, **with_first_result(manifest, oracle_id="oracle:x"))

        (flaw,) = misjudged(faulty, judged.suite.definition)

        assert flaw.defect is D.ORACLE_UNKNOWN

    def test_a_required_one_that_calls_itself_advisory(self, manifest, judged):
        advisory = {"classification": Classification.ADVISORY}
        faulty = replace(manifest, **with_first_result(manifest, **advisory))

        (flaw,) = misjudged(faulty, judged.suite.definition)

        assert flaw.defect is D.CLASSIFICATION_MISMATCH

    def test_one_that_does_not_say_is_taken_for_what_it_is(self, manifest, judged):
        unsaid = with_first_result(manifest, classification=None)

        assert misjudged(replace(manifest, **unsaid), judged.suite.definition) == ()


class TestWhoseWord:
    """C-EVID-3: who hands a bundle in is who vouches for it."""

    def test_the_same(self, manifest):
        assert foreign_attribution(manifest, PLATFORM) == ()

    def test_another(self, manifest):
        (flaw,) = foreign_attribution(manifest, SYSTEM)

        assert flaw.defect is D.ATTRIBUTION_MISSING


class TestBlobs:
    """SPEC 5.4: every blob is declared, and is what it was declared to be."""

    @pytest.fixture
    def blobs(self, manifest):
        return {each.name: each.name.encode() for each in manifest.artifacts}

    def test_those_declared_are_in_order(self, manifest, blobs):
        assert blob_flaws(manifest, blobs) == ()

    @pytest.mark.parametrize(
        ("spoil", "defect"),
        [
            (lambda it: it.pop(next(iter(it))), D.BLOB_MISSING),
            (lambda it: it.update({"extra": b""}), D.BLOB_UNDECLARED),
            (lambda it: it.update({next(iter(it)): b"other"}), D.BLOB_MISMATCH),
        ],
        ids=["missing", "undeclared", "altered"],
    )
    def test_others_are_told(self, manifest, blobs, spoil, defect):
        spoil(blobs)

        assert [each.defect for each in blob_flaws(manifest, blobs)] == [defect]

    def test_a_wrong_size_alone_is_told(self, manifest, blobs):
        first, *others = manifest.artifacts
        faulty = replace(manifest, artifacts=(replace(first, size=1), *others))

        (flaw,) = blob_flaws(faulty, blobs)

        assert flaw.defect is D.BLOB_MISMATCH


class TestUnanswered:
    """C-OR-4: a required oracle that did not judge."""

    @pytest.mark.parametrize("status", [None, ERROR, SKIPPED], ids=str)
    def test_a_required_one_is_missed(self, story, status):
        story.open().iterate().register().judge({BUILD: status, UNIT_TESTS: FAIL})
        manifest = story.reading.manifest

        assert unanswered(manifest, story.suite.definition) == {BUILD}

    def test_an_advisory_one_is_not(self, story):
        story.open().iterate().register().judge({SBOM: None})
        manifest = story.reading.manifest

        assert unanswered(manifest, story.suite.definition) == frozenset()


def test_blobs_are_named_by_their_artifacts(manifest):
    names = [
        f"{each}/report.json" for each in (BUILD, UNIT_TESTS, INTEGRITY_SMOKE, SBOM)
    ]

    assert blob_hashes(manifest) == {each: hash_bytes(each.encode()) for each in names}


class TestSecrets:
    """R-ENC-13: what is secret is sealed, what is sealed is secret, and both are said."""

    def with_first(self, manifest, **changes):
        first, *rest = manifest.artifacts
        return replace(manifest, artifacts=(replace(first, **changes), *rest))

    def test_one_that_is_open_has_none(self, manifest):
        assert not is_secret(manifest)
        assert sealed_already(manifest) == misplaced_secrets(manifest) == ()

    @pytest.mark.parametrize("secrecy", Secrecy)
    def test_a_sealed_secret_is_in_its_place(self, manifest, secrecy):
        made = self.with_first(manifest, classification=secrecy, is_sealed=True)

        assert is_secret(made)
        assert misplaced_secrets(made) == ()

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"classification": Secrecy.RESTRICTED}, "is RESTRICTED and not sealed"),
            ({"is_sealed": True}, "is open and sealed"),
        ],
    )
    def test_any_other_is_not(self, manifest, changes, said):
        (flaw,) = misplaced_secrets(self.with_first(manifest, **changes))

        assert flaw.defect is D.SEALING_MISMATCH
        assert said in flaw.why

    def test_what_is_handed_in_is_not_sealed_yet(self, manifest):
        made = self.with_first(
            manifest, classification=Secrecy.RESTRICTED, is_sealed=True
        )

        (flaw,) = sealed_already(made)

        assert flaw.defect is D.SEALING_MISMATCH
        assert made.artifacts[0].name in flaw.why
