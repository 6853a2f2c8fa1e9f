"""The read model made anew, against reading and decoding the same events.

The floor streams the log a page at a time and decodes every event, and changes no row; a
rebuild projects them as well, changes a copy of the tables, compares it with the live
ones and puts it in their place.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.logs import batches
from bench.measure import Result, timed, times
from bench.servers import Database, database
from pytest_sr.stack.addresses import StackAddresses
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.rebuilding import PostgresRebuildSite
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application.rebuild import rebuild
from sr_core.application.replay import BATCH, pages
from sr_core.codec.envelope import opened
from sr_core.ports.event_store import BEGINNING, EventStore

SEED = 1
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    events: int = 100_000
    pairs: int = 5


async def measure(addresses: StackAddresses, sizes: Sizes) -> list[Result]:
    """Return how many times the time of reading the log a rebuild takes."""
    async with (
        database(addresses) as made,
        connection_pool(made.app, deadline_s=DEADLINE_S) as pool,
    ):
        store = PostgresEventStore(pool)
        for each in batches(SEED, sizes.events):
            await store.append(each)
        await made.settle()
        found = await times(
            "rebuild_over_floor",
            ours=lambda: timed(_ours(store, made)),
            floor=lambda: timed(_floor(store)),
            pairs=sizes.pairs,
            wanted="<= 3",
        )
    return [found]


async def _ours(store: EventStore, made: Database) -> None:
    await rebuild(store, PostgresRebuildSite(made.owner), PrometheusMetrics())


async def _floor(store: EventStore) -> None:
    async for page in pages(store, after=BEGINNING, upto=None, batch=BATCH):
        for each in page:
            opened(each)
