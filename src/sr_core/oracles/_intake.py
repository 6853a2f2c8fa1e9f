"""What the intake's oracles share: the intake, what it states, and a word on one axis."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sr_core.oracles import _report
else:  # -I keeps a program's own directory off the path
    sys.path.insert(0, str(Path(__file__).parent))
    import _report

    sys.path.pop(0)

SET: Final = Path(__file__).parent / "intake_admissibility.json"
INTAKES: Final = (
    "candidate/intake.json",
    "candidate/intake.yaml",
    "artifacts/intake/draft_intake.json",
    "artifacts/intake/draft_intake.yaml",
)
"""Where an intake lies, the first that is there; YAML has to be in its JSON form."""

BYTES_MAX: Final = 10 * 1024 * 1024
UNJUDGED: Final = 3
"""The exit status of a program that could not do its work, and leaves no report."""


class UnmeasurableError(Exception):
    """There is nothing to measure the axis on; the message says what is not there."""


@dataclass
class Violation:
    """One thing that is wrong, and where."""

    code: str
    axis: str
    severity: str
    detail: str


@dataclass
class Measured:
    """What was found on one axis; `counted` is how many things were looked at."""

    axis: str
    residual: float
    coverage: float
    counted: int
    violations: list[Violation] = field(default_factory=list)


Measure = Callable[[Path], Measured]


def main(name: str, measure: Measure) -> int:
    """Measure one axis, write the report and return the exit status."""
    arguments = _report.parser()
    arguments.add_argument("--set-hash", required=True)
    given = arguments.parse_args()
    report = _report.Report(name, oracle_id=given.oracle_id)
    axes = {each["axis_id"]: each for each in load_set(given.set_hash)["axes"]}
    try:
        found = measure(_report.candidate_directory())
    except UnmeasurableError as nothing:
        return report.conclude(passed=False, summary=str(nothing), details={})
    faults = [*faults_of(found, axes[found.axis])]
    told = (
        f"{found.axis}: residual {found.residual:g}, coverage {found.coverage:g} "
        f"over {found.counted}"
    )
    return report.conclude(
        passed=not faults,
        summary="; ".join([told, *faults]),
        details=listed(found),
    )


def faults_of(found: Measured, axis: dict[str, Any]) -> Iterator[str]:
    """Yield what keeps the axis from passing by itself."""
    most, least = axis["max_residual"], axis["min_coverage"]
    if most is not None and found.residual > most:
        yield f"the residual may be {most:g}"
    if least is not None and found.coverage < least:
        yield f"the coverage has to be {least:g}"
    errors = sum(each.severity == "error" for each in found.violations)
    if errors:
        yield f"{errors} violations are errors"


def listed(found: Measured) -> dict[str, object]:
    """Return what was found, as a report's details have it."""
    told = asdict(found)
    told["violations"] = told["violations"][: _report.LISTED_MAX]
    return {**told, "violation_count": len(found.violations)}


def load_set(expected: str) -> dict[str, Any]:
    """Return the semantic set, or end the program: another set was meant."""
    data = SET.read_bytes()
    actual = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if actual != expected:
        sys.stderr.write(f"the semantic set has the hash {actual}, not {expected}\n")
        sys.exit(UNJUDGED)
    loaded: dict[str, Any] = json.loads(data)
    return loaded


def load_intake(candidate: Path) -> dict[str, Any]:
    """Return the candidate's intake.

    Raises:
        UnmeasurableError: there is none, or none that can be read.

    """
    found = next((each for each in INTAKES if (candidate / each).exists()), None)
    if found is None:
        message = f"there is no intake: none of {', '.join(INTAKES)} is there"
        raise UnmeasurableError(message)
    intake = load_json(candidate, found)
    if not isinstance(intake, dict):
        message = f"{found} holds no intake, but {type(intake).__name__}"
        raise UnmeasurableError(message)
    return intake


def load_json(candidate: Path, name: str) -> Any:  # noqa: ANN401 - JSON holds anything
    """Return the JSON in a file of the candidate, or raise `UnmeasurableError`."""
    try:
        return json.loads(read_text(candidate / name), object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        message = f"{name} cannot be read as JSON: {error}"
        raise UnmeasurableError(message) from error


def read_text(path: Path) -> str:
    """Return the text of a regular file; anything else is a `ValueError`."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        message = "not a regular file"
        raise ValueError(message)
    if found.st_size > BYTES_MAX:
        message = f"larger than {BYTES_MAX} bytes"
        raise ValueError(message)
    text = path.read_bytes().decode()
    if "\0" in text:
        message = "not text"
        raise ValueError(message)
    return text


def files_below(candidate: Path) -> Iterator[Path]:
    """Yield every file of the candidate in order, following no link."""
    for directory, folders, names in os.walk(candidate, onerror=_raise):
        folders.sort()
        links = [each for each in folders if (Path(directory) / each).is_symlink()]
        for name in sorted([*names, *links]):
            yield Path(directory) / name


def statements(intake: dict[str, Any]) -> dict[str, str]:
    """Return what the intake states, by where it does.

    Raises:
        UnmeasurableError: it states nothing.

    """
    found: dict[str, str] = {}
    objective = intake.get("objective")
    if isinstance(objective, str) and objective.strip():
        found["objective"] = objective
    for name in ("constraints", "completion_criteria"):
        for index, text in enumerate(items(intake, name)):
            if isinstance(text, str) and text.strip():
                found[f"{name}[{index}]"] = text
    for index, each in enumerate(items(intake, "deliverables")):
        text = each.get("description") if isinstance(each, dict) else None
        if isinstance(text, str) and text.strip():
            found[f"deliverables[{index}]"] = text
    if not found:
        message = "the intake states nothing"
        raise UnmeasurableError(message)
    return found


def items(intake: dict[str, Any], name: str) -> list[Any]:
    """Return the list of that name, empty if there is no such list."""
    found = intake.get(name)
    return found if isinstance(found, list) else []


def words(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", text.lower())


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return made


def _raise(error: OSError) -> None:
    raise error
