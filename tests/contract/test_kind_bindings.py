"""What every `KindBindings` owes its callers (R-API-1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from sr_core.adapters.memory.actor_kinds import MemoryKindBindings
from sr_core.adapters.postgres.actor_kinds import PostgresKindBindings
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.domain.actors import ActorKind
from sr_core.ports.identity import KindBindings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bindings(dsn: str | None) -> AsyncIterator[KindBindings]:
    if dsn is None:
        yield MemoryKindBindings()
        return
    async with connection_pool(dsn) as pool:
        yield PostgresKindBindings(pool)


async def test_the_first_kind_stays(bindings):
    first = await bindings.bind("iss:alice", ActorKind.AGENT)
    then = await bindings.bind("iss:alice", ActorKind.HUMAN)

    assert (first, then) == (ActorKind.AGENT, ActorKind.AGENT)


async def test_each_subject_has_its_own(bindings):
    await bindings.bind("iss:alice", ActorKind.AGENT)

    assert await bindings.bind("iss:bob", ActorKind.HUMAN) is ActorKind.HUMAN


async def test_of_many_at_once_one_binds(bindings):
    kinds = [ActorKind.AGENT, ActorKind.HUMAN, ActorKind.SYSTEM] * 10

    bound = await asyncio.gather(*(bindings.bind("iss:carol", each) for each in kinds))

    assert len(set(bound)) == 1


async def test_it_outlasts_the_process(app_database):
    async with connection_pool(app_database) as pool:
        await PostgresKindBindings(pool).bind("iss:alice", ActorKind.AGENT)
    async with connection_pool(app_database) as pool:
        again = PostgresKindBindings(pool)

        assert await again.bind("iss:alice", ActorKind.HUMAN) is ActorKind.AGENT


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE es.actor_kinds SET actor_kind = 'HUMAN'",
        "DELETE FROM es.actor_kinds",
        "TRUNCATE es.actor_kinds",
        "DELETE FROM es.requests",
        "UPDATE es.request_answers SET status = 200",
        "TRUNCATE es.request_events",
    ],
)
def test_nobody_rewrites_it(database, statement):
    with (
        psycopg.connect(database) as connection,
        pytest.raises(psycopg.errors.RestrictViolation, match="stays"),
    ):
        connection.execute(statement)
