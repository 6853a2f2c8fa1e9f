"""Whether Postgres can be worked with: asked on a connection of its own.

The pool's connections were let in when they were made; whether these credentials still
are, only a new one shows.
"""

from __future__ import annotations

from typing import Final

from psycopg import AsyncConnection, Error, errors
from psycopg.rows import DictRow, dict_row

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.migrate import find_migrations, migrations_folder
from sr_core.adapters.postgres.server import CONNECT_S, unsafe_facts
from sr_core.ports.errors import Unfit

_SYSTEM: Final = "Postgres"


async def check_database(dsn: str) -> tuple[str, ...]:
    """Return if we are let in, may write, and the schema is this version's.

    What is returned are the facts that make the log unsafe there, a sentence each.

    Raises:
        Unfit: otherwise.

    """
    try:
        async with await AsyncConnection[DictRow].connect(
            dsn, connect_timeout=CONNECT_S, row_factory=dict_row
        ) as connection:
            unsafe = await unsafe_facts(connection)
            cursor = await connection.execute(statements.SCHEMA_VERSION)
            row = await cursor.fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
        raise Unfit(system=_SYSTEM, cause="it has no schema of ours") from error
    except (Error, OSError) as error:
        raise Unfit(system=_SYSTEM, cause=_cause(error)) from error
    wanted = max(each.version for each in find_migrations(migrations_folder()))
    assert row is not None, "an aggregate has one row"
    if row["version"] != wanted:
        cause = f"its schema has version {row['version']}, not {wanted}"
        raise Unfit(system=_SYSTEM, cause=cause)
    return unsafe


def _cause(error: Exception) -> str:
    """Return why we are not let in; the driver's own words may hold the address."""
    said = str(error).lower()
    for sign, cause in _SIGNS.items():
        if sign in said:
            return cause
    return type(error).__name__


_SIGNS: Final = {
    "authentication failed": "the credentials are refused",
    "no password supplied": "the credentials are refused",
    "permission denied": "the credentials are refused",
    "does not exist": "the database or its user does not exist",
    "refused": "no connection, it is refused",
    "timeout": f"no connection within {CONNECT_S} s",
    "starting up": "it is starting up or shutting down",
    "shutting down": "it is starting up or shutting down",
    "terminating": "it is starting up or shutting down",
}
