"""Semantic sets and evaluations, to and from bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sr_core.codec.canonical import canonical, parse_json, restored
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.semantic import Evaluation, SemanticSet, Severity


def hash_set(set_: SemanticSet) -> ContentHash:
    """Return the set's hash: that of its canonical form, whole."""
    return hash_bytes(canonical(set_))


def parse_set(data: bytes) -> SemanticSet:
    """Return the semantic set in `data`, or raise `MalformedInput`."""
    what = "semantic set"
    return restored(SemanticSet, parse_json(data, what=what), what=what)


def parse_evaluation(data: bytes) -> Evaluation:
    """Return the evaluation in `data`; flat metrics are read as nested ones (SPEC A 23).

    Raises:
        MalformedInput: it is no ``sr.semantic_eval.v1``, in either form.

    """
    what = "semantic evaluation"
    raw = parse_json(data, what=what)
    if isinstance(raw, Mapping) and isinstance(raw.get("metrics"), Mapping):
        raw = {**raw, "metrics": _nested(raw["metrics"])}
    return restored(Evaluation, raw, what=what)


def _nested(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return metrics in the nested form, from the flat one if they are in that.

    A flat violation may have a code and an axis alone: then it weighs as an error.
    """
    if "residual_norm" not in metrics:
        return metrics
    flat = dict(metrics)
    coverage = flat.pop("coverage", {})
    violations = [
        {"severity": Severity.ERROR, "detail": "", **each}
        for each in flat.pop("violations", [])
    ]
    return {
        "residual": {
            "per_axis": flat.pop("residual", {}),
            "composite_norm": flat.pop("residual_norm"),
        },
        "coverage": {
            "per_axis": coverage,
            "composite": flat.pop("coverage_composite", 0.0),
            "below_threshold": flat.pop("below_threshold", []),
        },
        "violations": violations,
        **flat,
    }
