"""Where the bus did not bring what the log holds (R-OUT-8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sr_core.ports.event_store import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class BusGap:
    """What was noticed by whom: no message of `first` to `last`, both of them in it."""

    noticed_by: str
    first: Position
    last: Position
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticedGap:
    """A gap with its times; `healed_at` is None while it was not done from the log."""

    gap: BusGap
    noticed_at: datetime
    healed_at: datetime | None


class BusGaps(Protocol):
    """The book of gaps; each method raises `Unavailable` for want of an answer."""

    async def notice(self, gap: BusGap) -> bool:
        """Record the gap; return whether it is new: each is told once."""
        ...

    async def healed(self, noticed_by: str, *, up_to: Position) -> None:
        """Record that everything up to there was done from the log."""
        ...

    async def all(self, *, limit: int) -> Sequence[NoticedGap]:
        """Return the latest gaps, newest first."""
        ...
