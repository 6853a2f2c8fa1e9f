"""Oracle: what the intake states is borne out by words of its source.

    python3 -I -B traceability.py --oracle-id oracle:traceability --set-hash …

The extraction log names, for a statement, a file of the candidate and the words there
that it was taken from. A trace counts if those words really stand in that file, and if
they and the statement have a word of meaning in common. What the log merely claims does
not count, and a false quotation is an error.
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

AXIS: Final = "traceability_coverage"
LOG: Final = "artifacts/intake/extraction_log.json"
LETTERS_MIN: Final = 4
"""How long a word has to be to mean something by itself."""


def measure(candidate: Path) -> _intake.Measured:
    """Return how much of the intake is borne out by its source."""
    stated = _intake.statements(_intake.load_intake(candidate))
    traces = load_traces(candidate)
    borne_out: set[str] = set()
    false: list[str] = []
    for each in traces:
        where = str(each.get("statement"))
        why_not = refusal(candidate, each, stated)
        if why_not is None:
            borne_out.add(where)
        else:
            false.append(f"{where}: {why_not}")
    untraced = [each for each in stated if each not in borne_out]
    return _intake.Measured(
        axis=AXIS,
        residual=len(false) / len(traces) if traces else 0.0,
        coverage=len(borne_out) / len(stated),
        counted=len(stated),
        violations=[
            *(violation("false_trace", "error", each) for each in false),
            *(violation("untraced_statement", "info", each) for each in untraced),
        ],
    )


def load_traces(candidate: Path) -> list[dict[str, Any]]:
    """Return the traces that the log holds; without a log there are none."""
    if not (candidate / LOG).exists():
        return []
    log = _intake.load_json(candidate, LOG)
    traces = log.get("traces") if isinstance(log, dict) else None
    if not isinstance(traces, list) or not all(
        isinstance(each, dict) for each in traces
    ):
        message = f"{LOG} holds no list of traces"
        raise _intake.UnmeasurableError(message)
    return traces


def refusal(
    candidate: Path, trace: dict[str, Any], stated: dict[str, str]
) -> str | None:
    """Return why the trace bears nothing out, if it does not."""
    statement = stated.get(str(trace.get("statement")))
    if statement is None:
        return "the intake states no such thing"
    quote = _intake.words(str(trace.get("quote", "")))
    if not meaning(quote) & meaning(_intake.words(statement)):
        return "the words quoted have nothing in common with it"
    name = str(trace.get("source", ""))
    source = candidate / name
    if not name or candidate.resolve() not in source.resolve().parents:
        return f"{name!r} is no file of the candidate"
    try:
        text = _intake.read_text(source)
    except (OSError, ValueError) as error:
        return f"{name} cannot be read: {error}"
    if not stands_in(quote, _intake.words(text)):
        return f"the words quoted do not stand in {name}"
    return None


def stands_in(quote: list[str], text: list[str]) -> bool:
    """Whether the words of the quotation follow each other in the text."""
    return f" {' '.join(quote)} " in f" {' '.join(text)} "


def meaning(found: list[str]) -> set[str]:
    """Return the words that mean something by themselves."""
    return {each for each in found if len(each) >= LETTERS_MIN}


def violation(code: str, severity: str, detail: str) -> _intake.Violation:
    """Return a violation on this axis."""
    return _intake.Violation(code=code, axis=AXIS, severity=severity, detail=detail)


if __name__ == "__main__":
    sys.exit(_intake.main("traceability", measure))
