"""R-YML-1: whatever a file holds, the answer is a scenario or a refusal."""

from collections.abc import Callable
from unittest.mock import patch

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sr.parse import ScenarioRefused
from pytest_sr.parse import load as loading
from pytest_sr.scenario import Scenario, bind

MARKS = "{}[]&*!|>'\"%@`#,:?-<~$ \t\n\r"
YAML_LIKE = st.text(st.sampled_from(MARKS + "a1é") | st.characters(), max_size=200)
KEYS = [
    *("as", "at", "after", "before", "heal", "while", "within", "mutant", "turns_red"),
    *("without", "event", "answer", "run.completed", "s3.object", "candidate.verify"),
    *("type", "status", "suite", "key", "do", "x"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        ["run", "lost", "${run}", "${case.how}", "10s", "refused", "heal"]
    )
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
SECTIONS = [
    "tags",
    "timeout",
    "cases",
    "matrix",
    "given",
    "fault",
    "when",
    "then",
    "always",
    "controls",
]


def answered(parse: Callable[[str | bytes], Scenario], text: str | bytes) -> None:
    """Parse `text`; anything raised but a refusal is what the test is after."""
    outcome = outcome_of(parse, text)
    if isinstance(outcome, Scenario):
        for case in outcome.cases:
            bind(outcome, case)
    else:
        assert outcome.errors
        assert all(each.place.line >= 1 <= each.place.column for each in outcome.errors)
        assert len(str(outcome).splitlines()) == len(outcome.errors)


def outcome_of(
    parse: Callable[[str | bytes], Scenario], text: str | bytes
) -> Scenario | ScenarioRefused:
    try:
        return parse(text)
    except ScenarioRefused as refused:
        return refused


@given(text=st.text(max_size=200))
def test_any_text_is_answered(parse, text):
    answered(parse, text)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_answered(parse, data):
    answered(parse, data)


@settings(max_examples=300)
@given(text=YAML_LIKE)
def test_any_marks_of_yaml_are_answered(parse, text):
    answered(parse, text)


@given(text=YAML_LIKE)
def test_and_without_the_c_library(parse, text):
    with patch.object(loading, "_LOADER", yaml.SafeLoader):
        answered(parse, text)


@settings(max_examples=300)
@given(data=st.data())
def test_any_damage_to_a_good_file_is_answered(parse, a_file, data):
    text = a_file()
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(begin + 30, len(text))))
    damage = data.draw(st.text(st.sampled_from(MARKS + "a1"), max_size=6))

    answered(parse, text[:begin] + damage + text[end:])


@settings(max_examples=300)
@given(section=st.sampled_from(SECTIONS), value=VALUES)
def test_any_section_of_another_shape_is_answered(parse, a_file, section, value):
    document = yaml.safe_load(a_file())
    document[section] = value

    answered(parse, yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
