"""What the reactions read: nothing twice, and nothing for what is answered (C-EVT-6).

Events are counted at the store, not time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sr_core.adapters.memory.followers import MemoryFollowers
from sr_core.application import reactions
from sr_core.application.event_manager import LogFollower
from sr_core.application.known import Kept
from sr_core.application.platform import Platform
from sr_core.application.reactions import CAUSES, FOLLOWER, STALENESS_CASE
from sr_core.application.recorder import Asked
from sr_core.application.verification import Verification
from sr_core.domain.governed_artifact import GovernedArtifactVersionRecorded
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    EventStore,
    History,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.receipts import NamedRequest, Receipt, RequestName, StoredAnswer
from sr_core.testing import HUMAN, Stage, build_document, build_governed

pytestmark = pytest.mark.anyio

MANY = 7
BY_HUMAN = Asked(by=HUMAN)


class CountingStore:
    """An `EventStore` that notes what is read, and lets others go first each time."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.causes: list[Position] = []
        self.markers: list[Position] = []
        self.conflicts = 0

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        await asyncio.sleep(0)
        try:
            return await self._store.append(batch)
        except VersionConflict:
            self.conflicts += 1
            raise

    async def history(
        self, boundary: StreamId, *, after: Position = BEGINNING
    ) -> History:
        await asyncio.sleep(0)
        history = await self._store.history(boundary, after=after)
        if boundary == STALENESS_CASE.boundary:
            self.markers += [each.position for each in history.events]
        return history

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        return await self._store.boundary_of(stream_id)

    async def read(
        self,
        *,
        after: Position,
        limit: int,
        event_types: Collection[str] | None = None,
    ) -> Sequence[StoredEvent]:
        await asyncio.sleep(0)
        events = await self._store.read(
            after=after, limit=limit, event_types=event_types
        )
        self.causes += [each.position for each in events if each.event_type in CAUSES]
        return events

    async def receipt(self, name: RequestName) -> Receipt | None:
        return await self._store.receipt(name)

    async def answered(self, request: NamedRequest, answer: StoredAnswer) -> None:
        await self._store.answered(request, answer)


class Process:
    """One process over the stage's stores; it keeps what it has read to itself."""

    def __init__(self, stage: Stage) -> None:
        self.store = CountingStore(stage.log)
        recorder = replace(stage.reactions.recorder, store=self.store, kept=Kept())
        self.reactions = replace(stage.reactions, recorder=recorder)
        self.platform: Platform = replace(
            stage.platform,
            recorder=replace(recorder, followers=(self.reactions.follow,)),
            reactions=self.reactions,
            follower=LogFollower(),
        )

    async def is_stale(self, candidate_id) -> bool:
        """The gate's word."""
        gate = Verification(platform=self.platform)
        return (await gate.shippable(candidate_id, BY_HUMAN)).has_unresolved_staleness


@pytest.fixture
async def verified(journey):
    await journey.open()
    await journey.judge()
    await journey.verify()
    return journey


@contextmanager
def dying(monkeypatch):
    """Whoever records a change in here dies before it is answered."""
    with monkeypatch.context() as patched:
        patched.setattr(reactions, "CAUSES", {})
        yield


async def change(journey, number: int) -> Position:
    """Have a document in effect anew, and return where the log says so."""
    document = build_document("SR-SPEC", version=f"1.1.{number}")
    await journey.stage.restart(build_governed(SR_SPEC=document))
    name = GovernedArtifactVersionRecorded.__name__
    log: EventStore = journey.stage.log
    found = await log.read(after=BEGINNING, limit=10_000, event_types={name})
    return found[-1].position


async def caused_at(journey) -> list[int]:
    """The positions that the markers name as their causes, each as often as it is."""
    page = await journey.stage.rows.rows("graph.stale_nodes", {}, limit=1000)
    return sorted(row["caused_at"] for row in page.rows)


async def many(journey) -> set[Position]:
    return {await change(journey, number) for number in range(MANY)}


class TestAGate:
    """Its work is that of the causes that nobody has answered."""

    async def test_reads_no_cause_that_was_answered_at_once(self, verified):
        causes = await many(verified)
        process = Process(verified.stage)

        is_stale = await process.is_stale(verified.candidate_id)

        assert is_stale
        assert set(await caused_at(verified)) == causes
        assert not process.store.causes
        assert not process.store.markers

    async def test_reads_each_cause_that_nobody_answered_once(
        self, verified, monkeypatch
    ):
        with dying(monkeypatch):
            causes = await many(verified)
        assert await caused_at(verified) == []
        process = Process(verified.stage)

        for _ in range(2):
            assert await process.is_stale(verified.candidate_id)

        assert process.store.causes == sorted(causes)
        assert set(await caused_at(verified)) == causes

    async def test_reads_each_marker_once_and_none_for_each_cause_anew(
        self, verified, monkeypatch
    ):
        with dying(monkeypatch):
            await many(verified)
        process = Process(verified.stage)

        await process.is_stale(verified.candidate_id)

        assert len(process.store.markers) == len(set(process.store.markers)) > 0


class TestThePosition:
    """It passes no cause by that is not answered."""

    async def test_of_what_was_answered_at_once_is_that_of_the_last_cause(
        self, verified
    ):
        last = max(await many(verified))

        assert await verified.stage.reactions.followers.position(FOLLOWER) == last

    async def test_passes_no_cause_by_whose_process_died(self, verified, monkeypatch):
        with dying(monkeypatch):
            left = await change(verified, 1)
        assert await caused_at(verified) == []

        later = await change(verified, 2)

        assert set(await caused_at(verified)) == {left, later}

    async def test_lost_costs_a_second_look_and_marks_nothing(self, verified):
        await many(verified)
        marked = await caused_at(verified)
        process = Process(verified.stage)
        lost = replace(process.reactions, followers=MemoryFollowers())

        read = await lost.catch_up()

        assert read >= MANY
        assert await caused_at(verified) == marked


class TestTwoAtOnce:
    """Whoever answers, each cause is answered once."""

    async def test_in_one_process_the_second_finds_nothing_left(
        self, verified, monkeypatch
    ):
        with dying(monkeypatch):
            await many(verified)
        process = Process(verified.stage)
        catch_up = process.reactions.catch_up

        first, second = await asyncio.gather(catch_up(), catch_up())

        assert (first, second) == (MANY, 0)
        assert process.store.conflicts == 0

    async def test_in_two_processes_both_mark_what_one_would(
        self, verified, monkeypatch
    ):
        with dying(monkeypatch):
            causes = await many(verified)
        one, other = Process(verified.stage), Process(verified.stage)

        await asyncio.gather(one.reactions.catch_up(), other.reactions.catch_up())

        assert one.store.conflicts + other.store.conflicts > 0, "they met"
        page = await verified.stage.rows.rows("graph.stale_nodes", {}, limit=1000)
        keys = [(row["caused_at"], row["dependent_id"]) for row in page.rows]
        assert len(keys) == len(set(keys))
        assert {at for at, _ in keys} == causes
