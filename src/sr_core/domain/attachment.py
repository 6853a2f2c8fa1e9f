"""Attachments: files that people add for other people to read.

An attachment is named by its hash and kept apart from evidence, in a store of its own.
Nothing rests on it: no oracle made it, so it can never be cited as evidence (SPEC 1.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput, Refused
from sr_core.domain.ids import AttachmentId
from sr_core.domain.ref_builders import NO_REFS
from sr_core.domain.refs import ContentHash, Ref

ATTACHMENT_BYTES_MAX: Final = 100 * 1024 * 1024
FILENAME_CHARS_MAX: Final = 255

_MEDIA_TYPE: Final = re.compile(
    r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}"
)


class AttachmentTooLarge(Refused):
    """The file has more bytes than an attachment may have."""

    code = "ATTACHMENT_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__(
            f"The file has more than {ATTACHMENT_BYTES_MAX} bytes",
            remedy="Attach a smaller one, or several",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttachment:
    """Record a file whose bytes are stored already."""

    by: Actor
    attachment_id: AttachmentId
    content_hash: ContentHash
    media_type: str
    size_bytes: int
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRecorded:
    """A human added a file."""

    attachment_id: AttachmentId
    content_hash: ContentHash
    media_type: str
    size_bytes: int
    filename: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """It rests on nothing, and nothing rests on it."""
        return NO_REFS


AttachmentEvent: TypeAlias = AttachmentRecorded


def authorise(by: Actor) -> None:
    """Raise `AuthorityRequired` unless a human adds it."""
    by.require(ActorKind.HUMAN, action="adding an attachment")


def check(*, filename: str, media_type: str) -> None:
    """Raise `MalformedInput` unless a file may be called and typed so."""
    is_name = (
        0 < len(filename) <= FILENAME_CHARS_MAX
        and filename.isprintable()
        and filename not in {".", ".."}
        and not set(filename) & set("/\\")
    )
    if not is_name:
        raise MalformedInput(
            field="filename",
            found=filename[:FILENAME_CHARS_MAX],
            expected=f"1 to {FILENAME_CHARS_MAX} printable characters without slashes",
        )
    if not is_media_type(media_type):
        raise MalformedInput(
            field="media_type", found=media_type, expected="a type such as text/plain"
        )


def is_media_type(text: str) -> bool:
    """Whether `text` is a media type, without parameters, that a header can say."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def require_size(size_bytes: int) -> None:
    """Raise `AttachmentTooLarge` if these are more bytes than an attachment may have."""
    if size_bytes > ATTACHMENT_BYTES_MAX:
        raise AttachmentTooLarge


def decide(command: RecordAttachment) -> tuple[AttachmentRecorded]:
    """Return the attachment as recorded.

    Raises:
        AuthorityRequired: no human gives it.
        MalformedInput: its name, type or size is none that a file may have.
        AttachmentTooLarge: it has more bytes.

    """
    authorise(command.by)
    check(filename=command.filename, media_type=command.media_type)
    require_size(command.size_bytes)
    if command.size_bytes <= 0:
        raise MalformedInput(
            field="file",
            found=f"{command.size_bytes} bytes",
            expected=f"1 to {ATTACHMENT_BYTES_MAX} bytes",
        )
    return (
        AttachmentRecorded(
            attachment_id=command.attachment_id,
            content_hash=command.content_hash,
            media_type=command.media_type,
            size_bytes=command.size_bytes,
            filename=command.filename,
        ),
    )
