"""Attachments (SPEC 5.6): take in a file, give it back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from sr_core.api.authority import ANYONE, HUMAN
from sr_core.api.forms import FILE, Form, Part, form_schema
from sr_core.api.streaming import BYTES, Streamed
from sr_core.api.views.attachments import AttachmentAccepted, AttachmentView
from sr_core.api.views.base import accept, shown
from sr_core.application.attachments import Attachments
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.attachment import ATTACHMENT_BYTES_MAX
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.ids import parse_attachment_id

FIELD: Final = "file"
_ENVELOPE_BYTES: Final = 64 * 1024
"""What the form round the file may take up."""
FORM: Final = form_schema("A form with one file.", {FIELD: FILE}, required=(FIELD,))


@post(
    "/attachments",
    authority=HUMAN,
    request_max_body_size=ATTACHMENT_BYTES_MAX + _ENVELOPE_BYTES,
    reads_body=FORM,
)
async def attach(
    request: Request[Any, Any, Any],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> AttachmentAccepted:
    """Add a file; it is kept under its hash, and is never evidence."""
    form = Form(request)
    file = _required_file(await form.next())
    filename = file.filename or ""
    media_type = file.media_type or BYTES
    kept, events = await Attachments(platform=platform).add(
        _only_part(form), filename=filename, media_type=media_type, asked=asked
    )
    return accept(
        AttachmentAccepted,
        events,
        asked,
        attachment_id=kept.attachment_id,
        content_hash=kept.content_hash,
        size_bytes=kept.size_bytes,
        media_type=media_type,
        filename=filename,
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
    """Return the file itself, hashed on its way: if it is another, its end is not sent."""
    known, pieces = await Attachments(platform=platform).content(
        parse_attachment_id(attachment_id)
    )
    return await Streamed.begin(
        pieces,
        size=known.size_bytes,
        media_type=known.media_type,
        name=known.filename,
        tag=known.content_hash,
    )


def _required_file(part: Part | None) -> Part:
    if part is None or part.name != FIELD or part.filename is None:
        raise MalformedInput(
            field=FIELD,
            found=part and part.name[:128],
            expected=f"a form with one file, called {FIELD}",
        )
    return part


async def _only_part(form: Form) -> AsyncGenerator[bytes, None]:
    """Yield what is in the part; it ends only if nothing comes after it."""
    async for each in form.content():
        yield each
    if (another := await form.next()) is not None:
        raise MalformedInput(
            field=another.name[:128], found="another part", expected="one file"
        )


router = Router(
    path="",
    tags=["attachments"],
    route_handlers=[attach, attachment, attachment_content],
)
