"""A running platform from its settings: open what has to be, close it afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sr_core.adapters.nats.bus import NatsAccess
from sr_core.adapters.nats.durability import unsafe_facts
from sr_core.adapters.nats.streams import (
    check_streams,
    ensure_streams,
    missing_streams,
    remove_streams,
)
from sr_core.adapters.oidc.actor_kinds import KindRules
from sr_core.adapters.oidc.identity import OidcIdentity, OidcSettings
from sr_core.adapters.postgres.actor_kinds import PostgresKindBindings
from sr_core.adapters.postgres.connections import Pool, connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.followers import PostgresFollowers
from sr_core.adapters.postgres.graph import PostgresGraph
from sr_core.adapters.postgres.migrate import Migrator
from sr_core.adapters.postgres.read_model import PostgresReadModel
from sr_core.adapters.postgres.server import find_role_gaps
from sr_core.adapters.postgres.wrap_counts import PostgresWrapCounts
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.adapters.s3.buckets import (
    LockedBucket,
    ensure_buckets,
    ensure_locked,
    missing_buckets,
    unlocked,
    unprotected,
)
from sr_core.adapters.s3.connection import S3Access
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.adapters.s3.key_records import S3KeyRecords
from sr_core.adapters.sandbox.choose import choose_sandbox
from sr_core.adapters.sandbox.runner import SandboxRunner
from sr_core.adapters.system import SystemClock, UlidSource
from sr_core.application.governed import Governed
from sr_core.application.health import Dependency
from sr_core.application.metered_wraps import MeteredWraps
from sr_core.application.platform import Platform
from sr_core.application.reactions import Reactions
from sr_core.application.recorder import Recorder
from sr_core.application.vault import Vault
from sr_core.bootstrap.database import check_fit_database, require_fit_database
from sr_core.bootstrap.documents import documents_folder, read_manifest
from sr_core.bootstrap.keks import KekProbe, kek_source
from sr_core.bootstrap.settings import Settings
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.ports.clock import Clock
from sr_core.ports.errors import Unavailable, Unfit
from sr_core.ports.identity import Identity
from sr_core.ports.metrics import Metrics

PLATFORM = Actor(ActorKind.SYSTEM, "svc:sr-core:platform")
"""The actor of what the platform itself detects."""
PROBE_S: Final = 4.0
"""How long a probe of the object store takes at most, so that it ends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A platform with everything that its faces need."""

    platform: Platform
    identity: Identity
    dependencies: Sequence[Dependency]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Open a platform, and close it when the block ends.

    Raises:
        DocumentMissing, DocumentInvalid: a governed document is not there, or not in
            order; nothing was opened.
        DatabaseReadOnly: the database is a replica, or takes no writes.
        DatabaseUnsafe: it may lose what it confirmed, and the settings are strict.
        SandboxUnavailable: there is no sandbox for oracles that proves itself.
        Unavailable: the log could not be asked which documents it knows, or what in
            it is not answered yet.

    """
    governed = governed_manifest(settings)
    await require_fit_database(settings)
    async with AsyncExitStack() as exits:
        pool = connection_pool(settings.database_url)
        await exits.enter_async_context(pool)
        clock = SystemClock()
        ids = UlidSource(clock)
        identity = OidcIdentity(
            _oidc(settings),
            now=clock.now,
            monotonic=time.monotonic,
            bindings=PostgresKindBindings(pool),
        )
        exits.push_async_callback(identity.aclose)
        evidence = S3ContentStore(s3_access(settings), bucket=settings.evidence_bucket)
        candidates = S3ContentStore(
            s3_access(settings), bucket=settings.candidates_bucket
        )
        attachments = S3ContentStore(
            s3_access(settings), bucket=settings.attachments_bucket
        )
        sandbox = await choose_sandbox(
            settings.bwrap,
            allow_plain=settings.sandbox == "plain",
            below=settings.sandbox_directory,
        )
        metrics = PrometheusMetrics()
        recorder = Recorder(
            store=PostgresEventStore(pool),
            clock=clock,
            ids=ids,
            platform=PLATFORM,
            metrics=metrics,
        )
        graph = PostgresGraph(pool)
        reactions = Reactions(
            recorder=recorder, graph=graph, followers=PostgresFollowers(pool)
        )
        platform = Platform(
            recorder=replace(recorder, followers=(reactions.follow,)),
            rows=PostgresReadModel(pool),
            graph=graph,
            reactions=reactions,
            candidate_bytes=candidates,
            evidence_bytes=evidence,
            attachment_bytes=attachments,
            vault=await exits.enter_async_context(vault_of(settings, pool, metrics)),
            runner=SandboxRunner(
                sandbox, clock=clock, below=settings.sandbox_directory
            ),
            clock=clock,
            ids=ids,
            governed=governed,
        )
        probe = kek_probe(settings, clock)
        if probe is not None:
            exits.push_async_callback(probe.aclose)
        await Governed(platform=platform).adopt()
        await reactions.catch_up()  # what the last process left unanswered
        yield Running(
            platform=platform,
            identity=identity,
            dependencies=dependencies(settings, probe),
        )


@asynccontextmanager
async def vault_of(
    settings: Settings, pool: Pool, metrics: Metrics
) -> AsyncIterator[Vault]:
    """Open where the settings' restricted evidence lies, and what it is sealed with."""
    access, bucket = s3_access(settings), settings.restricted_bucket
    async with kek_source(settings.keks) as keks:
        yield Vault(
            containers=S3ContentStore(access, bucket=bucket),
            records=S3KeyRecords(access, bucket=bucket),
            keks=keks,
            wraps=MeteredWraps(
                wraps=PostgresWrapCounts(pool, wraps_max=settings.keks.wraps_max),
                metrics=metrics,
            ),
            kek_id=settings.keks.kek_id,
        )


def governed_manifest(settings: Settings) -> GovernedManifest:
    """Return the manifest of the governed documents that the settings name, as they are.

    Raises:
        DocumentMissing, DocumentInvalid: one is not there, or not in order.
        MalformedInput: a path leads out of the folder, or two documents have one name.

    """
    return read_manifest(
        settings.docs_path or documents_folder(),
        settings.governed_docs,
        computed_at=SystemClock().now(),
    )


def kek_probe(settings: Settings, clock: Clock) -> KekProbe | None:
    """Return what tries the secret store, if one is set; it is to be closed after use."""
    if settings.keks.infisical is None:
        return None
    return KekProbe(
        settings.keks.infisical,
        kek_id=settings.keks.kek_id,
        is_strict=settings.keks.is_strict,
        now=clock.now,
    )


def dependencies(
    settings: Settings, probe: KekProbe | None = None
) -> tuple[Dependency, ...]:
    """Return what the platform needs, each with its own credentials and no pool."""
    secret_store = (
        () if probe is None else (Dependency(name="infisical", check=probe.check),)
    )
    access = replace(s3_access(settings), deadline_s=PROBE_S)
    return (
        Dependency(name="postgresql", check=partial(check_fit_database, settings)),
        Dependency(
            name="minio",
            check=partial(_check_store, access, settings),
        ),
        Dependency(name="nats", check=partial(check_bus, settings)),
        *secret_store,
    )


async def check_bus(settings: Settings) -> tuple[str, ...]:
    """Return why the bus is unsafe, if it is; the stream is as it has to be.

    Raises:
        Unfit: it is not; or the bus is unsafe, and the settings are strict.

    """
    access = nats_access(settings)
    await check_streams(access, settings.stream_prefix)
    facts = await unsafe_facts(
        access,
        settings.stream_prefix,
        replicas=settings.nats_replicas,
        monitor_url=settings.nats_monitor_url,
    )
    if facts and settings.nats_strict:
        raise Unfit(system="NATS", cause=f"bus-unsafe: {'; '.join(facts)}")
    return tuple(f"bus-unsafe: {each}" for each in facts)


def buckets_of(settings: Settings) -> tuple[str, ...]:
    """Return the buckets that the platform needs."""
    return (
        settings.evidence_bucket,
        settings.restricted_bucket,
        settings.candidates_bucket,
        settings.attachments_bucket,
    )


async def _check_store(access: S3Access, settings: Settings) -> tuple[str, ...]:
    """Return what the store does not do for evidence; the buckets are fit for use."""
    await _check_buckets(access, buckets_of(settings))
    try:
        facts = await unprotected(access, settings.evidence_bucket)
    except Unavailable as error:
        raise Unfit(system="the object store", cause=error.found) from error
    return tuple(f"store-unsafe: {each}" for each in facts)


async def _check_buckets(access: S3Access, buckets: Sequence[str]) -> None:
    async with asyncio.TaskGroup() as group:
        tried = [
            group.create_task(_failure(S3ContentStore(access, bucket=bucket)))
            for bucket in buckets
        ]
    causes = [cause for each in tried if (cause := each.result())]
    if causes:
        raise Unfit(system="the object store", cause="; ".join(causes))


async def _failure(store: S3ContentStore) -> str | None:
    try:
        await store.check()
    except Unfit as error:
        return f"{error.system}: {error.cause}"
    return None


async def initialise(settings: Settings) -> tuple[str, ...]:
    """Bring the services to the needed state; return what was done, nothing if it was."""
    applied = await migrate(settings.owner_url)
    access = s3_access(settings)
    made = await ensure_buckets(access, buckets_of(settings))
    locked = await ensure_locked(access, _checkpoints_bucket(settings))
    streams = await make_streams(settings)
    return (
        *(f"applied migration {each}" for each in applied),
        *(f"made bucket {each}" for each in made),
        *(f"made bucket {each}, with object lock" for each in locked),
        *(f"made stream {each}" for each in streams),
    )


async def make_streams(settings: Settings) -> tuple[str, ...]:
    """Make the streams that are missing, and return their names."""
    return await ensure_streams(
        nats_access(settings),
        settings.stream_prefix,
        replicas=settings.nats_replicas,
    )


async def drop_streams(settings: Settings) -> None:
    """Take the streams away, with all that is in them."""
    await remove_streams(nats_access(settings), settings.stream_prefix)


async def migrate(dsn: str) -> tuple[str, ...]:
    """Apply the migrations that the database lacks, and return their files."""
    return tuple(each.file for each in await Migrator(dsn).apply())


async def missing(settings: Settings) -> tuple[str, ...]:
    """Return what is not as it has to be; it changes nothing.

    `initialise` mends all of it but grants that somebody took away or gave, and KEKs,
    which the platform's identity may only read.
    """
    pending = await Migrator(settings.owner_url).pending()
    gaps = () if pending else await find_role_gaps(settings.owner_url)
    access = s3_access(settings)
    absent = await missing_buckets(access, buckets_of(settings))
    return (
        *(f"migration {each.file} is not applied" for each in pending),
        *gaps,
        *(f"bucket {each} is not there" for each in absent),
        *await unlocked(access, _checkpoints_bucket(settings)),
        *await missing_streams(nats_access(settings), settings.stream_prefix),
        *await missing_keks(settings),
    )


async def missing_keks(settings: Settings) -> tuple[str, ...]:
    """Return why the current KEK cannot be had, if so and if one is set up."""
    probe = kek_probe(settings, SystemClock())
    if probe is None:
        return ()
    try:
        await probe.check()
    except Unfit as error:
        return (f"{error.system}: {error.cause}",)
    finally:
        await probe.aclose()
    return ()


def _checkpoints_bucket(settings: Settings) -> LockedBucket:
    return LockedBucket(
        name=settings.checkpoints_bucket,
        mode=settings.checkpoints_lock,
        days=settings.checkpoints_lock_days,
    )


def s3_access(settings: Settings) -> S3Access:
    """Return how the settings' store is reached."""
    return S3Access(
        endpoint=settings.minio_endpoint,
        access_key=settings.minio_access_key,
        secret_key=settings.minio_secret_key,
        region=settings.minio_region,
        is_tls=settings.minio_tls,
    )


def _oidc(settings: Settings) -> OidcSettings:
    return OidcSettings(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        jwks_uri=settings.oidc_jwks_uri,
        kinds=KindRules(
            human_clients=settings.human_clients,
            agent_clients=settings.agent_clients,
            system_clients=settings.system_clients,
        ),
    )


def nats_access(settings: Settings) -> NatsAccess:
    """Return how the settings' bus is reached."""
    return NatsAccess(
        url=settings.nats_url,
        user=settings.nats_user,
        password=settings.nats_password,
    )
