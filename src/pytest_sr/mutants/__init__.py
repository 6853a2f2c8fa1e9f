"""Faulty variants of the platform; importing this registers every mutant.

Each is a bug that a scenario has to notice: see `sr_core` replaced from outside, for the
time of one case (`pytest_sr.mutants.base`).
"""

from pytest_sr.mutants import (
    context,
    judging,
    keys,
    loop_tests,
    loop_tests_b,
    loops,
    planning,
    portals,
    records,
    rules,
    sealing,
    staleness,
    work,
)

__all__ = [
    "context",
    "judging",
    "keys",
    "loop_tests",
    "loop_tests_b",
    "loops",
    "planning",
    "portals",
    "records",
    "rules",
    "sealing",
    "staleness",
    "work",
]
