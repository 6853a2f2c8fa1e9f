"""Markup: what is text stays text, whatever is in it."""

import re

import pytest

from pytest_sr.report.markup import Html, clipped, joined, prose, tag, visible
from pytest_sr.report.storyline import around_position, position_named

ULID = "cand_01J9ZD0C8V4Q2M7K5T3R1N6P8W"
HASH = "sha256:" + "0f" * 32


class TestEscaping:
    def test_text_is_escaped_and_markup_is_not(self):
        assert tag("p", "a < b", Html("<i>c</i>")) == "<p>a &lt; b<i>c</i></p>"

    def test_an_attribute_cannot_be_left(self):
        assert tag("p", title="\"><img '") == (
            '<p title="&quot;&gt;&lt;img &#x27;"></p>'
        )

    def test_names_of_attributes_are_written_as_in_html(self):
        assert tag("p", class_="a", data_x=1, open=True, id=None, hidden=False) == (
            '<p class="a" data-x="1" open></p>'
        )

    def test_joining_text_gives_markup(self):
        assert joined("<", ["&", None, [Html("<br>")]]) == "&lt;&amp;<br>"

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("a\u202eb", "a\\u202eb"),
            ("\x00", "\\u0000"),
            ("\ud800", "\\ud800"),
            ("\u200b", "\\u200b"),
            ("a\tb\nc", "a\tb\nc"),
            ("grün 中", "grün 中"),
        ],
    )
    def test_what_cannot_be_seen_is_spelt_out(self, text, shown):
        assert visible(text) == shown


class TestIdentifiers:
    @pytest.mark.parametrize("name", [ULID, HASH, HASH.removeprefix("sha256:")])
    def test_one_can_be_copied_whole_and_read_in_its_title(self, name):
        written = prose(f"the row {name}, which")

        assert re.sub(r"<[^>]*>", "", written) == f"the row {name}, which"
        assert f'title="{name}"' in written

    def test_ordinary_words_are_left_alone(self):
        words = "scenarios/evidence-missing.scenario.yaml:32:3: gone did not land"

        assert prose(words) == words


class TestBounds:
    def test_a_cut_says_how_much_went(self):
        assert clipped("abcdef", 4) == "abcd … (2 more characters)"
        assert clipped("abcd", 4) == "abcd"


class TestPositions:
    @pytest.mark.parametrize(
        ("why", "position"),
        [
            ("StopTriggered at 13", 13),
            ("at candidate.verify at line 47: StopTriggered at 9: {}", 9),
            ("no such event; there is none of that type", None),
        ],
    )
    def test_a_finding_names_a_position_of_the_log(self, why, position):
        assert position_named(why) == position
        assert "".join(around_position(why)) == why
