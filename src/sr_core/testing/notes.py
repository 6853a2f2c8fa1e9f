"""Notes and an attachment, each with a history of its own."""

from __future__ import annotations

from sr_core.domain import attachment, record
from sr_core.domain.events import DomainEvent
from sr_core.domain.evidence import Secrecy
from sr_core.domain.ids import AttachmentId, EvidenceReadId, RecordId
from sr_core.domain.record import CreateRecord, Note, Records, RecordType
from sr_core.domain.redacted_copy import (
    PublishCopy,
    RedactedArtifact,
    RedactionManifest,
    publish,
)
from sr_core.domain.ref_builders import loop_ref
from sr_core.domain.refs import RefRelation, hash_bytes
from sr_core.domain.restricted import (
    RELEASED,
    EraseEvidence,
    RestrictedEvidenceRead,
    erase,
)
from sr_core.testing.values import HUMAN, LOOP_1, SOME_HASH, ulid


def build_notes() -> tuple[DomainEvent, ...]:
    """Return a note about the loop, its next version, and a file that was attached.

    Before the file, a restricted blob is read, copied redacted, and erased.
    """
    first, second = (RecordId(f"rec_{ulid(each)}") for each in (1, 2))
    note = Note(
        record_type=RecordType.EVALUATION_NOTE,
        subject_refs=(loop_ref(LOOP_1, RefRelation.ABOUT),),
        evidence_refs=(SOME_HASH,),
        content="the tests say little",
    )
    created = record.decide(Records(), _writing(first, note, None))
    (written,) = created
    versions = record.evolve(Records(), written)
    superseded = record.decide(versions, _writing(second, note, first))
    attached = attachment.decide(
        attachment.RecordAttachment(
            by=HUMAN,
            attachment_id=AttachmentId(f"attach_{ulid(1)}"),
            content_hash=SOME_HASH,
            media_type="text/plain",
            size_bytes=10,
            filename="notes.txt",
        )
    )
    return (*created, *superseded, *_restricted(), *attached)


def _restricted() -> tuple[DomainEvent, ...]:
    read = RestrictedEvidenceRead(
        read_id=EvidenceReadId(f"evread_{ulid(1)}"),
        content_hash=SOME_HASH,
        blob_name="logs/run.txt",
        classification=Secrecy.RESTRICTED,
        outcome=RELEASED,
    )
    erased = erase(
        None,
        EraseEvidence(
            by=HUMAN,
            content_hash=SOME_HASH,
            blob_names=("logs/run.txt",),
            rationale="the person asked for it",
        ),
    )
    copied = publish(
        PublishCopy(
            by=HUMAN,
            redacted_bundle_hash=hash_bytes(b"a redaction manifest"),
            manifest=RedactionManifest(
                original_bundle_hash=SOME_HASH,
                redacted_at="2026-01-09T12:00:00.000000Z",
                redacted_by=HUMAN.actor_id,
                artifacts=(
                    RedactedArtifact(
                        name="logs/run.txt",
                        media_type="text/plain",
                        size=12,
                        content_hash=hash_bytes(b"[[REDACTED]]"),
                    ),
                ),
                redactions=(),
            ),
            rationale="people outside have to see it",
        )
    )
    return (read, *copied, *erased)


def _writing(
    record_id: RecordId, note: Note, supersedes: RecordId | None
) -> CreateRecord:
    return CreateRecord(
        by=HUMAN,
        record_id=record_id,
        note=note,
        content_hash=hash_bytes(record_id.encode()),
        supersedes=supersedes,
    )
