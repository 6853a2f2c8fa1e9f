"""Typed references (SPEC 3, C-EVT-5): one that exists is a valid one."""

import hashlib

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import (
    Ref,
    RefKind,
    RefRelation,
    hash_bytes,
    parse_content_hash,
)
from sr_core.testing import SOME_HASH

NEEDS = {
    RefKind.CANDIDATE: {"content_hash"},
    RefKind.EVIDENCE_BUNDLE: {"content_hash"},
    RefKind.GOVERNED_ARTIFACT: {"content_hash", "version"},
    RefKind.INTAKE: {"content_hash"},
    RefKind.ORACLE_SUITE: {"content_hash", "suite_hash"},
    RefKind.PROCEDURE_TEMPLATE: {"content_hash", "current_stage_id"},
    RefKind.RECORD: {"content_hash", "type_key"},
}
"""The table of SPEC 3, written out once more."""
WHOLE = {
    "content_hash": SOME_HASH,
    "suite_hash": SOME_HASH,
    "version": "1.0.0",
    "current_stage_id": "stage:FRAME",
    "type_key": "record.decision",
}


def ref(kind: RefKind, **meta: str) -> Ref:
    return Ref(kind=kind, id="what it points at", rel=RefRelation.ABOUT, meta=meta)


class TestMeta:
    """SPEC 3: what has bytes is pinned by their hash."""

    @pytest.mark.parametrize("kind", RefKind)
    def test_with_what_its_kind_needs_it_is_made(self, kind):
        meta = {name: WHOLE[name] for name in NEEDS.get(kind, ())}

        assert ref(kind, **meta).meta == meta

    @pytest.mark.parametrize(
        ("kind", "name"),
        [(kind, name) for kind, names in NEEDS.items() for name in sorted(names)],
    )
    @pytest.mark.parametrize("empty", [True, False], ids=["empty", "absent"])
    def test_without_one_of_them_it_is_not(self, kind, name, empty):
        meta = {each: WHOLE[each] for each in NEEDS[kind] - {name}}
        if empty:
            meta[name] = ""

        with pytest.raises(MalformedInput, match=rf"meta\.{name} of the {kind} ref"):
            ref(kind, **meta)

    @pytest.mark.parametrize("name", ["content_hash", "suite_hash"])
    def test_a_hash_is_one_even_where_none_is_needed(self, name):
        with pytest.raises(MalformedInput, match="64 lower-case hex digits"):
            ref(RefKind.LOOP, **{name: "sha256:short"})

    @pytest.mark.parametrize("kind", RefKind)
    def test_it_names_something(self, kind):
        with pytest.raises(MalformedInput, match=f"id of the {kind} ref"):
            Ref(kind=kind, id="", rel=RefRelation.ABOUT, meta=WHOLE)

    @pytest.mark.parametrize(
        "deprecated",
        ["produced", "approves", "waived_by", "governs", "self", "freezes"],
    )
    def test_a_deprecated_relation_does_not_exist(self, deprecated):
        with pytest.raises(ValueError, match=deprecated):
            RefRelation(deprecated)


class TestContentHash:
    """SPEC 1.2: one printed form, everywhere."""

    def test_it_is_sha256_of_the_bytes(self):
        assert hash_bytes(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()

    def test_a_printed_one_is_read(self):
        assert parse_content_hash(SOME_HASH) == SOME_HASH

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "0" * 64,
            "sha256:" + "0" * 63,
            "sha256:" + "0" * 65,
            "sha256:" + "A" * 64,
            "sha256:sha256:" + "0" * 64,
            "sha512:" + "0" * 64,
            "sha256:" + "0" * 64 + "\n",
            " sha256:" + "0" * 64,
        ],
        ids=repr,
    )
    def test_any_other_form_is_refused(self, text):
        with pytest.raises(MalformedInput, match="content hash"):
            parse_content_hash(text)
