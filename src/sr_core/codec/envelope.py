"""Events to and from the envelopes in the log (SPEC 2.1).

The stored bytes are the hashed bytes. The envelope says everything of an event but its
place in the log, which only the log can give, and which the chain hash covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sr_core.codec.canonical import canonical, parse_json, plain, restored
from sr_core.codec.upcast import UPCASTS, Upcasts
from sr_core.domain.actors import Actor, parse_actor
from sr_core.domain.errors import MalformedInput
from sr_core.domain.events import (
    EVENT_TYPES,
    DomainEvent,
    refs_of,
    stream_of,
    subject_of,
)
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.event_store import (
    NewEvent,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.read_model import RowChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What an event gets when it is recorded, beside its place in the log."""

    event_id: str
    stream_seq: int
    by: Actor
    occurred_at: datetime
    correlation_id: str | None
    causation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event as the log has it."""

    position: Position
    event_id: str
    event: DomainEvent
    by: Actor
    occurred_at: datetime
    correlation_id: str | None
    envelope_hash: ContentHash


def seal(event: DomainEvent, with_: Seal, changes: Sequence[RowChange]) -> NewEvent:
    """Return the event in the form in which it is appended."""
    subject = subject_of(event)
    envelope = canonical(
        {
            "schema_version": f"{UPCASTS.current(type(event).__name__)}",
            "event_id": with_.event_id,
            "stream_id": stream_of(event),
            "stream_kind": subject.kind,
            "stream_seq": with_.stream_seq,
            "event_type": type(event).__name__,
            "occurred_at": rfc3339(with_.occurred_at),
            "actor_kind": with_.by.kind,
            "actor_id": with_.by.actor_id,
            "correlation_id": with_.correlation_id,
            "causation_id": with_.causation_id,
            "supersedes": [],
            "refs": plain(refs_of(event)),
            "payload": plain(event),
        }
    )
    return NewEvent(
        event_id=with_.event_id,
        stream_id=StreamId(stream_of(event)),
        stream_kind=subject.kind,
        stream_seq=with_.stream_seq,
        event_type=type(event).__name__,
        by=with_.by,
        occurred_at=with_.occurred_at,
        correlation_id=with_.correlation_id,
        envelope=envelope,
        envelope_hash=hash_bytes(envelope),
        changes=tuple(changes),
    )


def opened(stored: StoredEvent, upcasts: Upcasts = UPCASTS) -> Recorded:
    """Return what the envelope says, in the version of today.

    Raises:
        MalformedInput: its bytes are not those that were hashed, or are no event.
        EventNotUnderstood: it is of a type, or a version, that is not known here.

    """
    actual = hash_bytes(stored.envelope)
    if actual != stored.envelope_hash:
        raise MalformedInput(
            field=f"the event at {stored.position}",
            found=f"bytes with the hash {actual}",
            expected=f"the bytes recorded, with the hash {stored.envelope_hash}",
        )
    raw = parse_json(stored.envelope, what=f"the event at {stored.position}")
    name = raw["event_type"]
    payload = upcasts.upcast(
        name, raw["schema_version"], raw["payload"], position=stored.position
    )
    return Recorded(
        position=stored.position,
        event_id=raw["event_id"],
        event=restored(EVENT_TYPES[name], payload, what=name),
        by=parse_actor(raw["actor_kind"], raw["actor_id"]),
        occurred_at=datetime.fromisoformat(raw["occurred_at"]),
        correlation_id=raw["correlation_id"],
        envelope_hash=stored.envelope_hash,
    )


def rfc3339(moment: datetime) -> str:
    """Return `moment` in UTC, to the microsecond, such as 2026-01-09T12:00:00.000000Z."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
