"""What an error says: where it was found, what it was, and what to do."""

import pytest

from sr_core.domain.errors import (
    DocumentInvalid,
    MalformedInput,
    UnresolvedStaleness,
)
from sr_core.domain.judging_errors import ManifestInvalid
from sr_core.domain.refs import parse_ref
from sr_core.domain.work_errors import LoopNotActive, NoLoop


class TestWithin:
    """A part of a larger input is named by the whole path to it."""

    def test_only_the_place_is_told_anew(self):
        with pytest.raises(MalformedInput) as caught:
            parse_ref("NO_SUCH_KIND", "x", "about", {})
        inner = caught.value

        outer = inner.within("refs[2]").within("approval")

        assert outer.field == f"approval: refs[2]: {inner.field}"
        assert (outer.value, outer.expected) == (inner.value, inner.expected)
        assert (outer.code, outer.remedy) == (inner.code, inner.remedy)
        assert str(outer).startswith(f"approval: refs[2]: {inner}")

    def test_what_was_caught_stays_as_it_was(self):
        inner = MalformedInput(field="kind", found="x", expected="a kind")

        inner.within("ref")

        assert inner.field == "kind"


class TestFacts:
    """An error keeps what it says as facts, for those who do not read its words."""

    def test_a_document_names_its_file_and_line(self):
        error = DocumentInvalid(file="a.md", line=7, found="no id", remedy="Give one")

        assert (error.file, error.line) == ("a.md", 7)
        assert str(error) == "a.md:7: no id. Give one."

    def test_a_release_names_all_that_is_stale_in_order(self):
        error = UnresolvedStaleness(subject="cand", stale={"stale_2", "stale_1"})

        assert error.stale == ("stale_1", "stale_2")
        assert str(error).startswith("cand rests on what is stale: stale_1, stale_2.")

    def test_a_manifest_names_its_defect(self):
        error = ManifestInvalid(defect="blobs", why="one is not there")

        assert (error.defect, error.why) == ("blobs", "one is not there")
        assert error.value == "blobs: one is not there"

    def test_a_surface_without_a_loop_says_what_opens_one(self):
        error = NoLoop(work_surface_id="ws:1")

        assert str(error).startswith("No loop works on ws:1. Start the work surface")

    def test_a_loop_at_rest_names_its_phase(self):
        error = LoopNotActive(loop_id="loop_1", phase="PAUSED")

        assert str(error).startswith("loop_1 is PAUSED. Activate or resume the loop")
