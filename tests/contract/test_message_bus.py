"""The contracts of `MessageBus`, `Subscription` and `Leadership`, each over two."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from nats.js import JetStreamContext

from pytest_sr.stack.addresses import StackAddresses
from sr_core.adapters.memory.leadership import MemoryLeadership
from sr_core.adapters.memory.message_bus import MemoryMessageBus
from sr_core.adapters.memory.subscription import MemorySubscription
from sr_core.adapters.nats.bus import NatsAccess
from sr_core.adapters.nats.message_bus import NatsMessageBus
from sr_core.adapters.nats.streams import ensure_streams, remove_streams
from sr_core.adapters.nats.subscription import NatsSubscription
from sr_core.adapters.postgres.leadership import PostgresLeadership
from sr_core.domain.refs import hash_bytes
from sr_core.ports.event_store import Position
from sr_core.ports.leadership import Leadership
from sr_core.ports.message_bus import Fenced, Message, MessageBus
from sr_core.ports.subscription import Subscription

pytestmark = pytest.mark.anyio


def a_message(number: int) -> Message:
    body = f"message {number}".encode()
    return Message(
        topic="sr.events.LOOP.StopTriggered",
        body=body,
        event_id=f"evt_{number}",
        position=Position(number),
        envelope_hash=hash_bytes(body),
    )


ONE, TWO, THREE = (a_message(each) for each in (1, 2, 3))


@dataclass(frozen=True)
class Over:
    bus: MessageBus
    subscription: Subscription


@pytest.fixture(params=["memory", "nats"])
async def over(request: pytest.FixtureRequest) -> AsyncIterator[Over]:
    if request.param == "memory":
        memory = MemoryMessageBus()
        yield Over(memory, MemorySubscription(memory))
        return
    stack: StackAddresses = request.getfixturevalue("stack")
    access = NatsAccess(
        url=stack.nats.url, user=stack.nats.user, password=stack.nats.password
    )
    prefix = f"case-{secrets.token_hex(4)}"
    await ensure_streams(access, prefix)
    bus = NatsMessageBus(access, prefix)
    subscription = NatsSubscription(access, prefix, "sr-consumer-me")
    yield Over(bus, subscription)
    await subscription.aclose()
    await bus.aclose()
    await remove_streams(access, prefix)


class TestTheStream:
    """R-OUT-2 to R-OUT-4: what is told of an end that is not the stream's is refused."""

    async def test_an_empty_one_ends_at_zero(self, over):
        end = await over.bus.end()

        assert (end.stream_seq, end.last) == (0, None)

    async def test_messages_come_to_stand_in_their_order(self, over):
        await over.bus.publish([ONE, TWO], after=0)
        await over.bus.publish([THREE], after=2)

        end = await over.bus.end()
        assert end.stream_seq == 3
        assert end.last == await over.bus.held(3)
        assert [(await over.bus.held(each)).position for each in (1, 2, 3)] == [1, 2, 3]

    async def test_a_message_is_held_with_what_it_says(self, over):
        await over.bus.publish([TWO], after=0)

        held = await over.bus.held(1)

        assert (held.stream_seq, held.position) == (1, 2)
        assert (held.event_id, held.envelope_hash) == (TWO.event_id, TWO.envelope_hash)
        assert await over.bus.held(2) is None

    async def test_whoever_was_overtaken_is_refused(self, over):
        await over.bus.publish([ONE], after=0)

        with pytest.raises(Fenced):
            await over.bus.publish([TWO, THREE], after=0)

        assert (await over.bus.end()).stream_seq == 1

    async def test_whoever_is_ahead_of_the_stream_is_refused(self, over):
        with pytest.raises(Fenced):
            await over.bus.publish([ONE], after=7)

        assert (await over.bus.end()).stream_seq == 0

    async def test_the_same_id_is_refused_whatever_its_body(self, over):
        await over.bus.publish([ONE], after=0)

        with pytest.raises(Fenced, match="of that id"):
            await over.bus.publish([replace(ONE, body=b"another")], after=1)

        assert (await over.bus.end()).stream_seq == 1

    async def test_what_follows_a_refused_message_is_refused(self, over):
        await over.bus.publish([ONE], after=0)

        with pytest.raises(Fenced):
            await over.bus.publish([TWO, ONE, THREE], after=1)

        end = await over.bus.end()
        assert (end.stream_seq, end.last.position) == (2, 2)


@pytest.mark.parametrize("over", ["nats"], indirect=True)
async def test_after_a_stranger_came_between_the_rest_is_refused_too(over, monkeypatch):
    """R-OUT-3: by numbers alone, THREE would be taken in the place of TWO."""
    came = asyncio.Event()
    publish = JetStreamContext.publish

    async def with_a_stranger(self, subject, payload, **more):
        ack = await publish(self, subject, payload, **more)
        if payload == ONE.body:
            await publish(self, subject, b"a stranger's")
            came.set()
        return ack

    monkeypatch.setattr(JetStreamContext, "publish", with_a_stranger)

    with pytest.raises(Fenced):
        await over.bus.publish([ONE, TWO, THREE], after=0)

    assert came.is_set()
    end = await over.bus.end()
    assert (end.stream_seq, end.last.position) == (2, None)


class TestTheSubscription:
    """R-OUT-5: a message comes until it is answered for, and the first comes first."""

    async def test_nothing_comes_of_nothing(self, over):
        assert await over.subscription.next(wait_s=0.05) is None
        assert await over.subscription.is_held() is False

    async def test_messages_come_in_their_order(self, over):
        await over.bus.publish([ONE, TWO], after=0)

        first = await over.subscription.next(wait_s=5)
        assert (first.body, first.position) == (ONE.body, 1)
        assert await over.subscription.is_held() is True
        await first.working()
        await first.done()
        second = await over.subscription.next(wait_s=5)
        assert second.body == TWO.body
        await second.refuse()

        assert await over.subscription.next(wait_s=0.05) is None


class TestLeadership:
    """R-OUT-2: one has it, until it gives it up."""

    @pytest.fixture
    async def two(
        self, dsn: str | None
    ) -> AsyncIterator[tuple[Leadership, Leadership]]:
        if dsn is None:
            claims: list[MemoryLeadership] = []
            yield MemoryLeadership(claims), MemoryLeadership(claims)
            return
        one, other = PostgresLeadership(dsn), PostgresLeadership(dsn)
        yield one, other
        await one.give_up()
        await other.give_up()

    async def test_one_has_it_and_keeps_it(self, two):
        one, other = two

        assert [await each.hold() for each in (one, other, one)] == [True, False, True]

    async def test_the_other_has_it_next(self, two):
        one, other = two
        await one.hold()
        await other.give_up()
        assert await other.hold() is False

        await one.give_up()

        assert await other.hold() is True
        assert await one.hold() is False
