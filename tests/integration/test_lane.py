"""The connection that is kept for appends: the same again, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from sr_core.adapters.postgres.connections import (
    Connection,
    Connections,
    Pool,
    at_once,
    connection_pool,
)
from sr_core.ports.errors import Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with connection_pool(database, connections_max=2, deadline_s=1.0) as pool:
        yield pool


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


async def pid(connection: Connection) -> int:
    return connection.info.backend_pid


async def used(connections: Connections) -> int:
    return await at_once(connections, pid)


async def test_it_is_the_same_connection_again(pool):
    first = await used(pool.lane)

    assert await used(pool) != first
    assert await used(pool.lane) == first


async def test_it_is_one_whoever_asks_for_it(pool):
    assert pool.lane is pool.lane


async def test_while_it_is_lent_another_one_is(pool):
    async with pool.lane.connection() as one, pool.lane.connection() as other:
        assert one is not other

    assert await used(pool) != await used(pool.lane)  # both were given back


async def test_one_that_died_is_replaced(pool, owner):
    first = await used(pool.lane)
    owner.execute("SELECT pg_terminate_backend(%s, 1000)", [first])

    async def work(connection: Connection) -> int:
        await connection.execute("SELECT 1")
        return connection.info.backend_pid

    assert await at_once(pool.lane, work) != first


async def test_one_that_failed_in_a_transaction_is_given_back_and_clean(pool):
    async def work(connection: Connection) -> None:
        await connection.execute("BEGIN")
        await connection.execute("SELECT 1 / 0")

    with pytest.raises(AssertionError, match="division by zero"):
        await at_once(pool.lane, work)

    async def is_idle(connection: Connection) -> bool:
        cursor = await connection.execute("SELECT 1 AS one")
        return await cursor.fetchone() == {"one": 1}

    assert await at_once(pool.lane, is_idle)


async def test_the_only_connection_is_not_kept(database):
    async with connection_pool(database, connections_max=1, deadline_s=1.0) as pool:
        await used(pool.lane)

        assert await used(pool)


async def test_it_ends_with_the_pool(database, owner):
    async with connection_pool(database) as pool:
        kept = await used(pool.lane)
        assert is_there(owner, kept)

    with pytest.raises(Unavailable):
        await used(pool.lane)
    async with asyncio.timeout(5):
        while is_there(owner, kept):  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0)


def is_there(owner: psycopg.Connection, backend: int) -> bool:
    found = owner.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [backend])
    return found.fetchone() is not None
