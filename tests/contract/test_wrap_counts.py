"""What every `WrapCounts` owes its callers (R-ENC-11)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sr_core.adapters.memory.wrap_counts import MemoryWrapCounts
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.wrap_counts import PostgresWrapCounts
from sr_core.domain.kek import KekRef, parse_kek_id
from sr_core.domain.sealing_errors import WrapLimitReached
from sr_core.ports.wrap_counts import WrapCounts

pytestmark = pytest.mark.anyio

KEK = KekRef(id=parse_kek_id("a-kek"), version=1)
LIMIT = 5


@pytest.fixture
async def counts(dsn: str | None) -> AsyncIterator[WrapCounts]:
    if dsn is None:
        yield MemoryWrapCounts(wraps_max=LIMIT)
        return
    async with connection_pool(dsn) as pool:
        yield PostgresWrapCounts(pool, wraps_max=LIMIT)


async def test_it_tells_what_was_counted_before(counts):
    taken = [await counts.take(KEK) for _ in range(3)]

    assert [each.wraps for each in taken] == [0, 1, 2]
    assert {(each.kek, each.wraps_max) for each in taken} == {(KEK, LIMIT)}


async def test_after_the_last_one_it_is_time_to_rotate(counts):
    for _ in range(LIMIT):
        await counts.take(KEK)

    for _ in range(2):
        with pytest.raises(WrapLimitReached, match="Rotate"):
            await counts.take(KEK)


async def test_each_version_has_its_own(counts):
    for _ in range(LIMIT):
        await counts.take(KEK)

    assert (await counts.take(KekRef(id=KEK.id, version=2))).wraps == 0


async def test_of_many_at_once_no_more_are_let_through(counts):
    taken = await asyncio.gather(
        *(counts.take(KEK) for _ in range(4 * LIMIT)), return_exceptions=True
    )

    counted = sorted(
        each.wraps for each in taken if not isinstance(each, BaseException)
    )
    assert counted == list(range(LIMIT))
    assert {type(each) for each in taken if isinstance(each, Exception)} == {
        WrapLimitReached
    }


async def test_they_outlast_the_process(app_database):
    taken = []
    for _ in range(2):
        async with connection_pool(app_database) as pool:
            taken.append(await PostgresWrapCounts(pool, wraps_max=LIMIT).take(KEK))

    assert [each.wraps for each in taken] == [0, 1]
