"""Migrations: the schema's history, applied in order and never rewritten.

A migration is a file ``<version>_<name>.sql``, such as ``0001_event_log.sql``. What is
applied is recorded in `es.schema_migrations`, with the checksum of the file, in the
transaction that applied it.

* PortError
  - MigrationRefused         files and record do not tell one story; nothing was changed
    . MigrationMisnamed      a file's name is not of the form, or has another's number
    . MigrationChanged       the file is not the one that was applied
    . MigrationMissing       it was applied, and there is no file
    . MigrationOutOfOrder    a later one was applied before it
  - MigrationFailed          its SQL was refused; it was rolled back
    . MigrationForbidden     because this user may not do what it does
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import ClassVar, Final

from psycopg import AsyncConnection, Error, OperationalError, errors
from psycopg.rows import DictRow, dict_row

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import (
    Connection,
    Pool,
    bounds,
    in_transaction,
)
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.errors import PortError, Unavailable

DEADLINE_S: Final = 60.0
"""How long a runner waits for another one to finish."""
CONNECT_TIMEOUT_S: Final = 5
_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class MigrationRefused(PortError):  # noqa: N818 - named for what it says, like Refused
    """Files and record do not tell one story; nothing was changed."""

    code = "MIGRATION_REFUSED"


class MigrationMisnamed(MigrationRefused):
    """A file's name is not of the form, or has another's number."""

    code = "MIGRATION_MISNAMED"

    def __init__(self, *, file: str, version: int) -> None:
        super().__init__(
            f"{file} is not a migration's name, or has the number of another",
            remedy=f"Name it {version:04}_<what_it_does>.sql, in small letters",
        )


class MigrationChanged(MigrationRefused):
    """The file is not the one that was applied."""

    code = "MIGRATION_CHANGED"

    def __init__(self, *, file: str, recorded: str, found: str) -> None:
        super().__init__(
            f"{file} has changed since it was applied, from {recorded} to {found}",
            remedy="Put the released file back, and write the change as a new migration",
        )


class MigrationMissing(MigrationRefused):
    """The database records a migration for which there is no file."""

    code = "MIGRATION_MISSING"

    def __init__(self, *, file: str) -> None:
        super().__init__(
            f"{file} was applied to this database, and there is no such file",
            remedy="Run the release that brought it, or a later one",
        )


class MigrationOutOfOrder(MigrationRefused):
    """A later migration was applied before this one."""

    code = "MIGRATION_OUT_OF_ORDER"

    def __init__(self, *, file: str, latest: int) -> None:
        super().__init__(
            f"{file} is not applied, and version {latest} is",
            remedy="Give it the next free number, so that every database agrees",
        )


class MigrationFailed(PortError):  # noqa: N818 - named for what it says, like Refused
    """Postgres refused a migration's SQL; those before it stay applied."""

    code = "MIGRATION_FAILED"

    cure: ClassVar[str] = "Mend what it says and run again"

    def __init__(self, *, file: str, reason: str) -> None:
        super().__init__(
            f"{file} was rolled back: {reason}",
            remedy=f"{self.cure}; those before it stay applied",
        )


class MigrationForbidden(MigrationFailed):
    """The user may not do what a migration does; those before it stay applied."""

    code = "MIGRATION_FORBIDDEN"
    cure = (
        "Give SR_DATABASE_OWNER_URL a user who may, the first time a superuser or an"
        " owner of the database who may make roles, later a member of sr_owner"
    )


@dataclass(frozen=True)
class Migration:
    """One file of SQL; `sql` is exactly its bytes."""

    version: int
    name: str
    sql: bytes

    @property
    def file(self) -> str:
        """Return the name of the file."""
        return _file(self.version, self.name)

    @cached_property
    def checksum(self) -> ContentHash:
        """Return the hash of the file's bytes."""
        return hash_bytes(self.sql)


def migrations_folder() -> Traversable:
    """Return where the migrations are: in the package, or in the working tree."""
    packaged = files(__package__) / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "migrations"


def find_migrations(folder: Traversable) -> tuple[Migration, ...]:
    """Return the folder's migrations, in order.

    Raises:
        MigrationMisnamed: a file's name is not of the form, or has another's number.

    """
    migrations: list[Migration] = []
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.name.endswith(".sql"):
            latest = migrations[-1].version if migrations else 0
            migrations.append(_parse(each, latest))
    return tuple(migrations)


class Migrator:
    """Brings one database to the state that the migrations in `folder` describe."""

    def __init__(self, dsn: str, *, folder: Traversable | None = None) -> None:
        self._dsn = dsn
        self._folder = migrations_folder() if folder is None else folder

    async def pending(self) -> tuple[Migration, ...]:
        """Return what is still to be applied; change nothing.

        Raises:
            MigrationRefused: files and record do not tell one story.
            Unavailable: no answer in time.

        """
        migrations = find_migrations(self._folder)
        async with self._connection() as connection:
            return _pending(migrations, await _recorded(connection))

    async def apply(self) -> tuple[Migration, ...]:
        """Apply what is pending, each in a transaction of its own, and return it.

        Of several runners one applies, while the others wait and find nothing to do.

        Raises:
            MigrationRefused: files and record do not tell one story; nothing was done.
            MigrationFailed: Postgres refused the SQL; the ones before it are applied.
            Unavailable: no answer in time; run again to see what is left.

        """
        migrations = find_migrations(self._folder)
        async with self._connection() as connection:
            await connection.execute(statements.LOCK_MIGRATIONS)
            recorded = await _recorded(connection)
            pending = _pending(migrations, recorded)
            if pending and not recorded:
                async with _refusals(pending[0].file):
                    await connection.execute(statements.MAKE_LOG_SCHEMA)
                    await connection.execute(statements.MAKE_MIGRATIONS_TABLE)
            for migration in pending:
                await connection.execute(statements.BECOME_OWNER)
                await _apply(connection, migration)
        return pending

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Yield a connection in autocommit; the driver's errors stop here."""
        try:
            async with await AsyncConnection[DictRow].connect(
                self._dsn,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
                row_factory=dict_row,
            ) as connection:
                await connection.execute(
                    statements.SET_SESSION, bounds(lock_s=DEADLINE_S)
                )
                yield connection
        except Error as error:
            raise Unavailable(system="Postgres", deadline_s=DEADLINE_S) from error


async def schema_version(pool: Pool) -> int:
    """Return the version of the last migration applied, 0 where there is none.

    Raises:
        Unavailable: no answer in time.

    """
    recorded = await in_transaction(pool, _recorded)
    return max(recorded, default=0)


def _parse(file: Traversable, latest: int) -> Migration:
    matched = _NAME.fullmatch(file.name)
    if matched is None or int(matched[1]) <= latest:
        raise MigrationMisnamed(file=file.name, version=latest + 1)
    return Migration(int(matched[1]), matched[2], file.read_bytes())


def _file(version: int, name: str) -> str:
    return f"{version:04}_{name}.sql"


async def _recorded(connection: Connection) -> Mapping[int, DictRow]:
    """Return what the database says was applied, by version."""
    cursor = await connection.execute(statements.HAS_MIGRATIONS_TABLE)
    answer = await cursor.fetchone()
    if answer is None or not answer["is_there"]:
        return {}
    cursor = await connection.execute(statements.READ_MIGRATIONS)
    return {row["version"]: row async for row in cursor}


def _pending(
    migrations: tuple[Migration, ...], recorded: Mapping[int, DictRow]
) -> tuple[Migration, ...]:
    """Return the migrations not recorded, having compared all the others."""
    latest = max(recorded, default=0)
    for version, row in recorded.items():
        if version not in {each.version for each in migrations}:
            raise MigrationMissing(file=_file(version, row["name"]))
    for each in migrations:
        if each.version in recorded:
            _require_unchanged(each, recorded[each.version])
        elif each.version < latest:
            raise MigrationOutOfOrder(file=each.file, latest=latest)
    return tuple(each for each in migrations if each.version > latest)


def _require_unchanged(migration: Migration, row: DictRow) -> None:
    if (migration.name, migration.checksum) != (row["name"], row["checksum"]):
        raise MigrationChanged(
            file=migration.file,
            recorded=f"{_file(row['version'], row['name'])} {row['checksum']}",
            found=migration.checksum,
        )


async def _apply(connection: Connection, migration: Migration) -> None:
    record = {
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.checksum,
    }
    async with _refusals(migration.file), connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(statements.RECORD_MIGRATION, record)


@asynccontextmanager
async def _refusals(file: str) -> AsyncIterator[None]:
    """Turn what Postgres refuses into `MigrationFailed`; a lost server stays one."""
    try:
        yield
    except OperationalError:
        raise
    except errors.InsufficientPrivilege as error:
        raise MigrationForbidden(file=file, reason=str(error)) from error
    except Error as error:
        raise MigrationFailed(file=file, reason=str(error)) from error
