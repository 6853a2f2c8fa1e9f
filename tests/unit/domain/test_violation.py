"""Integrity conditions and the facts of each kind (SPEC 6.3)."""

import pytest

from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.violation import (
    FACTS,
    Violation,
    flaky,
    gap,
    invalid,
    mismatched,
    missing,
    tampered,
)
from sr_core.testing import BUILD, CORE, SOME_HASH

MADE = [
    tampered(CORE, "so", expected=SOME_HASH, actual=SOME_HASH),
    gap(CORE, "so", missing=[BUILD]),
    flaky(BUILD, "so", first=SOME_HASH, second=SOME_HASH),
    mismatched("os", expected="linux", actual="plan9"),
    missing(SOME_HASH, "so"),
    invalid("NOT_JSON", "so"),
]


def test_there_is_one_of_each():
    assert {each.condition_type for each in MADE} == set(IntegrityCondition)


@pytest.mark.parametrize("violation", MADE, ids=lambda it: it.condition_type)
def test_it_says_all_facts_of_its_kind_and_no_other(violation):
    said = {
        name for name in Violation.__slots__ if getattr(violation, name) is not None
    } - {"condition_type", "reason"}

    assert said == FACTS[violation.condition_type]


def test_a_fact_of_another_kind_is_a_bug():
    with pytest.raises(AssertionError, match="are no facts of ORACLE_GAP"):
        Violation(
            condition_type=IntegrityCondition.ORACLE_GAP, reason="so", actual="plan9"
        )


def test_it_is_told_by_its_kind_and_why():
    assert str(gap(CORE, "a silence")) == "ORACLE_GAP: a silence"
