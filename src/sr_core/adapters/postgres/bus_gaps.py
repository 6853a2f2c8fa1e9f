"""The book of the bus's gaps, in `es.bus_gaps`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection, Pool, in_transaction
from sr_core.ports.bus_gaps import BusGap, NoticedGap
from sr_core.ports.event_store import Position


class PostgresBusGaps:
    """A `BusGaps` in the database of the log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def notice(self, gap: BusGap) -> bool:
        """See `BusGaps.notice`."""

        async def work(connection: Connection) -> bool:
            cursor = await connection.execute(statements.NOTICE_GAP, asdict(gap))
            return await cursor.fetchone() is not None

        return await in_transaction(self._pool, work)

    async def healed(self, noticed_by: str, *, up_to: Position) -> None:
        """See `BusGaps.healed`."""

        async def work(connection: Connection) -> None:
            values = {"noticed_by": noticed_by, "up_to": up_to}
            await connection.execute(statements.HEAL_GAPS, values)

        await in_transaction(self._pool, work)

    async def all(self, *, limit: int) -> Sequence[NoticedGap]:
        """See `BusGaps.all`."""

        async def work(connection: Connection) -> Sequence[NoticedGap]:
            cursor = await connection.execute(statements.READ_GAPS, {"limit": limit})
            return [
                NoticedGap(
                    gap=BusGap(
                        noticed_by=row["noticed_by"],
                        first=Position(row["from_seq"]),
                        last=Position(row["to_seq"]),
                        why=row["why"],
                    ),
                    noticed_at=row["noticed_at"],
                    healed_at=row["healed_at"],
                )
                async for row in cursor
            ]

        return await in_transaction(self._pool, work)
