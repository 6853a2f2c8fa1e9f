"""A group of appends in one transaction, each with an answer of its own.

    batches ──es.append──▶ outcomes ──rows of those appended──▶ commit
                 │
                 └ the events, their numbers, the chain and the outbox, in one call

Postgres judges each batch (migration 0011); here its words become answers. A row that the
read model refuses takes the whole transaction with it: then each batch is appended alone,
so that only the one that is at fault fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

import msgspec
from psycopg.rows import DictRow

from sr_core.adapters.postgres import row_changes, statements
from sr_core.adapters.postgres.connections import Connection, Pool, in_transaction
from sr_core.adapters.postgres.row_changes import Facts
from sr_core.adapters.postgres.row_runs import Change
from sr_core.ports.errors import Overtaken, PortError, VersionConflict
from sr_core.ports.event_store import Batch, IdempotencyMismatch, Position
from sr_core.ports.read_model import ProjectionBroken
from sr_core.ports.receipts import RequestRepeated

Positions: TypeAlias = tuple[Position, ...]
Outcome: TypeAlias = Positions | PortError


class Appender:
    """Appends groups of batches through one pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._facts: Facts | None = None

    async def append(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Append those of the batches that fit, and return what became of each.

        Raises:
            Unavailable: no answer in time; each batch may or may not be written.

        """
        try:
            return await self._together(batches)
        except (ProjectionBroken, Overtaken) as error:
            if len(batches) == 1:
                return [error]
        return [await self._alone(each) for each in batches]

    async def _alone(self, batch: Batch) -> Outcome:
        (outcome,) = await self.append([batch])
        return outcome

    async def _together(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        async def work(connection: Connection) -> Sequence[Outcome]:
            if self._facts is None:
                self._facts = await row_changes.read_facts(connection)
            return await _append(connection, batches, self._facts)

        return await in_transaction(self._pool, work)


async def _append(
    connection: Connection, batches: Sequence[Batch], facts: Facts
) -> Sequence[Outcome]:
    cursor = await connection.execute(
        statements.APPEND, _parameters(batches), prepare=True
    )
    told = await cursor.fetchall()
    assert len(told) == len(batches), "each batch has an outcome"
    appended = [
        batch
        for batch, row in zip(batches, told, strict=True)
        if row["outcome"] == "appended"
    ]
    if any(event.changes for batch in appended for event in batch.events):
        await row_changes.apply(connection, _changes(appended), facts)
    return [_outcome(*each) for each in zip(batches, told, strict=True)]


def _parameters(batches: Sequence[Batch]) -> Mapping[str, Any]:
    events = [event for batch in batches for event in batch.events]
    return {
        "sizes": [len(batch.events) for batch in batches],
        "expected": [batch.expected for batch in batches],
        "boundaries": [batch.boundary for batch in batches for _ in batch.events],
        "event_ids": [event.event_id for event in events],
        "stream_ids": [event.stream_id for event in events],
        "stream_kinds": [event.stream_kind for event in events],
        "stream_seqs": [event.stream_seq for event in events],
        "event_types": [event.event_type for event in events],
        "actor_kinds": [event.by.kind.value for event in events],
        "actor_ids": [event.by.actor_id for event in events],
        "occurred_at": [event.occurred_at for event in events],
        "correlation_ids": [event.correlation_id for event in events],
        "envelopes": [event.envelope for event in events],
        "envelope_hashes": [event.envelope_hash for event in events],
        "requests": _requests(batches),
    }


def _requests(batches: Sequence[Batch]) -> str | None:
    """Return what the batches are recorded for, as JSON; None if no request has a name."""
    if all(batch.request is None for batch in batches):
        return None
    told = [
        {
            "name": [given.name.actor_id, given.name.route, given.name.key],
            "content_hash": given.content_hash,
            "attempt": given.attempt,
        }
        if (given := batch.request)
        else {}
        for batch in batches
    ]
    return msgspec.json.encode(told).decode()


def _changes(batches: Sequence[Batch]) -> Iterator[Change]:
    """Yield the changes of rows, each with its event's place before the end of the log."""
    events = list(chain.from_iterable(batch.events for batch in batches))
    for offset, event in enumerate(events, start=1 - len(events)):
        for change in event.changes:
            yield Change(
                change=change,
                event_id=event.event_id,
                event_type=event.event_type,
                offset=offset,
            )


def _outcome(batch: Batch, told: DictRow) -> Outcome:
    match told["outcome"]:
        case "appended" | "already":
            first = told["first_position"]
            return tuple(Position(first + n) for n in range(len(batch.events)))
        case "mismatch":
            return IdempotencyMismatch(event_id=told["about"])
        case "moved_on":
            return _moved_on(batch, told["about"], told["actual"])
        case "repeated":
            assert batch.request is not None, "what has no name cannot be repeated"
            return RequestRepeated(key=batch.request.name.key)
        case other:
            msg = f"es.append says {other}, which migration 0011 does not name"
            raise AssertionError(msg)


def _moved_on(batch: Batch, about: str, actual: int) -> VersionConflict:
    if about == batch.boundary and actual != batch.expected:
        return VersionConflict(boundary=about, expected=batch.expected, actual=actual)
    wrong = next(
        each
        for each in batch.events
        if each.stream_id == about and each.stream_seq != actual + 1
    )
    return VersionConflict(boundary=about, expected=wrong.stream_seq - 1, actual=actual)
