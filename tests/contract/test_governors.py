"""Several governors at once start one iteration, over any store (SPEC 6.7, R-EVT-2)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.application.governed import Governed
from sr_core.application.governor import Evaluated, Governor
from sr_core.application.loops import Loops
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked, Recorder
from sr_core.application.suites import Suites
from sr_core.domain.governor import DecisionType
from sr_core.domain.ids import LoopId
from sr_core.domain.loop import Budgets
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    EventStore,
    History,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.read_model import ReadModel
from sr_core.ports.receipts import NamedRequest, Receipt, RequestName, StoredAnswer
from sr_core.testing import DIRECTIVE, HUMAN, PLATFORM, SYSTEM, Stage, build_suite

pytestmark = pytest.mark.anyio

GOVERNORS = 4


class MeetingPlace:
    """A store at which the first appends wait until all governors want to append.

    So every one of them has decided over the same history. One that `is_careless` lets
    an append through whatever joined the history since: the lock that the test is about,
    taken out.
    """

    def __init__(self, store: EventStore, *, is_careless: bool = False) -> None:
        self._store = store
        self._is_careless = is_careless
        self._awaited = GOVERNORS
        self._all_here = asyncio.Event()

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        self._awaited -= 1
        if self._awaited <= 0:
            self._all_here.set()
        await asyncio.wait_for(self._all_here.wait(), timeout=30)
        if self._is_careless:
            now = (await self._store.history(batch.boundary)).position
            batch = replace(batch, expected=now)
        return await self._store.append(batch)

    async def history(
        self, boundary: StreamId, *, after: Position = BEGINNING
    ) -> History:
        return await self._store.history(boundary, after=after)

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        return await self._store.boundary_of(stream_id)

    async def read(
        self,
        *,
        after: Position,
        limit: int,
        event_types: Collection[str] | None = None,
    ) -> Sequence[StoredEvent]:
        return await self._store.read(after=after, limit=limit, event_types=event_types)

    async def receipt(self, name: RequestName) -> Receipt | None:
        return await self._store.receipt(name)

    async def answered(self, request: NamedRequest, answer: StoredAnswer) -> None:
        await self._store.answered(request, answer)


@pytest.fixture
def platform(log) -> Platform:
    return platform_over(log.store, log.read_model)


def platform_over(store: EventStore, rows: ReadModel) -> Platform:
    """A platform over the log's two ports."""
    stage = Stage()
    recorder = Recorder(
        store=store,
        clock=stage.clock,
        ids=stage.ids,
        platform=PLATFORM,
        metrics=stage.metrics,
    )
    return replace(stage.platform, recorder=recorder, rows=rows)


async def active_loop(platform: Platform) -> LoopId:
    await Governed(platform=platform).adopt()
    await Suites(platform=platform).register(build_suite(), Asked(by=HUMAN))
    loops = Loops(platform=platform)
    made, _ = await loops.create(
        Asked(by=HUMAN), goal="a goal", budgets=Budgets(), directive=DIRECTIVE
    )
    await loops.activate(made, Asked(by=HUMAN))
    return made


async def governed(
    platform: Platform, loop_id: LoopId, *, is_careless: bool = False
) -> list[Evaluated]:
    """Let several governors, each a process of its own, look at the loop at once."""
    meeting = MeetingPlace(platform.recorder.store, is_careless=is_careless)
    recorder = replace(platform.recorder, store=meeting)
    governors = [
        Governor(platform=replace(platform, recorder=recorder))
        for _ in range(GOVERNORS)
    ]
    looks = (each.evaluate(loop_id, Asked(by=SYSTEM)) for each in governors)
    return await asyncio.gather(*looks)


async def starts(platform: Platform) -> int:
    events = await platform.recorder.store.read(after=BEGINNING, limit=100)
    return [each.event_type for each in events].count("IterationStarted")


async def test_one_starts_and_the_others_see_it(platform):
    found = await governed(platform, await active_loop(platform))

    assert await starts(platform) == 1
    decided = [each.evaluation.decision_type for each in found if each.evaluation]
    assert sorted(decided) == [
        *[DecisionType.DEFER_ITERATION] * (GOVERNORS - 1),
        DecisionType.START_ITERATION,
    ]
    assert len([each for each in found if each.iteration_id]) == 1


async def test_without_the_lock_each_of_them_would_start_one():
    """The control: what the test above shows is the lock, and not that they are slow.

    In memory, since the rows of Postgres refuse two iterations of one sequence as well.
    """
    rows = MemoryReadModel()
    platform = platform_over(MemoryEventStore(rows), rows)

    await governed(platform, await active_loop(platform), is_careless=True)

    assert await starts(platform) == GOVERNORS
