"""What every `EventStore` owes its callers; run over each adapter there is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sr_core.domain.chain import CHAIN_START, link
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    EventStore,
    IdempotencyMismatch,
    Position,
    StoredEvent,
)
from sr_core.ports.read_model import InsertRow, ProjectionBroken, UpdateRows

pytestmark = pytest.mark.anyio

LOOP = "loop:loop_1"
RUN = "run:run_1"
LONG = 1200
NO_SUCH_ROW = UpdateRows(table="things", where={"thing_id": "none"})


@pytest.fixture
def store(log):
    return log.store


async def everything(store: EventStore) -> list[StoredEvent]:
    return list(await store.read(after=BEGINNING, limit=10_000))


class TestAnAppend:
    """C-EVT-2: what is appended is read back, in one order."""

    async def test_reads_back_as_it_was(self, store, events):
        first, second = events.event(LOOP, 1), events.event(LOOP, 2)

        positions = await store.append(events.batch(LOOP, first, second))

        stored = await everything(store)
        assert positions == (1, 2) == tuple(each.position for each in stored)
        assert [each.event_id for each in stored] == [first.event_id, second.event_id]
        assert [each.envelope for each in stored] == [first.envelope, second.envelope]
        assert stored[1].envelope_hash == second.envelope_hash
        assert (stored[1].stream_id, stored[1].stream_seq) == (LOOP, 2)
        assert (stored[1].boundary, stored[1].event_type) == (LOOP, "LoopActivated")

    async def test_may_touch_several_streams_of_its_boundary(self, store, events):
        about_loop, about_run = events.event(LOOP, 1), events.event(RUN, 1, kind="RUN")

        await store.append(events.batch(LOOP, about_run, about_loop))

        history = await store.history(LOOP)
        assert [each.stream_id for each in history.events] == [RUN, LOOP]
        assert await store.boundary_of(RUN) == LOOP

    async def test_without_events_is_a_bug_of_the_caller(self, store, events):
        with pytest.raises(AssertionError, match="without events"):
            await store.append(events.batch(LOOP))

        assert await everything(store) == []


class TestARepeatedAppend:
    """R-EVT-4: the same events are in the log once, however often they are appended."""

    async def test_gives_the_positions_that_they_have(self, store, events):
        await store.append(events.one(RUN))
        batch = events.batch(LOOP, events.event(LOOP, 1), events.event(LOOP, 2))
        first = await store.append(batch)
        await store.append(events.one(LOOP, 3, expected=first[-1]))

        again = await store.append(batch)

        assert again == first == (2, 3)
        assert len(await everything(store)) == 4

    async def test_is_refused_with_other_bytes(self, store, events):
        event = events.event(LOOP, 1)
        await store.append(events.batch(LOOP, event))
        other = replace(events.event(LOOP, 1), event_id=event.event_id)

        with pytest.raises(IdempotencyMismatch, match=event.event_id) as refused:
            await store.append(events.batch(LOOP, other))

        assert refused.value.event_id == event.event_id
        assert len(await everything(store)) == 1

    async def test_is_refused_in_part_or_in_another_order(self, store, events):
        first, second = events.event(LOOP, 1), events.event(LOOP, 2)
        (position, _) = await store.append(events.batch(LOOP, first, second))

        for batch in (
            events.batch(LOOP, second, first),
            events.batch(LOOP, first, events.event(LOOP, 2)),
        ):
            with pytest.raises(IdempotencyMismatch):
                await store.append(replace(batch, expected=position + 1))

        assert len(await everything(store)) == 2

    async def test_at_the_same_moment_gives_both_the_truth(self, store, events):
        batch = events.batch(LOOP, events.event(LOOP, 1))

        answers = await asyncio.gather(*(store.append(batch) for _ in range(8)))

        assert set(answers) == {(1,)}
        assert len(await everything(store)) == 1


class TestAHistory:
    async def test_is_that_of_one_boundary(self, store, events):
        (first,) = await store.append(events.one(LOOP))
        await store.append(events.one("loop:loop_2"))
        (last,) = await store.append(events.one(LOOP, 2, expected=first))

        history = await store.history(LOOP)

        assert [each.position for each in history.events] == [first, last] == [1, 3]
        assert (history.boundary, history.position) == (LOOP, last)

    async def test_is_whole_however_long_it_is(self, store, events):
        """What is read in part would be decided over in part, and numbered twice."""
        many = [events.event(LOOP, number) for number in range(1, LONG + 1)]
        await store.append(events.batch(LOOP, *many))

        history = await store.history(LOOP)

        assert [each.stream_seq for each in history.events] == [*range(1, LONG + 1)]
        follows = events.one(LOOP, LONG + 1, expected=history.position)
        assert await store.append(follows) == (LONG + 1,)

    async def test_goes_on_after_what_is_known(self, store, events):
        (known,) = await store.append(events.one(LOOP))
        await store.append(events.one(RUN))

        nothing = await store.history(LOOP, after=known)
        (later,) = await store.append(events.one(LOOP, 2, expected=known))
        more = await store.history(LOOP, after=known)

        assert (nothing.position, nothing.events) == (known, ())
        assert more.position == later
        assert [each.position for each in more.events] == [later]

    async def test_of_an_unknown_boundary_is_empty(self, store):
        history = await store.history(LOOP)

        assert (history.position, history.events) == (BEGINNING, ())

    async def test_an_unknown_stream_has_no_boundary(self, store):
        assert await store.boundary_of(LOOP) is None


class TestReading:
    async def test_gives_what_comes_after_a_position(self, store, events):
        for number in range(5):
            await store.append(events.one(f"loop:{number}"))

        read = await store.read(after=Position(1), limit=3)

        assert [each.position for each in read] == [2, 3, 4]

    async def test_gives_those_of_the_types_that_are_asked_for(self, store, events):
        first, second = events.event(LOOP, 1), events.event(LOOP, 2)
        third = replace(events.event(LOOP, 3), event_type="Another")
        await store.append(events.batch(LOOP, first, second, third))

        async def found(*names: str, after: int = 0, limit: int = 9) -> list[int]:
            read = await store.read(
                after=Position(after), limit=limit, event_types=names
            )
            return [each.position for each in read]

        assert await found("Another") == [3]
        assert await found(first.event_type) == [1, 2]
        assert await found(first.event_type, limit=1) == [1]
        assert await found("Another", first.event_type, after=1) == [2, 3]
        assert await found("NoSuch") == await found() == []

    async def test_at_the_end_gives_nothing(self, store, events):
        await store.append(events.one(LOOP))

        assert list(await store.read(after=Position(1), limit=3)) == []


class TestAStaleAppend:
    """R-EVT-3: what has moved on since it was read is a `VersionConflict`."""

    async def test_is_refused_where_its_boundary_has_moved_on(self, store, events):
        (first,) = await store.append(events.one(LOOP))
        (second,) = await store.append(events.one(LOOP, 2, expected=first))

        with pytest.raises(VersionConflict, match="at version 2, not 1") as conflict:
            await store.append(events.one(LOOP, 3, expected=first))

        assert (conflict.value.boundary, conflict.value.actual) == (LOOP, second)
        assert len(await everything(store)) == 2

    async def test_is_refused_where_its_boundary_is_not_there(self, store, events):
        with pytest.raises(VersionConflict, match="at version 0, not 7"):
            await store.append(events.one(LOOP, expected=Position(7)))

        assert await store.boundary_of(LOOP) is None

    @pytest.mark.parametrize("stream_seq", [1, 3])
    async def test_is_refused_where_a_stream_is_elsewhere(
        self, store, events, stream_seq
    ):
        await store.append(events.one(RUN))

        with pytest.raises(VersionConflict) as conflict:
            await store.append(
                events.batch(LOOP, events.event(LOOP, 1), events.event(RUN, stream_seq))
            )

        assert (conflict.value.boundary, conflict.value.actual) == (RUN, 1)
        assert await store.boundary_of(LOOP) is None

    async def test_is_refused_where_its_own_events_do_not_follow(self, store, events):
        with pytest.raises(VersionConflict):
            await store.append(
                events.batch(LOOP, events.event(LOOP, 1), events.event(LOOP, 3))
            )

    async def test_leaves_the_next_number_to_the_next(self, store, events):
        await store.append(events.one(LOOP))
        with pytest.raises(VersionConflict):
            await store.append(events.one(LOOP))

        assert await store.append(events.one(RUN)) == (2,)


class TestARace:
    """R-EVT-3: of many who saw the same, one may go on."""

    @pytest.mark.parametrize("is_new", [True, False], ids=["new", "known"])
    async def test_on_one_boundary_has_one_winner(self, store, events, is_new):
        expected = BEGINNING
        if not is_new:
            (expected,) = await store.append(events.one(LOOP))
        racers = [
            events.one(LOOP, 1 if is_new else 2, expected=expected) for _ in range(24)
        ]

        results = await asyncio.gather(
            *map(store.append, racers), return_exceptions=True
        )

        assert [type(each) for each in results].count(tuple) == 1
        assert [type(each) for each in results].count(VersionConflict) == 23

    async def test_to_create_one_stream_has_one_winner(self, store, events):
        racers = [
            events.batch(f"loop:{number}", events.event(RUN, 1, kind="RUN"))
            for number in range(8)
        ]

        results = await asyncio.gather(
            *map(store.append, racers), return_exceptions=True
        )

        assert [type(each) for each in results].count(tuple) == 1
        assert [type(each) for each in results].count(VersionConflict) == 7

    async def test_on_a_boundary_counts_whatever_its_streams(self, store, events):
        (expected,) = await store.append(events.one(LOOP))
        racers = [
            events.batch(LOOP, events.event(f"run:{number}", 1), expected=expected)
            for number in range(16)
        ]

        results = await asyncio.gather(
            *map(store.append, racers), return_exceptions=True
        )

        assert [type(each) for each in results].count(tuple) == 1
        assert [type(each) for each in results].count(VersionConflict) == 15

    async def test_on_a_stream_counts_whatever_its_boundary(self, store, events):
        await store.append(events.one(RUN))
        racers = [
            events.batch(f"loop:{number}", events.event(RUN, 2)) for number in range(16)
        ]

        results = await asyncio.gather(
            *map(store.append, racers), return_exceptions=True
        )

        assert [type(each) for each in results].count(tuple) == 1
        assert [type(each) for each in results].count(VersionConflict) == 15

    @pytest.mark.parametrize("rounds", [60])
    async def test_crosswise_over_two_streams_ends(self, store, events, rounds):
        for number in range(rounds):
            here, there = f"loop:{number}", f"run:{number}"
            racers = [
                events.batch(
                    f"governance:{number}_{racer}",
                    *(events.event(each, 1) for each in both),
                )
                for racer, both in enumerate([(here, there), (there, here)] * 8)
            ]

            results = await asyncio.gather(
                *map(store.append, racers), return_exceptions=True
            )

            assert [type(each) for each in results].count(tuple) == 1
            assert [type(each) for each in results].count(VersionConflict) == 15


class TestOrder:
    """C-EVT-4: the sequence orders; what a clock said decides nothing."""

    async def test_is_that_of_the_log_though_the_clock_went_back(self, log, events):
        late, early = events.event("loop:1", 1), events.event("loop:2", 1)
        early = replace(early, occurred_at=late.occurred_at - timedelta(days=1))
        await log.store.append(events.batch("loop:1", late))
        await log.store.append(events.batch("loop:2", early))

        read = await log.store.read(after=BEGINNING, limit=9)

        assert [each.event_id for each in read] == [late.event_id, early.event_id]


class TestNumbers:
    """R-EVT-2: without holes, whatever becomes of the others."""

    async def test_have_no_holes_after_refusals(self, store, events):
        async def one(number: int) -> None:
            broken = [NO_SUCH_ROW] if number % 3 == 0 else []
            await store.append(events.one(f"loop:{number}", 1, *broken))

        results = await asyncio.gather(*map(one, range(60)), return_exceptions=True)

        refused = [each for each in results if isinstance(each, ProjectionBroken)]
        assert len(refused) == 20
        positions = [each.position for each in await everything(store)]
        assert positions == list(range(1, 41))

    async def test_are_chained(self, store, events):
        for number in range(4):
            await store.append(
                events.batch(
                    f"loop:{number}",
                    events.event(f"loop:{number}", 1),
                    events.event(f"loop:{number}", 2),
                )
            )

        chain_hash = CHAIN_START
        for each in await everything(store):
            chain_hash = link(chain_hash, each.position, each.envelope_hash)
            assert each.chain_hash == chain_hash


class TestChangesOfTheReadModel:
    """A6: they are part of the append."""

    async def test_come_with_it(self, log, events):
        row = InsertRow(table="things", row={"thing_id": "a", "state": "NEW"})

        await log.store.append(events.one(LOOP, 1, row))

        assert (await log.read_model.row("things", {"thing_id": "a"}))["state"] == "NEW"

    async def test_take_it_back_if_one_finds_no_row(self, log, events):
        row = InsertRow(table="things", row={"thing_id": "a", "state": "NEW"})

        with pytest.raises(ProjectionBroken, match="LoopActivated changes things"):
            await log.store.append(
                events.batch(
                    LOOP, events.event(LOOP, 1, row), events.event(LOOP, 2, NO_SUCH_ROW)
                )
            )

        assert await log.read_model.row("things", {"thing_id": "a"}) is None
        assert await everything(log.store) == []
        assert await log.store.append(events.one(LOOP)) == (1,)
