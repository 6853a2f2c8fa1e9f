"""Why a judgement cannot be trusted, said with the facts of its kind (SPEC 6.3).

| condition | says beside it |
|---|---|
| ORACLE_TAMPER | suite_id, expected_hash, actual_hash |
| ORACLE_GAP | suite_id, missing_oracles |
| ORACLE_FLAKE | oracle_id, run_1_hash, run_2_hash |
| ORACLE_ENV_MISMATCH | constraint, expected, actual |
| EVIDENCE_MISSING | evidence_hash |
| MANIFEST_INVALID | defect |

All of them block, all are escalated, none can be waived (C-OR-7). `reason` says in words
what the facts say; a fact that is None belongs to another kind, or was not there to be
had, such as the hash of a suite that is not registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sr_core.domain.ids import OracleId, SuiteId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.refs import ContentHash

FACTS: Final[Mapping[IntegrityCondition, frozenset[str]]] = MappingProxyType(
    {
        IntegrityCondition.ORACLE_TAMPER: frozenset(
            {"suite_id", "expected_hash", "actual_hash"}
        ),
        IntegrityCondition.ORACLE_GAP: frozenset({"suite_id", "missing_oracles"}),
        IntegrityCondition.ORACLE_FLAKE: frozenset(
            {"oracle_id", "run_1_hash", "run_2_hash"}
        ),
        IntegrityCondition.ORACLE_ENV_MISMATCH: frozenset(
            {"constraint", "expected", "actual"}
        ),
        IntegrityCondition.EVIDENCE_MISSING: frozenset({"evidence_hash"}),
        IntegrityCondition.MANIFEST_INVALID: frozenset({"defect"}),
    }
)
assert FACTS.keys() == set(IntegrityCondition), "every condition says its facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One integrity condition, as it was found; made by the functions below."""

    condition_type: IntegrityCondition
    reason: str
    suite_id: SuiteId | None = None
    expected_hash: ContentHash | None = None
    actual_hash: ContentHash | None = None
    missing_oracles: tuple[OracleId, ...] | None = None
    oracle_id: OracleId | None = None
    run_1_hash: ContentHash | None = None
    run_2_hash: ContentHash | None = None
    constraint: str | None = None
    expected: str | None = None
    actual: str | None = None
    evidence_hash: ContentHash | None = None
    defect: str | None = None

    def __post_init__(self) -> None:
        own = FACTS[self.condition_type] | {"condition_type", "reason"}
        strange = [
            name
            for name in self.__slots__
            if name not in own and getattr(self, name) is not None
        ]
        assert not strange, f"{strange} are no facts of {self.condition_type}"

    def __str__(self) -> str:
        return f"{self.condition_type}: {self.reason}"


def tampered(
    suite_id: SuiteId,
    reason: str,
    *,
    expected: ContentHash | None = None,
    actual: ContentHash | None = None,
) -> Violation:
    """Return that a suite is not the one that was pinned (C-OR-2)."""
    return Violation(
        condition_type=IntegrityCondition.ORACLE_TAMPER,
        reason=reason,
        suite_id=suite_id,
        expected_hash=expected,
        actual_hash=actual,
    )


def gap(
    suite_id: SuiteId | None, reason: str, *, missing: Iterable[OracleId] = ()
) -> Violation:
    """Return that required oracles did not judge (C-OR-4)."""
    return Violation(
        condition_type=IntegrityCondition.ORACLE_GAP,
        reason=reason,
        suite_id=suite_id,
        missing_oracles=tuple(sorted(missing)),
    )


def flaky(
    oracle_id: OracleId, reason: str, *, first: ContentHash, second: ContentHash
) -> Violation:
    """Return that an oracle judged the same inputs in two ways (C-OR-5)."""
    return Violation(
        condition_type=IntegrityCondition.ORACLE_FLAKE,
        reason=reason,
        oracle_id=oracle_id,
        run_1_hash=first,
        run_2_hash=second,
    )


def mismatched(constraint: str, *, expected: str, actual: str | None) -> Violation:
    """Return that a run took place elsewhere than its suite demands (C-OR-3)."""
    found = "nothing" if actual is None else actual
    return Violation(
        condition_type=IntegrityCondition.ORACLE_ENV_MISMATCH,
        reason=f"{constraint} is to be {expected}, and {found} was observed",
        constraint=constraint,
        expected=expected,
        actual=actual,
    )


def missing(evidence: ContentHash | None, reason: str) -> Violation:
    """Return that evidence cannot be retrieved intact (C-EVID-6)."""
    return Violation(
        condition_type=IntegrityCondition.EVIDENCE_MISSING,
        reason=reason,
        evidence_hash=evidence,
    )


def invalid(defect: str, reason: str) -> Violation:
    """Return that a manifest contradicts itself, its run or its suite (C-EVID-1)."""
    return Violation(
        condition_type=IntegrityCondition.MANIFEST_INVALID, reason=reason, defect=defect
    )
