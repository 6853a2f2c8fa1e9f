"""The candidate: the bytes that an iteration brought forth, named by their hash.

The hash is that of the candidate manifest, the canonical list of all files with their
sizes and hashes. It is computed here from the bytes, never taken on trust (SPEC 1.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor
from sr_core.domain.errors import MalformedInput, TransitionRefused
from sr_core.domain.ids import CandidateId, IterationId, LoopId, candidate_hash
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.iteration import Iteration
from sr_core.domain.judging_errors import CandidateMismatch
from sr_core.domain.loop import Loop, LoopPhase
from sr_core.domain.ref_builders import candidate_ref, iteration_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    VerificationStatus,
)

FILES_MAX: Final = 10_000
PATH_BYTES_MAX: Final = 512

_SEGMENT: Final = re.compile(r"[^/\x00-\x1f\x7f\\\ud800-\udfff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFile:
    """One file of a candidate; `size` is in bytes."""

    path: str
    size: int
    content_hash: ContentHash

    def __post_init__(self) -> None:
        segments = self.path.split("/")
        clean = all(_SEGMENT.fullmatch(each) for each in segments)
        if (
            not clean
            or {".", ".."} & set(segments)
            or len(self.path.encode()) > PATH_BYTES_MAX
        ):
            raise MalformedInput(
                field="path of a candidate's file",
                found=self.path,
                expected="a relative path without . and .., with / between its parts",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateManifest:
    """All files of a candidate, sorted by path.

    Raises:
        MalformedInput: there is no file, there are too many, or two share a path.

    """

    files: tuple[CandidateFile, ...]

    def __post_init__(self) -> None:
        paths = [each.path for each in self.files]
        if not 0 < len(paths) <= FILES_MAX:
            raise MalformedInput(
                field="files", found=len(paths), expected=f"1 to {FILES_MAX} files"
            )
        if paths != sorted(set(paths)):
            raise MalformedInput(
                field="files", found=paths, expected="each path once, in order"
            )
        folders = {
            path[:end] for path in paths for end, char in enumerate(path) if char == "/"
        }
        if both := folders & set(paths):
            raise MalformedInput(
                field="files",
                found=sorted(both),
                expected="paths that are not both a file and a folder",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCandidate:
    """Record bytes that are stored already, under the identifier made of their hash."""

    by: Actor
    candidate_id: CandidateId
    manifest: CandidateManifest
    declared: ContentHash | None = None
    git_sha: str | None = None
    description: str = ""
    refs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateMaterialized:
    """A candidate's bytes were stored."""

    candidate_id: CandidateId
    content_hash: ContentHash
    loop_id: LoopId
    produced_by_iteration_id: IterationId
    manifest: CandidateManifest
    git_sha: str | None = None
    description: str = ""
    declared_refs: tuple[Ref, ...] = ()
    """What its maker says that it rests on."""

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            iteration_ref(self.produced_by_iteration_id, RefRelation.IN_SCOPE_OF),
            iteration_ref(self.produced_by_iteration_id, RefRelation.DEPENDS_ON),
            candidate_ref(self.candidate_id, RefRelation.ABOUT),
            *self.declared_refs,
        )


CandidateEvent: TypeAlias = CandidateMaterialized


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the events so far say of one candidate.

    `missing` holds the bundles whose evidence was once found missing: what is found
    again does not cure that, a new run does (C-EVID-6). `standing` holds the integrity
    conditions that the latest verification found, and `rests_on` the bundles that it
    read; None is no verification yet.
    """

    candidate_id: CandidateId
    content_hash: ContentHash
    loop_id: LoopId
    iteration_id: IterationId
    manifest: CandidateManifest
    status: VerificationStatus = VerificationStatus.UNVERIFIED
    standing: frozenset[IntegrityCondition] = frozenset()
    missing: frozenset[ContentHash] = frozenset()
    rests_on: tuple[ContentHash, ...] | None = None


def decide(
    loop: Loop, iteration: Iteration, command: RegisterCandidate
) -> tuple[CandidateMaterialized, ...]:
    """Return the candidate as recorded.

    Raises:
        CandidateMismatch: the declared hash is not that of the bytes.
        TransitionRefused: the iteration has ended, or its loop is closed.

    """
    if loop.phase is LoopPhase.CLOSED:
        raise TransitionRefused(
            subject=loop.loop_id,
            phase=loop.phase,
            attempted="RegisterCandidate",
            allowed=(),
        )
    computed = candidate_hash(command.candidate_id)
    if command.declared is not None and command.declared != computed:
        raise CandidateMismatch(declared=command.declared, computed=computed)
    assert (command.git_sha is not None) == command.candidate_id.startswith("git:"), (
        "whoever makes the identifier puts the commit into it"
    )
    if not iteration.phase.is_open:
        raise TransitionRefused(
            subject=iteration.iteration_id,
            phase=iteration.phase,
            attempted="RegisterCandidate",
            allowed=(),
        )
    return (
        CandidateMaterialized(
            candidate_id=command.candidate_id,
            content_hash=computed,
            loop_id=iteration.loop_id,
            produced_by_iteration_id=iteration.iteration_id,
            manifest=command.manifest,
            git_sha=command.git_sha,
            description=command.description,
            declared_refs=command.refs,
        ),
    )


def materialised(event: CandidateMaterialized) -> Candidate:
    """Return the candidate that `event` makes known."""
    return Candidate(
        candidate_id=event.candidate_id,
        content_hash=event.content_hash,
        loop_id=event.loop_id,
        iteration_id=event.produced_by_iteration_id,
        manifest=event.manifest,
    )


def evolve(
    candidate: Candidate,
    event: CandidateVerificationComputed | EvidenceMissingDetected,
) -> Candidate:
    """Fold one event into the state."""
    if isinstance(event, EvidenceMissingDetected):
        return replace(candidate, missing=candidate.missing | {event.content_hash})
    return replace(
        candidate,
        status=event.verification_status,
        standing=frozenset(event.integrity_conditions),
        rests_on=event.evidence_bundle_hashes,
    )
