"""A durable consumer of the stream of events, pulled one message at a time.

One message is out at most, so that they are handled in their order by however many
instances. The stream knows no end of deliveries: how often an event is tried is counted
in the database (R-OUT-6), where the count survives whatever becomes of the bus.
"""

from __future__ import annotations

from typing import Final

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, ReplayPolicy

from sr_core.adapters.nats.bus import NatsAccess
from sr_core.adapters.nats.link import Link
from sr_core.adapters.nats.message_bus import position_of
from sr_core.ports.event_store import Position

ACK_WAIT_S: Final = 30.0


class NatsDelivery:
    """A `Delivery` of one message."""

    def __init__(self, link: Link, message: Msg) -> None:
        self._link = link
        self._message = message

    @property
    def body(self) -> bytes:
        """See `Delivery.body`."""
        return self._message.data

    @property
    def position(self) -> Position | None:
        """See `Delivery.position`."""
        return position_of(self._message.headers or {})

    async def done(self) -> None:
        """See `Delivery.done`."""
        async with self._link.use():
            await self._message.ack_sync(timeout=self._link.deadline_s)

    async def refuse(self) -> None:
        """See `Delivery.refuse`."""
        async with self._link.use():
            await self._message.term()

    async def working(self) -> None:
        """See `Delivery.working`."""
        async with self._link.use():
            await self._message.in_progress()


class NatsSubscription:
    """A `Subscription` of the stream `<prefix>-events`, under a name that lasts."""

    def __init__(
        self,
        access: NatsAccess,
        prefix: str,
        name: str,
        *,
        ack_wait_s: float = ACK_WAIT_S,
    ) -> None:
        self._link = Link(access)
        self._stream = f"{prefix}-events"
        self._config = ConsumerConfig(
            durable_name=name,
            deliver_policy=DeliverPolicy.ALL,
            replay_policy=ReplayPolicy.INSTANT,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s,
            max_deliver=-1,
            max_ack_pending=1,
        )
        self._pull: JetStreamContext.PullSubscription | None = None
        self._generation = 0

    async def aclose(self) -> None:
        """Close the connection; the server keeps the consumer."""
        self._pull = None
        await self._link.drop()

    async def next(self, *, wait_s: float) -> NatsDelivery | None:
        """See `Subscription.next`."""
        async with self._link.use() as jetstream:
            pull = await self._pulling(jetstream)
            self._pull = None  # unless all goes well
            try:
                messages = await pull.fetch(1, timeout=wait_s)
            except nats.errors.TimeoutError:
                # A consumer that was removed is silent too, so it is looked for.
                await jetstream.consumer_info(self._stream, self._name)
                messages = []
            self._pull = pull
        return NatsDelivery(self._link, messages[0]) if messages else None

    async def is_held(self) -> bool:
        """See `Subscription.is_held`."""
        async with self._link.use() as jetstream:
            info = await jetstream.consumer_info(self._stream, self._name)
            return bool(info.num_ack_pending)

    @property
    def _name(self) -> str:
        assert self._config.durable_name, "it lasts, so it has a name"
        return self._config.durable_name

    async def _pulling(
        self, jetstream: JetStreamContext
    ) -> JetStreamContext.PullSubscription:
        if self._pull is None or self._generation != self._link.generation:
            await jetstream.add_consumer(self._stream, self._config)
            self._pull = await jetstream.pull_subscribe_bind(
                consumer=self._name, stream=self._stream
            )
            self._generation = self._link.generation
        return self._pull
