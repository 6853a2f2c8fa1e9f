"""Oracle: the intake has every field that it needs, each of its form (SPEC 7.10).

python3 -I -B schema_compliance.py --oracle-id oracle:schema_compliance --set-hash …
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
from collections.abc import Callable, Iterator
from typing import Any, Final

AXIS: Final = "schema_compliance"
KINDS: Final = frozenset(
    {
        "research_memo",
        "decision_record",
        "ontology_build",
        "analysis_report",
        "technical_spec",
        "implementation_plan",
        "intake_processing",
        "design_document",
        "review_response",
    }
)
PATH: Final = re.compile(r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[\w./-]+\Z")
SENTENCE_END: Final = re.compile(r"[.!?]\s+\S")


def measure(candidate: Path) -> _intake.Measured:
    """Return how far the intake is from its schema."""
    intake = _intake.load_intake(candidate)
    present = [name for name in FIELDS if name in intake]
    checks = [*checked(intake)]
    failed = [each for each in checks if not each[1]]
    return _intake.Measured(
        axis=AXIS,
        residual=len(failed) / len(checks),
        coverage=len(present) / len(FIELDS),
        counted=len(checks),
        violations=[
            _intake.Violation(code=code, axis=AXIS, severity="error", detail=detail)
            for code, _, detail in failed
        ],
    )


def checked(intake: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    """Yield each check: the constraint, whether it holds, and what it is about."""
    for name, is_right in FIELDS.items():
        holds = name in intake and is_right(intake[name])
        yield "required_fields_present", holds, name
    surplus = sorted(intake.keys() - FIELDS.keys())
    yield "required_fields_present", not surplus, f"unknown: {', '.join(surplus)}"
    for index, each in enumerate(_intake.items(intake, "deliverables")):
        path = each.get("path") if isinstance(each, dict) else None
        holds = isinstance(path, str) and PATH.match(path) is not None
        yield "deliverables_have_paths", holds, f"deliverables[{index}].path"


def is_text(value: object) -> bool:
    """Whether it is text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def is_sentence(value: object) -> bool:
    """Whether it is one sentence."""
    return (
        isinstance(value, str)
        and is_text(value)
        and not SENTENCE_END.search(value.strip())
    )


def is_list_of(
    is_right: Callable[[object], bool], *, least: int = 0
) -> Callable[[object], bool]:
    """Return a check for a list of at least so many right things."""
    return lambda value: (
        isinstance(value, list) and len(value) >= least and all(map(is_right, value))
    )


def is_deliverable(value: object) -> bool:
    """Whether it has a name and a format; its path is looked at by itself."""
    return (
        isinstance(value, dict)
        and is_text(value.get("name"))
        and is_text(value.get("format"))
        and value.keys() <= {"name", "format", "path", "description"}
    )


def is_ref(value: object) -> bool:
    """Whether it is a typed reference."""
    return (
        isinstance(value, dict)
        and value.keys() == {"kind", "id", "rel", "meta"}
        and all(is_text(value[name]) for name in ("kind", "id", "rel"))
        and isinstance(value["meta"], dict)
    )


def is_glossary(value: object) -> bool:
    """Whether it gives each term its meaning."""
    return isinstance(value, dict) and all(map(is_text, value.values()))


def is_work_unit(value: object) -> bool:
    """Whether it names a work unit."""
    return isinstance(value, str) and bool(re.fullmatch(r"WU-[\w.-]+", value))


FIELDS: Final[dict[str, Callable[[Any], bool]]] = {
    "work_unit_id": is_work_unit,
    "title": is_text,
    "kind": lambda value: value in KINDS,
    "objective": is_sentence,
    "audience": is_text,
    "deliverables": is_list_of(is_deliverable, least=1),
    "constraints": is_list_of(is_text),
    "definitions": is_glossary,
    "inputs": is_list_of(is_ref),
    "unknowns": is_list_of(is_text),
    "completion_criteria": is_list_of(is_text, least=1),
}


if __name__ == "__main__":
    sys.exit(_intake.main("schema_compliance", measure))
