"""What is recorded of a verification, with all that it rests on (SPEC 2.3, C-VER-4).

The rules stand in `sr_core.domain.verification`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import CandidateId, ExceptionId, OracleId, RunId, SuiteId
from sr_core.domain.integrity import IntegrityCondition, Portal
from sr_core.domain.profile import FailureClass
from sr_core.domain.ref_builders import (
    bundle_ref,
    bundle_refs,
    candidate_ref,
    suite_ref,
    waiver_refs,
)
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.suite_definition import Classification
from sr_core.domain.violation import Violation


class VerificationStatus(StrEnum):
    """What the evidence supports (SPEC 4.3)."""

    UNVERIFIED = "UNVERIFIED"
    VERIFIED_STRICT = "VERIFIED_STRICT"
    VERIFIED_WITH_EXCEPTIONS = "VERIFIED_WITH_EXCEPTIONS"

    @property
    def is_verified(self) -> bool:
        """Whether it counts towards a release."""
        return self is not VerificationStatus.UNVERIFIED


class VerificationMode(StrEnum):
    """In which way a candidate is verified (C-VER-4)."""

    STRICT = "STRICT"
    WITH_EXCEPTIONS = "WITH_EXCEPTIONS"


MODE_OF: Final[Mapping[VerificationStatus, VerificationMode | None]] = {
    VerificationStatus.UNVERIFIED: None,
    VerificationStatus.VERIFIED_STRICT: VerificationMode.STRICT,
    VerificationStatus.VERIFIED_WITH_EXCEPTIONS: VerificationMode.WITH_EXCEPTIONS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationScope:
    """What work a verification is of; staged work names its surface too (C-VER-4)."""

    work_unit_id: str
    template_id: str | None = None
    stage_id: str | None = None
    work_surface_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSummary:
    """A suite that judged, as it was defined then."""

    suite_id: SuiteId
    suite_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOracle:
    """A required oracle that failed, and the waiver that covers it, if one does."""

    oracle_id: OracleId
    suite_id: SuiteId
    run_id: RunId
    failure_class: FailureClass | None
    waiver_id: ExceptionId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherResult:
    """What an oracle said whose word does not decide."""

    oracle_id: OracleId
    suite_id: SuiteId
    classification: Classification
    status: ResultStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationBasis:
    """All that a verification rests on (C-VER-4)."""

    profile_version: str
    run_ids: tuple[RunId, ...]
    violations: tuple[Violation, ...]
    failed: tuple[FailedOracle, ...]
    others: tuple[OtherResult, ...]
    warnings: tuple[str, ...]
    computed_because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceMissingDetected:
    """Evidence that a claim rests on could not be retrieved intact (C-EVID-6)."""

    candidate_id: CandidateId
    run_id: RunId
    content_hash: ContentHash
    missing_parts: Mapping[str, str]
    recommended_portal: Portal

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            bundle_ref(self.content_hash, RefRelation.ABOUT),
            candidate_ref(self.candidate_id, RefRelation.AFFECTS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateVerificationComputed:
    """What the evidence supports was computed; the basis is complete (C-VER-4)."""

    candidate_id: CandidateId
    verification_status: VerificationStatus
    verification_mode: VerificationMode | None
    verification_profile_id: str
    verification_scope: VerificationScope
    verification_basis: VerificationBasis
    integrity_conditions: tuple[IntegrityCondition, ...]
    evidence_bundle_hashes: tuple[ContentHash, ...]
    oracle_suite_summaries: tuple[SuiteSummary, ...]
    waiver_ids: tuple[ExceptionId, ...]
    waived_oracle_ids: tuple[OracleId, ...]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            candidate_ref(self.candidate_id, RefRelation.ABOUT),
            *bundle_refs(self.evidence_bundle_hashes, RefRelation.VERIFIES),
            *(
                suite_ref(each.suite_id, each.suite_hash, RefRelation.DEPENDS_ON)
                for each in self.oracle_suite_summaries
            ),
            *waiver_refs(self.waiver_ids, RefRelation.DEPENDS_ON),
        )


VerificationEvent: TypeAlias = EvidenceMissingDetected | CandidateVerificationComputed
