"""A group of appends in one transaction, each with an answer of its own.

    batches ──▶ one statement: es.append, and the rows of all ──▶ positions
                   │ unless all fit
                   └▶ es.append ──▶ outcomes ──rows of those appended──▶ commit

Mostly all fit, and one statement does it: it is sent, carried out and committed at once.
Otherwise Postgres judges each batch (migration 0011), and here its words become answers.
A row that the read model refuses takes all with it, and so does what cannot be by our own
rules: then each batch is appended alone, so that only the one that is at fault fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Final, TypeAlias

import msgspec
from psycopg import Error, InterfaceError, OperationalError
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Identifier

from sr_core.adapters.postgres import row_changes, statements
from sr_core.adapters.postgres.connections import (
    Connection,
    Pool,
    at_once,
    in_transaction,
)
from sr_core.adapters.postgres.row_changes import Facts
from sr_core.adapters.postgres.row_runs import Change, Run, Shape, runs_of
from sr_core.ports.errors import Overtaken, PortError, Unavailable, VersionConflict
from sr_core.ports.event_store import Batch, IdempotencyMismatch, Position
from sr_core.ports.read_model import ProjectionBroken
from sr_core.ports.receipts import RequestRepeated

Positions: TypeAlias = tuple[Position, ...]
Outcome: TypeAlias = Positions | PortError | AssertionError

_END: Final = Identifier("log_end")
_BYTES: Final = r'"\\x{}"'
"""Bytes as an element of an array."""


class _NotAll(Exception):  # noqa: N818 - named for what it says
    """One of the batches does not fit; nothing was written."""


class Appender:
    """Appends groups of batches through one pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool.lane
        self._facts: Facts | None = None

    async def append(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Append those of the batches that fit, and return what became of each.

        Raises:
            Unavailable: no answer in time; each batch may or may not be written.

        """
        facts = await self._table_facts()
        try:
            return await self._together(batches, facts)
        except (ProjectionBroken, Overtaken, AssertionError) as error:
            if len(batches) == 1:
                return [error]
        return await self._one_by_one(batches)

    async def _one_by_one(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for each in batches:
            try:
                outcomes += await self.append([each])
            except Unavailable as error:  # nobody else waits for as long again
                return [*outcomes, *repeat(error, len(batches) - len(outcomes))]
        return outcomes

    async def _table_facts(self) -> Facts:
        if self._facts is None:
            self._facts = await in_transaction(self._pool, row_changes.read_facts)
        return self._facts

    async def _together(
        self, batches: Sequence[Batch], facts: Facts
    ) -> Sequence[Outcome]:
        runs = runs_of(_changes(batches), facts)

        async def fitting(connection: Connection) -> Sequence[DictRow]:
            return await _append_all(connection, batches, runs)

        async def judged(connection: Connection) -> Sequence[DictRow]:
            return await _append_each(connection, batches, facts)

        try:
            if _is_one_statement(runs):
                told = await at_once(self._pool, fitting)
            else:
                told = await in_transaction(self._pool, judged)
        except _NotAll:
            told = await in_transaction(self._pool, judged)
        return [_outcome(*each) for each in zip(batches, told, strict=True)]


def _is_one_statement(runs: Sequence[Run]) -> bool:
    """Return whether no run changes what another did: a statement would not see that."""
    return len({each.shape.table for each in runs}) == len(runs)


async def _append_all(
    connection: Connection, batches: Sequence[Batch], runs: Sequence[Run]
) -> Sequence[DictRow]:
    """Append all the batches, with their rows, in one statement.

    Where it changes rows, the head is locked by a statement that goes before it, in the
    same transaction and on the same way there.

    Raises:
        _NotAll: one of them does not fit; nothing was written.
        ProjectionBroken, Overtaken: a row is refused; nothing was written.

    """
    statement = _one_statement(tuple((each.shape, bool(each.wanted)) for each in runs))
    arguments = [*_arguments(batches), True]
    for run in runs:
        arguments += row_changes.arguments(run)
    arguments += [run.wanted for run in runs if run.wanted]
    try:
        if all(each.shape.is_added for each in runs):
            # What is added meets what is there by its indexes, which see all.
            cursor = await connection.execute(statement, arguments, prepare=True)
        else:
            async with connection.pipeline():
                await connection.execute(statements.LOCK_HEAD, prepare=True)
                cursor = await connection.execute(statement, arguments, prepare=True)
        return await cursor.fetchall()
    except (OperationalError, InterfaceError):
        raise
    except Error as error:
        if row_changes.is_refusal(error):
            raise row_changes.refusal(error, runs) from error
        raise _NotAll from error  # judged one by one, it shows what it is


async def _append_each(
    connection: Connection, batches: Sequence[Batch], facts: Facts
) -> Sequence[DictRow]:
    """Append those of the batches that fit, with their rows."""
    arguments = [*_arguments(batches), False]
    cursor = await connection.execute(statements.APPEND, arguments, prepare=True)
    told = await cursor.fetchall()
    assert len(told) == len(batches), "each batch has an outcome"
    appended = [
        batch
        for batch, row in zip(batches, told, strict=True)
        if row["outcome"] == "appended"
    ]
    await row_changes.apply(connection, runs_of(_changes(appended), facts))
    return told


@lru_cache(maxsize=512)
def _one_statement(runs: tuple[tuple[Shape, bool], ...]) -> bytes:
    """Return the statement that appends and changes the rows of runs of these shapes.

    The second of each pair says whether the run's changes have to find rows.
    """
    parts: list[Composable] = [
        SQL("appended AS MATERIALIZED ({})").format(statements.APPEND),
        SQL("{} AS MATERIALIZED (SELECT max(last_position) AS global_seq").format(_END)
        + SQL(" FROM appended)"),
    ]
    checks: list[Composable] = []
    for number, (shape, is_wanted) in enumerate(runs):
        name = Identifier(f"run_{number}")
        parts.append(SQL("{} AS ({})").format(name, row_changes.statement(shape, _END)))
        if is_wanted:
            checks.append(
                SQL(
                    ", (SELECT es.require_matched({}, %s, array_agg(ordinality))"
                    " FROM {})"
                ).format(number, name)
            )
    composed = SQL("WITH {} SELECT appended.*{} FROM appended").format(
        SQL(", ").join(parts), SQL("").join(checks)
    )
    return composed.as_bytes(None)


def _arguments(batches: Sequence[Batch]) -> list[object]:
    """Return the parameters of `append.sql`, in its order, but the last."""
    events = [event for batch in batches for event in batch.events]
    return [
        _array([len(batch.events) for batch in batches]),
        _array([batch.expected for batch in batches]),
        _array([batch.boundary for batch in batches for _ in batch.events]),
        _array([event.event_id for event in events]),
        _array([event.stream_id for event in events]),
        _array([event.stream_kind for event in events]),
        _array([event.stream_seq for event in events]),
        _array([event.event_type for event in events]),
        _array([event.by.kind for event in events]),
        _array([event.by.actor_id for event in events]),
        _array([event.occurred_at for event in events]),
        _array([event.correlation_id for event in events]),
        _bytes_array([event.envelope for event in events]),
        _array([event.envelope_hash for event in events]),
        _requests(batches),
    ]


def _array(values: Sequence[object]) -> str:
    """Return the values as an array literal, which the driver sends as it is.

    To find out an array's type anew for each of them costs it more than all the rest of
    an append. A literal is written like JSON, but for what stands after a backslash.
    """
    text = msgspec.json.encode(values).decode()
    if "\\" in text:
        text = f"[{','.join(map(_element, values))}]"
    return f"{{{text[1:-1]}}}"


def _bytes_array(values: Sequence[bytes]) -> str:
    return f"{{{','.join([_BYTES.format(each.hex()) for each in values])}}}"


def _element(value: object) -> str:
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


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
            yield Change(change, event.event_id, event.event_type, offset)


def _outcome(batch: Batch, told: DictRow) -> Outcome:
    match told["outcome"]:
        case "appended" | "already":
            first = told["first_position"]
            return tuple(Position(first + n) for n in range(len(batch.events)))
        case "mismatch":
            return IdempotencyMismatch(event_id=told["about"])
        case "moved_on":
            return VersionConflict(
                boundary=told["about"], expected=told["asked"], actual=told["actual"]
            )
        case "repeated":
            assert batch.request is not None, "what has no name cannot be repeated"
            return RequestRepeated(key=batch.request.name.key)
        case other:
            msg = f"es.append says {other}, which migration 0011 does not name"
            raise AssertionError(msg)
