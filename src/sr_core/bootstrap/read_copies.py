"""What makes the read model anew and proves it, from a deployment's settings."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.proving import PostgresProofSite
from sr_core.adapters.postgres.rebuilding import PostgresRebuildSite
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.adapters.system import SystemClock, UlidSource
from sr_core.application.proof import Elsewhere, Proof, Prover, Replayed, replayed
from sr_core.application.rebuild import Rebuilt, rebuild
from sr_core.application.replay import BATCH
from sr_core.bootstrap.settings import Settings
from sr_core.domain.errors import SrError
from sr_core.ports.event_store import Position
from sr_core.ports.metrics import Metrics

READ_S: Final = 60.0
"""How long one page of the log may take to be read."""
BATCH_ELSEWHERE: Final = 997
"""How many events the other process applies at a time: another number, and no divisor."""
OTHER_PLACE: Final[Mapping[str, str]] = {
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "tr_TR.UTF-8",
    "PYTHONHASHSEED": "1",
}
"""The environment of the other process; ours is hardly ever the same."""


class ReplayFailed(SrError):  # noqa: N818 - named for what it says
    """The other process did not say what the log gives there."""

    code = "REPLAY_FAILED"

    def __init__(self, *, status: int, said: str) -> None:
        super().__init__(
            f"The other process of the proof ended with status {status}: {said}",
            remedy="Run `sr log replay` by itself, and mend what it says",
        )


async def make_anew(
    settings: Settings, metrics: Metrics | None = None, *, batch: int = BATCH
) -> Rebuilt:
    """Make the read model anew from the log; it raises what `rebuild` does."""
    async with _store(settings) as store:
        site = PostgresRebuildSite(settings.owner_url)
        return await rebuild(store, site, metrics or PrometheusMetrics(), batch=batch)


async def prove(
    settings: Settings, environment: Mapping[str, str], *, batch: int = BATCH
) -> Proof:
    """Prove that the read model follows from the log; it raises what `Prover` does."""
    clock = SystemClock()
    async with _store(settings) as store:
        prover = Prover(
            store=store,
            site=PostgresProofSite(settings.owner_url),
            elsewhere=in_another_process(environment),
            clock=clock,
            ids=UlidSource(clock),
        )
        return await prover.prove(batch=batch)


async def replay_here(
    settings: Settings, *, moment: str | None = None, batch: int = BATCH
) -> Replayed:
    """Return what the log gives here; nothing is changed."""
    site = PostgresProofSite(settings.owner_url)
    async with _store(settings) as store, site.open(moment) as copy:
        return await replayed(store, copy, batch=batch)


def in_another_process(environment: Mapping[str, str]) -> Elsewhere:
    """Return what replays by `sr log replay`, in another time zone and locale."""

    async def elsewhere(moment: str, _: Position) -> Replayed:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "sr_core.cli", "log", "replay"),
            *("--moment", moment, "--batch", f"{BATCH_ELSEWHERE}"),
            env={**environment, **OTHER_PLACE},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said, complained = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            lines = complained.decode(errors="replace").strip().splitlines() or ["-"]
            raise ReplayFailed(status=process.returncode or 0, said=lines[-1])
        return parse_replayed(said)

    return elsewhere


def parse_replayed(data: bytes) -> Replayed:
    """Return what `sr log replay` printed."""
    return msgspec.json.decode(data, type=Replayed)


def replayed_line(found: Replayed) -> str:
    """Return what `sr log replay` prints."""
    return msgspec.json.encode(found).decode()


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[PostgresEventStore]:
    async with connection_pool(
        settings.database_url, connections_max=1, deadline_s=READ_S
    ) as pool:
        yield PostgresEventStore(pool)
