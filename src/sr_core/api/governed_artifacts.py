"""Governed artifacts (SPEC 5.5): which versions there are, and which of them holds."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, OPERATOR
from sr_core.api.bodies.governed_artifacts import NewArtifactVersion
from sr_core.api.views.base import accept, show_page, shown
from sr_core.api.views.governed_artifacts import (
    ArtifactRef,
    ArtifactVersionAccepted,
    ArtifactVersionPage,
    ArtifactVersionView,
    ArtifactView,
)
from sr_core.application.governed import Governed
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.artifact_metadata import ArtifactMetadata, parse_artifact_id
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import parse_approval_id
from sr_core.domain.refs import (
    RefKind,
    RefRelation,
    parse_content_hash,
    parse_version,
)
from sr_core.domain.type_keys import parse_type_key
from sr_core.ports.read_model import Row

VERSIONS_MAX = 200
"""How many versions of one artifact are told with it, oldest first."""

TypeFilter = Annotated[str | None, QueryParameter(name="artifact_type")]


@post("/governed-artifacts/register", authority=OPERATOR)
async def register(
    data: JSONBody[NewArtifactVersion],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> ArtifactVersionAccepted:
    """Record a version; making a normative one current takes a steward and an approval."""
    metadata = ArtifactMetadata(
        id=parse_artifact_id(data.artifact_id),
        type=parse_type_key(data.artifact_type),
        title=data.title or data.artifact_id,
        version=parse_version(data.version),
        status=data.status,
        normative_status=data.normative_status,
        authority_kind=data.authority_kind,
        governed_by=tuple(data.governed_by),
        tags=tuple(data.tags),
        supersedes=tuple(data.supersedes),
    )
    content_hash = parse_content_hash(data.content_hash)
    named = data.approval_id
    events = await Governed(platform=platform).register(
        metadata,
        content_hash,
        asked,
        is_current=data.is_current,
        approval_id=parse_approval_id(named) if named is not None else None,
    )
    return accept(
        ArtifactVersionAccepted,
        events,
        asked,
        artifact_id=metadata.id,
        version=metadata.version,
        content_hash=content_hash,
        is_current=data.is_current,
    )


@get("/governed-artifacts", authority=ANYONE)
async def governed_artifacts(
    platform: NamedDependency[Platform],
    artifact_type: TypeFilter = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> ArtifactVersionPage:
    """List every version of every governed artifact, oldest first."""
    known = parse_type_key(artifact_type) if artifact_type is not None else None
    return await show_page(
        platform.rows,
        "governed_artifacts",
        {"artifact_type": known},
        (limit, offset),
        ArtifactVersionView,
        ArtifactVersionPage,
    )


@get("/governed-artifacts/{artifact_id:str}", authority=ANYONE)
async def governed_artifact(
    artifact_id: FromPath[str], platform: NamedDependency[Platform]
) -> ArtifactView:
    """Return one governed artifact: what is current, what is in effect, every version."""
    key = {"artifact_id": artifact_id}
    found = await platform.rows.rows("governed_artifacts", key, limit=VERSIONS_MAX)
    if not found.rows:
        raise NotFound(kind="governed artifact", identifier=artifact_id)
    in_effect = await _one_that_is(platform, artifact_id, "in_effect")
    return ArtifactView(
        artifact_id=artifact_id,
        ref=_ref(in_effect) if in_effect is not None else None,
        current=await _one_that_is(platform, artifact_id, "is_current"),
        in_effect=in_effect,
        versions=[shown(each, ArtifactVersionView) for each in found.rows],
    )


async def _one_that_is(
    platform: Platform, artifact_id: str, said: str
) -> ArtifactVersionView | None:
    key: Row = {"artifact_id": artifact_id, said: True}
    row = await platform.rows.row("governed_artifacts", key)
    return shown(row, ArtifactVersionView) if row is not None else None


def _ref(version: ArtifactVersionView) -> ArtifactRef:
    return ArtifactRef(
        kind=RefKind.GOVERNED_ARTIFACT,
        id=version.artifact_id,
        rel=RefRelation.DEPENDS_ON,
        meta={
            "content_hash": version.content_hash,
            "version": version.version,
            "type_key": version.artifact_type,
        },
    )


router = Router(
    path="",
    tags=["governed artifacts"],
    route_handlers=[register, governed_artifacts, governed_artifact],
)
