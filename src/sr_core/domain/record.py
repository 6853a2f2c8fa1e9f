"""Notes of human judgement: an evaluation, an assessment, an intervention.

A note says what a human thinks of something. It binds nobody: it verifies nothing,
approves nothing and stands in for no approval (C-TB-7). All versions of a note belong to
one history, so only the latest is superseded, and once (C-EVT-3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput, TransitionRefused
from sr_core.domain.ids import RecordId
from sr_core.domain.ref_builders import bundle_refs, record_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.type_keys import parse_type_key


class RecordType(StrEnum):
    """What kind of note it is; the value is its type key (SPEC 1.4)."""

    EVALUATION_NOTE = "record.evaluation_note"
    ASSESSMENT_NOTE = "record.assessment_note"
    INTERVENTION_NOTE = "record.intervention_note"


_DETAILS: Final[Mapping[RecordType, frozenset[str]]] = {
    RecordType.EVALUATION_NOTE: frozenset({"severity", "recommendations"}),
    RecordType.ASSESSMENT_NOTE: frozenset(
        {"severity", "recommendations", "fitness_judgment", "context"}
    ),
    RecordType.INTERVENTION_NOTE: frozenset(
        {"severity", "recommendations", "actions_taken", "impact"}
    ),
}
assert _DETAILS.keys() == set(RecordType), "every type says what it may hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a note says; its hash is that of the canonical form of this."""

    record_type: RecordType
    subject_refs: tuple[Ref, ...]
    evidence_refs: tuple[ContentHash, ...]
    content: str
    details: Mapping[str, str] = field(default_factory=dict)
    """What this type of note may say besides, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRecord:
    """Write a note; or, with `supersedes`, the next version of one."""

    by: Actor
    record_id: RecordId
    note: Note
    content_hash: ContentHash
    supersedes: RecordId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCreated:
    """A human wrote a note; it binds nobody."""

    record_id: RecordId
    record_type: RecordType
    subject_refs: tuple[Ref, ...]
    evidence_refs: tuple[ContentHash, ...]
    content: str
    details: Mapping[str, str]
    content_hash: ContentHash
    supersedes: RecordId | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            *self.subject_refs,
            *bundle_refs(self.evidence_refs, RefRelation.SUPPORTED_BY),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSuperseded:
    """A later version took a note's place."""

    record_id: RecordId
    record_type: RecordType
    content_hash: ContentHash
    new_record_id: RecordId
    new_content_hash: ContentHash

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The note that is superseded, and the one that does so (SPEC 2.3)."""
        return (
            record_ref(
                self.record_id,
                RefRelation.SUPERSEDES,
                content_hash=self.content_hash,
                type_key=parse_type_key(self.record_type),
            ),
            record_ref(
                self.new_record_id,
                RefRelation.RELATES_TO,
                content_hash=self.new_content_hash,
                type_key=parse_type_key(self.record_type),
            ),
        )


RecordEvent: TypeAlias = RecordCreated | RecordSuperseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the events so far say of one note."""

    record_id: RecordId
    record_type: RecordType
    content_hash: ContentHash
    superseded_by: RecordId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All versions of one note, oldest first."""

    versions: Mapping[RecordId, Record] = field(default_factory=dict)


def decide(records: Records, command: CreateRecord) -> tuple[RecordEvent, ...]:
    """Return the note as recorded.

    Raises:
        AuthorityRequired: no human gives it.
        MalformedInput: it has no subject, no content, or holds what its type does not.
        TransitionRefused: a later version has superseded that one already, or it is of
            another type.

    """
    command.by.require(ActorKind.HUMAN, action="writing a note")
    note = command.note
    _require_whole(note)
    created = RecordCreated(
        record_id=command.record_id,
        record_type=note.record_type,
        subject_refs=note.subject_refs,
        evidence_refs=note.evidence_refs,
        content=note.content,
        details=note.details,
        content_hash=command.content_hash,
        supersedes=command.supersedes,
    )
    if command.supersedes is None:
        return (created,)
    before = records.versions[command.supersedes]
    _require_latest(before, note.record_type)
    superseded = RecordSuperseded(
        record_id=before.record_id,
        record_type=before.record_type,
        content_hash=before.content_hash,
        new_record_id=command.record_id,
        new_content_hash=command.content_hash,
    )
    return (created, superseded)


def evolve(records: Records, event: RecordEvent) -> Records:
    """Fold one event into the state."""
    if isinstance(event, RecordCreated):
        made = Record(
            record_id=event.record_id,
            record_type=event.record_type,
            content_hash=event.content_hash,
        )
        return Records(versions={**records.versions, made.record_id: made})
    before = records.versions[event.record_id]
    after = replace(before, superseded_by=event.new_record_id)
    return Records(versions={**records.versions, event.record_id: after})


def _require_whole(note: Note) -> None:
    if not note.subject_refs:
        raise MalformedInput(
            field="subject_refs", found=[], expected="at least one typed ref"
        )
    for each in note.subject_refs:
        if each.rel is not RefRelation.ABOUT:
            raise MalformedInput(
                field=f"rel of the subject {each.id}",
                found=each.rel.value,
                expected=RefRelation.ABOUT.value,
            )
    if not note.content.strip():
        raise MalformedInput(
            field="content", found=note.content, expected="what the note says"
        )
    allowed = _DETAILS[note.record_type]
    if unknown := note.details.keys() - allowed:
        raise MalformedInput(
            field="details", found=sorted(unknown), expected=", ".join(sorted(allowed))
        )


def _require_latest(before: Record, record_type: RecordType) -> None:
    if before.superseded_by is not None:
        raise TransitionRefused(
            subject=before.record_id,
            phase=f"superseded by {before.superseded_by}",
            attempted="SupersedeRecord",
            allowed=(),
        )
    if before.record_type is not record_type:
        raise MalformedInput(
            field="record_type", found=record_type.value, expected=before.record_type
        )
