"""Notes of human judgement: written down, superseded, never binding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sr_core.application.citations import candidates_of
from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.subjects import boundary_of
from sr_core.codec.canonical import canonical
from sr_core.domain import record
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.ids import RecordId, parse_record_id
from sr_core.domain.record import CreateRecord, Note, RecordEvent
from sr_core.domain.refs import hash_bytes
from sr_core.ports.event_store import NewEvent, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The notes of one log."""

    platform: Platform

    async def create(
        self, note: Note, asked: Asked, *, supersedes: RecordId | None = None
    ) -> tuple[CreateRecord, tuple[NewEvent, ...]]:
        """Write a note, or the next version of one; return what was carried out.

        Raises:
            NotFound: a subject, or the note to be superseded, is not recorded.
            MalformedInput: what it cites is no evidence, or it lacks something.

        """
        command = CreateRecord(
            by=asked.by,
            record_id=parse_record_id(self.platform.ids.fresh("rec")),
            note=note,
            content_hash=hash_bytes(canonical(note)),
            supersedes=supersedes,
        )
        for subject in note.subject_refs:
            await boundary_of(self.platform, subject)
        await candidates_of(self.platform, note.evidence_refs)

        async def rule(versions: record.Records) -> Ruling:
            return Ruling(events=record.decide(versions, command))

        boundary = await self._boundary(command)
        case: Case[record.Records] = Case(boundary=boundary, fold=_fold)
        return command, await self.platform.recorder.record(case, rule, asked)

    async def _boundary(self, command: CreateRecord) -> StreamId:
        """Return the history of all versions, which is named for the first of them."""
        if command.supersedes is None:
            return StreamId(stream_name("rec", command.record_id))
        stream = StreamId(stream_name("rec", command.supersedes))
        boundary = await self.platform.recorder.store.boundary_of(stream)
        if boundary is None:
            raise NotFound(kind="record", identifier=command.supersedes)
        return boundary


def _fold(events: Iterable[DomainEvent], onto: record.Records | None) -> record.Records:
    versions = onto or record.Records()
    for event in events:
        assert isinstance(event, RecordEvent), "a note's boundary is its own"
        versions = record.evolve(versions, event)
    return versions
