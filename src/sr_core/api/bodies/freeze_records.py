"""Bodies of freeze records."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sr_core.api.bodies.base import Body, Name
from sr_core.api.bodies.refs import Hashes
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.governed_exception import ExceptionPhase
from sr_core.domain.verification import VerificationMode


class FrozenArtifactBody(Body):
    """An artifact of a freeze; a file of the candidate has no version of its own."""

    artifact_id: Name
    content_hash: Name
    version: Name | None = None


class FrozenExceptionBody(Body):
    """An exception that is in force."""

    exception_id: Name
    kind: ExceptionKind
    status: ExceptionPhase = ExceptionPhase.ACTIVE


class FrozenVerificationBody(Body):
    """What the caller takes the verification to be."""

    mode: VerificationMode | None = None
    oracle_suite_id: Name | None = None
    oracle_suite_hash: Name | None = None
    evidence_bundle_refs: Hashes | None = None
    waiver_refs: Annotated[list[Name], Meta(max_length=256)] | None = None


class NewFreeze(Body):
    """Fix a candidate as shippable.

    Everything but the first three is computed. What is given all the same, flat or
    under `verification`, has to be what is computed.
    """

    baseline_id: Name
    candidate_id: Name
    release_approval_id: Name
    verification: FrozenVerificationBody | None = None
    verification_mode: VerificationMode | None = None
    oracle_suite_id: Name | None = None
    oracle_suite_hash: Name | None = None
    evidence_bundle_refs: Hashes | None = None
    waiver_refs: Annotated[list[Name], Meta(max_length=256)] | None = None
    artifact_manifest: (
        Annotated[list[FrozenArtifactBody], Meta(max_length=20_000)] | None
    ) = None
    active_exceptions: (
        Annotated[list[FrozenExceptionBody], Meta(max_length=256)] | None
    ) = None
