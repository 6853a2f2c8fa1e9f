"""The candidate: its bytes, its name, its state (SPEC 1.1, 4.3)."""

from dataclasses import replace

import pytest

from sr_core.domain.candidate import (
    FILES_MAX,
    PATH_BYTES_MAX,
    Candidate,
    CandidateFile,
    CandidateManifest,
    CandidateMaterialized,
    RegisterCandidate,
    decide,
)
from sr_core.domain.errors import MalformedInput, TransitionRefused
from sr_core.domain.ids import CandidateId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.judging_errors import CandidateMismatch
from sr_core.domain.loop import CloseLoop
from sr_core.domain.refs import hash_bytes
from sr_core.domain.verification import VerificationStatus
from sr_core.testing import AGENT, BUILD, HUMAN, LOOP_1, SOME_HASH, ulid

CANDIDATE = CandidateId(f"{SOME_HASH}|cand_{ulid(1)}")


def file(path: str) -> CandidateFile:
    return CandidateFile(path=path, size=1, content_hash=SOME_HASH)


def manifest(*paths: str) -> CandidateManifest:
    return CandidateManifest(files=tuple(file(each) for each in paths))


REGISTER = RegisterCandidate(by=AGENT, candidate_id=CANDIDATE, manifest=manifest("a"))


class TestPaths:
    """R-ATT-12: a path stays inside, and means one place only."""

    @pytest.mark.parametrize(
        "path",
        ["a", "src/a.py", ".hidden", "a..b", "..."],
    )
    def test_a_plain_one_is_taken(self, path):
        assert file(path).path == path

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            ".",
            "./a",
            "a/.",
            "..",
            "../a",
            "a/../b",
            "a\\b",
            "..\\a",
            "a\x00b",
            "a\nb",
            "a\x1fb",
            "a\x7fb",
            "\ud800",
            "a/\udfffb",
        ],
        ids=ascii,
    )
    def test_any_other_is_refused(self, path):
        with pytest.raises(
            MalformedInput, match=r"a relative path without \. and \.\."
        ):
            file(path)

    def test_the_longest_is_counted_in_bytes(self):
        longest = "é" * (PATH_BYTES_MAX // 2)

        assert file(longest).path == longest
        with pytest.raises(MalformedInput):
            file(longest + "a")


class TestManifest:
    """SPEC 1.1: a canonical, sorted list of what is included."""

    def test_there_is_a_file(self):
        with pytest.raises(MalformedInput, match=r"found 0. Give 1 to 10000 files"):
            manifest()

    def test_there_are_not_too_many(self):
        paths = [f"{each:05}" for each in range(FILES_MAX + 1)]

        assert len(manifest(*paths[:-1]).files) == FILES_MAX
        with pytest.raises(MalformedInput, match="found 10001"):
            manifest(*paths)

    @pytest.mark.parametrize("paths", [("b", "a"), ("a", "a")], ids=str)
    def test_each_path_is_there_once_and_in_order(self, paths):
        with pytest.raises(MalformedInput, match="each path once, in order"):
            manifest(*paths)

    @pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a/b/c/d")], ids=str)
    def test_nothing_is_both_a_file_and_a_folder(self, paths):
        with pytest.raises(MalformedInput, match="not both a file and a folder"):
            manifest(*paths)

    def test_folders_that_only_begin_alike_are_fine(self):
        assert len(manifest("a", "ab/c", "b/a").files) == 3


class TestRegistration:
    """SPEC 1.1: the hash is computed, and the maker's is only compared."""

    def test_it_is_recorded_under_the_computed_hash(self, story):
        story.open().iterate()

        events = decide(story.loop, story.iteration, REGISTER)

        assert events == (
            CandidateMaterialized(
                candidate_id=CANDIDATE,
                content_hash=SOME_HASH,
                loop_id=story.loop.loop_id,
                produced_by_iteration_id=story.iteration.iteration_id,
                manifest=REGISTER.manifest,
            ),
        )

    def test_a_declaration_that_agrees_is_taken(self, story):
        story.open().iterate()

        assert decide(
            story.loop, story.iteration, replace(REGISTER, declared=SOME_HASH)
        )

    def test_one_that_does_not_is_refused(self, story):
        story.open().iterate()
        other = hash_bytes(b"other bytes")

        with pytest.raises(CandidateMismatch) as mismatch:
            decide(story.loop, story.iteration, replace(REGISTER, declared=other))

        assert str(mismatch.value) == (
            f"The bytes have the hash {SOME_HASH}, not the declared {other}. "
            "Declare the hash of the candidate manifest, or leave it out."
        )

    def test_an_iteration_that_has_ended_brings_forth_nothing(self, story):
        story.open().iterate().complete()

        with pytest.raises(
            TransitionRefused, match="COMPLETED, which refuses Register"
        ):
            decide(story.loop, story.iteration, REGISTER)

    def test_nor_does_a_loop_that_is_closed(self, story):
        story.open().iterate().give(CloseLoop(by=HUMAN))

        with pytest.raises(TransitionRefused) as refused:
            decide(story.loop, story.iteration, REGISTER)

        assert (refused.value.subject, refused.value.phase) == (LOOP_1, "CLOSED")


class TestState:
    """SPEC 4.3: unverified until computed, and again when the evidence is gone."""

    def test_it_begins_unverified(self, story):
        story.open().iterate().register()

        assert story.candidate == Candidate(
            candidate_id=story.candidate.candidate_id,
            content_hash=story.candidate.content_hash,
            loop_id=story.loop.loop_id,
            iteration_id=story.iteration.iteration_id,
            manifest=story.candidate.manifest,
            status=VerificationStatus.UNVERIFIED,
        )

    def test_a_verification_says_how_it_stands(self, judged):
        judged.verify()

        assert judged.candidate.status is VerificationStatus.VERIFIED_STRICT
        assert judged.candidate.standing == frozenset()

    def test_evidence_found_missing_is_remembered(self, verified):
        verified.lose_evidence().verify()

        assert verified.candidate.status is VerificationStatus.UNVERIFIED
        assert verified.candidate.missing == {verified.run.evidence}
        assert verified.candidate.standing == {IntegrityCondition.EVIDENCE_MISSING}

    def test_what_a_silent_oracle_leaves_stands_against_it(self, story):
        story.open().iterate().register().judge({BUILD: None}).verify()

        assert story.candidate.standing == {IntegrityCondition.ORACLE_GAP}
