"""Copies of the read model's tables: made, filled, compared, put in place, taken away.

A copy of `proj.loops` is `proj_<name>.loops`. Everything here happens on one connection
that belongs to whoever makes the copy, and in the transactions that they open on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from sr_core.adapters.postgres import row_changes, statements
from sr_core.adapters.postgres.connections import FAILED, Connection
from sr_core.adapters.postgres.row_changes import LIVE, table_name
from sr_core.adapters.postgres.row_folds import folded
from sr_core.domain.refs import ContentHash
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import BEGINNING, Position
from sr_core.ports.read_copy import (
    DIFFERENCES_MAX,
    Compared,
    Difference,
    Digests,
    Projected,
    ReadModelUnfit,
    TableDigest,
)

CONNECT_TIMEOUT_S: Final = 5
SCHEMAS: Final = ("proj", "graph")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the read model; `name` names its schema too."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """Yield a connection for long work, in autocommit; the driver's errors stop here.

    Raises:
        Unavailable: there is no connection, or it was lost.

    """
    try:
        async with await AsyncConnection[DictRow].connect(
            dsn,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            row_factory=dict_row,
        ) as connection:
            connection.prepared_max = None
            await connection.execute(statements.SET_WORK_SESSION)
            yield connection
    except FAILED as error:
        raise Unavailable(system="Postgres", deadline_s=None) from error


class TableCopies:
    """Copies of all tables of the read model, under one name."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.name = name
        self.tables: Sequence[Table] = ()
        self._facts: row_changes.Facts = {}
        self._keys: Mapping[str, Sequence[str]] = {}

    async def make(self) -> None:
        """Make empty copies.

        Raises:
            ReadModelUnfit: they would lack something that the live tables have.

        """
        connection = self._connection
        suffix = {"suffix": f"_{self.name}"}
        for row in await self._rows(statements.COPY_TABLES, suffix):
            await connection.execute(_trusted(row["statement"]))
        await self._require_alike()
        self._facts = await row_changes.read_facts(connection)
        self.tables = [
            Table(
                name=f"{row['schema']}.{row['name']}",
                columns=(*row["columns"],),
                key=(*row["key"],),
            )
            for row in await self._rows(statements.READ_TABLES, {})
        ]
        keyless = [each.name for each in self.tables if not each.key]
        self._keys = {each.name.removeprefix("proj."): each.key for each in self.tables}
        if keyless:
            raise ReadModelUnfit(found=f"{keyless[0]} has no primary key")

    async def require_replaceable(self) -> None:
        """Raise `ReadModelUnfit` if anything would go on using a table that is replaced."""
        users = await self._rows(statements.FIND_TABLE_USERS, {})
        if users:
            raise ReadModelUnfit(found=f"{users[0]['name']} rests on one of its tables")

    async def apply(self, events: Sequence[Projected]) -> None:
        """See `ReadCopy.apply`."""
        runs = folded(events, self._keys, self._facts)
        async with self._connection.transaction():
            await self._connection.execute(statements.SET_BULK_CHANGES)
            await row_changes.apply(self._connection, runs, copy=self.name)

    async def compare(self, *, since: Position = BEGINNING) -> Compared:
        """See `ReadCopy.compare`."""
        compared = Compared()
        async with self._connection.transaction():
            await self._connection.execute(statements.SET_WHOLE_TABLES)
            for table in self.tables:
                rows = await self._differing(table, since)
                count = rows[0]["count"] if rows else 0
                found = [each for row in rows for each in _cells(table, row)]
                compared += Compared(rows=count, differences=(*found,))
        return compared

    async def digests(self, *, live: bool = False) -> Digests:
        """Return the digests of the copies, or of the live tables."""
        copy = LIVE if live else self.name
        async with self._connection.transaction():
            await self._connection.execute(statements.SET_WHOLE_TABLES)
            found = {each.name: await self._digest(each, copy) for each in self.tables}
        return Digests(tables=found)

    async def swap(self, doomed: str) -> None:
        """Put the copies in place of the live tables, which are `doomed` from then on."""
        for schema in SCHEMAS:
            await self._connection.execute(
                SQL("CREATE SCHEMA {}").format(Identifier(f"{schema}_{doomed}"))
            )
        for table in self.tables:
            for copy, schema in ((LIVE, f"_{doomed}"), (self.name, "")):
                await self._connection.execute(
                    SQL("ALTER TABLE {} SET SCHEMA {}").format(
                        table_name(table.name, copy=copy),
                        Identifier(table.name.partition(".")[0] + schema),
                    )
                )

    async def _require_alike(self) -> None:
        suffixes = ("", f"_{self.name}")
        live, copy = [
            [
                row["fact"]
                for row in await self._rows(
                    statements.DESCRIBE_TABLES, {"suffix": suffix}
                )
            ]
            for suffix in suffixes
        ]
        lacking = next((each for each in live if each not in set(copy)), None)
        surplus = next((each for each in copy if each not in set(live)), None)
        if lacking or surplus:
            raise ReadModelUnfit(found=lacking or f"the copy {surplus}")

    async def _differing(self, table: Table, since: Position) -> list[DictRow]:
        cursor = await self._connection.execute(
            _comparison(table, self.name),
            {"since": since, "limit": DIFFERENCES_MAX},
        )
        return await cursor.fetchall()

    async def _digest(self, table: Table, copy: str) -> TableDigest:
        digest, rows = hashlib.sha256(), 0
        async with self._connection.cursor().copy(_dump(table, copy)) as lines:
            async for line in lines:
                # JSON holds no raw control character, so that COPY doubles the backslash
                # and changes nothing else.
                digest.update(bytes(line).replace(rb"\\", b"\\"))
                rows += 1
        content_hash = ContentHash(f"sha256:{digest.hexdigest()}")
        return TableDigest(rows=rows, content_hash=content_hash)

    async def _rows(self, statement: SQL, values: dict[str, Any]) -> list[DictRow]:
        cursor = await self._connection.execute(statement, values)
        return await cursor.fetchall()


async def drop_copies(connection: Connection, *names: str) -> None:
    """Take the copies of these names away, as far as they are there."""
    for name in names:
        for schema in SCHEMAS:
            await connection.execute(
                SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(
                    Identifier(f"{schema}_{name}")
                )
            )


def _trusted(text: str) -> SQL:
    """Return what the server made of its own catalog, as a statement."""
    return SQL(text)


def _comparison(table: Table, copy: str) -> Composed:
    """Return the statement that gives the rows that differ, and their count in each."""
    key = SQL(", ").join(map(Identifier, table.key))
    live, other = (table_name(table.name, copy=each) for each in (LIVE, copy))
    return SQL(
        "WITH keys AS ("
        "SELECT {key} FROM {live} WHERE last_global_seq > %(since)s UNION "
        "SELECT {key} FROM {other} WHERE last_global_seq > %(since)s)"
        " SELECT to_jsonb(l) AS live, to_jsonb(c) AS replayed, count(*) OVER () AS count"
        " FROM keys LEFT JOIN {live} AS l USING ({key})"
        " LEFT JOIN {other} AS c USING ({key})"
        " WHERE l::text IS DISTINCT FROM c::text ORDER BY {key} LIMIT %(limit)s"
    ).format(key=key, live=live, other=other)


def _dump(table: Table, copy: str) -> Composed:
    """Return the statement that gives a line of JSON a row, in order of the key's bytes."""
    key = SQL(", ").join(
        SQL('t.{}::text COLLATE "C"').format(Identifier(each)) for each in table.key
    )
    return SQL(
        "COPY (SELECT to_jsonb(t)::text FROM {} AS t ORDER BY {}) TO STDOUT"
    ).format(table_name(table.name, copy=copy), key)


def _cells(table: Table, row: DictRow) -> list[Difference]:
    live, replayed = row["live"], row["replayed"]
    either = live or replayed
    key = {name: either[name] for name in table.key}
    whole = Difference(
        table=table.name, key=key, column=None, live=live, replayed=replayed
    )
    if live is None or replayed is None:
        return [whole]
    cells = [
        replace(whole, column=name, live=live[name], replayed=replayed[name])
        for name in table.columns
        if repr(live[name]) != repr(replayed[name])
    ]
    return cells or [whole]
