"""The evidence bundle: what the oracles of one run left, bound by one manifest.

The manifest names every blob by size and hash; the hash of its canonical form is the
bundle's name (C-EVID-1, C-EVID-2). Nothing here says what the evidence supports: that is
`sr_core.domain.verification`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sr_core.domain.ids import (
    BundleId,
    CandidateId,
    IterationId,
    LoopId,
    OracleId,
    RunId,
    SuiteId,
)
from sr_core.domain.oracle_suite import Classification, SuiteDefinition
from sr_core.domain.refs import ContentHash, parse_content_hash

ARTIFACT_TYPE: Final = "evidence.gate_packet"
ARTIFACT_VERSION: Final = "v1"


class ResultStatus(StrEnum):
    """What one oracle said, or that it said nothing of use (SPEC 6.2)."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"

    @property
    def is_answer(self) -> bool:
        """Whether the oracle judged; an error or a skip is no judgement (C-OR-4)."""
        return self in {ResultStatus.PASS, ResultStatus.FAIL}


class PartState(StrEnum):
    """What a read found of bytes that ought to be there (C-EVID-6)."""

    INTACT = "INTACT"
    MISSING = "MISSING"
    CORRUPTED = "CORRUPTED"
    DENIED = "DENIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleResult:
    """What one oracle left behind; times are RFC 3339, in UTC."""

    oracle_id: OracleId
    classification: Classification
    status: ResultStatus
    summary: str
    started_at: str
    finished_at: str
    artifacts: tuple[str, ...] = ()
    """Names of artifacts of the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One blob of a bundle; `size` is in bytes."""

    name: str
    media_type: str
    size: int
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceManifest:
    """The table of contents of a bundle, and whose word it is."""

    bundle_id: BundleId
    run_id: RunId
    candidate_id: CandidateId
    loop_id: LoopId
    iteration_id: IterationId
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    results: tuple[OracleResult, ...]
    unanswered: Mapping[OracleId, str]
    """The oracles that left no result that can be read, and why."""
    artifacts: tuple[Artifact, ...]
    environment_fingerprint: Mapping[str, str]
    verdict: ResultStatus
    produced_by: str
    produced_at: str
    artifact_type: str = ARTIFACT_TYPE
    artifact_version: str = ARTIFACT_VERSION
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReading:
    """What a fresh read of a stored bundle found.

    `lost` holds each part, by name, that could not be read intact; `manifest` is None
    if the manifest is one of them, or is not one that can be read (`flaw`).
    """

    content_hash: ContentHash
    lost: Mapping[str, PartState]
    manifest: EvidenceManifest | None
    flaw: str | None = None

    @property
    def is_intact(self) -> bool:
        """Whether every byte of the bundle was read and is what it was."""
        return not self.lost


def verdict_of(
    statuses: Collection[ResultStatus], *, unanswered: Collection[OracleId] = ()
) -> ResultStatus:
    """Return a bundle's verdict (SPEC 6.2): no results at all are an ERROR."""
    if not statuses or unanswered or not all(each.is_answer for each in statuses):
        return ResultStatus.ERROR
    return ResultStatus.FAIL if ResultStatus.FAIL in statuses else ResultStatus.PASS


def defects(manifest: EvidenceManifest) -> tuple[str, ...]:
    """Return what is wrong with the manifest taken by itself (SPEC 7.8)."""
    return tuple(_defects(manifest))


def _defects(manifest: EvidenceManifest) -> Iterator[str]:
    kind = (manifest.artifact_type, manifest.artifact_version)
    if kind != (ARTIFACT_TYPE, ARTIFACT_VERSION):
        yield f"it is a {' '.join(kind)}, not a {ARTIFACT_TYPE} {ARTIFACT_VERSION}"
    names = [each.name for each in manifest.artifacts]
    if len(set(names)) != len(names):
        yield "two artifacts share a name"
    oracles = [each.oracle_id for each in manifest.results]
    if len(set(oracles)) != len(oracles):
        yield "an oracle has two results"
    if manifest.unanswered.keys() & set(oracles):
        yield "an oracle both has a result and has none"
    for result in manifest.results:
        if unknown := set(result.artifacts) - set(names):
            yield f"{result.oracle_id} names artifacts that are not there: {unknown}"
        if result.started_at > result.finished_at:
            yield f"{result.oracle_id} ended before it began"
    statuses = [each.status for each in manifest.results]
    if manifest.verdict != verdict_of(statuses, unanswered=manifest.unanswered):
        yield f"its verdict is not what the results give: {manifest.verdict}"
    if not manifest.environment_fingerprint:
        yield "it has no environment fingerprint"


def unanswered(
    manifest: EvidenceManifest, suite: SuiteDefinition
) -> frozenset[OracleId]:
    """Return the required oracles of `suite` that did not judge (C-OR-4)."""
    judged = {each.oracle_id for each in manifest.results if each.status.is_answer}
    return suite.required - judged


def blob_hashes(manifest: EvidenceManifest) -> Mapping[str, ContentHash]:
    """Return the hash of each blob by its artifact's name."""
    return {
        each.name: parse_content_hash(each.content_hash) for each in manifest.artifacts
    }
