"""Oracle: the intake is admissible by the whole rule of its semantic set (SPEC 7.9).

    python3 -I -B semantic_eval.py --oracle-id oracle:semantic_eval
        --suite-id suite:SR-SUITE-SEMANTIC --set-hash …

Measures every axis anew and leaves, below ``reports/semantic/``:

    residual.json    how much is wrong, by axis
    coverage.json    how much could be looked at, by axis
    violations.json  what is wrong, and counts by severity
    eval.json        all of it with the decision: one ``sr.semantic_eval.v1``

The verdict is PASS if and only if the decision is. A program that could not do its work
leaves no report and exits with 3: that is no verdict. The candidate is named by the hash
of its bytes, which the platform holds against the candidate that it sent.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sr_core.oracles import (
        _intake,
        _report,
        ambiguity,
        contradiction,
        privacy,
        schema_compliance,
        term_map,
        traceability,
    )
else:  # -I keeps a program's own directory off the path
    sys.path.insert(0, str(Path(__file__).parent))
    import _intake
    import _report
    import ambiguity
    import contradiction
    import privacy
    import schema_compliance
    import term_map
    import traceability

    sys.path.pop(0)

EVALUATORS: Final = (
    schema_compliance,
    traceability,
    contradiction,
    ambiguity,
    privacy,
    term_map,
)
BELOW: Final = ("semantic",)


def main() -> int:
    """Evaluate, write the reports and return the exit status."""
    arguments = _report.parser()
    arguments.add_argument("--set-hash", required=True)
    arguments.add_argument("--suite-id", required=True)
    given = arguments.parse_args()
    report = _report.Report("semantic_eval", oracle_id=given.oracle_id)
    semantic_set = _intake.load_set(given.set_hash)
    candidate = _report.candidate_directory()
    found, unmeasured = measured(candidate)
    metrics = metrics_of(semantic_set, found)
    decision = decided(semantic_set, metrics)
    record = {
        "schema": "sr.semantic_eval.v1",
        "candidate_id": content_hash(candidate),
        "oracle_suite_id": given.suite_id,
        "oracle_suite_hash": None,
        "semantic_set": {
            "semantic_set_id": semantic_set["semantic_set_id"],
            "semantic_set_hash": given.set_hash,
        },
        "metrics": metrics,
        "decision": decision,
        "evaluated_at": _report.now(),
        "procedure_template_id": None,
        "stage_id": None,
        "notes": "; ".join(f"{axis}: {why}" for axis, why in unmeasured.items())
        or None,
    }
    write_reports(record)
    return report.conclude(
        passed=decision["status"] == "PASS",
        summary=f"{decision['status']}: {decision['rationale']}",
        details={"decision": decision["status"], "unmeasured": unmeasured},
    )


def measured(candidate: Path) -> tuple[list[_intake.Measured], dict[str, str]]:
    """Return what each evaluator found, and why some found nothing to measure."""
    found: list[_intake.Measured] = []
    unmeasured: dict[str, str] = {}
    for each in EVALUATORS:
        try:
            found.append(each.measure(candidate))
        except _intake.UnmeasurableError as nothing:
            unmeasured[each.AXIS] = str(nothing)
    return found, unmeasured


def metrics_of(
    semantic_set: dict[str, Any], found: list[_intake.Measured]
) -> dict[str, Any]:
    """Return the metrics, in the nested form."""
    by_axis = {each.axis: each for each in found}
    axes = [each for each in semantic_set["axes"] if each["axis_id"] in by_axis]
    residuals = {each["axis_id"]: by_axis[each["axis_id"]].residual for each in axes}
    coverages = {each["axis_id"]: by_axis[each["axis_id"]].coverage for each in axes}
    below = [
        each["axis_id"]
        for each in axes
        if each["min_coverage"] is not None
        and coverages[each["axis_id"]] < each["min_coverage"]
    ]
    return {
        "residual": {
            "per_axis": residuals,
            "composite_norm": norm(axes, residuals),
            "norm_method": "L2",
        },
        "coverage": {
            "per_axis": coverages,
            "composite": mean(axes, coverages),
            "below_threshold": sorted(below),
        },
        "violations": [asdict(one) for each in found for one in each.violations],
        "additional": {},
    }


def norm(axes: list[dict[str, Any]], residuals: dict[str, float]) -> float:
    """Return sqrt(sum w r^2 / sum w)."""
    weights = sum(each["weight"] for each in axes)
    squares = sum(each["weight"] * residuals[each["axis_id"]] ** 2 for each in axes)
    return sqrt(squares / weights) if weights else 0.0


def mean(axes: list[dict[str, Any]], coverages: dict[str, float]) -> float:
    """Return sum w c / sum w."""
    weights = sum(each["weight"] for each in axes)
    covered = sum(each["weight"] * coverages[each["axis_id"]] for each in axes)
    return covered / weights if weights else 0.0


def decided(semantic_set: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the decision, with the whole rule that led to it."""
    residuals = metrics["residual"]["per_axis"]
    missing = [
        each["axis_id"]
        for each in semantic_set["axes"]
        if each["axis_id"] not in residuals
    ]
    reasons = [f"{each} was not measured" for each in missing]
    status = "INDETERMINATE"
    if not missing:
        reasons = [*faults(semantic_set, metrics)]
        status = "FAIL" if reasons else "PASS"
    return {
        "status": status,
        "rule_id": semantic_set["decision_rule"]["rule_id"],
        "thresholds": thresholds(semantic_set),
        "rationale": "; ".join(reasons) or "every threshold is kept",
    }


def faults(semantic_set: dict[str, Any], metrics: dict[str, Any]) -> Iterator[str]:
    """Yield each threshold that is not kept."""
    rule = semantic_set["decision_rule"]
    residuals = metrics["residual"]["per_axis"]
    coverages = metrics["coverage"]["per_axis"]
    for axis in semantic_set["axes"]:
        name = axis["axis_id"]
        if axis["required"]:
            yield from over(f"{name} residual", residuals[name], axis["max_residual"])
            yield from under(f"{name} coverage", coverages[name], axis["min_coverage"])
    composite = metrics["residual"]["composite_norm"]
    yield from over("the residual norm", composite, rule["max_residual_norm"])
    covered = metrics["coverage"]["composite"]
    yield from under("the coverage", covered, rule["min_coverage"])
    severities = Counter(each["severity"] for each in metrics["violations"])
    for severity in ("error", "warning"):
        most = rule[f"max_{severity}_violations"]
        yield from over(f"{severity} violations", severities[severity], most)
    codes = Counter(each["code"] for each in metrics["violations"])
    for code in sorted(codes):
        yield from over(code, codes[code], rule["thresholds"].get(code))


def thresholds(semantic_set: dict[str, Any]) -> dict[str, float]:
    """Return the set's whole rule as numbers by name."""
    rule = semantic_set["decision_rule"]
    told: dict[str, float] = {
        "residual_norm.max": rule["max_residual_norm"],
        "coverage.min": rule["min_coverage"],
        "violations.error.max": rule["max_error_violations"],
        "violations.warning.max": rule["max_warning_violations"],
    }
    told |= {f"code.{code}.max": most for code, most in rule["thresholds"].items()}
    for axis in semantic_set["axes"]:
        name = axis["axis_id"]
        told[f"axis.{name}.weight"] = axis["weight"]
        told[f"axis.{name}.required"] = int(axis["required"])
        if axis["min_coverage"] is not None:
            told[f"axis.{name}.coverage.min"] = axis["min_coverage"]
        if axis["max_residual"] is not None:
            told[f"axis.{name}.residual.max"] = axis["max_residual"]
    return told


def over(what: str, found: float, most: float | None) -> Iterator[str]:
    """Yield what is found to be too much, if it is."""
    if most is not None and found > most:
        yield f"{what} is {found:g}, above {most:g}"


def under(what: str, found: float, least: float | None) -> Iterator[str]:
    """Yield what is found to be too little, if it is."""
    if least is not None and found < least:
        yield f"{what} is {found:g}, below {least:g}"


def content_hash(candidate: Path) -> str:
    """Return the hash of the candidate's manifest, as the platform computes it."""
    files = []
    for each in _intake.files_below(candidate):
        data = each.read_bytes()
        files.append(
            {
                "content_hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
                "path": each.relative_to(candidate).as_posix(),
                "size": len(data),
            }
        )
    files.sort(key=lambda one: str(one["path"]))
    manifest = json.dumps(
        {"files": files}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def write_reports(record: dict[str, Any]) -> None:
    """Write the four reports."""
    metrics = record["metrics"]
    head = {each: record[each] for each in ("candidate_id", "semantic_set")}
    counts = Counter(each["severity"] for each in metrics["violations"])
    reports = {
        "residual.json": {**head, **metrics["residual"]},
        "coverage.json": {**head, **metrics["coverage"]},
        "violations.json": {
            **head,
            "violations": metrics["violations"],
            "summary": {
                severity: counts[severity] for severity in ("error", "warning", "info")
            },
        },
        "eval.json": record,
    }
    for name, body in reports.items():
        _report.write(name, json.dumps(body, sort_keys=True).encode(), below=BELOW)


if __name__ == "__main__":
    sys.exit(main())
