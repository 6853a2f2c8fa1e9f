"""Attachments (SPEC 5.6): take in a file, give it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, MultipartBody

from sr_core.api.authority import ANYONE, HUMAN
from sr_core.api.views.attachments import AttachmentAccepted, AttachmentView
from sr_core.api.views.base import accept, shown
from sr_core.application.attachments import Attachments
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.attachment import ATTACHMENT_BYTES_MAX
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import parse_attachment_id

PIECE_BYTES: Final = 1024 * 1024
_ENVELOPE_BYTES: Final = 64 * 1024
"""What the form round the file may take up."""


@dataclass
class AttachmentForm:
    """A form with one file."""

    file: UploadFile


@post(
    "/attachments",
    authority=HUMAN,
    request_max_body_size=ATTACHMENT_BYTES_MAX + _ENVELOPE_BYTES,
)
async def attach(
    data: MultipartBody[AttachmentForm],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> AttachmentAccepted:
    """Add a file; it is kept under its hash, and is never evidence."""
    media_type = data.file.content_type or "application/octet-stream"
    try:
        kept, events = await Attachments(platform=platform).add(
            _pieces(data.file),
            filename=data.file.filename,
            media_type=media_type,
            asked=asked,
        )
    finally:
        await data.file.close()
    return accept(
        AttachmentAccepted,
        events,
        asked,
        attachment_id=kept.attachment_id,
        content_hash=kept.content_hash,
        size_bytes=kept.size_bytes,
        media_type=media_type,
        filename=data.file.filename,
        uploaded_by={"actor_kind": asked.by.kind, "actor_id": asked.by.actor_id},
        uploaded_at=events[0].occurred_at,
    )


@get("/attachments/{attachment_id:str}", authority=ANYONE)
async def attachment(
    attachment_id: FromPath[str], platform: NamedDependency[Platform]
) -> AttachmentView:
    """Return what is recorded of a file."""
    key = {"attachment_id": parse_attachment_id(attachment_id)}
    row = await platform.rows.row("attachments", key)
    if row is None:
        raise NotFound(kind="attachment", identifier=attachment_id)
    uploaded_by = {
        "actor_kind": row["uploaded_by_kind"],
        "actor_id": row["uploaded_by_id"],
    }
    return shown(row, AttachmentView, uploaded_by=uploaded_by)


@get("/attachments/{attachment_id:str}/content", authority=ANYONE)
async def attachment_content(
    attachment_id: FromPath[str], platform: NamedDependency[Platform]
) -> Response[bytes]:
    """Return the file itself; its bytes are hashed before they are given."""
    known, data = await Attachments(platform=platform).content(
        parse_attachment_id(attachment_id)
    )
    name = quote(known.filename, safe="")
    return Response(
        data,
        media_type=known.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{known.content_hash}"',
        },
    )


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


router = Router(
    path="",
    tags=["attachments"],
    route_handlers=[attach, attachment, attachment_content],
)
