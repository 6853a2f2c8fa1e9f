"""Typed references (SPEC 3, C-EVT-5): one that exists is a valid one."""

import hashlib

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import IterationId
from sr_core.domain.ref_builders import summary_ref
from sr_core.domain.refs import (
    Ref,
    RefKind,
    RefRelation,
    hash_bytes,
    parse_content_hash,
    parse_ref,
    parse_version,
)
from sr_core.testing import SOME_HASH, ulid

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
        ("name", "wrong"),
        [
            ("version", "1.0"),
            ("type_key", "governance.contract"),
            ("current_stage_id", "FRAME"),
        ],
    )
    @pytest.mark.parametrize("kind", RefKind)
    def test_what_has_a_form_has_it_wherever_it_stands(self, kind, name, wrong):
        with pytest.raises(MalformedInput):
            ref(kind, **{**WHOLE, name: wrong})

    def test_what_has_no_form_may_be_said_too(self):
        assert ref(RefKind.LOOP, selector="#goal").meta == {"selector": "#goal"}


class TestWords:
    """SPEC 3: the vocabulary is closed, and old words name their successor."""

    @pytest.mark.parametrize("kind", RefKind)
    @pytest.mark.parametrize("rel", RefRelation)
    def test_every_word_is_read(self, kind, rel):
        meta = {name: WHOLE[name] for name in NEEDS.get(kind, ())}

        made = parse_ref(kind.value, "a", rel.value, meta)

        assert (made.kind, made.id, made.rel, made.meta) == (kind, "a", rel, meta)

    def test_there_are_so_many(self):
        assert (len(RefKind), len(RefRelation)) == (21, 15)

    def test_a_template_is_read_and_never_written(self):
        made = parse_ref("Template", "proc:A", "depends_on", WHOLE)

        assert made.kind is RefKind.PROCEDURE_TEMPLATE
        assert "Template" not in {*RefKind}

    @pytest.mark.parametrize(
        ("old", "instead"),
        [
            ("produced", "produces"),
            ("approves", "approved_by"),
            ("waived_by", "acknowledges"),
            ("governs", "depends_on"),
            ("self", "about"),
            ("freezes", "releases"),
        ],
    )
    def test_an_old_relation_names_what_took_its_place(self, old, instead):
        with pytest.raises(MalformedInput, match=f"'{old}'. Give {instead}"):
            parse_ref("Loop", "a", old, {})

    @pytest.mark.parametrize(
        ("old", "instead"),
        [
            ("Exception", "Deviation, Deferral or Waiver"),
            ("doc", "GovernedArtifact"),
            ("Directive", "GovernedArtifact"),
            ("Context", "the kind of each thing"),
        ],
    )
    def test_an_old_kind_names_what_took_its_place(self, old, instead):
        with pytest.raises(MalformedInput, match=f"'{old}'. Give {instead}"):
            parse_ref(old, "a", "about", {})

    @pytest.mark.parametrize("text", ["", "loop", "LOOP", "Loops", "WAIVER"])
    def test_any_other_kind_is_refused_with_the_choices(self, text):
        with pytest.raises(MalformedInput, match="one of AgentDefinition, Approval"):
            parse_ref(text, "a", "about", {})

    @pytest.mark.parametrize("text", ["", "About", "parent", "subject"])
    def test_any_other_relation_is_refused_with_the_choices(self, text):
        with pytest.raises(MalformedInput, match="one of about, acknowledges"):
            parse_ref("Loop", "a", text, {})


class TestVersion:
    """SPEC 1.5: versions are semantic versions."""

    @pytest.mark.parametrize(
        "text",
        ["0.0.0", "1.0.0", "10.20.30", "1.0.0-rc.1", "1.0.0-a-b+x.01", "1.0.0+b"],
    )
    def test_one_is_read(self, text):
        assert parse_version(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1",
            "1.0",
            "1.0.0.0",
            "v1.0.0",
            "01.0.0",
            "1.0.0-",
            "1.0.0-01",
            "1.0.0-a..b",
            "1.0.0+",
            "1.0.0 ",
            "1.0.x",
            "\u0661.0.0",
            f"1.0.0-{'a' * 64}",
        ],
        ids=ascii,
    )
    def test_any_other_form_is_refused(self, text):
        with pytest.raises(MalformedInput, match="semantic version"):
            parse_version(text)


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


class TestSummary:
    """SPEC 3: an iteration that has ended is pinned by the summary that it left."""

    def test_the_ref_carries_the_hash(self):
        iteration = IterationId(f"iter_{ulid(1)}")

        made = summary_ref(
            iteration,
            RefRelation.DEPENDS_ON,
            summary_hash=parse_content_hash(SOME_HASH),
        )

        assert (made.kind, made.id) == (RefKind.ITERATION, iteration)
        assert made.meta == {"content_hash": SOME_HASH}
