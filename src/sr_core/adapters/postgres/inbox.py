"""What consumers have done, in `es.consumers`, `es.inbox` and `es.dead_letters`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from psycopg.rows import DictRow
from psycopg.sql import SQL

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import (
    Connection,
    Pool,
    all_rows,
    in_transaction,
)
from sr_core.ports.event_store import BEGINNING, Position, StoredEvent
from sr_core.ports.inbox import DeadLetter, Effect, KeptNotice, Notice


class PostgresInbox:
    """An `Inbox` in the database of the log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def position(self, consumer: str) -> Position:
        """See `Inbox.position`."""
        rows = await self._rows(statements.READ_CONSUMER, consumer=consumer)
        return Position(rows[0]["position"]) if rows else BEGINNING

    async def apply(
        self, consumer: str, event: StoredEvent, effects: Sequence[Effect]
    ) -> bool:
        """See `Inbox.apply`."""

        async def write(connection: Connection) -> None:
            await connection.execute(statements.FORGET_TRIES, _values(consumer, event))
            await _write(connection, consumer, event, effects)

        return await self._pass(consumer, event, write)

    async def failed(self, consumer: str, event: StoredEvent, error: str) -> int:
        """See `Inbox.failed`."""

        async def work(connection: Connection) -> int:
            values = {**_values(consumer, event), "error": error}
            await connection.execute(statements.OPEN_CONSUMER, values)
            cursor = await connection.execute(statements.COUNT_TRY, values)
            row = await cursor.fetchone()
            assert row is not None, "the statement gives one row"
            return int(row["tries"])

        return await in_transaction(self._pool, work)

    async def lay_aside(self, consumer: str, event: StoredEvent, error: str) -> bool:
        """See `Inbox.lay_aside`."""

        async def write(connection: Connection) -> None:
            values = _values(consumer, event)
            cursor = await connection.execute(statements.FORGET_TRIES, values)
            tries = await cursor.fetchone() or {
                "tries": 0,
                "first_failed_at": None,
                "last_failed_at": None,
            }
            letter = {**values, **tries, "error": error}
            await connection.execute(statements.INSERT_DEAD_LETTER, letter)

        return await self._pass(consumer, event, write)

    async def replayed(
        self, letter: DeadLetter, event: StoredEvent, effects: Sequence[Effect]
    ) -> bool:
        """See `Inbox.replayed`."""

        async def work(connection: Connection) -> bool:
            values = _values(letter.consumer, event)
            cursor = await connection.execute(statements.TAKE_DEAD_LETTER, values)
            if await cursor.fetchone() is None:
                return False
            await _write(connection, letter.consumer, event, effects)
            return True

        return await in_transaction(self._pool, work)

    async def dead_letters(self, *, limit: int) -> Sequence[DeadLetter]:
        """See `Inbox.dead_letters`."""
        rows = await self._rows(statements.READ_DEAD_LETTERS, limit=limit)
        return [_letter(row) for row in rows]

    async def dead_letter(self, consumer: str, event_id: str) -> DeadLetter | None:
        """See `Inbox.dead_letter`."""
        rows = await self._rows(
            statements.READ_DEAD_LETTER, consumer=consumer, event_id=event_id
        )
        return _letter(rows[0]) if rows else None

    async def notices(self, *, after: int, limit: int) -> Sequence[KeptNotice]:
        """See `Inbox.notices`."""
        rows = await self._rows(statements.READ_NOTICES, after=after, limit=limit)
        return [
            KeptNotice(
                notice_id=row["notice_id"],
                position=Position(row["global_seq"]),
                event_type=row["event_type"],
                notice=Notice(
                    portal=row["portal"],
                    subject=row["subject"],
                    asks=row["asks"],
                    occurred_at=row["occurred_at"],
                ),
            )
            for row in rows
        ]

    async def _pass(
        self,
        consumer: str,
        event: StoredEvent,
        write: Callable[[Connection], Awaitable[None]],
    ) -> bool:
        """Let the consumer pass the event, with what `write` writes, or not at all."""

        async def work(connection: Connection) -> bool:
            values = _values(consumer, event)
            await connection.execute(statements.OPEN_CONSUMER, values)
            cursor = await connection.execute(statements.ADVANCE_CONSUMER, values)
            if await cursor.fetchone() is None:
                return False
            await write(connection)
            return True

        return await in_transaction(self._pool, work)

    async def _rows(self, statement: SQL, **values: object) -> list[DictRow]:
        return await all_rows(self._pool, statement, values)


async def _write(
    connection: Connection,
    consumer: str,
    event: StoredEvent,
    effects: Sequence[Effect],
) -> None:
    """Write the inbox row and the effects, in the transaction of `connection`."""
    values = _values(consumer, event)
    await connection.execute(statements.INSERT_INBOX, values)
    for each in effects:
        await connection.execute(statements.INSERT_NOTICE, {**values, **asdict(each)})


def _values(consumer: str, event: StoredEvent) -> dict[str, object]:
    return {
        "consumer": consumer,
        "position": event.position,
        "event_id": event.event_id,
        "event_type": event.event_type,
    }


def _letter(row: DictRow) -> DeadLetter:
    return DeadLetter(
        consumer=row["consumer"],
        event_id=row["event_id"],
        position=Position(row["global_seq"]),
        tries=row["tries"],
        error=row["error"],
        first_failed_at=row["first_failed_at"],
        last_failed_at=row["last_failed_at"],
        replayed_at=row["replayed_at"],
    )
