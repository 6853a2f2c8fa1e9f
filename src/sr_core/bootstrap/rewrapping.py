"""A rewrap over the services that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application.rewrap import Rewrap, Rewrapped
from sr_core.bootstrap.compose import vault_of
from sr_core.bootstrap.settings import Settings


async def rewrapped(settings: Settings) -> AsyncIterator[Rewrapped]:
    """Yield what was done about each container; see `Rewrap.all` for what stops it."""
    async with (
        connection_pool(settings.database_url) as pool,
        vault_of(settings, pool, PrometheusMetrics()) as vault,
    ):
        async for each in Rewrap(vault=vault, log=PostgresEventStore(pool)).all():
            yield each
