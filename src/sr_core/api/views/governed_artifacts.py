"""What is told of governed artifacts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.actors import ActorKind
from sr_core.domain.artifact_metadata import (
    ArtifactStatus,
    AuthorityKind,
    NormativeStatus,
)


class ArtifactVersionView(View):
    """One version of a governed artifact."""

    artifact_id: str
    artifact_type: str
    title: str
    version: str
    content_hash: str
    status: ArtifactStatus
    normative_status: NormativeStatus
    authority_kind: AuthorityKind
    governed_by: list[str]
    tags: list[str]
    supersedes: list[str]
    is_current: bool
    """Whether a human says that this version is the one to go by."""
    in_effect: bool
    """Whether a process was last started with this version."""
    in_effect_since: datetime | None
    approval_id: str | None
    recorded_at: datetime
    recorded_by_kind: ActorKind
    recorded_by_id: str


class ArtifactVersionPage(Page):
    """Some versions, in the order in which they were recorded."""

    governed_artifacts: list[ArtifactVersionView]


class ArtifactRef(msgspec.Struct, kw_only=True):
    """A ref to the version in effect, as a loop's directive is named by it."""

    kind: str
    id: str
    rel: str
    meta: dict[str, str]


class ArtifactView(msgspec.Struct, kw_only=True):
    """A governed artifact with all of its versions."""

    artifact_id: str
    ref: ArtifactRef | None
    """None, if no process was started with it."""
    current: ArtifactVersionView | None
    in_effect: ArtifactVersionView | None
    versions: list[ArtifactVersionView]


class ArtifactVersionAccepted(Accepted):
    """A version was recorded."""

    artifact_id: str
    version: str
    content_hash: str
    is_current: bool
