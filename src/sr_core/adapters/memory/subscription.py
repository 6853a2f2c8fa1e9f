"""A consumer's end of the stream in a list."""

from __future__ import annotations

from sr_core.adapters.memory.message_bus import MemoryMessageBus
from sr_core.ports.event_store import Position


class MemoryDelivery:
    """A `Delivery`; what is put in by hand may be any bytes."""

    def __init__(
        self, subscription: MemorySubscription, body: bytes, position: Position | None
    ) -> None:
        self._subscription = subscription
        self.body = body
        self.position = position

    async def done(self) -> None:
        """See `Delivery.done`."""
        self._subscription.answered()

    async def refuse(self) -> None:
        """See `Delivery.refuse`."""
        self._subscription.answered()

    async def working(self) -> None:
        """See `Delivery.working`."""


class MemorySubscription:
    """A `Subscription` that brings a message again until it is answered for."""

    def __init__(self, bus: MemoryMessageBus) -> None:
        self._bus = bus
        self._answered = 0
        self._out = 0

    async def next(self, *, wait_s: float) -> MemoryDelivery | None:  # noqa: ARG002 - what is not there now does not come either
        """See `Subscription.next`."""
        end = (await self._bus.end()).stream_seq
        for stream_seq in range(self._answered + 1, end + 1):
            message = self._bus.message(stream_seq)
            if message is not None:
                self._out = stream_seq
                return MemoryDelivery(self, message.body, message.position)
        return None

    async def is_held(self) -> bool:
        """See `Subscription.is_held`."""
        return self._out > self._answered

    def answered(self) -> None:
        """Let the message that is out come no more."""
        self._answered = self._out

    def rewind(self) -> None:
        """Bring everything again, as a consumer does that was made anew."""
        self._answered = self._out = 0
