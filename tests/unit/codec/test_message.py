"""SPEC 11.2: a message holds the whole event, and is what its hashes say."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.codec.canonical import canonical
from sr_core.codec.message import (
    MESSAGE_BYTES_MAX,
    MessageVersionUnsupported,
    message,
    message_schema,
    parse_message,
)
from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import hash_bytes
from sr_core.ports.event_store import BEGINNING, StoredEvent
from sr_core.testing import append_stops

pytestmark = pytest.mark.anyio

TOPIC = "sr.events.LOOP.StopTriggered"
SCHEMA = Path(__file__).parents[3] / "docs/reference/message-envelope.schema.json"


async def an_event(size: int = 0) -> StoredEvent:
    store = MemoryEventStore(MemoryReadModel())
    await append_stops(store, 1, size=size)
    (event,) = await store.read(after=BEGINNING, limit=1)
    return event


async def test_it_says_all_that_the_log_has_of_the_event():
    event = await an_event()

    said = parse_message(message(TOPIC, event).body)

    assert said.message_id == event.event_id
    assert said.message_type == "StopTriggered"
    assert said.payload.global_seq == event.position
    assert said.payload.event_hash == event.envelope_hash
    assert canonical(said.payload.envelope) == event.envelope


async def test_its_key_is_the_hash_of_the_rest():
    body = message(TOPIC, await an_event()).body
    said = json.loads(body)
    key = said.pop("idempotency_key")

    assert key == hash_bytes(canonical(said))
    assert body == canonical({**said, "idempotency_key": key})


async def test_one_that_is_too_large_leaves_the_envelope_out():
    event = await an_event(size=MESSAGE_BYTES_MAX)

    body = message(TOPIC, event).body

    assert len(body) < MESSAGE_BYTES_MAX
    assert parse_message(body).payload.envelope is None
    assert parse_message(body).payload.event_hash == event.envelope_hash


@pytest.mark.parametrize("field", ["message_id", "timestamp", "actor_id"])
async def test_one_that_was_changed_is_refused(field):
    said = json.loads(message(TOPIC, await an_event()).body)
    said[field] = "another"

    with pytest.raises(MalformedInput, match="the hash"):
        parse_message(canonical(said))


async def test_an_event_that_was_changed_is_refused():
    said = json.loads(message(TOPIC, await an_event()).body)
    said["payload"]["envelope"]["actor_id"] = "another"
    del said["idempotency_key"]
    said["idempotency_key"] = hash_bytes(canonical(said))

    with pytest.raises(MalformedInput, match="the event in the message"):
        parse_message(canonical(said))


async def test_a_surplus_field_is_refused():
    said = json.loads(message(TOPIC, await an_event()).body)

    with pytest.raises(MalformedInput):
        parse_message(canonical({**said, "surplus": 1}))


@pytest.mark.parametrize("version", ["2.0", "1", 1, None])
async def test_another_schema_is_told_from_a_broken_one(version):
    said = json.loads(message(TOPIC, await an_event()).body)

    with pytest.raises(MessageVersionUnsupported):
        parse_message(canonical({**said, "schema_version": version}))


class TestTheSchema:
    """The page of the reference is made from the struct, and holds for messages."""

    def test_it_is_what_the_struct_says(self):
        assert json.loads(SCHEMA.read_text(encoding="utf-8")) == message_schema()

    @pytest.mark.parametrize("size", [0, MESSAGE_BYTES_MAX])
    async def test_a_message_is_of_it(self, size):
        said = json.loads(message(TOPIC, await an_event(size)).body)

        jsonschema_rs.validate(message_schema(), said)

    async def test_one_with_a_surplus_field_is_not(self):
        said = json.loads(message(TOPIC, await an_event()).body)

        with pytest.raises(jsonschema_rs.ValidationError):
            jsonschema_rs.validate(message_schema(), {**said, "surplus": 1})
