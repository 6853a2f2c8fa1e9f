"""A Postgres to measure on, with every migration applied to fresh databases."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.stack.client import StackProcess
from pytest_sr.stack.postgres import admit_users
from sr_core.bootstrap.compose import migrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database of its own: the URL of a platform's user, and that of who owns all."""

    app: str
    owner: str

    async def settle(self) -> None:
        """Let the server do what it owes, so that no run pays for what went before."""
        async with await psycopg.AsyncConnection.connect(
            self.owner, autocommit=True
        ) as connection:
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")


@contextmanager
def stack() -> Iterator[StackAddresses]:
    """Run a stack for as long as the block lasts."""
    with StackProcess() as process:
        yield process.start(_say)


@asynccontextmanager
async def database(addresses: StackAddresses) -> AsyncIterator[Database]:
    """Make a database with our schema, and drop it afterwards."""
    name = f"bench_{secrets.token_hex(6)}"
    await _execute(addresses, SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        await migrate(addresses.postgres.dsn(name))
        admit_users(addresses.postgres)
        yield Database(
            app=addresses.postgres.app_dsn(name), owner=addresses.postgres.dsn(name)
        )
    finally:
        drop = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name))
        await _execute(addresses, drop)


async def _execute(addresses: StackAddresses, statement: Composed) -> None:
    async with await psycopg.AsyncConnection.connect(
        addresses.postgres.dsn("postgres"), autocommit=True
    ) as connection:
        await connection.execute(statement)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
