"""R-OUT-1 to 4, 9 and 12: a publisher to which everything happens, over real services."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from sr_core.adapters.nats.message_bus import NatsMessageBus
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.leadership import PostgresLeadership
from sr_core.adapters.system import SystemClock
from sr_core.codec.message import message
from sr_core.ports.errors import Unavailable, VersionConflict
from sr_core.ports.message_bus import Fenced, Held, Message, StreamEnd
from sr_core.ports.outbox import BusAhead, Mark

pytestmark = pytest.mark.anyio

LATER = SystemClock().now() + timedelta(hours=1)


class TestACrash:
    """R-OUT-1, R-OUT-4: lost 0, phantom 0, stored twice 0 with a window of 1 s."""

    @pytest.mark.parametrize(
        "point", ["before-publish", "in-publish", "after-publish", "after-mark"]
    )
    async def test_leaves_each_event_in_the_stream_once(self, ground, point):
        await ground.append(8)
        with pytest.raises(VersionConflict):  # what is not committed is not told
            await ground.append(1, after=99)

        await ground.killed(point)
        if point != "before-publish":
            await ground.window_has_passed()
        await ground.publish_all()

        assert await ground.stored() == [*range(1, 9)]
        assert await ground.outbox.unpublished(9) == []
        assert (await ground.outbox.unverified(since=LATER, limit=9)) == []
        numbers = ground.count(
            "SELECT count(*) FROM es.outbox WHERE stream_seq = global_seq"
        )
        assert numbers == 8

    async def test_control_who_trusts_the_window_stores_twice(self, ground, unfenced):
        await ground.append(3)
        waiting = await ground.outbox.unpublished(9)
        messages = [message(each.topic, each.event) for each in waiting]

        await unfenced.publish(messages)  # and dies before marking
        await ground.window_has_passed()
        await unfenced.publish(messages)

        assert await ground.stored() == [1, 2, 3, 1, 2, 3]

    async def test_control_who_marks_first_loses(self, ground):
        await ground.append(3)
        waiting = await ground.outbox.unpublished(9)

        await ground.outbox.mark(
            [Mark(position=each.event.position, stream_seq=None) for each in waiting]
        )  # and dies before publishing
        await ground.publish_all()

        assert await ground.stored() == []


class TestTwoPublishers:
    """R-OUT-2: the second one's messages are refused by the server."""

    async def test_together_they_tell_each_event_once_and_in_order(self, ground):
        await ground.append(60)
        fenced = 0

        async def work() -> None:
            nonlocal fenced
            publisher = ground.publisher(batch=5)
            while await ground.outbox.unpublished(1):
                try:
                    await publisher.round()
                except Fenced:
                    fenced += 1

        await asyncio.gather(work(), work())

        assert await ground.stored() == [*range(1, 61)]
        assert fenced

    async def test_a_leader_that_was_stopped_is_refused_when_it_goes_on(self, ground):
        await ground.append(12)
        stopped = await ground.process("stopped")
        try:
            await is_stopped(stopped.pid)
            lead = PostgresLeadership(ground.dsn, lease_s=5)
            other = ground.publisher(leadership=lead)
            while not await ground.stored():  # once the lease of the first has run out
                await other.round()
            await other.round()
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
        said, _ = await stopped.communicate()
        await lead.give_up()

        assert said.decode().splitlines()[-1] == "Fenced"
        assert await ground.stored() == [*range(1, 13)]

    async def test_control_a_stopped_one_without_a_fence_writes_in(
        self, ground, unfenced
    ):
        await ground.append(4)
        waiting = await ground.outbox.unpublished(2)
        held = [message(each.topic, each.event) for each in waiting]  # and is stopped
        await ground.publish_all()
        await ground.window_has_passed()

        await unfenced.publish(held)

        assert await ground.stored() == [1, 2, 3, 4, 1, 2]

    async def test_whoever_does_not_lead_publishes_nothing(self, ground):
        await ground.append(2)
        lead = PostgresLeadership(ground.dsn)
        second = PostgresLeadership(ground.dsn)
        assert await lead.hold()

        done = await ground.publisher(leadership=second).round()

        assert done.is_leader is False
        assert await ground.stored() == []
        await lead.give_up()

    async def test_a_session_that_was_ended_leads_no_more(self, ground):
        lead, second = PostgresLeadership(ground.dsn), PostgresLeadership(ground.dsn)
        assert await lead.hold()
        ended = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
            " WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )

        assert ground.count(ended) == 1

        while not await second.hold():
            pass
        assert await lead.hold() is False
        await second.give_up()


async def is_stopped(pid: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: ASYNC230, PTH123 - of the kernel
                if stat.read().rpartition(")")[2].split()[0] == "T":
                    return
            await asyncio.sleep(0.02)


class FailingBus:
    """A bus that takes nothing of one event as long as it is told to."""

    def __init__(self, bus: NatsMessageBus, position: int) -> None:
        self._bus = bus
        self.position = position

    async def end(self) -> StreamEnd:
        return await self._bus.end()

    async def held(self, stream_seq: int) -> Held | None:
        return await self._bus.held(stream_seq)

    async def publish(self, messages: Sequence[Message], *, after: int) -> None:
        before = [each for each in messages if each.position < self.position]
        if before:
            await self._bus.publish(before, after=after)
        if len(before) < len(messages):
            raise Unavailable(system="NATS", deadline_s=None)


async def test_rows_behind_one_that_fails_wait(ground):
    """R-OUT-3: on failure the publisher stops; inversions 0."""
    await ground.append(9)
    bus = FailingBus(ground.bus, position=5)
    publisher = ground.publisher(bus)

    for _ in range(3):
        with pytest.raises(Unavailable):
            await publisher.round()
    assert await ground.stored() == [1, 2, 3, 4]

    bus.position = 99
    while (await publisher.round()).published:
        pass
    assert await ground.stored() == [*range(1, 10)]


class TestAStreamThatLost:
    """R-OUT-8: noticed, recorded once; publishing goes on with what is new."""

    async def gaps(self, ground) -> list[tuple[int, int]]:
        found = await ground.gaps.all(limit=9)
        return [(each.gap.first, each.gap.last) for each in found]

    async def test_one_that_was_purged(self, ground):
        await ground.append(4)
        await ground.publish_all()
        async with ground.jetstream() as jetstream:
            await jetstream.purge_stream(f"{ground.prefix}-events")

        await ground.append(2, after=4)
        await ground.publish_all()
        await ground.publish_all()

        assert await ground.stored() == [5, 6]
        assert await self.gaps(ground) == [(1, 4)]

    async def test_one_that_was_deleted_and_made_anew(self, ground):
        await ground.append(4)
        await ground.publish_all()
        async with ground.jetstream() as jetstream:
            await jetstream.delete_stream(f"{ground.prefix}-events")

        with pytest.raises(Unavailable):
            await ground.publish_all()
        await ground.make_stream()
        await ground.append(2, after=4)
        await ground.publish_all()

        assert await ground.stored() == [5, 6]
        assert await self.gaps(ground) == [(1, 4)]

    async def test_what_is_behind_the_end_and_gone_is_marked_without_a_number(
        self, ground
    ):
        await ground.append(4)
        await ground.killed("after-publish")
        async with ground.jetstream() as jetstream:
            await jetstream.delete_msg(f"{ground.prefix}-events", 2)

        await ground.publish_all()

        assert await ground.stored() == [1, 3, 4]
        assert await self.gaps(ground) == [(2, 2)]
        assert await ground.outbox.unpublished(9) == []

    async def test_a_message_of_a_stranger_is_told_and_passed_by(self, ground):
        await ground.append(4)
        await ground.killed("after-publish")
        async with ground.jetstream() as jetstream:
            await jetstream.publish(f"{ground.prefix}.events.LOOP.X", b"a stranger's")

        await ground.append(1, after=4)
        await ground.publish_all()

        assert await ground.stored() == [1, 2, 3, 4, 5]
        assert any("was not put there by us" in each for each in ground.said)


class TestALogThatWasSetBack:
    """What the stream tells and the log does not hold stops the publisher."""

    @pytest.fixture
    async def restored(self, other_database, ground):
        """Another log, over the same stream: the database of an earlier time."""
        async with connection_pool(other_database) as pool:
            yield replace(ground, dsn=other_database, pool=pool)

    async def test_one_that_is_shorter(self, ground, restored):
        await ground.append(4)
        await ground.publish_all()
        await restored.append(2)

        with pytest.raises(BusAhead, match="which ends at 2"):
            await restored.publish_all()

        assert await ground.stored() == [1, 2, 3, 4]

    async def test_one_that_went_on_otherwise(self, ground, restored):
        await ground.append(4)
        await ground.publish_all()
        await restored.append(6, loop=2)

        with pytest.raises(BusAhead):
            await restored.publish_all()

        assert await ground.stored() == [1, 2, 3, 4]

    async def test_control_the_whole_one_is_taken(self, ground, restored):
        await ground.append(4)
        await ground.publish_all()
        await restored.append(6)

        await restored.publish_all()

        assert await ground.stored() == [1, 2, 3, 4, 5, 6]


async def test_a_bus_that_is_down_keeps_no_command_and_drains_in_order(ground, cable):
    """R-OUT-9: errors of appends 0; all that waited is told in order afterwards."""
    at = urlsplit(ground.access.url)
    link = cable(str(at.hostname), int(at.port or 0))
    await link.plug()
    far = replace(ground.access, url=f"nats://127.0.0.1:{link.port}")
    publisher = ground.publisher(NatsMessageBus(far, ground.prefix))
    await ground.append(5)
    await publisher.round()
    await link.pull()

    depths = []
    for number in range(5, 45, 5):
        await ground.append(5, after=number)
        with pytest.raises(Unavailable):
            await publisher.round()
        depths.append((await ground.outbox.backlog()).depth)
    assert depths == [*range(5, 45, 5)]
    assert (await ground.outbox.backlog()).oldest_s > 0

    await link.plug()
    while (await publisher.round()).published:
        pass

    assert await ground.stored() == [*range(1, 46)]
    assert (await ground.outbox.backlog()).depth == 0
    await link.pull()


class TestPruning:
    """R-OUT-12: no row goes that is unpublished, or whose message nobody has seen."""

    async def test_during_an_outage_what_waits_stays(self, ground):
        await ground.append(4)
        await ground.publish_all()
        await ground.append(3, after=4)

        removed = await ground.publisher().keep(older_than_s=0)

        assert removed == 3
        rows = ground.count("SELECT sum(global_seq) FROM es.outbox")
        assert rows == 4 + 5 + 6 + 7

    async def test_what_the_stream_does_not_hold_stays_and_is_told(self, ground):
        await ground.append(4)
        await ground.publish_all()
        async with ground.jetstream() as jetstream:
            await jetstream.delete_msg(f"{ground.prefix}-events", 2)

        removed = await ground.publisher().keep(older_than_s=0)

        assert removed == 2
        assert ground.count("SELECT min(global_seq) FROM es.outbox") == 2
        (gap,) = await ground.gaps.all(limit=9)
        assert (gap.gap.first, gap.gap.last) == (2, 2)
