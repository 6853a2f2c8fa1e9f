"""How far each follower of the log has come."""

from __future__ import annotations

from typing import Protocol

from sr_core.ports.event_store import Position


class Followers(Protocol):
    """A position for each follower by name; it only ever grows."""

    async def position(self, follower: str) -> Position:
        """Return up to where `follower` has handled every event, BEGINNING at first.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def advance(self, follower: str, position: Position) -> None:
        """Record that `follower` has handled every event up to `position`.

        An earlier position than the one recorded changes nothing.

        Raises:
            Unavailable: no answer in time; it may or may not be recorded.

        """
        ...
