"""How far each follower of the log has come, in `es.followers`."""

from __future__ import annotations

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection, Pool, in_transaction
from sr_core.ports.event_store import BEGINNING, Position


class PostgresFollowers:
    """A `Followers` in the database of the log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def position(self, follower: str) -> Position:
        """See `Followers.position`."""

        async def work(connection: Connection) -> Position:
            values = {"follower": follower}
            cursor = await connection.execute(statements.READ_FOLLOWER, values)
            row = await cursor.fetchone()
            return Position(row["position"]) if row else BEGINNING

        return await in_transaction(self._pool, work)

    async def advance(self, follower: str, position: Position) -> None:
        """See `Followers.advance`."""

        async def work(connection: Connection) -> None:
            values = {"follower": follower, "position": position}
            await connection.execute(statements.ADVANCE_FOLLOWER, values)

        await in_transaction(self._pool, work)
