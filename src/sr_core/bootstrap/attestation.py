"""What exports evidence, from a deployment's settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.adapters.system import SystemClock
from sr_core.application.exports import Exports
from sr_core.bootstrap.compose import s3_access, vault_of
from sr_core.bootstrap.event_log import archive_of
from sr_core.bootstrap.settings import Settings
from sr_core.codec.note import SigningKey
from sr_core.domain.errors import MalformedInput


@asynccontextmanager
async def exports(settings: Settings) -> AsyncIterator[Exports]:
    """Open what exports evidence, and close it when the block ends.

    Raises:
        MalformedInput: there is no key to sign with, or nobody would believe it now.

    """
    clock = SystemClock()
    key = signing_key(settings, at=clock.now())
    async with (
        connection_pool(settings.database_url) as pool,
        vault_of(settings, pool, PrometheusMetrics()) as vault,
    ):
        yield Exports(
            log=PostgresEventStore(pool),
            evidence=S3ContentStore(
                s3_access(settings), bucket=settings.evidence_bucket
            ),
            vault=vault,
            archive=archive_of(settings),
            key=key,
            clock=clock,
        )


def signing_key(settings: Settings, *, at: datetime) -> SigningKey:
    """Return the key that signs evidence, which is believed at that time.

    Raises:
        MalformedInput: there is none, or it is not believed then.

    """
    key = settings.evidence_signing_key
    if key is None:
        raise MalformedInput(
            field="SR_EVIDENCE_SIGNING_KEY",
            found="",
            expected="the key that signs, as `sr evidence keygen` prints it",
        )
    label = key.verifier.label
    for each in settings.evidence_verifier_keys:
        if each.key == key.verifier:
            if why := each.objection(at):
                raise MalformedInput(
                    field="SR_EVIDENCE_SIGNING_KEY",
                    found=label,
                    expected=f"a key that is believed now: {why}",
                )
            return key
    raise MalformedInput(
        field="SR_EVIDENCE_VERIFIER_KEYS",
        found=[each.key.label for each in settings.evidence_verifier_keys],
        expected=f"{label} among them, which signs",
    )
