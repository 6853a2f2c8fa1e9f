"""What each consumer has done of the log: effect, inbox and position as one (R-OUT-5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from sr_core.ports.event_store import Position, StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """That something waits for a person: at which portal, about what, and for what."""

    portal: str
    subject: str
    asks: str
    occurred_at: datetime


Effect: TypeAlias = Notice
"""What a consumer may have written; each new kind of effect joins this union."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that a consumer laid aside after `tries` that went wrong."""

    consumer: str
    event_id: str
    position: Position
    tries: int
    error: str
    first_failed_at: datetime
    last_failed_at: datetime
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNotice:
    """A notice in its feed; `notice_id` grows, and is not without holes."""

    notice_id: int
    position: Position
    event_type: str
    notice: Notice


class Inbox(Protocol):
    """Positions and effects of consumers, each by its name.

    Every method raises `Unavailable` for want of an answer; what it was to write is then
    there or not, as a whole, and the same call again is right in either case.
    """

    async def position(self, consumer: str) -> Position:
        """Return up to where the consumer has come, BEGINNING before its first event."""
        ...

    async def apply(
        self, consumer: str, event: StoredEvent, effects: Sequence[Effect]
    ) -> bool:
        """Write the effects of `event`, and that it was done, in one transaction.

        Return False, and write nothing, where the consumer does not stand right before
        the event: another instance has come first.
        """
        ...

    async def failed(self, consumer: str, event: StoredEvent, error: str) -> int:
        """Count a try that went wrong, and return how many there were of this event."""
        ...

    async def lay_aside(self, consumer: str, event: StoredEvent, error: str) -> bool:
        """Make the event a dead letter, and pass it by, in one transaction.

        Return False where the consumer does not stand right before the event.
        """
        ...

    async def replayed(
        self, letter: DeadLetter, event: StoredEvent, effects: Sequence[Effect]
    ) -> bool:
        """Write the effects of a dead letter; return False where that was done before."""
        ...

    async def dead_letters(self, *, limit: int) -> Sequence[DeadLetter]:
        """Return the dead letters, oldest first, with those that were replayed."""
        ...

    async def dead_letter(self, consumer: str, event_id: str) -> DeadLetter | None:
        """Return the dead letter, if there is such a one."""
        ...

    async def notices(self, *, after: int, limit: int) -> Sequence[KeptNotice]:
        """Return the notices past `after`, in the order of the feed."""
        ...
