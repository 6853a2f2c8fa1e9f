"""What of the log is still to be told, and what was (A7, R-OUT-1).

Every event has a row from the transaction on that recorded it. Rows come to be seen in
the order of the log, none between two that were seen, so whoever reads from the first
that is unpublished on misses none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sr_core.ports.errors import PortError
from sr_core.ports.event_store import Position, StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An event that is to be published, under the topic `sr.events.<kind>.<type>`."""

    topic: str
    event: StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """That an event was published.

    `stream_seq` is where the stream holds it; None where later ones are there and this
    one is not, so that it can be published no more without breaking their order.
    """

    position: Position
    stream_seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A row of which the stream is said to hold the message."""

    position: Position
    event_id: str
    envelope_hash: str
    stream_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Positions from `first` to `last`, both of them in it."""

    first: Position
    last: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many rows wait, and for how many seconds the oldest has; 0 where none does."""

    depth: int
    oldest_s: float


class BusAhead(PortError):  # noqa: N818 - named for what it says, like Refused
    """The stream tells of an event that the log does not hold: the log was set back."""

    code = "BUS_AHEAD"

    def __init__(self, *, position: int, event_id: str, head: int) -> None:
        super().__init__(
            f"The stream holds {event_id} as event {position}, and the log, which ends at "
            f"{head}, does not",
            remedy="Find out whether the database was restored to an earlier point; nothing"
            " is published until the stream is deleted or the log is whole again",
        )
        self.position = position
        self.event_id = event_id
        self.head = head


class Outbox(Protocol):
    """The rows beside the log; each method raises `Unavailable` for want of an answer."""

    async def head(self) -> Position:
        """Return the position of the last event of the log, BEGINNING if it has none."""
        ...

    async def unpublished(self, limit: int) -> Sequence[Waiting]:
        """Return the first rows that are not marked, in the order of the log."""
        ...

    async def mark(self, marks: Sequence[Mark]) -> None:
        """Mark rows as published, now; one that is marked already stays as it is."""
        ...

    async def published_since(self, moment: datetime) -> Span | None:
        """Return the positions published from `moment` on, None if none was."""
        ...

    async def backlog(self) -> Backlog:
        """Return how much waits."""
        ...

    async def unverified(self, *, since: datetime, limit: int) -> Sequence[Published]:
        """Return rows published from `since` on whose message nobody has read back."""
        ...

    async def verified(self, positions: Sequence[Position]) -> None:
        """Record that the stream holds the messages of these rows, as they were sent."""
        ...

    async def lost(self, positions: Sequence[Position]) -> None:
        """Record that the stream does not hold the messages of these rows."""
        ...

    async def prune(self, *, before: datetime) -> int:
        """Remove rows published before that and verified; return how many it were.

        One that is not both is never removed, and neither is the last one published,
        which says how far the stream has come.
        """
        ...
