"""Doing what follows from the log, once for each event and in its order (R-OUT-5 to 8).

    bus ──message──▶ is it the next? ──yes──▶ handler ──▶ effect + inbox + position ──▶ ack
                            │ no: a gap                        one transaction
                            └──▶ what is missing, from the log, in the same way

A message says that the log has come to some place. What is handled is always the event
that the log has there, so nothing follows from a message that the log does not bear out,
and nothing is missed because a message was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sr_core.codec.message import (
    MessageEnvelope,
    MessageVersionUnsupported,
    parse_message,
)
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.ports.bus_gaps import BusGap, BusGaps
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import EventStore, Position, StoredEvent
from sr_core.ports.inbox import DeadLetter, Effect, Inbox
from sr_core.ports.outbox import Outbox
from sr_core.ports.subscription import Delivery, Subscription

PREFIX: Final = "sr-consumer-"
READ: Final = 100
ERROR_CHARACTERS_MAX: Final = 500

Handler: TypeAlias = Callable[[StoredEvent], Awaitable[Sequence[Effect]]]
"""Says what follows from an event; it may be asked more than once for the same."""

Tell: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a consumer waits for what.

    An event whose handler fails is tried `tries_max` times, with pauses from `backoff_s`
    on, each twice the one before. The bus may be silent for `silent_s` while the log is
    ahead. Every `working_s` the bus is asked for more time.
    """

    tries_max: int = 5
    backoff_s: float = 1.0
    silent_s: float = 10.0
    working_s: float = 10.0


@dataclass(kw_only=True)
class Consumer:
    """One consumer of the bus; several may run under one name."""

    name: str
    handler: Handler
    log: EventStore
    outbox: Outbox
    inbox: Inbox
    gaps: BusGaps
    subscription: Subscription
    tell: Tell
    patience: Patience = field(default_factory=Patience)
    _ahead_since: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        assert self.name.startswith(PREFIX), f"a consumer's name begins with {PREFIX}"

    async def round(self, *, wait_s: float) -> bool:
        """Handle the next message, or see whether the log is ahead of a silent bus.

        Return whether a message came.

        Raises:
            Unavailable: the database or the bus gave no answer; call it again. What is
                long overdue was taken from the log all the same.

        """
        try:
            delivery = await self.subscription.next(wait_s=wait_s)
        except Unavailable:
            await self._heal_silence()
            raise
        if delivery is None:
            await self._heal_silence()
            return False
        self._ahead_since = None
        await self._answer(delivery)
        return True

    async def _answer(self, delivery: Delivery) -> None:
        async with _Working(delivery, self.patience.working_s):
            try:
                said = parse_message(delivery.body)
            except MessageVersionUnsupported as error:
                await self._lay_aside(delivery, error)
                is_done = False
            except MalformedInput as error:
                await self._unreadable(delivery, error)
                is_done = False
            else:
                is_done = await self._told(said)
        await (delivery.done() if is_done else delivery.refuse())

    async def _told(self, said: MessageEnvelope) -> bool:
        """Do what the message tells of; return False if the log knows nothing of it."""
        place = Position(said.payload.global_seq)
        position = await self.inbox.position(self.name)
        if place <= position:
            return True
        event = await self._event(place)
        if event is None or (event.event_id, event.envelope_hash) != (
            said.message_id,
            said.payload.event_hash,
        ):
            self.tell(
                f"{said.message_id} is not the log's event {place}; it is refused"
            )
            return False
        if place > position + 1:
            why = "messages before this one did not come"
            await self._heal(position, Position(place - 1), why)
        await self._pass(event)
        return True

    async def _lay_aside(
        self, delivery: Delivery, error: MessageVersionUnsupported
    ) -> None:
        """Make a dead letter of the event whose message is of an unknown schema."""
        place = delivery.position
        event = await self._event(place) if place else None
        if event is None:
            self.tell(f"a message of nothing that the log has is refused: {error}")
            return
        position = await self.inbox.position(self.name)
        if event.position > position + 1:
            why = "messages before this one did not come"
            await self._heal(position, Position(event.position - 1), why)
        if await self.inbox.lay_aside(self.name, event, _told_of(error)):
            self.tell(f"event {event.position} is laid aside: {error}")

    async def _unreadable(self, delivery: Delivery, error: MalformedInput) -> None:
        """Take from the log what the message was to tell of."""
        self.tell(f"a message is refused: {error}")
        position = await self.inbox.position(self.name)
        place = min(delivery.position or 0, await self.outbox.head())
        if place > position:
            await self._heal(position, Position(place), "a message could not be read")

    async def _heal_silence(self) -> None:
        """Take from the log what the bus has not told for too long."""
        position = await self.inbox.position(self.name)
        head = await self.outbox.head()
        now = asyncio.get_running_loop().time()
        if head <= position or await self._is_at_work_elsewhere():
            self._ahead_since = None
        elif self._ahead_since is None:
            self._ahead_since = now
        elif now - self._ahead_since >= self.patience.silent_s:
            self._ahead_since = None
            await self._heal(position, head, "the bus was silent")

    async def _is_at_work_elsewhere(self) -> bool:
        try:
            return await self.subscription.is_held()
        except Unavailable:
            return False  # then the bus keeps nobody at work

    async def _heal(self, after: Position, last: Position, why: str) -> None:
        """Do everything past `after` up to `last` from the log, and record the gap."""
        gap = BusGap(
            noticed_by=self.name, first=Position(after + 1), last=last, why=why
        )
        if await self.gaps.notice(gap):
            self.tell(f"bus gap, events {gap.first} to {gap.last}: {why}")
        while after < last:
            events = await self.log.read(after=after, limit=min(READ, last - after))
            assert events, "the log has no holes before an event that it holds"
            for event in events:
                await self._pass(event)
            after = events[-1].position
        await self.gaps.healed(self.name, up_to=last)

    async def _pass(self, event: StoredEvent) -> None:
        """Have the event done, or lay it aside when no try is left."""
        while True:
            try:
                effects = await self.handler(event)
            except Exception as error:  # noqa: BLE001 - whatever it is, others wait
                tries = await self.inbox.failed(self.name, event, _told_of(error))
                if tries >= self.patience.tries_max:
                    await self.inbox.lay_aside(self.name, event, _told_of(error))
                    self.tell(
                        f"event {event.position} is laid aside: {_told_of(error)}"
                    )
                    return
                await asyncio.sleep(self.patience.backoff_s * 2 ** (tries - 1))
            else:
                await self.inbox.apply(self.name, event, effects)
                return

    async def _event(self, place: Position) -> StoredEvent | None:
        if place < 1:
            return None
        found = await self.log.read(after=Position(place - 1), limit=1)
        return found[0] if found else None


@dataclass(kw_only=True)
class Replays:
    """Has dead letters done once more, by the handlers of their consumers."""

    log: EventStore
    inbox: Inbox
    handlers: dict[str, Handler]

    async def replay(self, consumer: str, event_id: str) -> DeadLetter:
        """Have the dead letter's event done, and return the letter as it was.

        Raises:
            NotFound: there is no such dead letter, or it was replayed before.
            Unavailable: no answer in time; it may or may not be done.

        """
        letter = await self.inbox.dead_letter(consumer, event_id)
        if letter is None or letter.consumer not in self.handlers:
            raise NotFound(kind="dead letter", identifier=f"{consumer} {event_id}")
        found = await self.log.read(after=Position(letter.position - 1), limit=1)
        (event,) = found
        effects = await self.handlers[consumer](event)
        if not await self.inbox.replayed(letter, event, effects):
            raise NotFound(
                kind="dead letter that waits", identifier=f"{consumer} {event_id}"
            )
        return letter


class _Working:
    """Asks for more time again and again, for as long as the block runs."""

    def __init__(self, delivery: Delivery, every_s: float) -> None:
        self._delivery = delivery
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._ask())

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None, "the block was entered"
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            with suppress(Unavailable):  # then it comes again, and is a duplicate
                await self._delivery.working()


def _told_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]
