"""The governed manifest (SPEC 8.2): the documents of a process, by their raw bytes."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from sr_core.domain.artifact_metadata import ArtifactStatus
from sr_core.domain.errors import DocumentMissing, MalformedInput
from sr_core.domain.governed_manifest import build_manifest
from sr_core.domain.type_keys import AGENT_DEFINITION, DIRECTIVE
from sr_core.testing import GOVERNED, NOON, build_document, build_entry, build_governed


class TestHash:
    """SPEC 1.2: over `doc_id:content_hash` lines, sorted, and nothing else."""

    def test_it_is_that_of_the_sorted_lines(self):
        lines = sorted(
            f"{each.doc_id}:{each.content_hash}\n" for each in GOVERNED.artifacts
        )

        expected = sha256("".join(lines).encode()).hexdigest()

        assert GOVERNED.manifest_hash == f"sha256:{expected}"

    def test_the_order_given_does_not_count(self):
        backwards = tuple(reversed(GOVERNED.artifacts))

        assert build_manifest(backwards, computed_at=NOON) == GOVERNED

    def test_when_it_was_computed_does_not_count(self):
        later = replace(GOVERNED, computed_at=NOON + timedelta(days=1))

        assert later.manifest_hash == GOVERNED.manifest_hash

    @pytest.mark.parametrize(
        "text",
        ["Some text. ", "some text.", "Some text.\r", "Some text.\n"],
        ids=repr,
    )
    def test_every_byte_counts(self, text):
        other = build_governed(SR_SPEC=build_document("SR-SPEC", text=text))

        assert other.manifest_hash != GOVERNED.manifest_hash


class TestWhatIsInIt:
    def test_each_has_the_version_and_type_of_its_front_matter(self):
        entry = GOVERNED.entry("SR-DIRECTIVE")

        assert entry is not None
        assert (entry.version, entry.type_key) == ("1.0.0", DIRECTIVE)
        assert entry.content_hash.startswith("sha256:")

    def test_what_is_not_there_is_none(self):
        assert GOVERNED.entry("SR-LOOPS") is None

    def test_they_are_found_by_type(self):
        found = [each.doc_id for each in GOVERNED.of_type(AGENT_DEFINITION)]

        assert found == ["SR-AGENT"]

    def test_the_directive_has_to_be(self):
        with pytest.raises(DocumentMissing, match=r"program/SR-DIRECTIVE\.md is not"):
            build_governed(SR_DIRECTIVE=None)

    def test_none_is_there_twice(self):
        twice = (*GOVERNED.artifacts, build_entry(build_document("SR-SPEC", text="b")))

        with pytest.raises(MalformedInput, match=r"SR-SPEC in tests/SR-SPEC\.md"):
            build_manifest(twice, computed_at=NOON)

    @pytest.mark.parametrize(
        "status",
        [each for each in ArtifactStatus if each is not ArtifactStatus.GOVERNED],
    )
    def test_each_is_in_force(self, status):
        with pytest.raises(MalformedInput, match=f"'{status}'"):
            build_governed(SR_SPEC=build_document("SR-SPEC", status=status.value))
