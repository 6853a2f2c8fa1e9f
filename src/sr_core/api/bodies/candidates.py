"""Bodies of candidates, runs and evidence."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose, RefBody
from sr_core.domain.run import Execution, RunOutcome

REFS_MAX = 256


class NewCandidate(Body):
    """Hand over a candidate's files, each as base64 by its path."""

    produced_by_iteration_id: Name
    files: dict[str, bytes]
    content_hash: Name | None = None
    git_sha: Name | None = None
    description: Annotated[str, Meta(max_length=20_000)] = ""
    refs: Annotated[list[RefBody], Meta(max_length=REFS_MAX)] = msgspec.field(
        default_factory=list
    )


class VerifyCandidate(Body):
    """Ask what a candidate's evidence supports, by a profile no weaker than its own."""

    verification_profile_id: Name | None = None


class NewRun(Body):
    """Have a suite judge a candidate, here or by a runner elsewhere."""

    candidate_id: Name
    oracle_suite_id: Name
    oracle_suite_hash: Name | None = None
    execution: Execution = Execution.PLATFORM


class EndOfRun(Body):
    """End a run that was carried out elsewhere, as its evidence says."""

    outcome: RunOutcome
    evidence_bundle_hash: Name | None = None


class FailureOfRun(Body):
    """End a run that could not be carried out elsewhere."""

    reason: Prose


class NewEvidence(Body):
    """Hand in the evidence of a run: its manifest, and each blob as base64 by name."""

    manifest: dict[str, Any]
    blobs: dict[str, bytes]


class NewErasure(Body):
    """Have the keys of what is sealed in a bundle removed for good, and say why."""

    rationale: str


class NewRedaction(Body):
    """Have a redacted copy of what is sealed in a bundle published, and say why."""

    rationale: str


class NewAssociation(Body):
    """Say what else a bundle speaks of; at least one of these."""

    run_id: Name | None = None
    candidate_id: Name | None = None
    iteration_id: Name | None = None
