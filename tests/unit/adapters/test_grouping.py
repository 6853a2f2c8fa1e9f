"""Who waits at the same moment is appended together, and harmed by nobody (A4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from sr_core.adapters.postgres.appending import Outcome
from sr_core.adapters.postgres.grouping import BATCHES_MAX, EVENTS_MAX, Grouping
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.refs import hash_bytes
from sr_core.ports.errors import Unavailable, VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    NewEvent,
    Position,
    StreamId,
)

pytestmark = pytest.mark.anyio

LONG_S = 60.0
REFUSED = VersionConflict(boundary="loop:refused", expected=0, actual=1)


def a_batch(*names: str) -> Batch:
    """A batch of an event for each name; the first names the batch."""
    events = tuple(
        NewEvent(
            event_id=name,
            stream_id=StreamId(f"loop:{name}"),
            stream_kind="LOOP",
            stream_seq=1,
            event_type="LoopActivated",
            by=Actor(ActorKind.SYSTEM, "sr"),
            occurred_at=datetime(2026, 1, 9, 12, tzinfo=UTC),
            correlation_id=None,
            envelope=b"{}",
            envelope_hash=hash_bytes(b"{}"),
        )
        for name in names
    )
    return Batch(
        boundary=StreamId(f"loop:{names[0]}"), expected=BEGINNING, events=events
    )


class Log:
    """Carries out a group when it is told to, and remembers which it was given."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.error: BaseException | None = None
        self._given: list[asyncio.Future[None]] = []
        self._came = asyncio.Condition()

    async def carry_out(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        names = [batch.events[0].event_id for batch in batches]
        self.groups.append(names)
        allowed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._given.append(allowed)
        async with self._came:
            self._came.notify_all()
        await allowed
        if self.error is not None:
            raise self.error
        return [
            REFUSED if name == "refused" else (Position(len(name)),) for name in names
        ]

    async def given(self, groups: int) -> None:
        """Wait until that many groups were given."""
        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(lambda: len(self.groups) >= groups)

    def let(self) -> None:
        """Carry out what was given, and all that will be."""
        for each in self._given:
            if not each.done():
                each.set_result(None)

    async def finish(self, *tasks: asyncio.Task[Any]) -> list[Any]:
        """Carry out everything until the tasks have an answer."""
        async with asyncio.timeout(10):
            while not all(each.done() for each in tasks):
                self.let()
                await asyncio.sleep(0)
        return [each.exception() or each.result() for each in tasks]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def group(log: Log) -> Grouping:
    return Grouping(log.carry_out, deadline_s=LONG_S)


async def started(*appends) -> list[asyncio.Task[Any]]:
    """The appends, each as far as it gets by itself."""
    tasks = [asyncio.ensure_future(each) for each in appends]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


class TestAGroup:
    async def test_of_one_goes_at_once(self, log, group):
        (alone,) = await started(group.append(a_batch("a")))

        assert log.groups == [["a"]]
        assert await log.finish(alone) == [(1,)]

    async def test_holds_all_who_came_while_another_was_under_way(self, log, group):
        first = await started(group.append(a_batch("a")))
        later = await started(
            *(group.append(a_batch(name)) for name in ("b", "c", "d"))
        )
        assert log.groups == [["a"]]

        await log.finish(*first, *later)

        assert log.groups == [["a"], ["b", "c", "d"]]

    async def test_gives_each_its_own_answer(self, log, group):
        first = await started(group.append(a_batch("a")))
        later = await started(
            group.append(a_batch("bb")),
            group.append(a_batch("refused")),
            group.append(a_batch("cccc")),
        )

        answers = await log.finish(*first, *later)

        assert log.groups == [["a"], ["bb", "refused", "cccc"]]
        assert answers == [(1,), (2,), REFUSED, (4,)]

    async def test_never_holds_two_tries_of_one_batch(self, log, group):
        first = await started(group.append(a_batch("a")))
        later = await started(
            *(group.append(a_batch(*names)) for names in ("b", "c", "b", "d"))
        )

        await log.finish(*first, *later)

        assert log.groups == [["a"], ["b", "c"], ["b", "d"]]

    async def test_never_holds_one_event_in_two_batches(self, log, group):
        first = await started(group.append(a_batch("a")))
        later = await started(
            group.append(a_batch("b", "shared")), group.append(a_batch("c", "shared"))
        )

        await log.finish(*first, *later)

        assert log.groups == [["a"], ["b"], ["c"]]

    async def test_is_one_at_a_time(self, log, group):
        first = await started(group.append(a_batch("a")))
        second = await started(group.append(a_batch("b")))
        log.let()
        await log.given(2)
        third = await started(group.append(a_batch("c")))

        assert log.groups == [["a"], ["b"]]
        await log.finish(*first, *second, *third)
        assert log.groups == [["a"], ["b"], ["c"]]


class TestABound:
    async def test_keeps_the_batches_of_a_group_few(self, log, group):
        first = await started(group.append(a_batch("a")))
        names = [f"b{number}" for number in range(BATCHES_MAX + 3)]
        later = await started(*(group.append(a_batch(name)) for name in names))

        await log.finish(*first, *later)

        assert log.groups == [["a"], names[:BATCHES_MAX], names[BATCHES_MAX:]]

    async def test_keeps_the_events_of_a_group_few(self, log, group):
        half = [f"e{number}" for number in range(EVENTS_MAX // 2)]
        first = await started(group.append(a_batch("a")))
        later = await started(
            *(
                group.append(a_batch(name, *(f"{name}{e}" for e in half)))
                for name in "bcd"
            )
        )

        await log.finish(*first, *later)

        assert log.groups == [["a"], ["b"], ["c"], ["d"]]

    async def test_lets_a_batch_through_that_is_beyond_it_alone(self, log, group):
        many = [f"e{number}" for number in range(EVENTS_MAX + 1)]
        first = await started(group.append(a_batch("a")))
        later = await started(
            group.append(a_batch("b", *many)), group.append(a_batch("c"))
        )

        await log.finish(*first, *later)

        assert log.groups == [["a"], ["b"], ["c"]]


class TestACallerThatLeaves:
    async def test_before_its_turn_is_never_written(self, log, group):
        first = await started(group.append(a_batch("a")))
        gone, stays = await started(
            group.append(a_batch("gone")), group.append(a_batch("b"))
        )

        gone.cancel()
        await asyncio.wait({gone})
        await log.finish(*first, stays)

        assert log.groups == [["a"], ["b"]]

    async def test_in_the_midst_harms_nobody(self, log, group):
        first = await started(group.append(a_batch("a")))
        gone, stays = await started(
            group.append(a_batch("gone")), group.append(a_batch("bb"))
        )
        log.let()
        await log.given(2)

        gone.cancel()
        await asyncio.wait({gone})

        assert await log.finish(*first, stays) == [(1,), (2,)]
        assert log.groups == [["a"], ["gone", "bb"]]

    async def test_alone_lets_those_behind_it_go_on(self, log, group):
        (gone,) = await started(group.append(a_batch("gone")))
        behind = await started(group.append(a_batch("bb")), group.append(a_batch("c")))

        gone.cancel()
        await asyncio.wait({gone})

        assert await log.finish(*behind) == [(2,), (1,)]
        assert log.groups == [["gone"], ["bb", "c"]]


class TestTheDeadline:
    async def test_is_kept_by_who_waits_for_a_turn(self, log):
        group = Grouping(log.carry_out, deadline_s=0.01)
        first = await started(group.append(a_batch("a")))

        with pytest.raises(Unavailable, match="Postgres"):
            await group.append(a_batch("late"))

        await log.finish(*first)
        assert log.groups == [["a"]]

    async def test_is_that_of_the_work_for_who_is_under_way(self, log):
        group = Grouping(log.carry_out, deadline_s=0.01)
        first = await started(group.append(a_batch("a")))
        second = await started(group.append(a_batch("bb")))
        log.let()
        await log.given(2)
        with pytest.raises(Unavailable):
            await group.append(a_batch("late"))

        assert await log.finish(*first, *second) == [(1,), (2,)]


class TestAnErrorOfTheWork:
    @pytest.mark.parametrize(
        "error",
        [Unavailable(system="Postgres", deadline_s=1.0), AssertionError("a bug")],
        ids=["the world's", "ours"],
    )
    async def test_is_told_to_all_of_the_group(self, log, group, error):
        first = await started(group.append(a_batch("a")))
        later = await started(group.append(a_batch("b")), group.append(a_batch("c")))
        log.let()
        await log.given(2)
        log.error = error

        answers = await log.finish(*first, *later)

        assert answers[0] == (1,)
        assert all(each is error for each in answers[1:])

    async def test_does_not_stop_the_next(self, log, group):
        log.error = AssertionError("a bug")
        first = await started(group.append(a_batch("a")))
        (broken,) = await log.finish(*first)
        log.error = None

        after = await started(group.append(a_batch("bb")))

        assert isinstance(broken, AssertionError)
        assert await log.finish(*after) == [(2,)]
