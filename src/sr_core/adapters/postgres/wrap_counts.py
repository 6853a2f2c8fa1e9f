"""How many data keys each KEK version has wrapped, in `es.kek_wraps`."""

from __future__ import annotations

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection, Pool, in_transaction
from sr_core.domain.kek import WRAPS_MAX, KekRef, WrapCount
from sr_core.domain.sealing_errors import WrapLimitReached


class PostgresWrapCounts:
    """A `WrapCounts` in the database of the log."""

    def __init__(self, pool: Pool, *, wraps_max: int = WRAPS_MAX) -> None:
        self._pool = pool
        self._wraps_max = wraps_max

    async def take(self, kek: KekRef) -> WrapCount:
        """See `WrapCounts.take`."""

        async def work(connection: Connection) -> int | None:
            values = {
                "kek_id": kek.id,
                "version": kek.version,
                "wraps_max": self._wraps_max,
            }
            cursor = await connection.execute(statements.TAKE_WRAP, values)
            row = await cursor.fetchone()
            return row["wraps"] if row else None

        wraps = await in_transaction(self._pool, work)
        if wraps is None:
            raise WrapLimitReached(kek=str(kek), limit=self._wraps_max)
        return WrapCount(kek=kek, wraps=wraps - 1, wraps_max=self._wraps_max)
