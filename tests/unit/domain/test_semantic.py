"""Semantic evaluation: known numbers, the whole rule, and the record by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.canonical import canonical, plain
from sr_core.codec.semantic import hash_set, parse_evaluation, parse_set
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import CandidateId
from sr_core.domain.judging_errors import CandidateMismatch
from sr_core.domain.refs import hash_bytes
from sr_core.domain.semantic import (
    SCHEMA,
    AxisMeasurement,
    ConstraintType,
    Decision,
    DecisionRule,
    DecisionStatus,
    Evaluation,
    SemanticAxis,
    SemanticConstraint,
    SemanticSet,
    SetRef,
    Severity,
    Violation,
    bind,
    composite_coverage,
    composite_norm,
    defects,
    evaluate,
    measure,
    redecide,
)
from sr_core.domain.semantic_sets import (
    INTAKE_ADMISSIBILITY,
    INTAKE_ORACLES,
    SEMANTIC_SUITE,
    parse_semantic_suite_id,
)
from sr_core.testing import ulid

DIGEST = hash_bytes(b"the bytes that were judged")
CANDIDATE = CandidateId(f"{DIGEST}|cand_{ulid(1)}")
SUITE_HASH = hash_bytes(b"a suite")


def axis(name: str, /, **changes) -> SemanticAxis:
    fields = {
        "axis_id": name,
        "name": name,
        "description": "",
        "weight": 1.0,
        "required": True,
        **changes,
    }
    return SemanticAxis(**fields)


def rule(**changes) -> DecisionRule:
    fields = {
        "rule_id": "rule_1",
        "max_residual_norm": 1.0,
        "min_coverage": 0.0,
        "max_error_violations": 0,
        "max_warning_violations": 1,
        **changes,
    }
    return DecisionRule(**fields)


CONSTRAINT = SemanticConstraint(
    constraint_id="c1",
    description="",
    constraint_type=ConstraintType.REQUIRED,
    severity=Severity.ERROR,
)


def a_set(*axes: SemanticAxis, **changes) -> SemanticSet:
    fields = {
        "semantic_set_id": "semantic_set:TEST",
        "schema_version": "1",
        "name": "",
        "description": "",
        "axes": axes or (axis("a"), axis("b", weight=3.0)),
        "constraints": (CONSTRAINT,),
        "decision_rule": rule(),
        "applicable_stages": (),
        "version": "1.0.0",
        **changes,
    }
    return SemanticSet(**fields)


def found(name: str, residual: float = 0.0, coverage: float = 1.0) -> AxisMeasurement:
    return AxisMeasurement(axis_id=name, residual=residual, coverage=coverage)


def wrong(severity: Severity, code: str = "c1") -> Violation:
    return Violation(code=code, axis="a", severity=severity, detail="")


def decided(set_: SemanticSet, *measurements, violations=()) -> Decision:
    return evaluate(set_, measurements, violations)[1]


def an_evaluation(set_: SemanticSet | None = None, *measurements, violations=()):
    set_ = set_ or a_set()
    metrics, decision = evaluate(
        set_, measurements or (found("a"), found("b")), violations
    )
    return Evaluation(
        schema=SCHEMA,
        candidate_id=DIGEST,
        oracle_suite_id=SEMANTIC_SUITE,
        oracle_suite_hash=None,
        semantic_set=SetRef(
            semantic_set_id=set_.semantic_set_id, semantic_set_hash=hash_set(set_)
        ),
        metrics=metrics,
        decision=decision,
        evaluated_at="2026-01-09T12:00:00Z",
    )


class TestComposites:
    """SPEC 7.9: sqrt(sum w r^2 / sum w)."""

    def test_of_numbers_worked_out_by_hand(self):
        # (1 x 0.6^2 + 3 x 0.2^2) / (1 + 3) = (0.36 + 0.12) / 4 = 0.12
        assert composite_norm([(1, 0.6), (3, 0.2)]) == pytest.approx(0.346410161513775)

    def test_of_coverage_worked_out_by_hand(self):
        # (1 x 0.5 + 3 x 0.9) / 4 = 3.2 / 4
        assert composite_coverage([(1, 0.5), (3, 0.9)]) == pytest.approx(0.8)

    def test_of_the_whole_intake_set_worked_out_by_hand(self):
        residuals = {"ambiguity_bounded": 0.5, "term_map_aligned": 0.25}
        metrics = measure(
            INTAKE_ADMISSIBILITY,
            [
                found(each.axis_id, residuals.get(each.axis_id, 0.0))
                for each in INTAKE_ADMISSIBILITY.axes
            ],
            (),
        )

        # weights 1.0 + 0.8 + 1.0 + 0.6 + 1.0 + 0.7 = 5.1
        # 0.6 x 0.25 + 0.7 x 0.0625 = 0.15 + 0.04375 = 0.19375
        assert metrics.residual.composite_norm == pytest.approx(sqrt(0.19375 / 5.1))

    def test_of_nothing(self):
        assert composite_norm([]) == 0
        assert composite_coverage([]) == 0

    @given(
        st.lists(
            st.tuples(st.floats(0.01, 100), st.floats(0, 1)), min_size=1, max_size=9
        )
    )
    def test_the_norm_lies_between_the_least_and_the_greatest(self, pairs):
        residuals = [residual for _, residual in pairs]

        norm = composite_norm(pairs)

        assert min(residuals) - 1e-9 <= norm <= max(residuals) + 1e-9

    @given(
        st.lists(st.tuples(st.floats(0.01, 100), st.floats(0, 1)), min_size=1),
        st.floats(0.01, 100),
    )
    def test_the_norm_knows_no_unit_of_weight(self, pairs, factor):
        scaled = [(weight * factor, residual) for weight, residual in pairs]

        assert composite_norm(scaled) == pytest.approx(composite_norm(pairs))

    @given(
        st.lists(st.tuples(st.floats(0.01, 100), st.floats(0, 1)), min_size=1),
        st.data(),
    )
    def test_the_norm_never_falls_when_something_gets_worse(self, pairs, data):
        index = data.draw(st.integers(0, len(pairs) - 1))
        weight, residual = pairs[index]
        worse = [*pairs]
        worse[index] = (weight, data.draw(st.floats(residual, 1)))

        assert composite_norm(worse) >= composite_norm(pairs) - 1e-12


class TestRule:
    """SPEC 7.9: every part of the rule is applied, each by itself."""

    def test_what_keeps_every_threshold_passes(self):
        decision = decided(a_set(), found("a"), found("b"))

        assert decision.status is DecisionStatus.PASS
        assert decision.rationale == "every threshold is kept"

    @pytest.mark.parametrize(
        ("limit", "residual", "status"),
        [(0.3, 0.3, "PASS"), (0.3, 0.31, "FAIL"), (None, 1.0, "PASS")],
    )
    def test_the_residual_of_a_required_axis(self, limit, residual, status):
        set_ = a_set(axis("a", max_residual=limit))

        assert decided(set_, found("a", residual)).status == status

    @pytest.mark.parametrize(
        ("limit", "coverage", "status"),
        [(0.8, 0.8, "PASS"), (0.8, 0.79, "FAIL"), (None, 0.0, "PASS")],
    )
    def test_the_coverage_of_a_required_axis(self, limit, coverage, status):
        set_ = a_set(axis("a", min_coverage=limit))

        assert decided(set_, found("a", coverage=coverage)).status == status

    def test_an_optional_axis_counts_in_the_composites_alone(self):
        lenient = axis("a", required=False, min_coverage=1.0, max_residual=0.0)
        bad = found("a", residual=0.9, coverage=0.1)
        strict = rule(max_residual_norm=0.5)

        assert decided(a_set(lenient), bad).status is DecisionStatus.PASS
        assert (
            decided(a_set(lenient, decision_rule=strict), bad).status
            is DecisionStatus.FAIL
        )

    @pytest.mark.parametrize(("most", "status"), [(0.35, "PASS"), (0.34, "FAIL")])
    def test_the_norm_of_all(self, most, status):
        set_ = a_set(decision_rule=rule(max_residual_norm=most))

        assert decided(set_, found("a", 0.6), found("b", 0.2)).status == status

    @pytest.mark.parametrize(("least", "status"), [(0.79, "PASS"), (0.81, "FAIL")])
    def test_the_coverage_of_all(self, least, status):
        set_ = a_set(decision_rule=rule(min_coverage=least))
        decision = decided(set_, found("a", coverage=0.5), found("b", coverage=0.9))

        assert decision.status == status

    @pytest.mark.parametrize(
        ("severity", "count", "status"),
        [
            (Severity.ERROR, 1, "FAIL"),
            (Severity.WARNING, 1, "PASS"),
            (Severity.WARNING, 2, "FAIL"),
            (Severity.INFO, 99, "PASS"),
        ],
    )
    def test_violations_by_severity(self, severity, count, status):
        violations = [wrong(severity)] * count

        decision = decided(a_set(), found("a"), found("b"), violations=violations)

        assert decision.status == status

    @pytest.mark.parametrize(("count", "status"), [(2, "PASS"), (3, "FAIL")])
    def test_violations_by_code(self, count, status):
        set_ = a_set(decision_rule=rule(thresholds={"c1": 2}))
        violations = [wrong(Severity.INFO)] * count

        decision = decided(set_, found("a"), found("b"), violations=violations)

        assert decision.status == status

    def test_every_threshold_that_is_not_kept_is_told(self):
        set_ = a_set(axis("a", max_residual=0.1, min_coverage=0.9))
        decision = decided(
            set_, found("a", 0.5, 0.5), violations=[wrong(Severity.ERROR)]
        )

        assert decision.rationale == (
            "a residual is 0.5, above 0.1; a coverage is 0.5, below 0.9; "
            "error violations is 1, above 0"
        )

    @pytest.mark.parametrize("required", [True, False])
    def test_an_axis_that_nobody_measured_leaves_it_open(self, required):
        set_ = a_set(axis("a"), axis("b", required=required))

        decision = decided(set_, found("a"))

        assert decision.status is DecisionStatus.INDETERMINATE
        assert decision.rationale == "b was not measured"

    def test_that_holds_whatever_else_is_wrong(self):
        decision = decided(a_set(), found("a"), violations=[wrong(Severity.ERROR)])

        assert decision.status is DecisionStatus.INDETERMINATE

    def test_nothing_measured_is_no_pass(self):
        assert decided(a_set()).status is DecisionStatus.INDETERMINATE

    def test_it_says_which_axes_are_covered_too_little(self):
        set_ = a_set(axis("a", min_coverage=0.5), axis("b", min_coverage=0.5))
        metrics = measure(set_, [found("b", coverage=0.4), found("a")], ())

        assert metrics.coverage.below_threshold == ("b",)


class TestForm:
    @pytest.mark.parametrize(
        "measurements", [[found("a"), found("a")], [found("x")]], ids=["twice", "none"]
    )
    def test_each_axis_of_the_set_is_measured_once(self, measurements):
        with pytest.raises(MalformedInput):
            measure(a_set(), measurements, ())

    def test_a_violation_is_on_an_axis_of_the_set(self):
        astray = replace(wrong(Severity.INFO), axis="x")

        with pytest.raises(MalformedInput, match="one of a, b"):
            measure(a_set(), [found("a"), found("b")], [astray])

    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
    @pytest.mark.parametrize("name", ["residual", "coverage"])
    def test_what_is_measured_is_a_share(self, name, value):
        with pytest.raises(MalformedInput, match="from 0 to 1"):
            replace(found("a"), **{name: value})

    @pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
    def test_an_axis_has_a_weight(self, weight):
        with pytest.raises(MalformedInput, match="above 0"):
            axis("a", weight=weight)

    @pytest.mark.parametrize(
        "broken",
        [
            lambda: axis("a", min_coverage=2),
            lambda: axis("a", max_residual=-1),
            lambda: rule(max_residual_norm=2),
            lambda: rule(min_coverage=-1),
            lambda: rule(max_error_violations=-1),
            lambda: rule(thresholds={"c1": -1}),
            lambda: a_set(axis("a"), axis("a")),
            lambda: a_set(constraints=(CONSTRAINT, CONSTRAINT)),
            lambda: a_set(decision_rule=rule(thresholds={"unknown": 1})),
            lambda: replace(a_set(), axes=()),
            lambda: replace(an_evaluation(), schema="sr.semantic_eval.v2"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, broken):
        with pytest.raises(MalformedInput):
            broken()


CHANGES = [
    {"semantic_set_id": "semantic_set:OTHER"},
    {"schema_version": "2"},
    {"name": "other"},
    {"description": "other"},
    {"applicable_stages": ("stage:OTHER",)},
    {"version": "2.0.0"},
    {"constraints": ()},
    {"constraints": (replace(CONSTRAINT, severity=Severity.WARNING),)},
    {"constraints": (replace(CONSTRAINT, expression="x > 1"),)},
    {"constraints": (replace(CONSTRAINT, constraint_type=ConstraintType.PREFERRED),)},
    {"constraints": (replace(CONSTRAINT, description="other"),)},
    {"axes": (axis("a"),)},
    *(
        {"axes": (axis("a", **change), axis("b", weight=3.0))}
        for change in (
            {"name": "other"},
            {"description": "other"},
            {"weight": 2.0},
            {"required": False},
            {"min_coverage": 0.5},
            {"max_residual": 0.5},
        )
    ),
    *(
        {"decision_rule": rule(**change)}
        for change in (
            {"rule_id": "rule_2"},
            {"max_residual_norm": 0.5},
            {"min_coverage": 0.5},
            {"max_error_violations": 1},
            {"max_warning_violations": 2},
            {"thresholds": {"c1": 1}},
        )
    ),
]


class TestHash:
    """A set's hash covers every field, so that no weakening goes unseen."""

    @pytest.mark.parametrize("change", CHANGES, ids=str)
    def test_each_field_counts(self, change):
        assert hash_set(replace(a_set(), **change)) != hash_set(a_set())

    def test_a_set_comes_back_as_it_went_in(self):
        assert parse_set(canonical(INTAKE_ADMISSIBILITY)) == INTAKE_ADMISSIBILITY


class TestRecord:
    """The decision is computable from the record alone."""

    def test_it_comes_back_as_it_went_in(self):
        record = an_evaluation(violations=[wrong(Severity.WARNING)])

        assert parse_evaluation(canonical(record)) == record

    def test_metrics_are_emitted_nested(self):
        told = plain(an_evaluation())["metrics"]

        assert told.keys() == {"residual", "coverage", "violations", "additional"}
        assert told["residual"]["norm_method"] == "L2"

    def test_flat_metrics_are_read(self):
        flat = {
            **plain(an_evaluation()),
            "metrics": {
                "residual_norm": 0.25,
                "residual": {"a": 0.1, "b": 0.3},
                "coverage": {"a": 1.0, "b": 0.9},
                "violations": [{"code": "c1", "axis": "a"}],
            },
        }

        metrics = parse_evaluation(json.dumps(flat).encode()).metrics

        assert metrics.residual.composite_norm == 0.25
        assert metrics.residual.per_axis == {"a": 0.1, "b": 0.3}
        assert metrics.coverage.per_axis == {"a": 1.0, "b": 0.9}
        assert metrics.violations == (wrong(Severity.ERROR),)

    def test_a_norm_alone_decides_nothing(self):
        flat = {
            **plain(an_evaluation()),
            "metrics": {"residual_norm": 0.0, "coverage": {"a": 1.0, "b": 1.0}},
        }

        record = parse_evaluation(json.dumps(flat).encode())

        assert redecide(record).status is DecisionStatus.INDETERMINATE

    @pytest.mark.parametrize(
        "data", [b"[]", b"{}", b'{"metrics": 1}', b'{"metrics": {"residual_norm": 1}}']
    )
    def test_anything_else_is_refused(self, data):
        with pytest.raises(MalformedInput):
            parse_evaluation(data)

    @given(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=2),
        st.lists(st.sampled_from(Severity), max_size=4),
    )
    def test_it_leads_to_its_own_decision(self, measured, severities):
        set_ = a_set(
            axis("a", max_residual=0.5, min_coverage=0.5),
            axis("b", weight=2.0),
            decision_rule=rule(max_residual_norm=0.6, min_coverage=0.4),
        )
        record = an_evaluation(
            set_,
            *(
                found(name, *each)
                for name, each in zip(("a", "b"), measured, strict=True)
            ),
            violations=[wrong(each) for each in severities],
        )
        again = parse_evaluation(canonical(record))

        assert redecide(again) == record.decision
        assert defects(again, set_) == ()

    def test_the_sums_in_a_record_are_not_believed(self):
        set_ = a_set(decision_rule=rule(max_residual_norm=0.1))
        record = an_evaluation(set_, found("a", 0.9), found("b", 0.9))
        metrics = record.metrics
        forged = replace(
            record,
            metrics=replace(
                metrics, residual=replace(metrics.residual, composite_norm=0.0)
            ),
            decision=replace(record.decision, status=DecisionStatus.PASS),
        )

        assert redecide(forged).status is DecisionStatus.FAIL
        assert defects(forged, set_) == (
            "it says PASS, and its numbers say FAIL",
            "its sums are not those of its axes",
        )

    def test_a_weakened_rule_in_a_record_is_seen(self):
        set_ = a_set(axis("a", max_residual=0.1))
        record = an_evaluation(set_, found("a", 0.9))
        weak = {**record.decision.thresholds, "axis.a.residual.max": 1.0}
        forged = replace(
            record,
            decision=replace(
                record.decision,
                thresholds=weak,
                status=DecisionStatus.PASS,
                rule_id="rule_2",
            ),
        )

        assert defects(forged, set_) == (
            "its thresholds are not those of the set",
            "its rule is not that of the set",
        )

    def test_a_record_without_axes_decides_nothing(self):
        record = an_evaluation()
        empty = replace(record, decision=replace(record.decision, thresholds={}))

        assert redecide(empty).status is DecisionStatus.INDETERMINATE


class TestBinding:
    """An oracle sees bytes; the platform says whose they are."""

    def bound(self, record: Evaluation) -> Evaluation:
        return bind(
            record,
            candidate_id=CANDIDATE,
            suite_id=SEMANTIC_SUITE,
            suite_hash=SUITE_HASH,
        )

    def test_it_gets_its_candidate_and_suite(self):
        bound = self.bound(an_evaluation())

        assert bound.candidate_id == CANDIDATE
        assert bound.oracle_suite_hash == SUITE_HASH
        assert self.bound(bound) == bound

    def test_other_bytes_are_refused(self):
        other = replace(an_evaluation(), candidate_id=hash_bytes(b"other bytes"))

        with pytest.raises(CandidateMismatch):
            self.bound(other)

    @pytest.mark.parametrize(
        "change",
        [
            {"oracle_suite_id": "suite:OTHER"},
            {"oracle_suite_hash": hash_bytes(b"another suite")},
        ],
    )
    def test_another_suite_is_refused(self, change):
        with pytest.raises(MalformedInput, match="oracle_suite_id"):
            self.bound(replace(an_evaluation(), **change))


class TestIntakeSet:
    """SPEC 7.9 and 7.4: the set and the suite, number by number."""

    def test_its_axes(self):
        told = {
            each.axis_id: (
                each.weight,
                each.required,
                each.min_coverage,
                each.max_residual,
            )
            for each in INTAKE_ADMISSIBILITY.axes
        }

        assert told == {
            "schema_compliance": (1.0, True, 1.0, 0.0),
            "traceability_coverage": (0.8, True, 0.8, None),
            "contradiction_free": (1.0, True, None, 0.0),
            "ambiguity_bounded": (0.6, False, 0.7, None),
            "privacy_safe": (1.0, True, 1.0, 0.0),
            "term_map_aligned": (0.7, False, 0.8, None),
        }

    def test_its_constraints(self):
        told = {
            each.constraint_id: each.severity.value
            for each in INTAKE_ADMISSIBILITY.constraints
        }

        assert told == {
            "required_fields_present": "error",
            "deliverables_have_paths": "error",
            "no_contradictions": "error",
            "ambiguities_inventoried": "warning",
            "no_pii_in_public": "error",
            "terms_used_consistently": "warning",
        }

    def test_its_rule(self):
        assert plain(INTAKE_ADMISSIBILITY.decision_rule) == {
            "rule_id": "intake_admissibility_v1",
            "max_residual_norm": 0.2,
            "min_coverage": 0.85,
            "max_error_violations": 0,
            "max_warning_violations": 3,
            "thresholds": {},
        }
        assert INTAKE_ADMISSIBILITY.applicable_stages == ("stage:VALIDATE",)

    def test_its_oracles(self):
        told = {
            each.name: (each.classification.value, each.timeout_s)
            for each in INTAKE_ORACLES
        }

        assert told == {
            "schema_compliance": ("required", 120),
            "traceability": ("required", 120),
            "contradiction": ("required", 180),
            "privacy": ("required", 120),
            "ambiguity": ("advisory", 120),
            "term_map": ("advisory", 120),
        }

    @pytest.mark.parametrize(
        "name",
        [
            "SR-SUITE-SEMANTIC",
            "suite:SR-SUITE-SEMANTIC",
            "suite:sr-semantic-v1",
            "oracle.suite.intake_admissibility.v1",
        ],
    )
    def test_its_suite_goes_by_one_name(self, name):
        assert parse_semantic_suite_id(name) == SEMANTIC_SUITE

    def test_another_suite_keeps_its_own(self):
        assert parse_semantic_suite_id("suite:OTHER") == "suite:OTHER"
        with pytest.raises(MalformedInput):
            parse_semantic_suite_id("oracle.suite.other")
