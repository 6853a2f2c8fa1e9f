"""Attachments: take in a file piece by piece, keep it under its hash, give it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass

from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.spool import Spool, Spooled, regrouped
from sr_core.domain import attachment
from sr_core.domain.attachment import (
    AttachmentRecorded,
    RecordAttachment,
    require_size,
)
from sr_core.domain.errors import NotFound
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

        Of one that is refused no byte gets to the store.

        Raises:
            AuthorityRequired: no human adds it.
            AttachmentTooLarge: it has a byte too many; what is left was not taken.
            MalformedInput: it is empty, or its name or type is none.
            Unavailable: the store did not answer; nothing is recorded.

        """
        attachment.authorise(asked.by)
        attachment.check(filename=filename, media_type=media_type)
        with Spool() as spool:
            file = await _taken_in(spool, pieces)
            command = RecordAttachment(
                by=asked.by,
                attachment_id=parse_attachment_id(self.platform.ids.fresh("attach")),
                content_hash=file.content_hash,
                media_type=media_type,
                size_bytes=file.size,
                filename=filename,
            )
            recorded = attachment.decide(command)
            await self.platform.attachment_bytes.put(_key(file.content_hash), file)

        async def rule(_: Events) -> Ruling:
            return Ruling(events=recorded)

        stream = StreamId(stream_name("attach", command.attachment_id))
        case: Case[Events] = Case(boundary=stream, fold=_all_events)
        events = await self.platform.recorder.record(case, rule, asked)
        kept = Kept(
            attachment_id=command.attachment_id,
            content_hash=command.content_hash,
            size_bytes=command.size_bytes,
        )
        return kept, events

    async def content(
        self, attachment_id: AttachmentId
    ) -> tuple[AttachmentRecorded, AsyncGenerator[bytes, None]]:
        """Return what is recorded of the file, and its bytes: see `ContentStore.pieces`.

        Raises:
            NotFound: it is not recorded.

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
        store = self.platform.attachment_bytes
        return known, store.pieces(_key(content_hash), expected=content_hash)


async def _taken_in(spool: Spool, pieces: AsyncIterator[bytes]) -> Spooled:
    """Return the whole file; stop at the first byte that is too many."""
    entry = spool.entry()
    async for piece in regrouped(_bounded(pieces)):
        await asyncio.to_thread(entry.add, piece)
    return entry.end()


async def _bounded(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for piece in pieces:
        size += len(piece)
        require_size(size)
        yield piece


def _key(content_hash: ContentHash) -> ObjectKey:
    return ObjectKey(f"sha256/{content_hash.removeprefix('sha256:')}")


def _all_events(events: Iterable[DomainEvent], onto: Events | None) -> Events:
    return (*(onto or ()), *events)
