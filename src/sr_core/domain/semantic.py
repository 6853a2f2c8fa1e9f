"""Semantic evaluation: how far a candidate is from what it should mean, and what follows.

A semantic set names axes. An evaluator measures each: how much is wrong (residual, 0 is
none, 1 is all) and how much it could look at (coverage, 1 is all). `evaluate` joins the
measurements into one record and applies the set's whole rule; `redecide` comes to the
decision again from the record alone, believing none of the sums in it.

An axis that nobody measured makes the decision INDETERMINATE, which is never a pass.

Clauses: SPEC 7.9 (schemas, composite norm, decision rule).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite, sqrt
from typing import Final

from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import CandidateId, SuiteId, candidate_hash
from sr_core.domain.judging_errors import CandidateMismatch
from sr_core.domain.refs import ContentHash

SCHEMA: Final = "sr.semantic_eval.v1"


class ConstraintType(StrEnum):
    """What a constraint asks for."""

    REQUIRED = "required"
    PROHIBITED = "prohibited"
    PREFERRED = "preferred"
    CONDITIONAL_REQUIRED = "conditional_required"
    CONDITIONAL_PROHIBITED = "conditional_prohibited"


class Severity(StrEnum):
    """How much a violation weighs."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class DecisionStatus(StrEnum):
    """What follows from an evaluation."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    INDETERMINATE = "INDETERMINATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticAxis:
    """One direction in which meaning can be off."""

    axis_id: str
    name: str
    description: str
    weight: float
    required: bool
    min_coverage: float | None = None
    max_residual: float | None = None

    def __post_init__(self) -> None:
        _require_share(f"{self.axis_id}.min_coverage", self.min_coverage)
        _require_share(f"{self.axis_id}.max_residual", self.max_residual)
        if not (isfinite(self.weight) and self.weight > 0):
            raise MalformedInput(
                field=f"{self.axis_id}.weight",
                found=self.weight,
                expected="a number above 0",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticConstraint:
    """One thing that has to hold; its violations have its identifier as their code."""

    constraint_id: str
    description: str
    constraint_type: ConstraintType
    severity: Severity
    expression: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRule:
    """How measurements become a decision; `thresholds` bounds single violation codes."""

    rule_id: str
    max_residual_norm: float
    min_coverage: float
    max_error_violations: int
    max_warning_violations: int
    thresholds: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_share("max_residual_norm", self.max_residual_norm)
        _require_share("min_coverage", self.min_coverage)
        counts = {
            "max_error_violations": self.max_error_violations,
            "max_warning_violations": self.max_warning_violations,
            **self.thresholds,
        }
        for name, count in counts.items():
            if count < 0:
                raise MalformedInput(field=name, found=count, expected="0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSet:
    """A complete set; its hash covers every field (SPEC 7.9)."""

    semantic_set_id: str
    schema_version: str
    name: str
    description: str
    axes: tuple[SemanticAxis, ...]
    constraints: tuple[SemanticConstraint, ...]
    decision_rule: DecisionRule
    applicable_stages: tuple[str, ...]
    version: str

    def __post_init__(self) -> None:
        _once("axes", [each.axis_id for each in self.axes])
        _once("constraints", [each.constraint_id for each in self.constraints])
        if not self.axes:
            raise MalformedInput(field="axes", found=0, expected="at least one axis")
        codes = {each.constraint_id for each in self.constraints}
        for code in self.decision_rule.thresholds:
            if code not in codes:
                raise MalformedInput(
                    field="thresholds", found=code, expected="a constraint of the set"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisMeasurement:
    """What an evaluator found on one axis."""

    axis_id: str
    residual: float
    coverage: float

    def __post_init__(self) -> None:
        _require_share(f"{self.axis_id}.residual", self.residual)
        _require_share(f"{self.axis_id}.coverage", self.coverage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that is wrong, and where."""

    code: str
    axis: str
    severity: Severity
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """How much is wrong, by axis and in all."""

    per_axis: Mapping[str, float]
    composite_norm: float
    norm_method: str = "L2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much could be looked at, by axis and in all."""

    per_axis: Mapping[str, float]
    composite: float
    below_threshold: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """All that was measured."""

    residual: Residual
    coverage: Coverage
    violations: tuple[Violation, ...]
    additional: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows; `thresholds` is the whole rule, by which it can be found again."""

    status: DecisionStatus
    rule_id: str
    thresholds: Mapping[str, float]
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRef:
    """The set that was applied, pinned by its hash."""

    semantic_set_id: str
    semantic_set_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One ``sr.semantic_eval.v1``.

    An oracle sees a candidate's bytes and not its name, and cannot know the hash of the
    suite that it is itself part of. So its record has the candidate's content hash for an
    identifier, and no suite hash; `bind` gives it both, if the bytes are the candidate's.
    """

    schema: str
    candidate_id: str
    oracle_suite_id: str
    oracle_suite_hash: ContentHash | None
    semantic_set: SetRef
    metrics: Metrics
    decision: Decision
    evaluated_at: str
    procedure_template_id: str | None = None
    stage_id: str | None = None
    notes: str | None = None

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise MalformedInput(field="schema", found=self.schema, expected=SCHEMA)


def composite_norm(weighted: Iterable[tuple[float, float]]) -> float:
    """Return the norm of pairs of weight and residual: sqrt(sum w r^2 / sum w)."""
    pairs = [*weighted]
    weights = sum(weight for weight, _ in pairs)
    if not weights:
        return 0.0
    return sqrt(sum(weight * residual**2 for weight, residual in pairs) / weights)


def composite_coverage(weighted: Iterable[tuple[float, float]]) -> float:
    """Return the mean of pairs of weight and coverage; none at all covers nothing."""
    pairs = [*weighted]
    weights = sum(weight for weight, _ in pairs)
    if not weights:
        return 0.0
    return sum(weight * coverage for weight, coverage in pairs) / weights


def measure(
    set_: SemanticSet,
    measurements: Iterable[AxisMeasurement],
    violations: Iterable[Violation],
) -> Metrics:
    """Return the metrics of what was measured.

    Raises:
        MalformedInput: an axis is not of the set, or was measured twice.

    """
    found = _by_axis(set_, measurements)
    violations = tuple(violations)
    _require_known(set_, (each.axis for each in violations))
    weights = {each.axis_id: each.weight for each in set_.axes}
    return Metrics(
        residual=Residual(
            per_axis={name: each.residual for name, each in found.items()},
            composite_norm=composite_norm(
                (weights[name], each.residual) for name, each in found.items()
            ),
        ),
        coverage=Coverage(
            per_axis={name: each.coverage for name, each in found.items()},
            composite=composite_coverage(
                (weights[name], each.coverage) for name, each in found.items()
            ),
            below_threshold=tuple(
                sorted(
                    axis.axis_id
                    for axis in set_.axes
                    if axis.axis_id in found
                    and axis.min_coverage is not None
                    and found[axis.axis_id].coverage < axis.min_coverage
                )
            ),
        ),
        violations=violations,
    )


def thresholds_of(set_: SemanticSet) -> Mapping[str, float]:
    """Return the set's whole rule as numbers by name."""
    rule = set_.decision_rule
    told: dict[str, float] = {
        "residual_norm.max": rule.max_residual_norm,
        "coverage.min": rule.min_coverage,
        "violations.error.max": rule.max_error_violations,
        "violations.warning.max": rule.max_warning_violations,
    }
    for code, most in rule.thresholds.items():
        told[f"code.{code}.max"] = most
    for axis in set_.axes:
        told[f"axis.{axis.axis_id}.weight"] = axis.weight
        told[f"axis.{axis.axis_id}.required"] = int(axis.required)
        if axis.min_coverage is not None:
            told[f"axis.{axis.axis_id}.coverage.min"] = axis.min_coverage
        if axis.max_residual is not None:
            told[f"axis.{axis.axis_id}.residual.max"] = axis.max_residual
    return told


def decide(metrics: Metrics, thresholds: Mapping[str, float], rule_id: str) -> Decision:
    """Return what follows from `metrics` under the rule that `thresholds` tells.

    The composites are computed anew: what a record says of them counts for nothing.
    """
    axes = _axes_in(thresholds)
    unmeasured = [
        each
        for each in axes
        if each not in metrics.residual.per_axis
        or each not in metrics.coverage.per_axis
    ]
    if unmeasured or not axes:
        status = DecisionStatus.INDETERMINATE
        reasons = [f"{each} was not measured" for each in unmeasured] or ["no axis"]
    else:
        reasons = [*_faults(metrics, thresholds, axes)]
        status = DecisionStatus.FAIL if reasons else DecisionStatus.PASS
    return Decision(
        status=status,
        rule_id=rule_id,
        thresholds=dict(thresholds),
        rationale="; ".join(reasons) or "every threshold is kept",
    )


def evaluate(
    set_: SemanticSet,
    measurements: Iterable[AxisMeasurement],
    violations: Iterable[Violation],
) -> tuple[Metrics, Decision]:
    """Return the metrics of what was measured, and what follows under the set's rule."""
    metrics = measure(set_, measurements, violations)
    rule = set_.decision_rule
    return metrics, decide(metrics, thresholds_of(set_), rule.rule_id)


def redecide(evaluation: Evaluation) -> Decision:
    """Return the decision that the record leads to, from the record alone."""
    said = evaluation.decision
    return decide(evaluation.metrics, said.thresholds, said.rule_id)


def defects(evaluation: Evaluation, set_: SemanticSet) -> tuple[str, ...]:
    """Return what of the record does not follow from what was measured, or from the set."""
    metrics, said = evaluation.metrics, evaluation.decision
    thresholds = thresholds_of(set_)
    found = []
    if dict(said.thresholds) != dict(thresholds):
        found.append("its thresholds are not those of the set")
    if said.rule_id != set_.decision_rule.rule_id:
        found.append("its rule is not that of the set")
    again = redecide(evaluation)
    if again.status is not said.status:
        found.append(f"it says {said.status}, and its numbers say {again.status}")
    measured = measure(
        set_,
        (
            AxisMeasurement(
                axis_id=name,
                residual=residual,
                coverage=metrics.coverage.per_axis.get(name, 0.0),
            )
            for name, residual in metrics.residual.per_axis.items()
        ),
        metrics.violations,
    )
    if (measured.residual, measured.coverage) != (metrics.residual, metrics.coverage):
        found.append("its sums are not those of its axes")
    return tuple(found)


def bind(
    evaluation: Evaluation,
    *,
    candidate_id: CandidateId,
    suite_id: SuiteId,
    suite_hash: ContentHash,
) -> Evaluation:
    """Return the record as one of this candidate and suite.

    Raises:
        CandidateMismatch: the bytes that were judged are not the candidate's.
        MalformedInput: it was made by another suite.

    """
    judged = candidate_hash(candidate_id)
    if evaluation.candidate_id not in {judged, candidate_id}:
        raise CandidateMismatch(declared=evaluation.candidate_id, computed=judged)
    made_by = (evaluation.oracle_suite_id, evaluation.oracle_suite_hash)
    if made_by not in {(suite_id, None), (suite_id, suite_hash)}:
        raise MalformedInput(
            field="oracle_suite_id", found=made_by, expected=f"{suite_id} {suite_hash}"
        )
    return replace(evaluation, candidate_id=candidate_id, oracle_suite_hash=suite_hash)


def _faults(
    metrics: Metrics, thresholds: Mapping[str, float], axes: Iterable[str]
) -> Iterator[str]:
    residuals, coverages = metrics.residual.per_axis, metrics.coverage.per_axis
    axes = [*axes]
    for axis in axes:
        if thresholds[f"axis.{axis}.required"]:
            yield from _over(
                f"{axis} residual",
                residuals[axis],
                thresholds.get(f"axis.{axis}.residual.max"),
            )
            yield from _under(
                f"{axis} coverage",
                coverages[axis],
                thresholds.get(f"axis.{axis}.coverage.min"),
            )
    weights = {each: thresholds[f"axis.{each}.weight"] for each in axes}
    norm = composite_norm((weights[each], residuals[each]) for each in axes)
    yield from _over("the residual norm", norm, thresholds["residual_norm.max"])
    coverage = composite_coverage((weights[each], coverages[each]) for each in axes)
    yield from _under("the coverage", coverage, thresholds["coverage.min"])
    severities = Counter(each.severity for each in metrics.violations)
    for severity in (Severity.ERROR, Severity.WARNING):
        most = thresholds[f"violations.{severity}.max"]
        yield from _over(f"{severity} violations", severities[severity], most)
    codes = Counter(each.code for each in metrics.violations)
    for code in sorted(codes):
        yield from _over(code, codes[code], thresholds.get(f"code.{code}.max"))


def _over(what: str, found: float, most: float | None) -> Iterator[str]:
    if most is not None and found > most:
        yield f"{what} is {found:g}, above {most:g}"


def _under(what: str, found: float, least: float | None) -> Iterator[str]:
    if least is not None and found < least:
        yield f"{what} is {found:g}, below {least:g}"


def _axes_in(thresholds: Mapping[str, float]) -> list[str]:
    """Return the axes that the rule names, each of which has a weight."""
    ending = ".weight"
    return [
        name.removeprefix("axis.").removesuffix(ending)
        for name in thresholds
        if name.startswith("axis.") and name.endswith(ending)
    ]


def _by_axis(
    set_: SemanticSet, measurements: Iterable[AxisMeasurement]
) -> Mapping[str, AxisMeasurement]:
    """Return the measurements by axis, in the order of the set."""
    found = [*measurements]
    _once("measurements", [each.axis_id for each in found])
    _require_known(set_, (each.axis_id for each in found))
    by_name = {each.axis_id: each for each in found}
    return {
        each.axis_id: by_name[each.axis_id]
        for each in set_.axes
        if each.axis_id in by_name
    }


def _require_known(set_: SemanticSet, axes: Iterable[str]) -> None:
    known = [each.axis_id for each in set_.axes]
    for axis in axes:
        if axis not in known:
            raise MalformedInput(
                field="axis", found=axis, expected=f"one of {', '.join(known)}"
            )


def _require_share(field_: str, value: float | None) -> None:
    if value is not None and not 0 <= value <= 1:
        raise MalformedInput(field=field_, found=value, expected="a number from 0 to 1")


def _once(field_: str, names: list[str]) -> None:
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    if doubled:
        raise MalformedInput(field=field_, found=doubled[0], expected="each one once")
