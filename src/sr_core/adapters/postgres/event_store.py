"""The event log in Postgres (C-EVT-2, SPEC 1.6.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import AsyncCursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from sr_core.adapters.postgres import row_changes, statements
from sr_core.adapters.postgres.connections import Connection, Pool, in_transaction
from sr_core.domain.chain import link
from sr_core.domain.refs import ContentHash
from sr_core.ports.errors import VersionConflict
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
    RequestRepeated,
    StoredAnswer,
)


class PostgresEventStore:
    """An `EventStore` in the `es` schema of one database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        """See `EventStore.append`."""
        assert batch.events, "an append without events would mean nothing"

        async def work(connection: Connection) -> tuple[Position, ...]:
            return await _append(connection, batch)

        return await in_transaction(self._pool, work)

    async def history(self, boundary: StreamId) -> History:
        """See `EventStore.history`."""
        rows = await self._rows(statements.READ_BOUNDARY, boundary=boundary)
        events = tuple(map(_stored, rows))
        position = events[-1].position if events else BEGINNING
        return History(boundary=boundary, position=position, events=events)

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        """See `EventStore.boundary_of`."""
        rows = await self._rows(statements.FIND_BOUNDARY, stream_id=stream_id)
        return StreamId(rows[0]["boundary"]) if rows else None

    async def read(self, *, after: Position, limit: int) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        rows = await self._rows(statements.READ_LOG, after=after, limit=limit)
        return [_stored(row) for row in rows]

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
        async def work(connection: Connection) -> list[DictRow]:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchall()

        return await in_transaction(self._pool, work)


async def _append(connection: Connection, batch: Batch) -> tuple[Position, ...]:
    held = await _hold(connection, batch)
    _require_expected(batch, held)
    rows = list(_rows(batch, held))
    await _write(connection, batch, rows)
    if batch.request is not None:
        await _receive(connection, batch.request, rows)
    positions = tuple(Position(row["global_seq"]) for row in rows)
    await row_changes.apply(connection, zip(positions, batch.events, strict=True))
    return positions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What an append has locked, as it is before the append."""

    position: Position
    versions: Mapping[StreamId, int]
    global_seq: int
    chain_hash: bytes


async def _hold(connection: Connection, batch: Batch) -> _Held:
    """Lock boundary, streams and head, and return what they say.

    Every append locks in this one order, so no two wait for each other in a ring; the
    head comes last because everybody needs it.
    """
    kinds = {event.stream_id: event.stream_kind for event in batch.events}
    values = {
        "boundary": batch.boundary,
        "stream_ids": list(kinds),
        "stream_kinds": list(kinds.values()),
        "events": len(batch.events),
    }
    async with connection.pipeline():
        await connection.execute(statements.OPEN_BOUNDARY, values)
        boundary = await connection.execute(statements.LOCK_BOUNDARY, values)
        await connection.execute(statements.OPEN_STREAMS, values)
        streams = await connection.execute(statements.LOCK_STREAMS, values)
        head = await connection.execute(statements.TAKE_HEAD, values)
    end = await _only_row(head)
    return _Held(
        position=(await _only_row(boundary))["position"],
        versions={each["stream_id"]: each["stream_version"] async for each in streams},
        global_seq=end["global_seq"],
        chain_hash=end["chain_hash"],
    )


def _require_expected(batch: Batch, held: _Held) -> None:
    """Raise `VersionConflict` unless boundary and streams are where the batch says."""
    if held.position != batch.expected:
        raise VersionConflict(
            boundary=batch.boundary, expected=batch.expected, actual=held.position
        )
    versions = dict(held.versions)
    for event in batch.events:
        actual = versions[event.stream_id]
        if event.stream_seq != actual + 1:
            raise VersionConflict(
                boundary=event.stream_id, expected=event.stream_seq - 1, actual=actual
            )
        versions[event.stream_id] = event.stream_seq


def _rows(batch: Batch, held: _Held) -> Iterator[dict[str, Any]]:
    """Yield the rows of `es.events`, numbered and chained from the head on."""
    chain_hash = held.chain_hash
    for position, event in enumerate(batch.events, start=held.global_seq + 1):
        chain_hash = link(chain_hash, position, event.envelope_hash)
        yield {
            "global_seq": position,
            "event_id": event.event_id,
            "boundary": batch.boundary,
            "stream_id": event.stream_id,
            "stream_kind": event.stream_kind,
            "stream_seq": event.stream_seq,
            "event_type": event.event_type,
            "actor_kind": event.by.kind,
            "actor_id": event.by.actor_id,
            "occurred_at": event.occurred_at,
            "correlation_id": event.correlation_id,
            "envelope": event.envelope,
            "envelope_hash": event.envelope_hash,
            "chain_hash": chain_hash,
        }


async def _write(
    connection: Connection, batch: Batch, rows: Sequence[dict[str, Any]]
) -> None:
    """Write the events, their messages, and where everything stands now."""
    versions = {event.stream_id: event.stream_seq for event in batch.events}
    values = {
        "boundary": batch.boundary,
        "position": rows[-1]["global_seq"],
        "stream_ids": list(versions),
        "stream_versions": list(versions.values()),
        "chain_hash": rows[-1]["chain_hash"],
    }
    async with connection.pipeline():
        await connection.cursor().executemany(statements.INSERT_EVENT, rows)
        await connection.execute(statements.SET_BOUNDARY_POSITION, values)
        await connection.execute(statements.SET_STREAM_VERSIONS, values)
        await connection.execute(statements.EXTEND_CHAIN, values)


async def _receive(
    connection: Connection, request: NamedRequest, rows: Sequence[dict[str, Any]]
) -> None:
    """Write that the events are the request's, or raise `RequestRepeated`.

    The head is held, so no other append does the same at this moment.
    """
    values = {
        **asdict(request.name),
        "content_hash": request.content_hash,
        "attempt": request.attempt,
        "event_ids": [row["event_id"] for row in rows],
    }
    held = await _only_row(await connection.execute(statements.RECEIVE, values))
    if held["attempt"] != request.attempt:
        raise RequestRepeated(key=request.name.key)
    await connection.execute(statements.RECEIVE_EVENTS, values)


async def _only_row(cursor: AsyncCursor[DictRow]) -> DictRow:
    row = await cursor.fetchone()
    assert row is not None, "the row is made before it is locked"
    return row


def _stored(row: DictRow) -> StoredEvent:
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
