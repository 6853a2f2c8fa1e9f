"""The evidence manifest by itself (SPEC 6.2, 7.8, C-EVID-1)."""

from dataclasses import replace

import pytest

from sr_core.domain.evidence import (
    ResultStatus,
    blob_hashes,
    defects,
    unanswered,
    verdict_of,
)
from sr_core.domain.refs import hash_bytes
from sr_core.testing import BUILD, INTEGRITY_SMOKE, SBOM, UNIT_TESTS

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


class TestDefects:
    """SPEC 7.8: each way in which a manifest contradicts itself."""

    def test_one_without_fault_has_none(self, manifest):
        assert defects(manifest) == ()

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            (
                lambda _: {"artifact_type": "evidence.other"},
                "it is a evidence.other v1, not a evidence.gate_packet v1",
            ),
            (
                lambda _: {"artifact_version": "v2"},
                "it is a evidence.gate_packet v2, not a evidence.gate_packet v1",
            ),
            (
                lambda it: {"artifacts": (*it.artifacts, it.artifacts[0])},
                "two artifacts share a name",
            ),
            (
                lambda it: {"results": (*it.results, it.results[0])},
                "an oracle has two results",
            ),
            (
                lambda _: {"unanswered": {BUILD: "silent"}, "verdict": ERROR},
                "an oracle both has a result and has none",
            ),
            (
                lambda it: {"artifacts": it.artifacts[1:]},
                (
                    "oracle:build names artifacts that are not there: "
                    "{'oracle:build/report.json'}"
                ),
            ),
            (
                lambda it: {
                    "results": (
                        replace(it.results[0], finished_at="2026-01-09T11:59:59Z"),
                        *it.results[1:],
                    )
                },
                "oracle:build ended before it began",
            ),
            (
                lambda _: {"verdict": FAIL},
                "its verdict is not what the results give: FAIL",
            ),
            (
                lambda _: {"environment_fingerprint": {}},
                "it has no environment fingerprint",
            ),
        ],
        ids=[
            "type",
            "version",
            "doubled artifact",
            "doubled result",
            "result of a silent oracle",
            "artifact not there",
            "time running backwards",
            "verdict",
            "fingerprint",
        ],
    )
    def test_each_is_told(self, manifest, change, complaint):
        faulty = replace(manifest, **change(manifest))

        assert defects(faulty) == (complaint,)

    def test_all_of_them_are_told(self, manifest):
        faulty = replace(manifest, verdict=FAIL, environment_fingerprint={})

        assert len(defects(faulty)) == 2


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
