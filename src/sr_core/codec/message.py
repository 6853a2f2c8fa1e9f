"""The message of an event on the bus: the MessageEnvelope of SPEC 11.2, schema 1.0.

The payload holds the whole envelope of the event and its place in the log, so that a
consumer can work without the database; and the canonical JSON of that envelope has the
hash that the log has, so that it can tell whether it is the one recorded.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from sr_core.codec.canonical import canonical, parse_json, restored
from sr_core.domain.actors import ActorKind
from sr_core.domain.errors import MalformedInput, SrError
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.event_store import StoredEvent
from sr_core.ports.message_bus import Message

SCHEMA_VERSION: Final = "1.0"
MESSAGE_BYTES_MAX: Final = 512 * 1024
"""A message is no larger; that of a larger event says so, and leaves the envelope out."""

Hash = Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
Place = Annotated[int, msgspec.Meta(ge=1)]


class MessageVersionUnsupported(SrError):  # noqa: N818 - named for what it says
    """The message is of a schema that this version does not know (SPEC 11.3)."""

    code = "MESSAGE_VERSION_UNSUPPORTED"

    def __init__(self, *, found: object) -> None:
        super().__init__(
            f"The message has schema_version {found!r}, and {SCHEMA_VERSION!r} is known",
            remedy="Upgrade the consumer, then replay the dead letter",
        )


class EventPayload(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """The event: its place in the log, the hash recorded for it, and all that it says.

    `envelope` is null where it would make the message too large; the log has it.
    """

    global_seq: Place
    event_hash: Hash
    envelope: dict[str, Any] | None


class MessageEnvelope(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """One event on the bus. `idempotency_key` is the hash of all the rest."""

    schema_version: Literal["1.0"]
    message_type: str
    message_id: str
    timestamp: str
    actor_id: str
    actor_kind: ActorKind
    payload: EventPayload
    correlation_id: str | None
    causation_id: str | None
    idempotency_key: Hash


def message(topic: str, event: StoredEvent) -> Message:
    """Return the message of `event`.

    Raises:
        MalformedInput: the envelope is not what is recorded of an event.

    """
    body = _body(event, with_envelope=True)
    if len(body) > MESSAGE_BYTES_MAX:
        body = _body(event, with_envelope=False)
    return Message(
        topic=topic,
        body=body,
        event_id=event.event_id,
        position=event.position,
        envelope_hash=event.envelope_hash,
    )


def parse_message(body: bytes) -> MessageEnvelope:
    """Return what `body` says.

    Raises:
        MessageVersionUnsupported: it is of another schema.
        MalformedInput: it is too large, of no schema, or not what its key is the hash of.

    """
    if len(body) > MESSAGE_BYTES_MAX:
        raise MalformedInput(
            field="the message",
            found=f"{len(body)} bytes",
            expected=f"{MESSAGE_BYTES_MAX} bytes at most",
        )
    raw = parse_json(body, what="the message")
    if not isinstance(raw, dict) or "schema_version" not in raw:
        raise MalformedInput(
            field="the message", found="no schema_version", expected=SCHEMA_VERSION
        )
    if raw["schema_version"] != SCHEMA_VERSION:
        raise MessageVersionUnsupported(found=raw["schema_version"])
    said = restored(MessageEnvelope, raw, what="the message")
    _require(said.idempotency_key, _key(raw), what="the message")
    if said.payload.envelope is not None:
        actual = hash_bytes(canonical(said.payload.envelope))
        _require(said.payload.event_hash, actual, what="the event in the message")
    return said


def message_schema() -> dict[str, Any]:
    """Return the JSON Schema of a message."""
    schema = msgspec.json.schema(MessageEnvelope)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _body(event: StoredEvent, *, with_envelope: bool) -> bytes:
    envelope = parse_json(event.envelope, what=f"the event at {event.position}")
    rest = {
        "schema_version": SCHEMA_VERSION,
        "message_type": envelope["event_type"],
        "message_id": envelope["event_id"],
        "timestamp": envelope["occurred_at"],
        "actor_id": envelope["actor_id"],
        "actor_kind": envelope["actor_kind"],
        "payload": {
            "global_seq": event.position,
            "event_hash": event.envelope_hash,
            "envelope": envelope if with_envelope else None,
        },
        "correlation_id": envelope["correlation_id"],
        "causation_id": envelope["causation_id"],
    }
    return canonical({**rest, "idempotency_key": _key(rest)})


def _key(said: dict[str, Any]) -> ContentHash:
    rest = {name: value for name, value in said.items() if name != "idempotency_key"}
    return hash_bytes(canonical(rest))


def _require(told: str, actual: str, *, what: str) -> None:
    if told != actual:
        raise MalformedInput(
            field=what, found=f"bytes with the hash {actual}", expected=told
        )
