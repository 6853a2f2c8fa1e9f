"""Telling the bus what the log holds: each event once, in order, by one publisher.

    outbox ──unpublished──▶ publish, if the stream ends where we think ──▶ mark
                 ▲                        │ refused, or no answer
                 └────── reconcile ◀──────┘

The stream itself says how far it has come: the headers of its last message hold the place
in the log. So whatever happened between publishing and marking, and however long ago,
no second copy is stored. Where the stream ends before what was marked, it has lost
messages; that is recorded, and publishing goes on with what is new: consumers take what
is missing from the log (R-OUT-8), and an old message after newer ones would help nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sr_core.codec.message import message
from sr_core.ports.bus_gaps import BusGap, BusGaps
from sr_core.ports.clock import Clock
from sr_core.ports.errors import PortError
from sr_core.ports.event_store import BEGINNING, EventStore, Position, StoredEvent
from sr_core.ports.leadership import Leadership
from sr_core.ports.message_bus import Held, MessageBus, StreamEnd
from sr_core.ports.outbox import BusAhead, Mark, Outbox, Published

PUBLISHER: Final = "outbox-publisher"
"""Who notices the gaps of the stream itself."""
BATCH: Final = 100
WALK_MAX: Final = 1000
"""How many numbers of the stream are looked at, from its end back."""
SLACK_S: Final = 60.0
"""How long before its age limit a message is no longer expected in the stream."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of one round; one that does not lead has published nothing."""

    is_leader: bool
    published: int = 0


@dataclass(kw_only=True)
class Publisher:
    """Publishes the outbox of one log.

    `stream_age_s` is how long the stream keeps a message, `look_s` how often it is looked
    at while nothing is to be published.
    """

    outbox: Outbox
    log: EventStore
    bus: MessageBus
    leadership: Leadership
    gaps: BusGaps
    clock: Clock
    tell: Tell
    stream_age_s: float
    look_s: float = 10.0
    batch: int = BATCH
    _end: int | None = field(default=None, init=False)
    _looked_at: datetime | None = field(default=None, init=False)

    async def round(self) -> Round:
        """Publish one batch of what waits, if it is ours to publish.

        Raises:
            BusAhead: the stream tells of an event that the log does not hold.
            Fenced: someone else has written to the stream; the next round looks anew.
            Unavailable: the database or the bus gave no answer; call it again.

        """
        try:
            if not await self.leadership.hold():
                self._end = None
                return Round(is_leader=False)
            return Round(is_leader=True, published=await self._publish())
        except PortError:
            self._end = None  # what we knew of the stream may hold no longer
            raise

    async def keep(self, *, older_than_s: float) -> int:
        """Remove published rows that old, as far as the stream was seen to hold them.

        Raises:
            Unavailable: the database or the bus gave no answer; call it again.

        """
        now = self.clock.now()
        rows = await self.outbox.unverified(since=self._kept_since(), limit=WALK_MAX)
        there = {each.position: await self.bus.held(each.stream_seq) for each in rows}
        seen = [each.position for each in rows if _is(each, there[each.position])]
        lost = [each.position for each in rows if not _is(each, there[each.position])]
        await self.outbox.verified(seen)
        await self._lost(lost, why="the stream does not hold what it acknowledged")
        return await self.outbox.prune(before=now - timedelta(seconds=older_than_s))

    async def _publish(self) -> int:
        waiting = await self.outbox.unpublished(self.batch)
        if self._end is None or (not waiting and self._is_look_due()):
            self._end = await self._reconciled()
            waiting = await self.outbox.unpublished(self.batch)
        if not waiting:
            return 0
        messages = [message(each.topic, each.event) for each in waiting]
        await self.bus.publish(messages, after=self._end)
        marks = [
            Mark(position=each.position, stream_seq=self._end + number)
            for number, each in enumerate(messages, start=1)
        ]
        self._end += len(messages)
        await self.outbox.mark(marks)
        return len(messages)

    def _is_look_due(self) -> bool:
        assert self._looked_at is not None, "whoever knows the end has looked"
        due = self._looked_at + timedelta(seconds=self.look_s)
        return self.clock.now() >= due

    async def _reconciled(self) -> int:
        """Bring the outbox up to what the stream holds; return where the stream ends."""
        self._looked_at = self.clock.now()
        end = await self.bus.end()
        last = await self._last_of_ours(end)
        reach = last.position if last is not None and last.position else BEGINNING
        if last is not None:
            await self._require_known(last)
            await self._mark_held(last, reach)
        await self._notice_loss(reach)
        return end.stream_seq

    async def _last_of_ours(self, end: StreamEnd) -> Held | None:
        last = end.last
        if last is None or last.position is not None:
            return last
        self.tell(f"message {last.stream_seq} of the stream was not put there by us")
        for stream_seq in _back_from(last.stream_seq - 1):
            held = await self.bus.held(stream_seq)
            if held is not None and held.position is not None:
                return held
        return None

    async def _require_known(self, held: Held) -> StoredEvent:
        """Return the log's event of that message, or raise `BusAhead`."""
        assert held.position is not None, "it is one of ours"
        found = await self.log.read(after=Position(held.position - 1), limit=1)
        if not found or not _tells_of(held, found[0]):
            head = await self.outbox.head()
            raise BusAhead(position=held.position, event_id=held.event_id, head=head)
        return found[0]

    async def _mark_held(self, last: Held, reach: Position) -> None:
        """Mark rows up to `reach`: each with its number, if the stream still holds it."""
        while waiting := [
            each.event
            for each in await self.outbox.unpublished(self.batch)
            if each.event.position <= reach
        ]:
            there = await self._walked(last, down_to=waiting[0].position)
            for event in waiting:
                if event.position in there:
                    await self._require_known(there[event.position])
            await self.outbox.mark(
                [
                    Mark(
                        position=each.position,
                        stream_seq=there[each.position].stream_seq
                        if each.position in there
                        else None,
                    )
                    for each in waiting
                ]
            )
            self.tell(
                f"{len(waiting)} events were published before, and are marked now"
            )
            absent = [each.position for each in waiting if each.position not in there]
            await self._notice(
                absent, why="later messages are there, and these are not"
            )

    async def _walked(
        self, last: Held, *, down_to: Position
    ) -> Mapping[Position, Held]:
        """Return our messages from `last` back to that of `down_to`, by position."""
        there: dict[Position, Held] = {}
        for stream_seq in _back_from(last.stream_seq):
            held = await self.bus.held(stream_seq)
            if held is None or held.position is None:
                continue
            there.setdefault(held.position, held)
            if held.position <= down_to:
                break
        return there

    async def _notice_loss(self, reach: Position) -> None:
        """Record what was published lately and lies beyond the end of the stream."""
        span = await self.outbox.published_since(self._kept_since())
        if span is None or span.last <= reach:
            return
        await self._noticed(
            BusGap(
                noticed_by=PUBLISHER,
                first=max(span.first, Position(reach + 1)),
                last=span.last,
                why="the stream ends before what it acknowledged",
            )
        )

    def _kept_since(self) -> datetime:
        """Return since when a message has to be in the stream still."""
        kept_s = max(self.stream_age_s - SLACK_S, 0)
        return self.clock.now() - timedelta(seconds=kept_s)

    async def _lost(self, positions: Sequence[Position], *, why: str) -> None:
        if positions:
            await self.outbox.lost(positions)
        await self._notice(positions, why=why)

    async def _notice(self, positions: Sequence[Position], *, why: str) -> None:
        for first, last in _runs(positions):
            await self._noticed(
                BusGap(noticed_by=PUBLISHER, first=first, last=last, why=why)
            )

    async def _noticed(self, gap: BusGap) -> None:
        if await self.gaps.notice(gap):
            self.tell(f"bus gap, events {gap.first} to {gap.last}: {gap.why}")


def _back_from(stream_seq: int) -> range:
    return range(stream_seq, max(stream_seq - WALK_MAX, 0), -1)


def _is(row: Published, held: Held | None) -> bool:
    return held is not None and (held.position, held.event_id, held.envelope_hash) == (
        row.position,
        row.event_id,
        row.envelope_hash,
    )


def _tells_of(held: Held, event: StoredEvent) -> bool:
    return (held.event_id, held.envelope_hash) == (event.event_id, event.envelope_hash)


def _runs(positions: Sequence[Position]) -> Sequence[tuple[Position, Position]]:
    """Return the first and the last of each run without a hole."""
    runs: list[tuple[Position, Position]] = []
    for each in positions:
        if runs and runs[-1][1] + 1 == each:
            runs[-1] = (runs[-1][0], each)
        else:
            runs.append((each, each))
    return runs
