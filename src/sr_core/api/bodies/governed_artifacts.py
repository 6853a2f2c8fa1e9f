"""Bodies of governed artifacts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name
from sr_core.domain.artifact_metadata import (
    ArtifactStatus,
    AuthorityKind,
    NormativeStatus,
)

Names = Annotated[list[Name], Meta(max_length=256)]


class NewArtifactVersion(Body):
    """Record a version of a governed artifact, and perhaps make it current."""

    artifact_id: Name
    artifact_type: Name
    version: Name
    content_hash: Name
    status: ArtifactStatus
    normative_status: NormativeStatus
    authority_kind: AuthorityKind
    is_current: bool
    title: Name | None = None
    governed_by: Names = msgspec.field(default_factory=list)
    tags: Names = msgspec.field(default_factory=list)
    supersedes: Names = msgspec.field(default_factory=list)
    approval_id: Name | None = None
