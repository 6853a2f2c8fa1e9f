"""R-YML-2, R-YML-5: a value is what YAML 1.2 says it is, and where the author sees it."""

import json
import string
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_sr.parse import Code, ScenarioRefused
from pytest_sr.parse import load as loading
from pytest_sr.parse.problems import Problems
from pytest_sr.parse.tree import ListNode, MapNode, ScalarNode

WITH_AND_WITHOUT_C = [yaml.CSafeLoader, yaml.SafeLoader]


def load(text: str) -> Any:
    problems = Problems()
    root = loading.load(text, "f", problems)
    problems.raise_if_any()
    return root


def plain(node: object) -> object:
    match node:
        case ScalarNode():
            return node.value
        case ListNode():
            return [plain(each) for each in node.items]
        case MapNode():
            return {key: plain(each.value) for key, each in node.entries.items()}
        case _:
            message = f"{node!r} is no node"
            raise AssertionError(message)


def at(node: Any) -> tuple[int, int]:
    return node.place.line, node.place.column


class TestScalars:
    """R-YML-2: the table of what other readers confuse."""

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            *(("true", True), ("True", True), ("FALSE", False), ("null", None)),
            *(("~", None), ("", None), ("Null", None)),
            *(("yes", "yes"), ("no", "no"), ("on", "on"), ("Off", "Off"), ("y", "y")),
            *(("0", 0), ("-12", -12), ("+3", 3), ("012", 12), ("0o14", 12)),
            *(("0x1F", 31), ("1_000", "1_000"), ("0b11", "0b11")),
            *(("1.5", 1.5), ("6e23", 6e23), (".5", 0.5), ("1.", 1.0), ("-1E-2", -0.01)),
            *(("12:30:45", "12:30:45"), ("2026-01-01", "2026-01-01"), ("1e", "1e")),
            *(("'true'", "true"), ('"409"', "409"), ("''", ""), ('"~"', "~")),
            *(("tRue", "tRue"), ("=", "="), ("٣", "٣"), ("<<", "<<"), ("10s", "10s")),
            (str(2**63 - 1), 2**63 - 1),
        ],
    )
    def test_is_read_as_the_core_schema_says(self, written, value):
        found = plain(load(f"a: {written}").entries["a"].value)

        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize("block", ["|\n  true\n", ">\n  true\n"])
    def test_a_block_is_text(self, block):
        assert plain(load(f"a: {block}")) == {"a": "true\n"}

    @pytest.mark.parametrize(
        "written",
        [str(2**63), ".inf", "-.INF", ".nan", "1e400", "9" * 5_000, "0x" + "f" * 99],
    )
    def test_a_number_without_bounds_is_refused(self, written):
        with pytest.raises(ScenarioRefused) as caught:
            load(f"a: {written}")

        assert caught.value.errors[0].code is Code.BAD_NUMBER


class TestPlaces:
    """Every node and every key knows where it stands, in characters."""

    TEXT = "é😀: [x, {k: 'v'}]\nb:\n  - |\n    text\n  -  last\n"

    @pytest.mark.parametrize("loader", WITH_AND_WITHOUT_C)
    def test_every_node_does(self, monkeypatch, loader):
        monkeypatch.setattr(loading, "_LOADER", loader)

        root = load(self.TEXT)

        first, second = root.entries.values()
        assert at(root) == (1, 1)
        assert [at(first), at(second)] == [(1, 1), (2, 1)]
        assert [at(each) for each in first.value.items] == [(1, 6), (1, 9)]
        assert at(first.value.items[1].entries["k"]) == (1, 10)
        assert at(first.value.items[1].entries["k"].value) == (1, 13)
        assert [at(each) for each in second.value.items] == [(3, 5), (5, 6)]


class TestWithoutTheCLibrary:
    """The slower parser of the library is held to the same."""

    @pytest.fixture(autouse=True)
    def _slower(self, monkeypatch):
        monkeypatch.setattr(loading, "_LOADER", yaml.SafeLoader)

    def test_reads_the_same_scenario(self, monkeypatch, parse, a_file):
        slow = parse(a_file())
        monkeypatch.setattr(loading, "_LOADER", yaml.CSafeLoader)

        assert slow == parse(a_file())

    @pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
    def test_deep_nesting_is_refused(self, parse, opening):
        with pytest.raises(ScenarioRefused) as caught:
            parse(opening * (100_000 // len(opening)))

        assert caught.value.errors[0].code is Code.TOO_DEEP

    @pytest.mark.parametrize(
        "written",
        [r'"\UFFFFFFFF"', r'"\U99999999"', r'"\uD800"', r'"\0"', '"\\', "!x!y z"],
    )
    def test_what_its_scanner_stumbles_over_is_refused(self, parse, written):
        with pytest.raises(ScenarioRefused):
            parse(f"a: {written}")


LETTERS = st.text(string.ascii_letters + " _-:#,[]{}&*!|>'\"%@`é😀\n", max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | LETTERS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(LETTERS, inner, max_size=4)
    ),
    max_leaves=20,
)


class TestAgainstJson:
    """R-YML-5: JSON is YAML 1.2, so both readers have to agree on it."""

    @given(value=JSON, indent=st.sampled_from([None, 2]))
    def test_it_reads_the_same(self, value, indent):
        text = json.dumps(value, ensure_ascii=False, indent=indent)

        assert plain(load(text)) == json.loads(text)
