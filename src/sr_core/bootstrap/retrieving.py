"""A look at all cited evidence, over the services that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.read_model import PostgresReadModel
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.application.retrievability import Checked, Retrievability
from sr_core.bootstrap.compose import s3_access, vault_of
from sr_core.bootstrap.settings import Settings


async def checked(settings: Settings) -> AsyncIterator[Checked]:
    """Yield what was found of each cited bundle; see `Retrievability.all`."""
    async with (
        connection_pool(settings.database_url) as pool,
        vault_of(settings, pool, PrometheusMetrics()) as vault,
    ):
        evidence = S3ContentStore(s3_access(settings), bucket=settings.evidence_bucket)
        look = Retrievability(
            rows=PostgresReadModel(pool), evidence=evidence, vault=vault
        )
        async for each in look.all():
            yield each
