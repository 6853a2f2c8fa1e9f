"""Redacted copies of restricted evidence over HTTP (SPEC 9.2): parse, give, answer."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, human_with
from sr_core.api.bodies.candidates import NewRedaction
from sr_core.api.views.base import accept, show_page
from sr_core.api.views.evidence import Blob
from sr_core.api.views.redactions import CopyDetail, CopyPage, CopyPublished, CopyView
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.redactions import Redactions
from sr_core.domain.redacted_copy import REDACTER
from sr_core.domain.refs import parse_content_hash


@post("/evidence/{content_hash:str}/redact", authority=human_with(REDACTER))
async def redact(
    content_hash: FromPath[str],
    data: JSONBody[NewRedaction],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> CopyPublished:
    """Publish a copy of what is sealed in a bundle, without its secrets.

    Who asks has to be one who may read the original too.
    """
    identifier = parse_content_hash(content_hash)
    copies = Redactions(platform=platform)
    made = await copies.make(identifier, data.rationale, asked)
    return accept(
        CopyPublished,
        made.recorded,
        asked,
        redacted_bundle_hash=made.content_hash,
        original_bundle_hash=identifier,
        manifest=made.manifest,
    )


@get("/evidence/{content_hash:str}/redactions", authority=ANYONE)
async def redactions(
    content_hash: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> CopyPage:
    """List the redacted copies of a bundle, oldest first."""
    return await show_page(
        platform.rows,
        "restricted_evidence_redactions",
        {"original_bundle_hash": parse_content_hash(content_hash)},
        (limit, offset),
        CopyView,
        CopyPage,
        under="redactions",
    )


@get("/evidence/{content_hash:str}/redactions/{redacted_hash:str}", authority=ANYONE)
async def redaction(
    content_hash: FromPath[str],
    redacted_hash: FromPath[str],
    platform: NamedDependency[Platform],
) -> CopyDetail:
    """Return the redaction manifest of a copy."""
    original, copy = parse_content_hash(content_hash), parse_content_hash(redacted_hash)
    return CopyDetail(
        redacted_bundle_hash=copy,
        original_bundle_hash=original,
        manifest=await Redactions(platform=platform).manifest(original, copy),
    )


@get(
    "/evidence/{content_hash:str}/redactions/{redacted_hash:str}/blobs/{name:path}",
    authority=ANYONE,
)
async def redacted_blob(
    content_hash: FromPath[str],
    redacted_hash: FromPath[str],
    name: FromPath[str],
    platform: NamedDependency[Platform],
) -> Blob:
    """Return one blob of a redacted copy, as base64."""
    original, copy = parse_content_hash(content_hash), parse_content_hash(redacted_hash)
    asked_for = name.removeprefix("/")
    copies = Redactions(platform=platform)
    artifact, data = await copies.blob(original, copy, asked_for)
    return Blob(
        content_hash=copy,
        blob_name=asked_for,
        content=data,
        size=len(data),
        media_type=artifact.media_type,
        blob_hash=artifact.content_hash,
        classification=None,
    )


router = Router(
    path="",
    tags=["evidence"],
    route_handlers=[redact, redactions, redaction, redacted_blob],
)
