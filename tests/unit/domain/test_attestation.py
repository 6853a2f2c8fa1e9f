"""What is attested of a bundle follows from its manifest, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain import attestation
from sr_core.domain.attestation import ENCRYPTION_RECORD, restriction, subjects_of
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import EvidenceManifest, ResultStatus, Secrecy
from sr_core.testing import SOME_HASH, Story


@pytest.fixture
def manifest(judged: Story) -> EvidenceManifest:
    made = judged.reading.manifest
    assert made is not None
    return made


def with_first_artifact(manifest: EvidenceManifest, **changes: Any) -> EvidenceManifest:
    first, *rest = manifest.artifacts
    return replace(manifest, artifacts=(replace(first, **changes), *rest))


class TestSubjects:
    """R-ATT-6: the candidate, the manifest, and every blob."""

    def test_they_are_all_there_by_their_hashes(self, manifest):
        candidate, bundle, *blobs = subjects_of(manifest, SOME_HASH)

        hashed = manifest.candidate_id.partition("|")[0]
        assert f"sha256:{candidate.sha256}" == hashed
        assert f"sha256:{bundle.sha256}" == SOME_HASH
        assert [(each.name, f"sha256:{each.sha256}") for each in blobs] == [
            (f"blobs/{each.name}", each.content_hash) for each in manifest.artifacts
        ]
        assert blobs

    def test_one_without_a_candidate_has_none(self, manifest):
        with pytest.raises(MalformedInput):
            list(subjects_of(replace(manifest, candidate_id="cand"), SOME_HASH))


class TestTestResult:
    """Tests are oracles; what did not judge has not passed (C-OR-4)."""

    def test_all_that_passed_passed(self, manifest):
        said = attestation.test_result_of(manifest)

        assert said.has_passed
        assert said.failed == ()
        assert said.passed == tuple(sorted(each.oracle_id for each in manifest.results))
        assert said.configuration.name == manifest.oracle_suite_id

    @pytest.mark.parametrize(
        "status", [ResultStatus.FAIL, ResultStatus.ERROR, ResultStatus.SKIPPED]
    )
    def test_one_that_did_not_has_failed(self, manifest, status):
        first, *rest = manifest.results
        results = (replace(first, status=status), *rest)

        said = attestation.test_result_of(
            replace(manifest, results=results, verdict=status)
        )

        assert said.failed == (first.oracle_id,)
        assert first.oracle_id not in said.passed
        assert not said.has_passed

    def test_one_that_is_silent_has_failed(self, manifest):
        first, *rest = manifest.results
        silent = replace(manifest, results=tuple(rest), unanswered=(first.oracle_id,))

        assert attestation.test_result_of(silent).failed == (first.oracle_id,)


class TestRestriction:
    """C-EVID-5: what is not for everybody does not leave."""

    def test_one_that_says_nothing_is_for_everybody(self, manifest):
        assert restriction(manifest) is None

    @pytest.mark.parametrize("classed", ["PUBLIC", "INTERNAL"])
    def test_so_is_one_that_says_so(self, manifest, classed):
        assert (
            restriction(replace(manifest, metadata={"classification": classed})) is None
        )

    @pytest.mark.parametrize("classed", ["CONFIDENTIAL", "RESTRICTED", "public", ""])
    def test_any_other_class_is_not(self, manifest, classed):
        said = restriction(replace(manifest, metadata={"classification": classed}))

        assert said == f"it is classified {classed}"

    def test_nor_is_one_with_the_record_of_an_encryption(self, manifest):
        said = restriction(with_first_artifact(manifest, name=ENCRYPTION_RECORD))

        assert said == f"it holds {ENCRYPTION_RECORD}"

    @pytest.mark.parametrize("secrecy", Secrecy)
    def test_nor_is_one_with_a_part_for_few(self, manifest, secrecy):
        said = restriction(
            with_first_artifact(manifest, classification=secrecy, is_sealed=True)
        )

        assert said == "a part of it is for few readers"
