"""The evidence bundle: what the oracles of one run left, bound by one manifest.

The manifest names every blob by size and hash; the hash of its canonical form is the
bundle's name (C-EVID-1, C-EVID-2). Nothing here says what the evidence supports: that is
`sr_core.domain.verification`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.ids import (
    BundleId,
    CandidateId,
    IterationId,
    LoopId,
    OracleId,
    RunId,
    SuiteId,
)
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.suite_definition import Classification, SuiteDefinition

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


class ManifestDefect(StrEnum):
    """In which way a manifest is none (SPEC 7.8); each has one meaning for good."""

    NOT_JSON = "NOT_JSON"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_UNKNOWN = "FIELD_UNKNOWN"
    FIELD_MALFORMED = "FIELD_MALFORMED"
    WRONG_TYPE = "WRONG_TYPE"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    EMPTY_ID = "EMPTY_ID"
    TIME_MALFORMED = "TIME_MALFORMED"
    TIMES_REVERSED = "TIMES_REVERSED"
    FINGERPRINT_MISSING = "FINGERPRINT_MISSING"
    ATTRIBUTION_MISSING = "ATTRIBUTION_MISSING"
    ATTRIBUTION_NOT_SYSTEM = "ATTRIBUTION_NOT_SYSTEM"
    RESULT_DOUBLED = "RESULT_DOUBLED"
    RESULT_OF_THE_SILENT = "RESULT_OF_THE_SILENT"
    ARTIFACT_DOUBLED = "ARTIFACT_DOUBLED"
    ARTIFACT_UNRESOLVED = "ARTIFACT_UNRESOLVED"
    ARTIFACT_DIFFERS = "ARTIFACT_DIFFERS"
    VERDICT_MISMATCH = "VERDICT_MISMATCH"
    RUN_MISMATCH = "RUN_MISMATCH"
    CANDIDATE_MISMATCH = "CANDIDATE_MISMATCH"
    SUITE_MISMATCH = "SUITE_MISMATCH"
    CONTEXT_MISMATCH = "CONTEXT_MISMATCH"
    ORACLE_UNKNOWN = "ORACLE_UNKNOWN"
    CLASSIFICATION_MISMATCH = "CLASSIFICATION_MISMATCH"
    BLOB_MISSING = "BLOB_MISSING"
    BLOB_UNDECLARED = "BLOB_UNDECLARED"
    BLOB_MISMATCH = "BLOB_MISMATCH"
    SEALING_MISMATCH = "SEALING_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One defect of a manifest, and where it shows."""

    defect: ManifestDefect
    why: str


class Secrecy(StrEnum):
    """How far an artifact is kept from readers; what has none is open (SPEC 9.2)."""

    RESTRICTED = "RESTRICTED"
    CONFIDENTIAL = "CONFIDENTIAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultArtifact:
    """A blob that belongs to one result; `path` is its name in the bundle."""

    path: str
    media_type: str
    sha256: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Which artifacts hold what a semantic oracle measured (SPEC 7.8)."""

    residual_vector_ref: str | None = None
    coverage_ref: str | None = None
    violations_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleResult:
    """What one oracle left behind; times are RFC 3339, in UTC."""

    oracle_id: OracleId
    status: ResultStatus
    summary: str
    started_at: str
    finished_at: str
    classification: Classification | None = None
    """What the writer took the oracle for; the suite says what it is."""
    oracle_name: str = ""
    artifacts: tuple[ResultArtifact, ...] = ()
    measurements: Measurements | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One blob of a bundle; `size` is in bytes.

    Of a sealed one, size and hash are those of its container: the hash of a short secret
    would let it be guessed. Runners hand in what is secret unsealed; no manifest that is
    stored says that something is secret and not sealed, or sealed and not secret.
    """

    name: str
    media_type: str
    size: int
    content_hash: ContentHash
    description: str = ""
    classification: Secrecy | None = None
    is_sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernedRef:
    """A governed document that the work was bound by, pinned."""

    id: str
    version: str
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceContext:
    """Where the oracles ran, and what the judged work was bound by (C-EVID-1)."""

    environment_fingerprint: Mapping[str, str]
    loop_id: LoopId
    iteration_id: IterationId
    governed_refs: tuple[GovernedRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Whose word a bundle is (C-EVID-3)."""

    actor_kind: ActorKind
    actor_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceManifest:
    """The table of contents of a bundle, and whose word it is."""

    bundle_id: BundleId
    run_id: RunId
    candidate_id: CandidateId
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    results: tuple[OracleResult, ...]
    context: EvidenceContext
    artifacts: tuple[Artifact, ...]
    verdict: ResultStatus
    attribution: Attribution
    produced_at: str
    run_started_at: str
    run_completed_at: str
    unanswered: Mapping[OracleId, str] = field(default_factory=dict)
    """The oracles that left no result that can be read, and why."""
    template_id: str | None = None
    stage_id: str | None = None
    work_surface_id: str | None = None
    exception_refs: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ARTIFACT_TYPE
    artifact_version: str = ARTIFACT_VERSION

    @property
    def environment_fingerprint(self) -> Mapping[str, str]:
        """What was measured where the oracles ran."""
        return self.context.environment_fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReading:
    """What a fresh read of a stored bundle found.

    `lost` holds each part, by name, that could not be read intact; `manifest` is None
    if the manifest is one of them, or is not one that can be read (`flaw`).
    """

    content_hash: ContentHash
    lost: Mapping[str, PartState]
    manifest: EvidenceManifest | None
    flaw: Flaw | None = None

    @property
    def is_intact(self) -> bool:
        """Whether every part was read and is what it was."""
        return not self.lost


def verdict_of(
    statuses: Collection[ResultStatus], *, unanswered: Collection[OracleId] = ()
) -> ResultStatus:
    """Return a bundle's verdict (SPEC 6.2): no results at all are an ERROR."""
    if not statuses or unanswered or not all(each.is_answer for each in statuses):
        return ResultStatus.ERROR
    return ResultStatus.FAIL if ResultStatus.FAIL in statuses else ResultStatus.PASS


def defects(manifest: EvidenceManifest) -> tuple[Flaw, ...]:
    """Return what is wrong with the manifest taken by itself (SPEC 7.8)."""
    return tuple(
        Flaw(defect=defect, why=why)
        for rule in (_of_its_kind, _of_its_times, _of_its_results, _of_its_artifacts)
        for defect, why in rule(manifest)
    )


def strangeness(
    manifest: EvidenceManifest,
    *,
    run_id: RunId,
    candidate_id: CandidateId,
    suite_id: SuiteId,
    suite_hash: ContentHash,
    iteration_id: IterationId,
) -> tuple[Flaw, ...]:
    """Return where the manifest is not that of the run it is said to be of (C-VER-1)."""
    pairs: tuple[tuple[ManifestDefect, str, str, str], ...] = (
        (ManifestDefect.RUN_MISMATCH, "run_id", manifest.run_id, run_id),
        (
            ManifestDefect.CANDIDATE_MISMATCH,
            "candidate_id",
            manifest.candidate_id,
            candidate_id,
        ),
        (
            ManifestDefect.SUITE_MISMATCH,
            "oracle_suite_id",
            manifest.oracle_suite_id,
            suite_id,
        ),
        (
            ManifestDefect.SUITE_MISMATCH,
            "oracle_suite_hash",
            manifest.oracle_suite_hash,
            suite_hash,
        ),
        (
            ManifestDefect.CONTEXT_MISMATCH,
            "context.iteration_id",
            manifest.context.iteration_id,
            iteration_id,
        ),
    )
    return tuple(
        Flaw(defect=defect, why=f"{name} is {said}, and the run's is {true}")
        for defect, name, said, true in pairs
        if said != true
    )


def misjudged(manifest: EvidenceManifest, suite: SuiteDefinition) -> tuple[Flaw, ...]:
    """Return where the results are not those of the suite's oracles (C-OR-6)."""
    known = {each.oracle_id: each.classification for each in suite.oracles}
    flaws = [
        Flaw(
            defect=ManifestDefect.ORACLE_UNKNOWN,
            why=f"{suite.suite_id} has no {each}",
        )
        for each in (*(it.oracle_id for it in manifest.results), *manifest.unanswered)
        if each not in known
    ]
    flaws += [
        Flaw(
            defect=ManifestDefect.CLASSIFICATION_MISMATCH,
            why=f"{each.oracle_id} is {known[each.oracle_id]}, not "
            f"{each.classification}",
        )
        for each in manifest.results
        if each.classification is not None
        and known.get(each.oracle_id, each.classification) != each.classification
    ]
    return tuple(flaws)


def foreign_attribution(manifest: EvidenceManifest, by: Actor) -> tuple[Flaw, ...]:
    """Return that someone else hands the bundle in than vouches for it (C-EVID-3)."""
    said = manifest.attribution
    if (said.actor_kind, said.actor_id) == (by.kind, by.actor_id):
        return ()
    why = f"it is the word of {said.actor_id}, handed in by {by.actor_id}"
    return (Flaw(defect=ManifestDefect.ATTRIBUTION_MISSING, why=why),)


def blob_flaws(
    manifest: EvidenceManifest, blobs: Mapping[str, bytes]
) -> tuple[Flaw, ...]:
    """Return where the blobs are not those that the manifest names (SPEC 5.4)."""
    seen = {name: (len(data), hash_bytes(data)) for name, data in blobs.items()}
    return seen_flaws(manifest, seen)


def seen_flaws(
    manifest: EvidenceManifest, seen: Mapping[str, tuple[int, ContentHash]]
) -> tuple[Flaw, ...]:
    """Return the same of blobs of which length and hash are known."""
    declared = {each.name: each for each in manifest.artifacts}
    flaws = [
        Flaw(defect=ManifestDefect.BLOB_UNDECLARED, why=f"no artifact is called {name}")
        for name in sorted(seen.keys() - declared.keys())
    ]
    flaws += [
        Flaw(
            defect=ManifestDefect.BLOB_MISSING, why=f"the bytes of {name} are not there"
        )
        for name in sorted(declared.keys() - seen.keys())
    ]
    flaws += [
        Flaw(
            defect=ManifestDefect.BLOB_MISMATCH,
            why=f"{name} has {size} bytes with the hash {content_hash}",
        )
        for name, (size, content_hash) in sorted(seen.items())
        if name in declared
        and (size, content_hash) != (declared[name].size, declared[name].content_hash)
    ]
    return tuple(flaws)


def sealed_already(manifest: EvidenceManifest) -> tuple[Flaw, ...]:
    """Return what is said to be sealed before the platform has sealed anything."""
    return tuple(
        Flaw(
            defect=ManifestDefect.SEALING_MISMATCH,
            why=f"{each.name} is said to be sealed; the platform seals what is handed in",
        )
        for each in manifest.artifacts
        if each.is_sealed
    )


def misplaced_secrets(manifest: EvidenceManifest) -> tuple[Flaw, ...]:
    """Return what is secret and not sealed, or sealed and not secret (R-ENC-13)."""
    return tuple(
        Flaw(
            defect=ManifestDefect.SEALING_MISMATCH,
            why=f"{each.name} is {each.classification or 'open'} and "
            f"{'sealed' if each.is_sealed else 'not sealed'}",
        )
        for each in manifest.artifacts
        if each.is_sealed is (each.classification is None)
    )


def is_secret(manifest: EvidenceManifest) -> bool:
    """Whether any of its artifacts is for few readers only."""
    return any(each.classification is not None for each in manifest.artifacts)


def unanswered(
    manifest: EvidenceManifest, suite: SuiteDefinition
) -> frozenset[OracleId]:
    """Return the required oracles of `suite` that did not judge (C-OR-4)."""
    judged = {each.oracle_id for each in manifest.results if each.status.is_answer}
    return suite.required - judged


def blob_hashes(manifest: EvidenceManifest) -> Mapping[str, ContentHash]:
    """Return the hash of each blob by its artifact's name."""
    return {each.name: each.content_hash for each in manifest.artifacts}


def _of_its_kind(manifest: EvidenceManifest) -> Iterator[tuple[ManifestDefect, str]]:
    if manifest.artifact_type != ARTIFACT_TYPE:
        yield (
            ManifestDefect.WRONG_TYPE,
            f"it is a {manifest.artifact_type}, not a {ARTIFACT_TYPE}",
        )
    if manifest.artifact_version != ARTIFACT_VERSION:
        yield (
            ManifestDefect.UNKNOWN_VERSION,
            f"version {manifest.artifact_version} is not {ARTIFACT_VERSION}",
        )
    named = {
        "bundle_id": manifest.bundle_id,
        "run_id": manifest.run_id,
        "candidate_id": manifest.candidate_id,
        "oracle_suite_id": manifest.oracle_suite_id,
        **{f"oracle_id of result {n}": it.oracle_id for n, it in _results(manifest)},
    }
    for name, value in named.items():
        if not value.strip():
            yield ManifestDefect.EMPTY_ID, f"{name} is empty"
    if not manifest.environment_fingerprint:
        yield ManifestDefect.FINGERPRINT_MISSING, "nothing was measured where it ran"
    if not manifest.attribution.actor_id.strip():
        yield ManifestDefect.ATTRIBUTION_MISSING, "nobody vouches for it"
    elif manifest.attribution.actor_kind is not ActorKind.SYSTEM:
        yield (
            ManifestDefect.ATTRIBUTION_NOT_SYSTEM,
            f"a {manifest.attribution.actor_kind} vouches for it",
        )


def _of_its_times(manifest: EvidenceManifest) -> Iterator[tuple[ManifestDefect, str]]:
    spans = [("the run", manifest.run_started_at, manifest.run_completed_at)]
    spans += [
        (each.oracle_id, each.started_at, each.finished_at) for each in manifest.results
    ]
    if _moment(manifest.produced_at) is None:
        yield ManifestDefect.TIME_MALFORMED, f"produced_at: {manifest.produced_at!r}"
    for name, first, last in spans:
        began, ended = _moment(first), _moment(last)
        if began is None or ended is None:
            yield ManifestDefect.TIME_MALFORMED, f"{name}: {first!r} to {last!r}"
        elif began > ended:
            yield ManifestDefect.TIMES_REVERSED, f"{name} ended before it began"


def _of_its_results(
    manifest: EvidenceManifest,
) -> Iterator[tuple[ManifestDefect, str]]:
    oracles = [each.oracle_id for each in manifest.results]
    for each in sorted({one for one in oracles if oracles.count(one) > 1}):
        yield ManifestDefect.RESULT_DOUBLED, f"{each} has two results"
    for each in sorted(manifest.unanswered.keys() & set(oracles)):
        yield ManifestDefect.RESULT_OF_THE_SILENT, f"{each} has a result and has none"
    statuses = [each.status for each in manifest.results]
    computed = verdict_of(statuses, unanswered=manifest.unanswered)
    if manifest.verdict != computed:
        yield (
            ManifestDefect.VERDICT_MISMATCH,
            f"it says {manifest.verdict}, and its results give {computed}",
        )


def _of_its_artifacts(
    manifest: EvidenceManifest,
) -> Iterator[tuple[ManifestDefect, str]]:
    names = [each.name for each in manifest.artifacts]
    for each in sorted({one for one in names if names.count(one) > 1}):
        yield ManifestDefect.ARTIFACT_DOUBLED, f"two artifacts are called {each}"
    hashes = blob_hashes(manifest)
    for result in manifest.results:
        for part in result.artifacts:
            if part.path not in hashes:
                why = f"{result.oracle_id} names {part.path}, which is not there"
                yield ManifestDefect.ARTIFACT_UNRESOLVED, why
            elif part.sha256 != hashes[part.path]:
                why = f"{result.oracle_id} names other bytes of {part.path}"
                yield ManifestDefect.ARTIFACT_DIFFERS, why


def _results(manifest: EvidenceManifest) -> Iterator[tuple[int, OracleResult]]:
    return enumerate(manifest.results)


def _moment(text: str) -> datetime | None:
    """Return the time that `text` says, with its zone, if it says one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
