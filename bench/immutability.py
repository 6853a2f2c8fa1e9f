"""`python -m bench.immutability`: every statement on the log as every role (R-EVT-8).

Each cell is a statement that Postgres was really given, in a transaction of its own that
is rolled back. What it said is compared with `expected`, the one place that says what it
has to say; the exit code is 1 if any cell differs.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from typing import Final

import psycopg
from psycopg import errors

from bench.events import loops_created
from bench.servers import database, stack
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore

ROLES: Final = ("sr_app", "sr_publisher", "sr_reader", "sr_owner", "superuser")
MODES: Final = ("origin", "replica")
"""`session_replication_role`: ordinary triggers do not fire in a replica's session."""
TABLES: Final = ("events", "outbox", "head", "streams", "boundaries")
SESSION: Final = "the session"
"""What a statement is about that is about no table."""


class Said(StrEnum):
    """What came of a statement."""

    NO_RIGHT = "no right"  # SQLSTATE 42501
    GUARDED = "guarded"  # SQLSTATE 23001, by a trigger
    ONE_ONLY = "one only"  # SQLSTATE 23505: the head has one row
    DONE = "done"
    POSSIBLE = "POSSIBLE"  # done, and it should not be; who may, may anything
    NOTHING = "NOTHING"  # done, and no row was touched: this shows nothing


@dataclass(frozen=True, slots=True)
class Cell:
    """One statement, by whom it is given and how."""

    table: str
    statement: str
    role: str
    mode: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What Postgres said, and what it has to say."""

    cell: Cell
    said: Said | str
    expected: Said

    @property
    def is_hole(self) -> bool:
        """Whether the two differ."""
        return self.said != self.expected


_EVENT: Final = (
    "global_seq, event_id, boundary, stream_id, stream_kind, stream_seq, event_type,"
    " actor_kind, actor_id, occurred_at, correlation_id, envelope, envelope_hash,"
    " chain_hash"
)
_FORGED: Final = (
    "global_seq + 999, 'evt_forged', boundary, stream_id, stream_kind, stream_seq + 999,"
    " event_type, actor_kind, 'eve', occurred_at, correlation_id, envelope, envelope_hash,"
    " chain_hash"
)
_ROWS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "events": (_EVENT, _FORGED),
        "outbox": ("global_seq, topic", "global_seq + 999, 'forged'"),
        "head": ("is_only, global_seq", "true, 999"),
        "streams": ("stream_id, stream_kind, stream_version", "'forged', 'LOOP', 999"),
        "boundaries": ("boundary_id, position", "'forged', 999"),
    }
)
"""The columns of a row that is put in, and the row, made from one that is there."""

_CHANGE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "events": "actor_id = 'eve'",
        "outbox": "topic = 'forged'",
        "head": "global_seq = global_seq - 1",
        "streams": "stream_version = stream_version - 1",
        "boundaries": "position = position - 1",
    }
)


def statements(table: str) -> Mapping[str, str]:
    """Return what is tried on a table, by name."""
    name = f"es.{table}"
    columns, row = _ROWS[table]
    merge = f"MERGE INTO {name} USING (SELECT 1) AS x ON true WHEN MATCHED THEN"
    made = {
        "SELECT": f"SELECT * FROM {name}",  # noqa: S608 - our own names
        "SELECT FOR UPDATE": f"SELECT * FROM {name} FOR UPDATE",  # noqa: S608 - our own names
        "INSERT": f"INSERT INTO {name} ({columns}) SELECT {row} FROM {name} LIMIT 1",  # noqa: S608 - our own names
        "COPY FROM": f"COPY {name} ({columns}) FROM STDIN",
        "UPDATE": f"UPDATE {name} SET {_CHANGE[table]}",  # noqa: S608 - our own names
        "DELETE": f"DELETE FROM {name}",  # noqa: S608 - our own names
        "TRUNCATE": f"TRUNCATE {name} CASCADE",
        "MERGE UPDATE": f"{merge} UPDATE SET {_CHANGE[table]}",
        "MERGE DELETE": f"{merge} DELETE",
        "DISABLE TRIGGER": f"ALTER TABLE {name} DISABLE TRIGGER USER",
        "DROP TABLE": f"DROP TABLE {name} CASCADE",
    }
    if table == "outbox":
        made["UPDATE published_at"] = f"UPDATE {name} SET published_at = now()"  # noqa: S608 - our own names
    return made


def expected(cell: Cell) -> Said:
    """Return what Postgres has to say, the same in both modes."""
    if cell.role in {"sr_owner", "superuser"}:
        return _expected_of_owner(cell)
    if cell.statement == "SELECT":
        return Said.DONE
    if cell.role == "sr_publisher" and cell.table == "outbox":
        return _OF_PUBLISHER.get(cell.statement, Said.NO_RIGHT)
    return Said.NO_RIGHT


_OF_PUBLISHER: Final[Mapping[str, Said]] = MappingProxyType(
    {
        "SELECT FOR UPDATE": Said.DONE,
        "UPDATE published_at": Said.DONE,
        "DELETE": Said.GUARDED,
        "MERGE DELETE": Said.GUARDED,
    }
)
"""Who publishes marks what is published, and clears away nothing else."""


def _expected_of_owner(cell: Cell) -> Said:
    match cell.statement:
        case "SELECT" | "SELECT FOR UPDATE" | "UPDATE published_at":
            return Said.DONE
        case "DELETE" | "TRUNCATE" | "MERGE DELETE":
            return Said.GUARDED
        case "UPDATE" | "MERGE UPDATE" if cell.table in {"events", "outbox"}:
            return Said.GUARDED
        case "INSERT" | "COPY FROM" if cell.table == "head":
            return Said.ONE_ONLY
        case "SET replica" if cell.role == "sr_owner":
            return Said.NO_RIGHT
        case _:
            return Said.POSSIBLE


def observe(dsn: str) -> list[Finding]:
    """Try everything on a database that has events; leave it as it was.

    `dsn` is the superuser's, who becomes each role in turn.
    """
    with psycopg.connect(dsn) as connection:
        copied = {table: _copied(connection, table) for table in TABLES}
        return [
            Finding(cell, _said(connection, cell, sql, copied), expected(cell))
            for cell, sql in cells()
        ]


def table_of(findings: Sequence[Finding]) -> str:
    """Return the findings as text: a line a statement, a column a role."""
    by_line: dict[tuple[str, str], dict[str, list[Finding]]] = {}
    for each in findings:
        line = by_line.setdefault((each.cell.table, each.cell.statement), {})
        line.setdefault(each.cell.role, []).append(each)
    lines = ["table        statement            " + "".join(f"{r:14}" for r in ROLES)]
    lines += [
        f"{table:13}{statement:21}" + "".join(f"{_shown(line[r]):14}" for r in ROLES)
        for (table, statement), line in by_line.items()
    ]
    holes = [each for each in findings if each.is_hole]
    lines += [f"HOLE {each.cell}: {each.said}, not {each.expected}" for each in holes]
    counts = Counter(str(each.said) for each in findings)
    told = ", ".join(f"{count} {said}" for said, count in counts.most_common())
    lines.append(f"{len(findings)} cells: {told}; {len(holes)} holes")
    return "\n".join(line.rstrip() for line in lines) + "\n" + _LEGEND


_LEGEND: Final = (
    "no right: 42501. guarded: 23001, by a trigger; of the outbox, what is unpublished."
    " one only: 23505.\nEach as origin and as replica. POSSIBLE: nothing stops an owner or"
    " a superuser. A change in events, head,\nstreams or boundaries `sr log verify` finds;"
    " a guard that is off or gone `sr init --check` finds.\n"
)


async def measure(dsn: str) -> list[Finding]:
    """Append some events, and try everything on them."""
    async with connection_pool(dsn) as pool:
        store = PostgresEventStore(pool)
        for _, batch in zip(range(3), loops_created(), strict=False):
            await store.append(batch)
    return await asyncio.to_thread(observe, dsn)


def main() -> int:
    """Print the table; return 1 if there is a hole in it."""

    async def measured() -> list[Finding]:
        async with database(addresses) as made:
            return await measure(made.owner)

    with stack() as addresses:
        findings = asyncio.run(measured())
    sys.stdout.write(table_of(findings))
    return 1 if any(each.is_hole for each in findings) else 0


def cells() -> list[tuple[Cell, str]]:
    """Return all that is tried, with its SQL."""
    made = [
        (Cell(table, statement, role, mode), sql)
        for table in TABLES
        for statement, sql in statements(table).items()
        for role, mode in product(ROLES, MODES)
    ]
    replica = "SET LOCAL session_replication_role = replica"
    return made + [
        (Cell(SESSION, "SET replica", role, mode), replica)
        for role, mode in product(ROLES, MODES)
    ]


def _said(
    connection: psycopg.Connection, cell: Cell, sql: str, copied: Mapping[str, bytes]
) -> Said | str:
    """Give the statement as the role, and take back whatever it did."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(
                f"SET LOCAL session_replication_role = {cell.mode}".encode()
            )
            if cell.role != "superuser":
                connection.execute(f"SET LOCAL ROLE {cell.role}".encode())
            touched = _carried_out(connection, sql, copied.get(cell.table, b""))
    except errors.InsufficientPrivilege:
        return Said.NO_RIGHT
    except errors.RestrictViolation:
        return Said.GUARDED
    except errors.UniqueViolation:
        return Said.ONE_ONLY
    except psycopg.Error as error:
        return f"SQLSTATE {error.sqlstate}"
    if touched == 0:
        return Said.NOTHING
    return Said.POSSIBLE if expected(cell) is not Said.DONE else Said.DONE


def _carried_out(connection: psycopg.Connection, sql: str, rows: bytes) -> int:
    """Return how many rows the statement touched, -1 for one that touches none."""
    with connection.cursor() as cursor:
        if sql.startswith("COPY"):
            with cursor.copy(sql.encode()) as copy:
                copy.write(rows)
        else:
            cursor.execute(sql.encode())
        return cursor.rowcount


def _copied(connection: psycopg.Connection, table: str) -> bytes:
    """Return the row that is put in, as COPY reads it."""
    made = f"COPY (SELECT {_ROWS[table][1]} FROM es.{table} LIMIT 1) TO STDOUT"  # noqa: S608 - our own names
    with connection.cursor().copy(made.encode()) as copy:
        return b"".join(bytes(each) for each in copy)


def _shown(findings: Sequence[Finding]) -> str:
    """Return what was said, once if it was the same in both modes."""
    return " / ".join(dict.fromkeys(str(each.said) for each in findings))


if __name__ == "__main__":
    sys.exit(main())
