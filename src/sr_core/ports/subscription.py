"""A consumer's end of the bus: one message at a time, kept until it is answered for."""

from __future__ import annotations

from typing import Protocol

from sr_core.ports.event_store import Position


class Delivery(Protocol):
    """A message as it came; what is not answered for in time comes again.

    Every method raises `Unavailable` where the bus cannot be reached.
    """

    @property
    def body(self) -> bytes:
        """What came, which may be anything."""
        ...

    @property
    def position(self) -> Position | None:
        """The place in the log that the headers name, None where they name none."""
        ...

    async def done(self) -> None:
        """Have it come no more; return once the bus has said so."""
        ...

    async def refuse(self) -> None:
        """Have it come no more, because nothing can be made of it."""
        ...

    async def working(self) -> None:
        """Ask for more time, as much as there was at first."""
        ...


class Subscription(Protocol):
    """A durable consumer of the stream."""

    async def next(self, *, wait_s: float) -> Delivery | None:
        """Return the next message, None if none has come within `wait_s`.

        Raises:
            Unavailable: there is no stream or no answer; call it again.

        """
        ...

    async def is_held(self) -> bool:
        """Whether a message is in the hands of an instance of this consumer.

        Raises:
            Unavailable: there is no stream or no answer.

        """
        ...
