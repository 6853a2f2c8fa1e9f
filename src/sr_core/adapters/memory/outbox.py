"""The outbox beside the log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sr_core.codec.canonical import parse_json
from sr_core.ports.clock import Clock
from sr_core.ports.event_store import BEGINNING, EventStore, Position, StoredEvent
from sr_core.ports.outbox import Backlog, Mark, Published, Span, Waiting


@dataclass(kw_only=True)
class _Row:
    stream_seq: int | None
    published_at: datetime
    is_verified: bool = False


class MemoryOutbox:
    """An `Outbox` over a log that is asked for everything anew."""

    def __init__(self, log: EventStore, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._rows: dict[Position, _Row] = {}
        self._gone: set[Position] = set()

    async def head(self) -> Position:
        """See `Outbox.head`."""
        events = await self._events()
        return events[-1].position if events else BEGINNING

    async def unpublished(self, limit: int) -> Sequence[Waiting]:
        """See `Outbox.unpublished`."""
        waiting = [
            Waiting(topic=_topic(each), event=each)
            for each in await self._events()
            if each.position not in self._rows and each.position not in self._gone
        ]
        return waiting[:limit]

    async def mark(self, marks: Sequence[Mark]) -> None:
        """See `Outbox.mark`."""
        for each in marks:
            row = _Row(stream_seq=each.stream_seq, published_at=self._clock.now())
            self._rows.setdefault(each.position, row)

    async def published_since(self, moment: datetime) -> Span | None:
        """See `Outbox.published_since`."""
        since = [at for at, it in self._rows.items() if it.published_at >= moment]
        return Span(first=min(since), last=max(since)) if since else None

    async def backlog(self) -> Backlog:
        """See `Outbox.backlog`; how long a row has waited, nothing here knows."""
        return Backlog(depth=len(await self.unpublished(2**31)), oldest_s=0.0)

    async def unverified(self, *, since: datetime, limit: int) -> Sequence[Published]:
        """See `Outbox.unverified`."""
        found = [
            Published(
                position=each.position,
                event_id=each.event_id,
                envelope_hash=each.envelope_hash,
                stream_seq=row.stream_seq,
            )
            for each in await self._events()
            if (row := self._rows.get(each.position))
            and row.published_at >= since
            and row.stream_seq is not None
            and not row.is_verified
        ]
        return found[:limit]

    async def verified(self, positions: Sequence[Position]) -> None:
        """See `Outbox.verified`."""
        for each in positions:
            self._rows[each].is_verified = self._rows[each].stream_seq is not None

    async def lost(self, positions: Sequence[Position]) -> None:
        """See `Outbox.lost`."""
        for each in positions:
            self._rows[each].stream_seq = None
            self._rows[each].is_verified = False

    async def prune(self, *, before: datetime) -> int:
        """See `Outbox.prune`."""
        doomed = [
            at
            for at, row in self._rows.items()
            if row.is_verified and row.published_at < before and at < max(self._rows)
        ]
        self._gone.update(doomed)
        for each in doomed:
            del self._rows[each]
        return len(doomed)

    async def _events(self) -> Sequence[StoredEvent]:
        return await self._log.read(after=BEGINNING, limit=2**31)


def _topic(event: StoredEvent) -> str:
    said = parse_json(event.envelope, what=f"the event at {event.position}")
    return f"sr.events.{said['stream_kind']}.{event.event_type}"
