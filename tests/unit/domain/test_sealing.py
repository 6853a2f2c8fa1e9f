"""What sealed evidence is bound to has one form, and no two names are easily confused."""

from __future__ import annotations

import pytest
from tests.sealing import a_context

from sr_core.domain.context_compiler import Classification
from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.sealing import SealedObject


class TestAContext:
    """R-ENC-6."""

    @pytest.mark.parametrize(
        "changed",
        [
            {"evidence_id": hash_bytes(b"evidence")},
            {"evidence_id": "x" * 200},
            {"blob_name": "ü" * 256},
            {"blob_name": "a/b/c.txt"},
            {"blob_name": "..a"},
            {"classification": Classification.CONFIDENTIAL},
            {"schema_version": 65_535},
        ],
    )
    def test_of_the_form_is_taken(self, changed):
        assert a_context(**changed).differences(a_context(**changed)) == ()
        assert a_context(**changed).differences(a_context()) == tuple(changed)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"evidence_id": ""}, "evidence id"),
            ({"evidence_id": "a b"}, "evidence id"),
            ({"evidence_id": "größe"}, "evidence id"),
            ({"evidence_id": "a\n"}, "evidence id"),
            ({"evidence_id": "x" * 201}, "evidence id"),
            ({"blob_name": ""}, "blob name"),
            ({"blob_name": "a\x00b"}, "blob name"),
            ({"blob_name": "../a"}, "blob name"),
            ({"blob_name": "a/./b"}, "blob name"),
            ({"blob_name": "/a"}, "blob name"),
            ({"blob_name": "a//b"}, "blob name"),
            ({"blob_name": "a\\b"}, "blob name"),
            ({"blob_name": "a\ud800"}, "blob name"),
            ({"blob_name": "gro\u0308sse"}, "blob name"),
            ({"blob_name": "x" * 513}, "blob name"),
            ({"blob_name": "x" * 65_536}, "blob name"),
            ({"classification": Classification.INTERNAL}, "classification"),
            ({"classification": Classification.PUBLIC}, "classification"),
            ({"schema_version": 0}, "schema version"),
            ({"schema_version": 65_536}, "schema version"),
        ],
    )
    def test_of_another_is_refused(self, changed, said):
        with pytest.raises(MalformedInput, match=said):
            a_context(**changed)

    def test_tells_names_apart_that_look_the_same(self):
        changed = {"evidence_id": "B", "blob_name": "a", "schema_version": 2}

        assert a_context(**changed).differences(
            a_context(**changed | {"blob_name": "A"})
        ) == ("blob_name",)


class TestASealedObject:
    @pytest.mark.parametrize("size", [1, 2**57])
    def test_of_the_form_is_taken(self, size):
        made = SealedObject(size=size, content_hash=hash_bytes(b""))

        assert made.size == size

    @pytest.mark.parametrize("size", [0, -1, 2**57 + 1])
    def test_has_a_size(self, size):
        with pytest.raises(MalformedInput, match="size"):
            SealedObject(size=size, content_hash=hash_bytes(b""))

    def test_has_a_hash(self):
        with pytest.raises(MalformedInput, match="content hash"):
            SealedObject(size=1, content_hash=ContentHash("sha256:00"))
