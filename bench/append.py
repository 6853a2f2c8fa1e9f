"""Appending: event, chain, outbox and projections, against floors on the same Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from bench import floors
from bench.events import loops_created
from bench.measure import Result, rates, timed, times
from bench.servers import Database, database
from pytest_sr.stack.addresses import StackAddresses
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.ports.event_store import Batch, EventStore

WARM_UP = 200
"""Events that nobody measures: plans are made and connections opened meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    pairs: int = 15
    alone: int = 400
    together: int = 1600
    large_log: int = 1_000_000
    small_log: int = 1_000


async def measure(addresses: StackAddresses, sizes: Sizes) -> list[Result]:
    """Return the figures of appending."""
    found: list[Result] = []
    source = loops_created()
    for writers, count, wanted in (
        (1, sizes.alone, ">= 0.5"),
        (8, sizes.together, ">= 0.7"),
    ):
        async with (
            database(addresses) as made,
            _store(made) as store,
            floors.bare(made.owner, writers) as bare,
        ):
            await _append(store, list(islice(source, WARM_UP)), writers)
            await bare.append(list(islice(source, WARM_UP)))
            found.append(
                await rates(
                    f"append_{writers}w_over_floor",
                    ours=lambda: _ours(store, source, count, writers),  # noqa: B023
                    floor=lambda: _floor(bare, source, count),  # noqa: B023
                    count=count,
                    pairs=sizes.pairs,
                    wanted=wanted,
                )
            )
    found.append(await _over_eventsourcing(addresses, source, sizes))
    found.append(await _of_a_large_log(addresses, source, sizes))
    return found


async def _over_eventsourcing(
    addresses: StackAddresses, source: Iterator[Batch], sizes: Sizes
) -> Result:
    writers, count = 8, sizes.together
    async with database(addresses) as made, _store(made) as store:
        with floors.recorder(made.owner, writers) as recorder:
            await _append(store, list(islice(source, WARM_UP)), writers)
            recorder.append(list(islice(source, WARM_UP)))

            async def theirs() -> float:
                batches = list(islice(source, count))
                return await asyncio.to_thread(recorder.append, batches)

            return await rates(
                "append_8w_over_eventsourcing",
                ours=lambda: _ours(store, source, count, writers),
                floor=theirs,
                count=count,
                pairs=sizes.pairs,
                wanted=">= 4",
            )


async def _of_a_large_log(
    addresses: StackAddresses, source: Iterator[Batch], sizes: Sizes
) -> Result:
    """Return how many times what an append costs in a small log it costs in a large one."""
    count = sizes.alone
    async with (
        database(addresses) as small,
        database(addresses) as large,
        _store(small) as few,
        _store(large) as many,
    ):
        await _append(few, list(islice(source, sizes.small_log)), 64)
        for _ in range(sizes.large_log // 10_000):
            await _append(many, list(islice(source, 10_000)), 64)
        for each in (small, large):
            await each.settle()
        for store in (few, many):
            await _append(store, list(islice(source, WARM_UP)), 1)
        return await times(
            "append_1e6_over_1e3",
            ours=lambda: _ours(many, source, count, 1),
            floor=lambda: _ours(few, source, count, 1),
            pairs=sizes.pairs,
            wanted="<= 1.2",
        )


@asynccontextmanager
async def _store(made: Database) -> AsyncIterator[EventStore]:
    async with connection_pool(made.app, deadline_s=60) as pool:
        yield PostgresEventStore(pool)


async def _ours(
    store: EventStore, source: Iterator[Batch], count: int, writers: int
) -> float:
    batches = list(islice(source, count))
    return await timed(_append(store, batches, writers))


async def _floor(bare: floors.Bare, source: Iterator[Batch], count: int) -> float:
    batches = list(islice(source, count))
    return await timed(bare.append(batches))


async def _append(store: EventStore, batches: Sequence[Batch], writers: int) -> None:
    async def one(own: Sequence[Batch]) -> None:
        for each in own:
            await store.append(each)

    async with asyncio.TaskGroup() as group:
        for number in range(writers):
            group.create_task(one(batches[number::writers]))
