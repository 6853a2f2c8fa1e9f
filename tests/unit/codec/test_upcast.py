"""Every version that was ever stored can be read (R-EVT-14).

`tests/fixtures/events` has a stored envelope, byte for byte, of each version of each
event: `<type>.v<version>.json`. A file stays as it is once it is released; a new version
of an event comes with a new file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from sr_core.application.projections import Occasion, changes_of
from sr_core.application.replay import EventPoisoned, replay
from sr_core.codec import upcast
from sr_core.codec.canonical import canonical, parse_json
from sr_core.codec.envelope import opened
from sr_core.codec.upcast import UPCASTS, Payload, Upcasts
from sr_core.domain.errors import EventNotUnderstood
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.loop import LoopActivated
from sr_core.domain.refs import hash_bytes
from sr_core.ports.event_store import BEGINNING, Position, StoredEvent, StreamId

FIXTURES: Final = Path(__file__).parents[2] / "fixtures" / "events"
FILES: Final = sorted(FIXTURES.iterdir())
NAME: Final = re.compile(r"(\w+)\.v(\d+)\.json")


def version_of(file: Path) -> tuple[str, int]:
    matched = NAME.fullmatch(file.name)
    assert matched, f"{file.name} names a type and a version"
    return matched[1], int(matched[2])


def stored(envelope: bytes, position: int = 1) -> StoredEvent:
    raw = parse_json(envelope, what="the fixture")
    return StoredEvent(
        position=Position(position),
        boundary=StreamId(raw["stream_id"]),
        stream_id=StreamId(raw["stream_id"]),
        stream_seq=raw["stream_seq"],
        event_id=raw["event_id"],
        event_type=raw["event_type"],
        envelope=envelope,
        envelope_hash=hash_bytes(envelope),
        chain_hash=bytes(32),
    )


class TestStoredVersions:
    def test_there_is_a_file_of_every_version_of_every_event(self):
        expected = {
            (name, version)
            for name in EVENT_TYPES
            for version in range(1, UPCASTS.current(name) + 1)
        }

        assert {version_of(each) for each in FILES} == expected
        assert len(FILES) == len(expected)

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_each_is_read_and_projected(self, file):
        said = opened(stored(file.read_bytes()))

        changes = changes_of(
            said.event,
            Occasion(event_id=said.event_id, by=said.by, at=said.occurred_at),
        )

        assert type(said.event).__name__ == version_of(file)[0]
        assert changes

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_each_is_canonical_and_of_its_version(self, file):
        raw = parse_json(file.read_bytes(), what="the fixture")

        assert canonical(raw) == file.read_bytes()
        assert (raw["event_type"], int(raw["schema_version"])) == version_of(file)


def renames(payload: Payload) -> Payload:
    """Say `began_at`, of a made-up version 1, as version 2 does."""
    told = dict(payload)
    return {"started_at": told.pop("began_at"), **told}


def names_as_today(payload: Payload) -> Payload:
    told = dict(payload)
    return {"activated_at": told.pop("started_at"), **told}


THREE: Final = Upcasts(steps={"LoopActivated": (renames, names_as_today)})
TODAY: Final = (FIXTURES / "LoopActivated.v1.json").read_bytes()


def of_version(version: str) -> StoredEvent:
    """An event as that made-up version stored it."""
    raw = parse_json(TODAY, what="the fixture")
    name = {"1": "began_at", "2": "started_at"}.get(version, "activated_at")
    raw["payload"][name] = raw["payload"].pop("activated_at")
    return stored(canonical({**raw, "schema_version": version}))


class TestAChain:
    """Each version is said as the next one says it, up to that of today."""

    @pytest.mark.parametrize("version", ["1", "2", "3"])
    def test_leads_from_every_version_to_that_of_today(self, version):
        before = of_version(version)
        bytes_before = bytes(before.envelope)

        said = opened(before, THREE)

        assert said.event == opened(stored(TODAY)).event
        assert isinstance(said.event, LoopActivated)
        assert before.envelope == bytes_before
        assert said.envelope_hash == hash_bytes(bytes_before)

    @pytest.mark.parametrize("version", ["4", "0", "", "01", "v1"])
    def test_refuses_a_version_that_is_not_known(self, version):
        with pytest.raises(EventNotUnderstood, match="3 is the latest known"):
            opened(of_version(version), THREE)

    def test_refuses_a_type_that_is_not_known(self):
        with pytest.raises(EventNotUnderstood, match="LoopSplit"):
            THREE.upcast("LoopSplit", "1", {}, position=7)

    def test_leaves_no_step_out(self):
        hollow = Upcasts(steps={"LoopActivated": (names_as_today,)})

        with pytest.raises(KeyError):
            opened(of_version("1"), hollow)


class Log:
    """A log of one event."""

    def __init__(self, event: StoredEvent) -> None:
        self.event = event

    async def read(self, *, after: Position, limit: int):
        return [self.event][after : after + limit]


class Unused:
    """A copy that nothing is to reach."""

    async def apply(self, events):
        msg = f"{events} were applied"
        raise AssertionError(msg)

    async def compare(self, *, since: Position = BEGINNING):
        raise AssertionError(since)


@pytest.mark.anyio
async def test_a_newer_version_stops_the_projector():
    """R-EVT-14: a later release's event is not passed over."""
    assert upcast.UPCASTS.current("LoopActivated") == 1

    with pytest.raises(EventPoisoned, match="of version '2'") as raised:
        await replay(Log(of_version("2")), Unused(), after=BEGINNING)

    assert (raised.value.position, raised.value.projection) == (1, "loops")
