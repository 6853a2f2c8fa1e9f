"""Strict YAML (C-META-1): what a text shows is what it means, or it is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.yaml import DEPTH_MAX, EVENTS_MAX, SIZE_CHARS_MAX, load_yaml
from sr_core.domain.errors import DocumentInvalid

FILE = "a.yaml"


def load(text: str, first_line: int = 1):
    return load_yaml(text, file=FILE, first_line=first_line)


class TestValues:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("", None),
            ("# nothing\n", None),
            ("a: b", {"a": "b"}),
            ("a: [1, -2, +3]", {"a": [1, -2, 3]}),
            ("a: [1.5, -.5, 1.e3, 2.5E-3]", {"a": [1.5, -0.5, 1000.0, 0.0025]}),
            ("a: [true, false, null, ~]", {"a": [True, False, None, None]}),
            ("a:", {"a": None}),
            (
                "a: [yes, no, on, off, 12:30, 1_000]",
                {"a": ["yes", "no", "on", "off", "12:30", "1_000"]},
            ),
            ("a: 2026-01-09", {"a": "2026-01-09"}),
            ("a: 1.0.0", {"a": "1.0.0"}),
            ("a: 12345678901234567890", {"a": "12345678901234567890"}),
            ("a: '1'", {"a": "1"}),
            ('a: "true"', {"a": "true"}),
            ("a: |\n  1\n", {"a": "1\n"}),
            ("- a\n- [b, {c: d}]", ["a", ["b", {"c": "d"}]]),
        ],
    )
    def test_a_text_means_what_it_shows(self, text, value):
        assert load(text).value == value

    def test_each_part_has_its_line(self):
        found = load("a: 1\nb:\n  - c\n  - d: 2\n", first_line=10)

        assert found.lines == {
            (): 10,
            ("a",): 10,
            ("b",): 11,
            ("b", 0): 12,
            ("b", 1): 13,
            ("b", 1, "d"): 13,
        }

    def test_what_has_no_line_has_that_of_its_holder(self):
        with pytest.raises(DocumentInvalid, match=r"^a\.yaml:2: it is not. Mend it\.$"):
            load("a: 1\nb: {c: 2}").refuse(("b", "d", 3), "it is not", "Mend it")


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "line", "found"),
        [
            ("a: 1\nb: *a", 2, "takes a value from elsewhere"),
            ("a: &x 1", 1, "gives the value a name"),
            ("a: &x {}", 1, "gives the value a name"),
            ("a: &x []", 1, "gives the value a name"),
            ("a: 1\nb: !!str 2", 2, "gives the value a type"),
            ("a: !!python/object:os.system {}", 1, "gives the value a type"),
            ("a: 1\nb: 2\na: 3", 3, "'a' stands here already"),
            ("a: {b: 1, b: 1}", 1, "'b' stands here already"),
            ("a: 1\n<<: {b: 2}", 2, "merges another map"),
            ("a: 1\n---\nb: 2", 2, "a second document begins"),
            ("1: a", 1, "the key '1' is not text"),
            ("true: a", 1, "the key 'true' is not text"),
            ("[a]: b", 1, "the key is a list or a map"),
            ("a: 1.0e999", 1, "the number is not finite"),
            ("a: 1\nb: [", 2, "this is not YAML"),
            ("a: 1\n\tb: 2", 2, "this is not YAML"),
            ("a: b: c", 1, "this is not YAML"),
            ("a: 'b", 1, "this is not YAML"),
            ("a: \u202eb", 1, r"the character U\+202E does not show"),
            ("a: 1\nb: \x07", 2, r"the character U\+0007 does not show"),
            ("a: 1\u2028b: 2", 1, r"U\+2028 does not show"),
            ('a: "\\UFFFFFFFF"', 1, "this is not YAML"),
            ("a: " + "[" * 60 + "]" * 60, 1, f"nests more than {DEPTH_MAX} deep"),
            ("a: [" + "b, " * EVENTS_MAX + "]", 1, f"more than {EVENTS_MAX} values"),
            ("a: " + "b" * SIZE_CHARS_MAX, 1, "characters"),
        ],
        ids=lambda each: ascii(each)[:30],
    )
    def test_it_is_refused_where_it_stands(self, text, line, found):
        with pytest.raises(DocumentInvalid, match=found) as refused:
            load(text)

        assert (refused.value.file, refused.value.line) == (FILE, line)

    def test_lines_count_from_where_the_document_begins(self):
        with pytest.raises(DocumentInvalid) as refused:
            load("a: 1\nb: *a", first_line=7)

        assert refused.value.line == 8

    @given(st.text(max_size=200))
    def test_any_text_is_read_or_refused(self, text):
        with suppress(DocumentInvalid):
            load(text)
