"""A claim that one object among several has."""

from __future__ import annotations


class MemoryLeadership:
    """A `Leadership`; those that share `claims` compete."""

    def __init__(self, claims: list[MemoryLeadership]) -> None:
        self._claims = claims

    async def hold(self) -> bool:
        """See `Leadership.hold`."""
        if not self._claims:
            self._claims.append(self)
        return self._claims[0] is self

    async def give_up(self) -> None:
        """See `Leadership.give_up`."""
        if self in self._claims:
            self._claims.remove(self)
