"""The one form of bytes, and a way back that overlooks nothing (SPEC 1.2, R-API-10)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.canonical import canonical, parse_json, plain, restored
from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import Ref, RefKind, RefRelation


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Whole:
    colour: Colour
    parts: tuple[Part, ...] = ()
    by_name: dict[str, Part] = field(default_factory=dict)
    maybe: Part | None = None
    at: datetime = datetime(2026, 1, 9, 12, tzinfo=UTC)


WHOLE = Whole(
    colour=Colour.RED,
    parts=(Part(name="a", size=1), Part(name="b")),
    by_name={"c": Part(name="c")},
    maybe=Part(name="d"),
)

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=8,
)


class TestWriting:
    """RFC 8785: one value, one form."""

    def test_keys_are_sorted_at_every_level(self):
        value = {"b": {"d": 1, "c": 2}, "a": [{"f": 3, "e": 4}]}

        assert canonical(value) == b'{"a":[{"e":4,"f":3}],"b":{"c":2,"d":1}}'

    def test_text_is_utf8_and_not_escaped(self):
        assert canonical("é\n") == '"é\\n"'.encode()

    def test_a_value_is_written_as_its_fields(self):
        part = Part(name="a", size=1)

        assert canonical(part) == b'{"name":"a","size":1}'

    @pytest.mark.parametrize(
        "value", [float("nan"), float("inf"), 2**53, -(2**53), "\ud800"], ids=ascii
    )
    def test_what_it_cannot_hold_is_refused(self, value):
        with pytest.raises(MalformedInput, match="canonical JSON"):
            canonical({"value": value})

    @pytest.mark.parametrize(
        "text", ["\x00", "a\x00b", "\\\x00", {"\x00": 1}], ids=ascii
    )
    def test_nor_does_it_hold_the_character_nul(self, text):
        with pytest.raises(MalformedInput, match=r"the character U\+0000"):
            canonical({"text": text})

    @pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "u0000"], ids=ascii)
    def test_what_only_looks_like_nul_is_fine(self, text):
        assert parse_json(canonical(text), what="text") == text

    @given(json_values)
    def test_what_is_written_is_read(self, value):
        assert parse_json(canonical(value), what="value") == value

    @given(st.dictionaries(TEXT, json_values, max_size=5))
    def test_the_order_in_which_it_was_made_leaves_no_trace(self, value):
        backwards = dict(reversed(value.items()))

        assert canonical(backwards) == canonical(value)


class TestReading:
    """R-API-10: JSON that could mean two things is refused."""

    @pytest.mark.parametrize(
        ("data", "complaint"),
        [
            (b'{"a": 1, "a": 2}', "repeated key a"),
            (b'{"x": [{"b": 1, "a": 1, "b": 2, "a": 2}]}', "repeated key a, b"),
            (b'{"a": 1, "\\u0061": 2}', "repeated key a"),
            (b'{"a": NaN}', "NaN is no number of JSON"),
            (b"[Infinity]", "Infinity is no number of JSON"),
            (b"[-Infinity]", "-Infinity is no number of JSON"),
            (b"", "Expecting value"),
            (b"{", "Expecting property name"),
            (b"[1,]", "Expecting value"),
            (b"{} {}", "Extra data"),
            (b"{'a': 1}", "Expecting property name"),
            (b"\xff\xfe\xfd", "codec can't decode"),
            (b'"\xc3"', "codec can't decode"),
            (b"[" * 100_000, "recursion"),
            (b"1" * 10_000, "Exceeds the limit"),
        ],
        ids=[
            "doubled key",
            "two doubled keys",
            "doubled key in disguise",
            "NaN",
            "Infinity",
            "-Infinity",
            "empty",
            "unfinished",
            "comma",
            "two values",
            "quotes",
            "no UTF-8",
            "half a character",
            "deep",
            "long number",
        ],
    )
    def test_what_is_no_strict_json_is_refused(self, data, complaint):
        with pytest.raises(MalformedInput, match=complaint) as malformed:
            parse_json(data, what="the body")

        assert malformed.value.field == "the body"

    def test_one_key_in_two_objects_is_not_repeated(self):
        assert parse_json(b'[{"a":1},{"a":2}]', what="value") == [{"a": 1}, {"a": 2}]


def raw() -> Any:
    return parse_json(canonical(WHOLE), what="whole")


class TestRestoring:
    """A field that the class does not have is refused, wherever it stands."""

    def test_what_was_taken_apart_is_put_together(self):
        assert restored(Whole, raw(), what="whole") == WHOLE

    def test_what_has_a_default_may_be_left_out(self):
        assert restored(Whole, {"colour": "red"}, what="whole") == Whole(
            colour=Colour.RED
        )

    @pytest.mark.parametrize(
        ("spoil", "where"),
        [
            (lambda it: it.update(x=1), "x"),
            (lambda it: it["parts"][1].update(x=1), r"parts\[1\]\.x"),
            (lambda it: it["by_name"]["c"].update(x=1), r"by_name\.c\.x"),
            (lambda it: it["maybe"].update(x=None), r"maybe\.x"),
        ],
        ids=["outside", "in a list", "in a map", "in an option"],
    )
    def test_a_surplus_field_is_refused_by_its_place(self, spoil, where):
        spoilt = raw()
        spoil(spoilt)

        with pytest.raises(
            MalformedInput, match=rf"found '{where}'. Give the fields of Whole alone"
        ):
            restored(Whole, spoilt, what="whole")

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda it: it.pop("colour"),
            lambda it: it.update(colour="green"),
            lambda it: it["parts"][0].update(size="1"),
            lambda it: it["parts"][0].update(size=1.5),
            lambda it: it["parts"][0].update(size=None),
            lambda it: it.update(parts={}),
        ],
        ids=["missing", "no member", "text", "fraction", "null", "map for list"],
    )
    def test_what_is_of_another_type_is_refused(self, spoil):
        spoilt = raw()
        spoil(spoilt)

        with pytest.raises(MalformedInput, match="Give the fields of Whole"):
            restored(Whole, spoilt, what="whole")

    @pytest.mark.parametrize("value", [None, [], "text", 1])
    def test_what_is_no_object_is_refused(self, value):
        with pytest.raises(MalformedInput):
            restored(Whole, value, what="whole")

    def test_a_rule_of_the_domain_holds_on_the_way_back_too(self):
        ref = Ref(kind=RefKind.LOOP, id="a loop", rel=RefRelation.ABOUT)
        spoilt = {**plain(ref), "id": ""}

        with pytest.raises(MalformedInput, match="Give the fields of Ref"):
            restored(Ref, spoilt, what="ref")
