"""The gate of a stage: what the evidence says, whatever anyone declares.

A stage's suites judge one candidate; the gate follows from their latest runs, each
bundle read anew. A gate passes if all required oracles pass, or if each that failed is
covered by a waiver; what gave no answer is no pass (C-OR-4, SPEC 4.6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sr_core.domain.evidence import BundleReading, ResultStatus
from sr_core.domain.governed_exception import GovernedException
from sr_core.domain.ids import ExceptionId, OracleId, StageId, SuiteId, WorkSurfaceId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.oracle_suite import Classification
from sr_core.domain.profile import Profile
from sr_core.domain.refs import ContentHash
from sr_core.domain.verification import Finding, SuiteFacts, compute
from sr_core.domain.work_errors import EvidenceUnfit, GateUnanswered


class GateStatus(StrEnum):
    """What a stage's evidence gives."""

    PASS = "PASS"  # noqa: S105 - a verdict
    PASS_WITH_WAIVERS = "PASS_WITH_WAIVERS"  # noqa: S105 - a verdict
    FAIL = "FAIL"

    @property
    def advances(self) -> bool:
        """Whether the stage may be left; one that failed never is."""
        return self is not GateStatus.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedSuite:
    """A suite that judges a stage, fixed by its hash when the stage was entered."""

    suite_id: SuiteId
    suite_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleWord:
    """What one oracle said, and the bundle that says so."""

    oracle_id: OracleId
    classification: Classification
    status: ResultStatus
    evidence_ref: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What the evidence gives for a stage, with all that it was computed from."""

    status: GateStatus
    oracle_results: tuple[OracleWord, ...]
    waiver_refs: tuple[ExceptionId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedGate:
    """What a caller says that the evidence gives; None is not said."""

    status: GateStatus
    oracle_results: Mapping[OracleId, ResultStatus] = field(default_factory=dict)
    waiver_refs: frozenset[ExceptionId] | None = None

    def differs_from(self, computed: GateResult) -> str | None:
        """Return what was said otherwise than it is, or None."""
        if self.status is not computed.status:
            return self.status
        words = {each.oracle_id: each.status for each in computed.oracle_results}
        for oracle_id, status in self.oracle_results.items():
            if words.get(oracle_id) is not status:
                return f"{status} of {oracle_id}"
        if self.waiver_refs not in {None, frozenset(computed.waiver_refs)}:
            return f"waivers {', '.join(sorted(self.waiver_refs or ())) or 'none'}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFacts:
    """What a fresh look finds of a stage's suites over one candidate.

    `waivers` are those of the candidate's loop, `known_missing` the bundles that were
    found missing before.
    """

    work_surface_id: WorkSurfaceId
    suites: Sequence[SuiteFacts]
    profile: Profile
    waivers: Collection[GovernedException]
    known_missing: Collection[ContentHash]
    now: datetime


def judge(
    stage_id: StageId,
    pinned: Sequence[PinnedSuite],
    evidence: ContentHash,
    facts: StageFacts,
) -> GateResult:
    """Return what the evidence gives; `evidence` is the bundle that was named.

    Raises:
        EvidenceMissing: a bundle cannot be read intact.
        EvidenceUnfit: the bundle named is not the latest of one of the stage's suites,
            or one of those was made for other work.
        GateUnanswered: a suite has not judged, or its judgement cannot be trusted.

    """
    latest = [each.run.evidence for each in facts.suites if each.run]
    if evidence not in latest:
        raise EvidenceUnfit(
            evidence=evidence, why=f"is not the latest of any suite of {stage_id}"
        )
    _require_made_for(stage_id, facts)
    finding = compute(
        facts.suites,
        profile=facts.profile,
        waivers=facts.waivers,
        known_missing=facts.known_missing,
        now=facts.now,
    )
    conditions = {
        str(each.condition_type): each.reason for each in reversed(finding.violations)
    }
    if IntegrityCondition.EVIDENCE_MISSING in finding.conditions:
        raise EvidenceMissing(subject=stage_id, evidence=_lost(facts))
    conditions |= dict(_unpinned(pinned, facts.suites))
    if conditions:
        raise GateUnanswered(stage_id=stage_id, conditions=conditions)
    return GateResult(
        status=_status(finding),
        oracle_results=tuple(_words(facts.suites)),
        waiver_refs=tuple(sorted(set(finding.waived_by.values()))),
    )


def failed(result: GateResult) -> tuple[str, ...]:
    """Return the oracles that hold the stage: the required ones that said FAIL."""
    return tuple(
        each.oracle_id
        for each in result.oracle_results
        if each.status is ResultStatus.FAIL
        and each.classification is Classification.REQUIRED
    )


def _require_made_for(stage_id: StageId, facts: StageFacts) -> None:
    """Raise `EvidenceUnfit` if a bundle says that it was made for other work.

    What is judged in one stage proves nothing of the next, though the suite be the same.
    """
    here = {"stage_id": stage_id, "work_surface_id": facts.work_surface_id}
    for each in _readings(facts):
        said = {name: getattr(each.manifest, name, None) for name in here}
        strange = [name for name in here if said[name] not in {None, here[name]}]
        if strange:
            raise EvidenceUnfit(
                evidence=each.content_hash,
                why=f"was made for {said[strange[0]]}, not for {here[strange[0]]}",
            )


def _lost(facts: StageFacts) -> tuple[ContentHash, ...]:
    """Return the bundles that are not intact, or were found so before."""
    return tuple(
        each.content_hash
        for each in _readings(facts)
        if not each.is_intact or each.content_hash in facts.known_missing
    )


def _readings(facts: StageFacts) -> tuple[BundleReading, ...]:
    return tuple(each.reading for each in facts.suites if each.reading is not None)


def _unpinned(
    pinned: Sequence[PinnedSuite], suites: Sequence[SuiteFacts]
) -> Iterator[tuple[str, str]]:
    """Return the runs that were not made by the suite as the stage pinned it (C-OR-2)."""
    hashes = {each.suite_id: each.suite_hash for each in pinned}
    for each in suites:
        if each.run is not None and each.run.suite_hash != hashes[each.suite_id]:
            pinned_as = f"the stage pinned {each.suite_id} as {hashes[each.suite_id]}"
            why = f"{pinned_as}, {each.run.run_id} ran {each.run.suite_hash}"
            yield str(IntegrityCondition.ORACLE_TAMPER), why


def _status(finding: Finding) -> GateStatus:
    if not finding.failed:
        return GateStatus.PASS
    if finding.status.is_verified:
        return GateStatus.PASS_WITH_WAIVERS
    return GateStatus.FAIL


def _words(suites: Sequence[SuiteFacts]) -> Iterator[OracleWord]:
    for each in suites:
        assert each.reading is not None, "what could not be read is a condition"
        assert each.reading.manifest is not None, "and so is a manifest with a flaw"
        assert each.registered is not None, "and so is a suite that is not registered"
        oracles = each.registered.definition.oracles
        kinds = {it.oracle_id: it.classification for it in oracles}
        for result in each.reading.manifest.results:
            yield OracleWord(
                oracle_id=result.oracle_id,
                classification=kinds.get(result.oracle_id, Classification.OPTIONAL),
                status=result.status,
                evidence_ref=each.reading.content_hash,
            )
