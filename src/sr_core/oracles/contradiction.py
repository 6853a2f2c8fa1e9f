"""Oracle: no two statements of the intake rule each other out.

    python3 -I -B contradiction.py --oracle-id oracle:contradiction --set-hash …

Four kinds are found, each by a rule that gives the same answer every time:

    a demand and its denial      "must use SQL" and "must not use SQL"
    bounds that cannot both hold "at least 10 pages" and "at most 5 pages"
    two things at one place      two deliverables with one path
    one term, two meanings       definitions that differ in the spelling of the term alone

What is contradicted by meaning alone, in other words, is beyond it: that is for people.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sr_core.oracles import _intake
else:  # -I keeps a program's own directory off the path
    sys.path.insert(0, str(Path(__file__).parent))
    import _intake

    sys.path.pop(0)

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

AXIS: Final = "contradiction_free"
DENIAL: Final = re.compile(
    r"\b(?:must not|shall not|may not|should not|cannot|can not|must never|never)\b"
)
DEMAND: Final = re.compile(r"\b(?:must|shall|should|will|always|has to|have to)\b")
BOUND: Final = re.compile(
    r"\b(?P<word>at least|no fewer than|no less than|a minimum of|at most|no more than"
    r"|a maximum of|exactly) (?P<number>\d+(?:\.\d+)?)\b"
)
LOWER: Final = frozenset({"at least", "no fewer than", "no less than", "a minimum of"})
EMPTY_WORDS: Final = frozenset(
    {"a", "an", "and", "any", "are", "as", "be", "been", "by", "for", "from", "in"}
    | {"is", "it", "its", "of", "on", "or", "that", "the", "this", "to", "with"}
    | {"must", "shall", "should", "will", "has", "have"}
)


def measure(candidate: Path) -> _intake.Measured:
    """Return how many of the intake's statements are part of a contradiction."""
    intake = _intake.load_intake(candidate)
    stated = _intake.statements(intake)
    pairs = [*contradictions(intake, stated)]
    places = {**stated, **{place: "" for pair in pairs for place in pair[:2]}}
    involved = {place for pair in pairs for place in pair[:2]}
    return _intake.Measured(
        axis=AXIS,
        residual=len(involved) / len(places),
        coverage=1.0,
        counted=len(stated),
        violations=[
            _intake.Violation(
                code="no_contradictions",
                axis=AXIS,
                severity="error",
                detail=f"{one} and {other}: {why}",
            )
            for one, other, why in pairs
        ],
    )


def contradictions(
    intake: dict[str, Any], stated: dict[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield each pair of places that rule each other out, and why."""
    for (one, first), (other, second) in combinations(stated.items(), 2):
        if is_denied(first, second) or is_denied(second, first):
            yield one, other, "one demands what the other denies"
        elif are_apart(first, second):
            yield one, other, "no number keeps both bounds"
    yield from shared_places(_intake.items(intake, "deliverables"))
    definitions = intake.get("definitions")
    if isinstance(definitions, dict):
        yield from doubled_terms(definitions)


def shared_places(deliverables: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each pair of deliverables that lie at one path."""
    paths = [
        (f"deliverables[{index}]", str(each.get("path")))
        for index, each in enumerate(deliverables)
        if isinstance(each, dict)
    ]
    for (one, path), (other, another) in combinations(paths, 2):
        if path == another:
            yield one, other, f"both lie at {path}"


def doubled_terms(definitions: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each pair of definitions of one term that differ."""
    for (term, meaning), (other, another) in combinations(definitions.items(), 2):
        if term.casefold() == other.casefold() and meaning != another:
            yield (
                f"definitions.{term}",
                f"definitions.{other}",
                "one term, two meanings",
            )


def is_denied(demand: str, denial: str) -> bool:
    """Whether the one demands the very thing that the other denies."""
    first, second = demand.lower(), denial.lower()
    is_demand = DEMAND.search(first) is not None and DENIAL.search(first) is None
    if not is_demand or DENIAL.search(second) is None:
        return False
    wanted = content(DEMAND.sub(" ", first))
    return bool(wanted) and wanted == content(DENIAL.sub(" ", second))


def are_apart(one: str, other: str) -> bool:
    """Whether both bound the same thing, and no number keeps both bounds."""
    first, second = BOUND.search(one.lower()), BOUND.search(other.lower())
    if first is None or second is None:
        return False
    if content(BOUND.sub(" ", one.lower())) != content(BOUND.sub(" ", other.lower())):
        return False
    low = max(lower(first), lower(second))
    return low > min(upper(first), upper(second))


def lower(bound: re.Match[str]) -> float:
    """Return the least number that keeps the bound."""
    is_lower = bound["word"] in LOWER or bound["word"] == "exactly"
    return float(bound["number"]) if is_lower else float("-inf")


def upper(bound: re.Match[str]) -> float:
    """Return the greatest number that keeps the bound."""
    return float("inf") if bound["word"] in LOWER else float(bound["number"])


def content(text: str) -> frozenset[str]:
    """Return the words of a text that say what it is about."""
    return frozenset(_intake.words(text)) - EMPTY_WORDS


if __name__ == "__main__":
    sys.exit(_intake.main("contradiction", measure))
