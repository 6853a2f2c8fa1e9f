"""Events as they are recorded (SPEC 2.1, C-EVT-1, C-EVT-2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.canonical import canonical, parse_json, plain
from sr_core.codec.envelope import Recorded, Seal, opened, rfc3339, seal
from sr_core.domain.errors import EventNotUnderstood, MalformedInput
from sr_core.domain.events import EVENT_TYPES, refs_of, stream_of, subject_of
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.event_store import NewEvent, Position, StoredEvent, StreamId
from sr_core.ports.read_model import InsertRow
from sr_core.testing import (
    HUMAN,
    NOON,
    build_artifact_events,
    build_full_story,
    build_notes,
    build_staleness,
    build_suite_events,
    ulid,
)
from sr_core.testing.plans import every_plan_event
from sr_core.testing.work import build_work_log

STORY = build_full_story()
TOLD = [
    *build_suite_events(),
    *build_artifact_events(),
    *STORY.log,
    *build_notes(),
    *build_staleness(),
    *build_work_log(),
    *every_plan_event(),
]
EXAMPLES = {type(each).__name__: each for each in reversed(TOLD)}
"""One event of each type, each of them decided by the rules."""

SEAL = Seal(
    event_id=f"evt_{ulid(7)}",
    stream_seq=3,
    by=HUMAN,
    occurred_at=NOON,
    correlation_id="corr-1",
    causation_id=f"evt_{ulid(6)}",
)


def stored(envelope: bytes, envelope_hash: ContentHash | None = None) -> StoredEvent:
    return StoredEvent(
        position=Position(9),
        boundary=StreamId("loop:a"),
        stream_id=StreamId("loop:a"),
        stream_seq=3,
        event_id=SEAL.event_id,
        event_type="LoopActivated",
        envelope=envelope,
        envelope_hash=envelope_hash or hash_bytes(envelope),
        chain_hash=bytes(32),
    )


def sealed(name: str = "LoopActivated") -> NewEvent:
    return seal(EXAMPLES[name], SEAL, ())


def changed(**changes: object) -> StoredEvent:
    raw = parse_json(sealed().envelope, what="envelope")
    return stored(canonical({**raw, **changes}))


class TestThereAndBack:
    """C-EVT-7: what was recorded is read as it was decided."""

    def test_there_is_an_example_of_every_event(self):
        assert EXAMPLES.keys() == EVENT_TYPES.keys()

    @pytest.mark.parametrize("name", EVENT_TYPES)
    def test_every_event_comes_back_as_it_went_in(self, name):
        new = sealed(name)

        recorded = opened(stored(new.envelope, new.envelope_hash))

        assert recorded == Recorded(
            position=Position(9),
            event_id=SEAL.event_id,
            event=EXAMPLES[name],
            by=HUMAN,
            occurred_at=NOON,
            correlation_id="corr-1",
            envelope_hash=new.envelope_hash,
        )

    def test_all_events_of_a_story_do(self):
        for event in STORY.log:
            new = seal(event, SEAL, ())
            assert opened(stored(new.envelope)).event == event

    @pytest.mark.parametrize("name", EVENT_TYPES)
    def test_the_envelope_says_everything_but_its_place(self, name):
        event = EXAMPLES[name]

        raw = parse_json(sealed(name).envelope, what="envelope")

        assert raw == {
            "schema_version": "1",
            "event_id": SEAL.event_id,
            "stream_id": stream_of(event),
            "stream_kind": subject_of(event).kind.value,
            "stream_seq": 3,
            "event_type": name,
            "occurred_at": "2026-01-09T12:00:00.000000Z",
            "actor_kind": "HUMAN",
            "actor_id": HUMAN.actor_id,
            "correlation_id": "corr-1",
            "causation_id": SEAL.causation_id,
            "supersedes": [],
            "refs": parse_json(canonical(refs_of(event)), what="refs"),
            "payload": parse_json(canonical(event), what="payload"),
        }

    def test_what_the_log_needs_to_know_is_repeated(self):
        change = InsertRow(table="things", row={"a": 1})

        new = seal(EXAMPLES["LoopActivated"], SEAL, [change])

        assert new.stream_id == stream_of(EXAMPLES["LoopActivated"])
        assert (new.stream_kind, new.stream_seq) == ("LOOP", 3)
        assert (new.event_id, new.event_type) == (SEAL.event_id, "LoopActivated")
        assert (new.by, new.occurred_at) == (HUMAN, NOON)
        assert new.correlation_id == "corr-1"
        assert new.envelope_hash == hash_bytes(new.envelope)
        assert new.changes == (change,)

    def test_without_correlation_or_cause_there_is_none(self):
        alone = replace(SEAL, correlation_id=None, causation_id=None)

        new = seal(EXAMPLES["LoopActivated"], alone, ())

        assert opened(stored(new.envelope)).correlation_id is None


class TestTampering:
    """C-EVT-2: the stored bytes are the hashed bytes."""

    @given(data=st.data())
    def test_a_single_byte_is_noticed(self, data):
        new = sealed(data.draw(st.sampled_from(sorted(EVENT_TYPES))))
        place = data.draw(st.integers(0, len(new.envelope) - 1))
        bits = data.draw(st.integers(1, 255))
        spoilt = bytearray(new.envelope)
        spoilt[place] ^= bits

        with pytest.raises(MalformedInput, match=r"the event at 9: found .*bytes with"):
            opened(stored(bytes(spoilt), new.envelope_hash))

    def test_so_is_every_byte_of_one_envelope(self):
        new = sealed()

        for place in range(len(new.envelope)):
            spoilt = bytearray(new.envelope)
            spoilt[place] ^= 1
            with pytest.raises(MalformedInput):
                opened(stored(bytes(spoilt), new.envelope_hash))

    def test_both_hashes_are_told(self):
        new = sealed()

        with pytest.raises(MalformedInput) as malformed:
            opened(stored(b"{}", new.envelope_hash))

        assert hash_bytes(b"{}") in str(malformed.value)
        assert new.envelope_hash in str(malformed.value)


class TestWhatThisVersionDoesNotKnow:
    """SPEC 16.11: an unknown event is refused, and never passed over."""

    @pytest.mark.parametrize("event_type", ["LoopExploded", "loopactivated", ""])
    def test_another_event(self, event_type):
        with pytest.raises(EventNotUnderstood, match=f"knows {event_type}, the event"):
            opened(changed(event_type=event_type))

    @pytest.mark.parametrize("version", ["0", "2", "", 1], ids=repr)
    def test_another_version(self, version):
        with pytest.raises(EventNotUnderstood, match=r"of version .* 1 is the latest"):
            opened(changed(schema_version=version))

    def test_a_surplus_field_of_the_payload(self):
        payload = {**plain(EXAMPLES["LoopActivated"]), "colour": "red"}

        with pytest.raises(MalformedInput, match="colour"):
            opened(changed(payload=payload))

    def test_a_missing_field_of_the_payload(self):
        with pytest.raises(MalformedInput, match="LoopActivated"):
            opened(changed(payload={}))

    def test_another_kind_of_actor(self):
        with pytest.raises(MalformedInput, match="actor kind"):
            opened(changed(actor_kind="ROBOT"))

    def test_what_is_no_json(self):
        with pytest.raises(MalformedInput, match="the event at 9"):
            opened(stored(b"not JSON"))


class TestTime:
    """SPEC 2.1: RFC 3339, in UTC, always as long."""

    @pytest.mark.parametrize(
        ("moment", "text"),
        [
            (NOON, "2026-01-09T12:00:00.000000Z"),
            (NOON + timedelta(microseconds=1), "2026-01-09T12:00:00.000001Z"),
            (
                datetime(2026, 1, 9, 14, tzinfo=timezone(timedelta(hours=2))),
                "2026-01-09T12:00:00.000000Z",
            ),
        ],
    )
    def test_form(self, moment, text):
        assert rfc3339(moment) == text

    @given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds the zone itself
    def test_it_is_read_as_the_same_moment(self, moment):
        read = datetime.fromisoformat(rfc3339(moment))

        assert read == moment.astimezone(UTC)
