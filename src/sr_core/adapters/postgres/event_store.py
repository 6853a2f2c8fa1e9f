"""The event log in Postgres (C-EVT-2, SPEC 1.6.3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from psycopg.rows import DictRow
from psycopg.sql import SQL

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.appending import Appender
from sr_core.adapters.postgres.connections import (
    Pool,
    all_rows,
)
from sr_core.adapters.postgres.grouping import Grouping
from sr_core.domain.refs import ContentHash
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    History,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.receipts import (
    NamedRequest,
    Receipt,
    RequestName,
    StoredAnswer,
)


class PostgresEventStore:
    """An `EventStore` in the `es` schema of one database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._group = Grouping(Appender(pool).append, deadline_s=pool.timeout)

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        """See `EventStore.append`."""
        assert batch.events, "an append without events would mean nothing"
        return await self._group.append(batch)

    async def history(
        self, boundary: StreamId, *, after: Position = BEGINNING
    ) -> History:
        """See `EventStore.history`."""
        rows = await self._rows(
            statements.READ_BOUNDARY, boundary=boundary, after=after
        )
        events = tuple(map(stored_event, rows))
        position = events[-1].position if events else after
        return History(boundary=boundary, position=position, events=events)

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        """See `EventStore.boundary_of`."""
        rows = await self._rows(statements.FIND_BOUNDARY, stream_id=stream_id)
        return StreamId(rows[0]["boundary"]) if rows else None

    async def read(
        self,
        *,
        after: Position,
        limit: int,
        event_types: Collection[str] | None = None,
    ) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        if event_types is None:
            rows = await self._rows(statements.READ_LOG, after=after, limit=limit)
        else:
            rows = await self._rows(
                statements.READ_LOG_OF_TYPES,
                after=after,
                limit=limit,
                event_types=sorted(event_types),
            )
        return [stored_event(row) for row in rows]

    async def receipt(self, name: RequestName) -> Receipt | None:
        """See `Receipts.receipt`."""
        rows = await self._rows(statements.READ_RECEIPT, **asdict(name))
        return _receipt(name, rows[0]) if rows else None

    async def answered(self, request: NamedRequest, answer: StoredAnswer) -> None:
        """See `Receipts.answered`."""
        values = {
            **asdict(request.name),
            "attempt": request.attempt,
            **asdict(answer),
        }
        (found,) = await self._rows(statements.KEEP_ANSWER, **values)
        assert found["is_recorded"], "who was recorded gives the answer"

    async def _rows(self, statement: SQL, **values: object) -> list[DictRow]:
        return await all_rows(self._pool, statement, values)


def stored_event(row: DictRow) -> StoredEvent:
    """Return the event that a row of the log is."""
    return StoredEvent(
        position=Position(row["global_seq"]),
        boundary=StreamId(row["boundary"]),
        stream_id=StreamId(row["stream_id"]),
        stream_seq=row["stream_seq"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        envelope=row["envelope"],
        envelope_hash=ContentHash(row["envelope_hash"]),
        chain_hash=row["chain_hash"],
    )


def _receipt(name: RequestName, row: DictRow) -> Receipt:
    answer = None
    if row["status"] is not None:
        answer = StoredAnswer(
            status=row["status"], media_type=row["media_type"], body=row["body"]
        )
    return Receipt(
        request=NamedRequest(
            name=name,
            content_hash=ContentHash(row["content_hash"]),
            attempt=row["attempt"],
        ),
        event_ids=tuple(row["event_ids"]),
        answer=answer,
    )
