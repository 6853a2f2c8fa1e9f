"""What a server of Postgres says of itself: whether the log is safe with it (R-EVT-16, 17).

* Unfit
  - DatabaseReadOnly         it takes no writes, so nothing can be decided over it
  - DatabaseUnsafe           it may lose or change what it confirmed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from psycopg import AsyncConnection, Error
from psycopg.rows import DictRow, dict_row

from sr_core.adapters.postgres import statements
from sr_core.ports.errors import PortError, Unavailable, Unfit

CONNECT_S: Final = 4
_SYSTEM: Final = "Postgres"

_DURABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fsync": "fsync is off, so a crash may take away what was confirmed",
        "synchronous_commit": (
            "synchronous_commit is off, so a crash may take away what was confirmed"
        ),
        "full_page_writes": (
            "full_page_writes is off, so a crash may leave half a page behind"
        ),
        "data_checksums": (
            "data_checksums is off, so a page that the disk changed is not found out"
        ),
    }
)


class DatabaseReadOnly(Unfit):
    """The server takes no writes: a decision over it would rest on what is old."""

    code = "DATABASE_READ_ONLY"

    def __init__(self, *, cause: str) -> None:
        PortError.__init__(
            self,
            f"{_SYSTEM} cannot be worked with: {cause}",
            remedy="Give SR_DATABASE_URL the primary, and a user who may write there",
        )
        self.system = _SYSTEM
        self.cause = cause


class DatabaseUnsafe(Unfit):
    """The server may lose what it confirmed, or lets us do what we should not."""

    code = "DATABASE_UNSAFE"

    def __init__(self, *, facts: Sequence[str]) -> None:
        cause = "; ".join(facts)
        PortError.__init__(
            self,
            f"{_SYSTEM} is not safe for the log: {cause}",
            remedy="Mend that, or go on at your own risk with SR_DATABASE_STRICT=false",
        )
        self.system = _SYSTEM
        self.cause = cause


async def read_server(dsn: str) -> tuple[str, ...]:
    """Return what makes the log unsafe with this server and user, a sentence each.

    Raises:
        DatabaseReadOnly: it is a replica, or its transactions are read-only.
        Unavailable: no answer in time.

    """
    try:
        async with await AsyncConnection[DictRow].connect(
            dsn, connect_timeout=CONNECT_S, row_factory=dict_row
        ) as connection:
            return await unsafe_facts(connection)
    except (Error, OSError) as error:
        raise Unavailable(system=_SYSTEM, deadline_s=CONNECT_S) from error


async def unsafe_facts(connection: AsyncConnection[DictRow]) -> tuple[str, ...]:
    """Return the same of a connection; the driver's errors pass through."""
    cursor = await connection.execute(statements.READ_SERVER_FACTS)
    row = await cursor.fetchone()
    assert row is not None, "the statement has one row"
    if row["is_replica"]:
        raise DatabaseReadOnly(cause="it is a replica")
    if row["is_read_only"]:
        raise DatabaseReadOnly(cause="default_transaction_read_only is on")
    durable = tuple(said for name, said in _DURABLE.items() if row[name] == "off")
    if row["is_superuser"]:
        return (*durable, "our user is a superuser, whom nothing is refused")
    if row["may_change_log"]:
        return (*durable, "our user may write to es.events past es.append")
    return durable


async def find_role_gaps(dsn: str) -> tuple[str, ...]:
    """Return where roles, grants and guards are not those of the migrations.

    Raises:
        Unavailable: no answer in time.

    """
    try:
        async with await AsyncConnection[DictRow].connect(
            dsn, connect_timeout=CONNECT_S, row_factory=dict_row
        ) as connection:
            cursor = await connection.execute(statements.FIND_ROLE_GAPS)
            return tuple(row["gap"] for row in await cursor.fetchall())
    except (Error, OSError) as error:
        raise Unavailable(system=_SYSTEM, deadline_s=CONNECT_S) from error
