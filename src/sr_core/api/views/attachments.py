"""Attachments, as they are told."""

from __future__ import annotations

from datetime import datetime

from sr_core.api.views.base import Accepted, View
from sr_core.api.views.refs import ActorView


class AttachmentView(View):
    """A file that a human added; it is never evidence."""

    attachment_id: str
    content_hash: str
    size_bytes: int
    media_type: str
    filename: str
    uploaded_by: ActorView
    uploaded_at: datetime


class AttachmentAccepted(Accepted):
    """A file was added."""

    attachment_id: str
    content_hash: str
    size_bytes: int
    media_type: str
    filename: str
    uploaded_by: ActorView
    uploaded_at: datetime
