"""The read model made anew, against reading and decoding the same events.

The floor streams the log a page at a time and decodes every event, and changes no row; a
rebuild projects them as well, changes a copy of the tables, compares it with the live
ones and puts it in their place. What it needs of memory, at the most, is held against what
it needs for a log a tenth as long.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
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
from sr_core.cli.log_rebuild import OBJECTS_BETWEEN_COLLECTIONS
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
    """Return how many times the time, and the memory, of the least a rebuild takes."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)  # as the command does, for both
    async with (
        database(addresses) as made,
        database(addresses) as small,
        connection_pool(made.app, deadline_s=DEADLINE_S) as pool,
    ):
        store = PostgresEventStore(pool)
        await _write(store, made, sizes.events)
        async with connection_pool(small.app, deadline_s=DEADLINE_S) as other:
            await _write(PostgresEventStore(other), small, sizes.events // 10)
        found = await times(
            "rebuild_over_floor",
            ours=lambda: timed(_ours(store, made)),
            floor=lambda: timed(_floor(store)),
            pairs=sizes.pairs,
            wanted="<= 3",
        )
        peaks = [await asyncio.to_thread(_peak_mib, each) for each in (made, small)]
    return [found, _memory(*peaks)]


async def _write(store: EventStore, made: Database, events: int) -> None:
    for each in batches(SEED, events):
        await store.append(each)
    await made.settle()


def _memory(large: float, small: float) -> Result:
    ratio = round(large / small, 4)
    return Result(
        name="rebuild_memory_over_a_tenth",
        ratio=ratio,
        ours=large,
        floor=small,
        unit="MiB at the most",
        runs=(ratio,),
        wanted="<= 1.1",
    )


def _peak_mib(made: Database) -> float:
    """Rebuild by a process of its own, and return how much memory it had at the most."""
    nowhere = "127.0.0.1:9"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "sr_core.cli", "log", "rebuild"],
        env={
            "SR_DATABASE_URL": made.app,
            "SR_DATABASE_OWNER_URL": made.owner,
            "SR_MINIO_ENDPOINT": nowhere,
            "SR_MINIO_ACCESS_KEY": "nobody",
            "SR_MINIO_SECRET_KEY": "no-secret",
            "SR_NATS_URL": f"nats://{nowhere}",
            "SR_OIDC_ISSUER": f"http://{nowhere}/realm",
            "SR_OIDC_JWKS_URI": f"http://{nowhere}/keys",
            "SR_OIDC_HUMAN_CLIENTS": "sr-human",
            "SR_OIDC_AGENT_CLIENTS": "sr-agent",
            "SR_OIDC_SYSTEM_CLIENTS": "sr-system",
        },
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "it says what is wrong itself"
    return used.ru_maxrss / 1024


async def _ours(store: EventStore, made: Database) -> None:
    await rebuild(store, PostgresRebuildSite(made.owner), PrometheusMetrics())


async def _floor(store: EventStore) -> None:
    async for page in pages(store, after=BEGINNING, upto=None, batch=BATCH):
        for each in page:
            opened(each)
