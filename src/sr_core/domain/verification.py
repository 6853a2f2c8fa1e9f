"""Verification: what the evidence supports, computed and never set (SPEC 6.1).

    UNVERIFIED -> VERIFIED_STRICT            every required oracle passed
               -> VERIFIED_WITH_EXCEPTIONS   each that failed is covered by a waiver
    any of them -> UNVERIFIED                an integrity condition, a missing result,
                                             missing evidence, a failure not covered

`compute` is a function of what was just read: the runs from the log, the bundles from
the store, every byte re-hashed. Any integrity condition gives UNVERIFIED, whatever
waivers there are (C-OR-7).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from sr_core.domain.evidence import BundleReading, ResultStatus, defects, unanswered
from sr_core.domain.governed_exception import Waiver
from sr_core.domain.ids import CandidateId, ExceptionId, OracleId, RunId, SuiteId
from sr_core.domain.integrity import IntegrityCondition, Portal
from sr_core.domain.oracle_suite import OracleSuiteRegistered
from sr_core.domain.profile import Profile
from sr_core.domain.ref_builders import (
    bundle_ref,
    bundle_refs,
    candidate_ref,
    suite_ref,
    waiver_refs,
)
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.run import Run


class VerificationStatus(StrEnum):
    """What the evidence supports (SPEC 4.3)."""

    UNVERIFIED = "UNVERIFIED"
    VERIFIED_STRICT = "VERIFIED_STRICT"
    VERIFIED_WITH_EXCEPTIONS = "VERIFIED_WITH_EXCEPTIONS"

    @property
    def is_verified(self) -> bool:
        """Whether it counts towards a release."""
        return self is not VerificationStatus.UNVERIFIED


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
    verification_profile_id: str
    verification_scope: Mapping[str, str]
    integrity_conditions: tuple[IntegrityCondition, ...]
    evidence_bundle_hashes: tuple[ContentHash, ...]
    oracle_suite_summaries: Mapping[SuiteId, ContentHash]
    waiver_ids: tuple[ExceptionId, ...]
    waived_oracle_ids: tuple[OracleId, ...]
    verification_basis: Mapping[str, str]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            candidate_ref(self.candidate_id, RefRelation.ABOUT),
            *bundle_refs(self.evidence_bundle_hashes, RefRelation.VERIFIES),
            *(
                suite_ref(name, suite_hash, RefRelation.DEPENDS_ON)
                for name, suite_hash in self.oracle_suite_summaries.items()
            ),
            *waiver_refs(self.waiver_ids, RefRelation.DEPENDS_ON),
        )


VerificationEvent: TypeAlias = EvidenceMissingDetected | CandidateVerificationComputed


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFacts:
    """What is known of one required suite over one candidate.

    `run` is the latest completed one; `reading` is of its bundle, made just now.
    """

    suite_id: SuiteId
    registered: OracleSuiteRegistered | None
    run: Run | None
    reading: BundleReading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What `compute` found; `conditions` says for each why it stands."""

    status: VerificationStatus
    conditions: Mapping[IntegrityCondition, str]
    failed: frozenset[OracleId]
    waived_by: Mapping[OracleId, ExceptionId]


def compute(
    facts: Sequence[SuiteFacts],
    *,
    profile: Profile,
    waivers: Collection[Waiver],
    known_missing: Collection[ContentHash],
    now: datetime,
) -> Finding:
    """Return what the facts support.

    A waiver covers an oracle that failed. It never covers one that gave no answer
    (C-OR-4), and where no suite is required none can vouch: that shows nothing.
    """
    conditions: dict[IntegrityCondition, str] = {}
    failed: list[tuple[Run, OracleId]] = []
    if not facts:
        conditions[IntegrityCondition.ORACLE_GAP] = "no suite is required"
    for each in facts:
        for condition, why in _conditions(each, known_missing):
            conditions.setdefault(condition, why)
        failed += [(each.run, oracle) for oracle in _failed(each) if each.run]
    waived = {
        (run.run_id, oracle): waiver.exception_id
        for run, oracle in failed
        for waiver in waivers
        if oracle in profile.waivable and waiver.covers(run, oracle, now=now)
    }
    if conditions or len(waived) < len(failed):
        status = VerificationStatus.UNVERIFIED
    elif failed:
        status = VerificationStatus.VERIFIED_WITH_EXCEPTIONS
    else:
        status = VerificationStatus.VERIFIED_STRICT
    return Finding(
        status=status,
        conditions=conditions,
        failed=frozenset(oracle for _, oracle in failed),
        waived_by={oracle: waiver for (_, oracle), waiver in waived.items()},
    )


def _conditions(
    facts: SuiteFacts, known_missing: Collection[ContentHash]
) -> Iterator[tuple[IntegrityCondition, str]]:
    run, reading, registered = facts.run, facts.reading, facts.registered
    if registered is None:
        yield IntegrityCondition.ORACLE_TAMPER, f"{facts.suite_id} is not registered"
        return
    if run is None:
        yield IntegrityCondition.ORACLE_GAP, f"no completed run by {facts.suite_id}"
        return
    if run.suite_hash != registered.suite_hash:
        pinned = f"{run.run_id} pinned {run.suite_hash}"
        why = f"{pinned}, registered is {registered.suite_hash}"
        yield IntegrityCondition.ORACLE_TAMPER, why
    for condition in sorted(run.conditions):
        yield condition, f"recorded against {run.run_id}"
    yield from _evidence_conditions(run, reading, known_missing)
    manifest = reading.manifest if reading is not None else None
    if manifest is not None and (silent := unanswered(manifest, registered.definition)):
        named = ", ".join(sorted(silent))
        yield IntegrityCondition.ORACLE_GAP, f"no result of {named}"


def _evidence_conditions(
    run: Run, reading: BundleReading | None, known_missing: Collection[ContentHash]
) -> Iterator[tuple[IntegrityCondition, str]]:
    if reading is None or not reading.is_intact or run.evidence in known_missing:
        yield IntegrityCondition.EVIDENCE_MISSING, f"the evidence of {run.run_id}"
    if reading is None:
        return
    if reading.flaw is not None:
        yield IntegrityCondition.MANIFEST_INVALID, reading.flaw
    manifest = reading.manifest
    if manifest is None:
        return
    said = (
        manifest.run_id,
        manifest.candidate_id,
        manifest.oracle_suite_id,
        manifest.oracle_suite_hash,
    )
    if said != (run.run_id, run.candidate_id, run.suite_id, run.suite_hash):
        yield (
            IntegrityCondition.MANIFEST_INVALID,
            f"the manifest is not of {run.run_id}",
        )
    for flaw in defects(manifest):
        yield IntegrityCondition.MANIFEST_INVALID, flaw


def _failed(facts: SuiteFacts) -> frozenset[OracleId]:
    if facts.registered is None or facts.reading is None:
        return frozenset()
    if facts.reading.manifest is None:
        return frozenset()
    return frozenset(
        each.oracle_id
        for each in facts.reading.manifest.results
        if each.status is ResultStatus.FAIL
        and each.oracle_id in facts.registered.definition.required
    )
