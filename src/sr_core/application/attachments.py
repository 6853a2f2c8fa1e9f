"""Attachments: take in a file piece by piece, keep it under its hash, give it back."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain import attachment
from sr_core.domain.attachment import (
    ATTACHMENT_BYTES_MAX,
    AttachmentRecorded,
    RecordAttachment,
)
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.ids import AttachmentId, parse_attachment_id
from sr_core.domain.refs import ContentHash, parse_content_hash
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.event_store import NewEvent, StreamId

Events = tuple[DomainEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file as it was kept."""

    attachment_id: AttachmentId
    content_hash: ContentHash
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachments:
    """The attachments of one log, and their bytes."""

    platform: Platform

    async def add(
        self,
        pieces: AsyncIterator[bytes],
        *,
        filename: str,
        media_type: str,
        asked: Asked,
    ) -> tuple[Kept, tuple[NewEvent, ...]]:
        """Store the file under its hash, then record it.

        Raises:
            AuthorityRequired: no human adds it.
            MalformedInput: it is too large, empty, or its name or type is none.
            Unavailable: the store did not answer; nothing is recorded.

        """
        attachment.authorise(asked.by)
        attachment.check(filename=filename, media_type=media_type)
        data, content_hash = await _taken_in(pieces)
        command = RecordAttachment(
            by=asked.by,
            attachment_id=parse_attachment_id(self.platform.ids.fresh("attach")),
            content_hash=content_hash,
            media_type=media_type,
            size_bytes=len(data),
            filename=filename,
        )
        recorded = attachment.decide(command)
        await self.platform.attachment_bytes.put(_key(content_hash), data)

        async def rule(_: Events) -> Ruling:
            return Ruling(events=recorded)

        stream = StreamId(stream_name("attach", command.attachment_id))
        case: Case[Events] = Case(boundary=stream, fold=_all_events)
        events = await self.platform.recorder.record(case, rule, asked)
        kept = Kept(
            attachment_id=command.attachment_id,
            content_hash=content_hash,
            size_bytes=len(data),
        )
        return kept, events

    async def content(
        self, attachment_id: AttachmentId
    ) -> tuple[AttachmentRecorded, bytes]:
        """Return what is recorded of the file, and its bytes, whose hash was checked.

        Raises:
            NotFound: it is not recorded.
            Unretrievable: its bytes are gone, or are not what was stored.
            Unavailable: the store did not answer.

        """
        key = {"attachment_id": attachment_id}
        row = await self.platform.rows.row("attachments", key)
        if row is None:
            raise NotFound(kind="attachment", identifier=attachment_id)
        content_hash = parse_content_hash(str(row["content_hash"]))
        known = AttachmentRecorded(
            attachment_id=attachment_id,
            content_hash=content_hash,
            media_type=str(row["media_type"]),
            size_bytes=int(str(row["size_bytes"])),
            filename=str(row["filename"]),
        )
        data = await self.platform.attachment_bytes.get(
            _key(content_hash), expected=content_hash
        )
        return known, data


async def _taken_in(pieces: AsyncIterator[bytes]) -> tuple[bytes, ContentHash]:
    """Return the whole file and its hash; stop at the first byte that is too many."""
    data = bytearray()
    digest = hashlib.sha256()
    async for piece in pieces:
        if len(data) + len(piece) > ATTACHMENT_BYTES_MAX:
            raise MalformedInput(
                field="file",
                found=f"more than {ATTACHMENT_BYTES_MAX} bytes",
                expected=f"1 to {ATTACHMENT_BYTES_MAX} bytes",
            )
        digest.update(piece)
        data += piece
    return bytes(data), parse_content_hash(f"sha256:{digest.hexdigest()}")


def _key(content_hash: ContentHash) -> ObjectKey:
    return ObjectKey(f"sha256/{content_hash.removeprefix('sha256:')}")


def _all_events(events: Iterable[DomainEvent], onto: Events | None) -> Events:
    return (*(onto or ()), *events)
