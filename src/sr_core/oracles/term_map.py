"""Oracle: each defined term is used as the term map has it.

    python3 -I -B term_map.py --oracle-id oracle:term_map --set-hash …

A term is aligned if the map has it, with the meaning that the intake gives it, and if no
statement calls it by an alias. An intake that defines no term has nothing to align.
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

from typing import Any, Final

AXIS: Final = "term_map_aligned"
MAP: Final = "artifacts/validation/term_map.json"


def measure(candidate: Path) -> _intake.Measured:
    """Return how many of the defined terms are aligned."""
    intake = _intake.load_intake(candidate)
    definitions = intake.get("definitions")
    if not isinstance(definitions, dict) or not definitions:
        message = "the intake defines no term"
        raise _intake.UnmeasurableError(message)
    known = load_terms(candidate)
    said = " \n ".join(_intake.statements(intake).values()).lower()
    astray = {
        term: why
        for term, meaning in definitions.items()
        if (why := refusal(known.get(term), meaning, said))
    }
    aligned = len(definitions) - len(astray)
    return _intake.Measured(
        axis=AXIS,
        residual=len(astray) / len(definitions),
        coverage=aligned / len(definitions),
        counted=len(definitions),
        violations=[
            _intake.Violation(
                code="terms_used_consistently",
                axis=AXIS,
                severity="warning",
                detail=f"{term}: {why}",
            )
            for term, why in astray.items()
        ],
    )


def load_terms(candidate: Path) -> dict[str, Any]:
    """Return the terms of the map; without a map there are none."""
    if not (candidate / MAP).exists():
        return {}
    found = _intake.load_json(candidate, MAP)
    terms = found.get("terms") if isinstance(found, dict) else None
    if not isinstance(terms, dict):
        message = f"{MAP} holds no terms"
        raise _intake.UnmeasurableError(message)
    return terms


def refusal(entry: object, meaning: object, said: str) -> str | None:
    """Return why a term is not aligned, if it is not; what is said is in lower case."""
    if not isinstance(entry, dict):
        return "the term map has it not"
    if entry.get("definition") != meaning:
        return "the term map gives it another meaning"
    aliases = entry.get("aliases")
    used = [
        each
        for each in (aliases if isinstance(aliases, list) else [])
        if f" {' '.join(_intake.words(str(each)))} "
        in f" {' '.join(_intake.words(said))} "
    ]
    return f"it is called {', '.join(map(str, used))}" if used else None


if __name__ == "__main__":
    sys.exit(_intake.main("term_map", measure))
