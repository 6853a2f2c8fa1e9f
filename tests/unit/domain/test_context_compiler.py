"""The context compiler (SPEC 8.4, C-CTX-2; gate G-CTX-COMPILE-DETERMINISTIC)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.domain.context_compiler import (
    CONTENT_BYTES_MAX,
    ITEMS_MAX,
    Classification,
    Content,
    RedactionReason,
    compile_context,
)
from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.testing import NOON, SOME_HASH

PUBLIC = Classification.PUBLIC


def a_ref(name: str, data: bytes | None = None, rel: str = "depends_on") -> Ref:
    meta = {"content_hash": hash_bytes(data)} if data is not None else {}
    return Ref(kind=RefKind.LOOP, id=name, rel=RefRelation(rel), meta=meta)


def compiled(contents: dict[str, Content], *, refs=None, at=NOON):
    made = refs or [a_ref(name, each.data) for name, each in contents.items()]
    by_target = {(RefKind.LOOP, name): each for name, each in contents.items()}
    return compile_context(made, by_target, compiled_at=at)


def content(data: bytes = b"text", classification=PUBLIC, withheld=None) -> Content:
    return Content(data=data, classification=classification, withheld=withheld)


THREE = {each: content(each.encode()) for each in "bca"}


class TestBundle:
    """SPEC 8.4: items by kind, identifier and relation, with the hash of each."""

    def test_items_are_in_order(self):
        bundle = compiled(THREE)

        assert [(each.order, each.source_ref.id) for each in bundle.items] == [
            (0, "a"),
            (1, "b"),
            (2, "c"),
        ]
        assert [each.content_hash for each in bundle.items] == [
            hash_bytes(each) for each in (b"a", b"b", b"c")
        ]

    def test_one_thing_in_two_relations_is_two_items(self):
        refs = [a_ref("a", rel="supported_by"), a_ref("a")]

        bundle = compiled({"a": content()}, refs=refs)

        assert [each.source_ref.rel for each in bundle.items] == [
            "depends_on",
            "supported_by",
        ]

    def test_it_says_how_it_came_about(self):
        bundle = compiled({**THREE, "d": content(classification=Classification(3))})

        told = bundle.metadata
        assert (told.total_refs, told.items_included, told.items_redacted) == (4, 3, 1)
        assert (told.compiled_at, told.compiler_version) == (NOON, "1.0.0")

    def test_nothing_gives_an_empty_one(self):
        assert compile_context([], {}, compiled_at=NOON).items == ()


class TestHash:
    """C-CTX-2: the same context has the same hash, and another has another."""

    @given(st.permutations([*THREE]))
    def test_the_order_given_does_not_count(self, names):
        shuffled = compiled({name: THREE[name] for name in names})

        assert shuffled == compiled(THREE)

    @given(st.timedeltas(timedelta(0), timedelta(days=9000)))
    def test_when_it_was_compiled_does_not_count(self, later):
        assert (
            compiled(THREE, at=NOON + later).content_hash
            == compiled(THREE).content_hash
        )

    @pytest.mark.parametrize(
        "changed",
        [
            {**THREE, "a": content(b"other")},
            {**THREE, "d": content()},
            {"a": THREE["a"]},
            {**THREE, "a": content(b"a", Classification.INTERNAL)},
            {**THREE, "a": content(b"a", Classification.RESTRICTED)},
            {**THREE, "a": content(b"a", withheld=RedactionReason.EMBARGOED)},
        ],
    )
    def test_everything_else_does(self, changed):
        assert compiled(changed).content_hash != compiled(THREE).content_hash

    def test_what_is_left_out_counts_by_its_hash(self):
        one, other = (
            compiled({**THREE, "d": content(data, Classification.CONFIDENTIAL)})
            for data in (b"secret", b"another secret")
        )

        assert one.content_hash != other.content_hash

    def test_names_are_told_apart_wherever_they_end(self):
        one = compiled({"a b": content(b"x")})
        other = compiled({"a": content(b"x")})

        assert one.content_hash != other.content_hash


class TestRedaction:
    """SPEC 8.4: what is too secret is left out, and it is said so."""

    @pytest.mark.parametrize(
        ("classification", "is_shown"),
        [
            (Classification.PUBLIC, True),
            (Classification.INTERNAL, True),
            (Classification.RESTRICTED, False),
            (Classification.CONFIDENTIAL, False),
        ],
    )
    def test_from_restricted_on_it_is_left_out(self, classification, is_shown):
        bundle = compiled({"a": content(classification=classification)})

        assert (len(bundle.items), len(bundle.redactions)) == (is_shown, not is_shown)

    @pytest.mark.parametrize("reason", RedactionReason)
    def test_a_reason_leaves_out_what_is_public(self, reason):
        (redaction,) = compiled({"a": content(withheld=reason)}).redactions

        assert redaction.reason is reason
        assert redaction.original_ref == a_ref("a", b"text")
        assert redaction.redacted_hash == hash_bytes(b"text")

    def test_without_a_reason_of_its_own_it_is_the_class(self):
        secret = content(classification=Classification.CONFIDENTIAL)

        (redaction,) = compiled({"a": secret}).redactions

        assert redaction.reason is RedactionReason.CLASSIFICATION_RESTRICTED

    def test_nothing_of_it_is_in_the_bundle(self):
        secret = content(b"a secret word", Classification.CONFIDENTIAL)

        assert "secret word" not in repr(compiled({"a": secret}))


class TestRefusals:
    def test_a_ref_stands_once(self):
        refs = [a_ref("a"), a_ref("a")]

        with pytest.raises(MalformedInput, match="Loop a depends_on"):
            compiled({"a": content()}, refs=refs)

    def test_every_ref_has_its_content(self):
        with pytest.raises(MalformedInput, match="content of Loop b"):
            compiled({"a": content()}, refs=[a_ref("b")])

    def test_the_content_is_what_it_is_pinned_to(self):
        ref = replace(a_ref("a"), meta={"content_hash": SOME_HASH})

        with pytest.raises(MalformedInput, match=SOME_HASH):
            compiled({"a": content()}, refs=[ref])

    def test_a_bundle_holds_so_many_items(self):
        most = {f"{each:03}": content() for each in range(ITEMS_MAX)}

        assert len(compiled(most).items) == 100
        with pytest.raises(MalformedInput, match="100 at most"):
            compiled({**most, "one more": content()})

    def test_and_so_many_bytes(self):
        most = {"a": content(bytes(CONTENT_BYTES_MAX))}

        assert len(compiled(most).items) == 1
        with pytest.raises(MalformedInput, match=str(10 * 1024 * 1024)):
            compiled({**most, "b": content(b"x")})

    def test_what_is_left_out_takes_no_room(self):
        most = {"a": content(bytes(CONTENT_BYTES_MAX))}
        secret = content(b"x", Classification.RESTRICTED)

        assert len(compiled({**most, "b": secret}).redactions) == 1
