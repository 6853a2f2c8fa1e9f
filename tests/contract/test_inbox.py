"""The contract of `Inbox`, over memory and Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.inbox import MemoryInbox
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.inbox import PostgresInbox
from sr_core.adapters.system import SystemClock
from sr_core.ports.event_store import Position, StoredEvent
from sr_core.ports.inbox import Inbox, Notice
from sr_core.testing import NOON, append_stops

pytestmark = pytest.mark.anyio

ME = "sr-consumer-me"
A_NOTICE = Notice(portal="a portal", subject="a subject", asks="this", occurred_at=NOON)


@dataclass(frozen=True)
class Over:
    inbox: Inbox
    first: StoredEvent
    second: StoredEvent


@pytest.fixture
async def over(dsn: str | None, bus_dsn: str | None) -> AsyncIterator[Over]:
    if dsn is None or bus_dsn is None:
        store = MemoryEventStore(MemoryReadModel())
        await append_stops(store, 2)
        events = await store.read(after=Position(0), limit=2)
        yield Over(MemoryInbox(SystemClock()), *events)
        return
    async with connection_pool(dsn) as app, connection_pool(bus_dsn) as bus:
        log = PostgresEventStore(app)
        await append_stops(log, 2)
        events = await log.read(after=Position(0), limit=2)
        yield Over(PostgresInbox(bus), *events)


async def positions_told(inbox: Inbox) -> list[int]:
    return [each.position for each in await inbox.notices(after=0, limit=99)]


class TestEffects:
    """R-OUT-5: effect, inbox and position are one, and each event has its effect once."""

    async def test_a_consumer_begins_at_the_beginning(self, over):
        assert await over.inbox.position(ME) == 0

    async def test_it_passes_events_one_by_one(self, over):
        assert await over.inbox.apply(ME, over.first, [A_NOTICE]) is True
        assert await over.inbox.apply(ME, over.second, []) is True

        assert await over.inbox.position(ME) == 2
        (kept,) = await over.inbox.notices(after=0, limit=9)
        assert kept.notice == A_NOTICE
        assert (kept.position, kept.event_type) == (1, "StopTriggered")

    async def test_again_has_no_effect(self, over):
        await over.inbox.apply(ME, over.first, [A_NOTICE])

        assert await over.inbox.apply(ME, over.first, [A_NOTICE]) is False

        assert await positions_told(over.inbox) == [1]

    async def test_none_is_skipped(self, over):
        assert await over.inbox.apply(ME, over.second, [A_NOTICE]) is False

        assert await over.inbox.position(ME) == 0
        assert await positions_told(over.inbox) == []

    async def test_of_many_at_once_one_has_its_effect(self, over):
        tried = [over.inbox.apply(ME, over.first, [A_NOTICE]) for _ in range(6)]

        assert sorted(await asyncio.gather(*tried)) == [*[False] * 5, True]
        assert await positions_told(over.inbox) == [1]

    async def test_consumers_do_not_know_each_other(self, over):
        await over.inbox.apply(ME, over.first, [A_NOTICE])

        assert await over.inbox.apply("sr-consumer-you", over.first, []) is True

    async def test_the_feed_goes_on_after_what_was_seen(self, over):
        await over.inbox.apply(ME, over.first, [A_NOTICE])
        await over.inbox.apply(ME, over.second, [A_NOTICE])

        (first, second) = await over.inbox.notices(after=0, limit=9)

        assert await over.inbox.notices(after=first.notice_id, limit=9) == [second]
        assert await over.inbox.notices(after=0, limit=1) == [first]


class TestDeadLetters:
    """R-OUT-6: tries are counted, an event is laid aside once, and replayed once."""

    async def test_tries_are_counted(self, over):
        assert await over.inbox.failed(ME, over.first, "no") == 1
        assert await over.inbox.failed(ME, over.first, "no") == 2
        assert await over.inbox.failed(ME, over.second, "no") == 1

    async def test_one_that_went_well_begins_anew(self, over):
        await over.inbox.failed(ME, over.first, "no")
        await over.inbox.apply(ME, over.first, [])

        assert await over.inbox.failed(ME, over.first, "no") == 1

    async def test_what_is_laid_aside_is_passed_by(self, over):
        await over.inbox.failed(ME, over.first, "first")
        await over.inbox.failed(ME, over.first, "second")

        assert await over.inbox.lay_aside(ME, over.first, "last") is True

        letter = await over.inbox.dead_letter(ME, over.first.event_id)
        assert [letter] == await over.inbox.dead_letters(limit=9)
        assert (letter.position, letter.tries, letter.error) == (1, 2, "last")
        assert letter.first_failed_at < letter.last_failed_at
        assert letter.replayed_at is None
        assert await over.inbox.position(ME) == 1

    async def test_it_may_be_laid_aside_untried(self, over):
        await over.inbox.lay_aside(ME, over.first, "unknown schema")

        letter = await over.inbox.dead_letter(ME, over.first.event_id)
        assert letter.tries == 0

    async def test_what_is_done_is_not_laid_aside(self, over):
        await over.inbox.apply(ME, over.first, [])

        assert await over.inbox.lay_aside(ME, over.first, "late") is False
        assert await over.inbox.dead_letters(limit=9) == []
        assert await over.inbox.dead_letter(ME, over.first.event_id) is None

    async def test_a_replay_has_its_effect_once(self, over):
        await over.inbox.lay_aside(ME, over.first, "no")
        letter = await over.inbox.dead_letter(ME, over.first.event_id)

        assert await over.inbox.replayed(letter, over.first, [A_NOTICE]) is True
        assert await over.inbox.replayed(letter, over.first, [A_NOTICE]) is False

        assert await positions_told(over.inbox) == [1]
        (kept,) = await over.inbox.dead_letters(limit=9)
        assert kept.replayed_at is not None
