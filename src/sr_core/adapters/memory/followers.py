"""How far each follower has come, in a dict."""

from __future__ import annotations

from sr_core.ports.event_store import BEGINNING, Position


class MemoryFollowers:
    """A `Followers` that forgets everything with the process."""

    def __init__(self) -> None:
        self._positions: dict[str, Position] = {}

    async def position(self, follower: str) -> Position:
        """See `Followers.position`."""
        return self._positions.get(follower, BEGINNING)

    async def advance(self, follower: str, position: Position) -> None:
        """See `Followers.advance`."""
        self._positions[follower] = max(await self.position(follower), position)
