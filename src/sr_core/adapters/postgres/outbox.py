"""The outbox beside the log, in `es.outbox` (R-OUT-1, R-OUT-12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import DictRow
from psycopg.sql import SQL

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import (
    Connection,
    Pool,
    all_rows,
    in_transaction,
)
from sr_core.adapters.postgres.event_store import stored_event
from sr_core.ports.event_store import Position
from sr_core.ports.outbox import Backlog, Mark, Published, Span, Waiting


class PostgresOutbox:
    """An `Outbox` in the database of the log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def head(self) -> Position:
        """See `Outbox.head`."""
        (row,) = await self._rows(statements.READ_HEAD)
        return Position(row["position"])

    async def unpublished(self, limit: int) -> Sequence[Waiting]:
        """See `Outbox.unpublished`."""
        rows = await self._rows(statements.READ_UNPUBLISHED, limit=limit)
        return [Waiting(topic=row["topic"], event=stored_event(row)) for row in rows]

    async def mark(self, marks: Sequence[Mark]) -> None:
        """See `Outbox.mark`."""
        await self._do(
            statements.MARK_PUBLISHED,
            positions=[each.position for each in marks],
            stream_seqs=[each.stream_seq for each in marks],
        )

    async def published_since(self, moment: datetime) -> Span | None:
        """See `Outbox.published_since`."""
        (row,) = await self._rows(statements.READ_PUBLISHED_SINCE, moment=moment)
        if row["first"] is None:
            return None
        return Span(first=Position(row["first"]), last=Position(row["last"]))

    async def backlog(self) -> Backlog:
        """See `Outbox.backlog`."""
        (row,) = await self._rows(statements.READ_BACKLOG)
        return Backlog(**row)

    async def unverified(self, *, since: datetime, limit: int) -> Sequence[Published]:
        """See `Outbox.unverified`."""
        rows = await self._rows(statements.READ_UNVERIFIED, since=since, limit=limit)
        return [
            Published(
                position=Position(row["global_seq"]),
                event_id=row["event_id"],
                envelope_hash=row["envelope_hash"],
                stream_seq=row["stream_seq"],
            )
            for row in rows
        ]

    async def verified(self, positions: Sequence[Position]) -> None:
        """See `Outbox.verified`."""
        await self._do(statements.MARK_VERIFIED, positions=list(positions))

    async def lost(self, positions: Sequence[Position]) -> None:
        """See `Outbox.lost`."""
        await self._do(statements.MARK_LOST, positions=list(positions))

    async def prune(self, *, before: datetime) -> int:
        """See `Outbox.prune`."""
        return await self._do(statements.PRUNE_OUTBOX, before=before)

    async def _rows(self, statement: SQL, **values: object) -> list[DictRow]:
        return await all_rows(self._pool, statement, values)

    async def _do(self, statement: SQL, **values: object) -> int:
        async def work(connection: Connection) -> int:
            return (await connection.execute(statement, values)).rowcount

        return await in_transaction(self._pool, work)
