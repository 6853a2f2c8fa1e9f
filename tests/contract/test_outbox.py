"""The contracts of `Outbox` and `BusGaps`, over memory and Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from sr_core.adapters.memory.bus_gaps import MemoryBusGaps
from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.outbox import MemoryOutbox
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.postgres.bus_gaps import PostgresBusGaps
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.outbox import PostgresOutbox
from sr_core.adapters.system import SystemClock
from sr_core.ports.bus_gaps import BusGap, BusGaps
from sr_core.ports.event_store import EventStore, Position
from sr_core.ports.outbox import Backlog, Mark, Outbox, Span
from sr_core.testing import append_stops

pytestmark = pytest.mark.anyio

AN_HOUR = timedelta(hours=1)
NOW = SystemClock().now()
EARLIER, LATER = NOW - AN_HOUR, NOW + AN_HOUR


@dataclass(frozen=True)
class Over:
    store: EventStore
    outbox: Outbox
    gaps: BusGaps


@pytest.fixture
async def over(dsn: str | None, bus_dsn: str | None) -> AsyncIterator[Over]:
    clock = SystemClock()
    if dsn is None or bus_dsn is None:
        store = MemoryEventStore(MemoryReadModel())
        yield Over(store, MemoryOutbox(store, clock), MemoryBusGaps(clock))
        return
    async with connection_pool(dsn) as app, connection_pool(bus_dsn) as bus:
        yield Over(PostgresEventStore(app), PostgresOutbox(bus), PostgresBusGaps(bus))


def marks(**numbers: int | None) -> list[Mark]:
    return [
        Mark(position=Position(int(name[1:])), stream_seq=number)
        for name, number in numbers.items()
    ]


async def waiting(outbox: Outbox, limit: int = 99) -> list[int]:
    return [each.event.position for each in await outbox.unpublished(limit)]


class TestUnpublished:
    """R-OUT-1, R-OUT-3: each event waits from its append on, in the order of the log."""

    async def test_an_empty_log_has_nothing(self, over):
        assert await over.outbox.head() == 0
        assert await waiting(over.outbox) == []
        assert await over.outbox.backlog() == Backlog(depth=0, oldest_s=0)

    async def test_each_event_waits_with_its_topic(self, over):
        await append_stops(over.store, 2)

        (first, _) = await over.outbox.unpublished(99)

        assert first.topic == "sr.events.LOOP.StopTriggered"
        assert [first.event] == await over.store.read(after=Position(0), limit=1)
        assert await over.outbox.head() == 2

    async def test_the_first_come_first(self, over):
        await append_stops(over.store, 2, loop=2)
        await append_stops(over.store, 2, loop=1)

        assert await waiting(over.outbox, 3) == [1, 2, 3]
        assert (await over.outbox.backlog()).depth == 4

    async def test_what_is_marked_waits_no_more(self, over):
        await append_stops(over.store, 3)

        await over.outbox.mark(marks(_1=11, _3=None))

        assert await waiting(over.outbox) == [2]
        assert (await over.outbox.backlog()).depth == 1

    async def test_a_mark_is_not_changed_by_another(self, over):
        await append_stops(over.store, 1)
        await over.outbox.mark(marks(_1=11))

        await over.outbox.mark(marks(_1=12))

        (row,) = await over.outbox.unverified(since=EARLIER, limit=9)
        assert row.stream_seq == 11

    async def test_what_was_published_lately_is_a_span(self, over):
        await append_stops(over.store, 4)
        await over.outbox.mark(marks(_2=1, _3=2))

        assert await over.outbox.published_since(EARLIER) == Span(
            first=Position(2), last=Position(3)
        )
        assert await over.outbox.published_since(LATER) is None


class TestPruning:
    """R-OUT-12: nothing goes that is unpublished, unverified, young, or the last."""

    @pytest.fixture
    async def published(self, over: Over) -> Over:
        await append_stops(over.store, 6)
        await over.outbox.mark(marks(_1=1, _2=2, _3=None, _4=4, _5=5))
        await over.outbox.verified([Position(each) for each in (1, 4, 5)])
        return over

    async def test_only_what_is_all_that_goes(self, published):
        assert await published.outbox.prune(before=LATER) == 2

        assert await waiting(published.outbox) == [6]
        left = await published.outbox.published_since(EARLIER)
        assert left == Span(first=Position(2), last=Position(5))
        assert await published.outbox.prune(before=LATER) == 0

    async def test_what_is_young_stays(self, published):
        assert await published.outbox.prune(before=EARLIER) == 0

    async def test_what_is_not_in_the_stream_is_not_verified(self, published):
        await published.outbox.verified([Position(3)])

        assert await published.outbox.prune(before=LATER) == 2

    async def test_what_was_lost_is_asked_for_no_more_and_stays(self, published):
        await published.outbox.lost([Position(2), Position(4)])

        assert await published.outbox.unverified(since=EARLIER, limit=9) == []
        assert await published.outbox.prune(before=LATER) == 1

    async def test_what_is_unverified_is_told_with_what_it_has_to_be(self, published):
        (row,) = await published.outbox.unverified(since=EARLIER, limit=9)
        (event,) = await published.store.read(after=Position(1), limit=1)

        assert (row.position, row.stream_seq) == (2, 2)
        assert (row.event_id, row.envelope_hash) == (
            event.event_id,
            event.envelope_hash,
        )
        assert await published.outbox.unverified(since=LATER, limit=9) == []


class TestGaps:
    """R-OUT-8: a gap is noticed once, and healed with what lies in it."""

    def gap(self, first: int, last: int, by: str = "one") -> BusGap:
        return BusGap(
            noticed_by=by, first=Position(first), last=Position(last), why="silence"
        )

    async def test_it_is_noticed_once(self, over):
        assert await over.gaps.notice(self.gap(1, 3)) is True
        assert await over.gaps.notice(self.gap(1, 3)) is False
        assert await over.gaps.notice(self.gap(1, 3, by="other")) is True

        found = await over.gaps.all(limit=9)
        assert [each.gap.noticed_by for each in found] == ["other", "one"]
        assert [each.healed_at for each in found] == [None, None]

    async def test_only_what_lies_in_reach_is_healed(self, over):
        for each in (self.gap(1, 3), self.gap(5, 9), self.gap(1, 3, by="other")):
            await over.gaps.notice(each)

        await over.gaps.healed("one", up_to=Position(8))

        found = await over.gaps.all(limit=9)
        assert [each.gap for each in found if each.healed_at] == [self.gap(1, 3)]
        assert await over.gaps.all(limit=1) == found[:1]
