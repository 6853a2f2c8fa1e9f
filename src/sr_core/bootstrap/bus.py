"""The publisher and the consumers from their settings: only the log and the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sr_core.adapters.nats.message_bus import NatsMessageBus
from sr_core.adapters.nats.streams import MAX_AGE_S
from sr_core.adapters.nats.subscription import ACK_WAIT_S, NatsSubscription
from sr_core.adapters.postgres.bus_gaps import PostgresBusGaps
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.inbox import PostgresInbox
from sr_core.adapters.postgres.leadership import PostgresLeadership
from sr_core.adapters.postgres.outbox import PostgresOutbox
from sr_core.adapters.system import SystemClock
from sr_core.application.consumers import Consumer, Patience, Replays, Tell
from sr_core.application.notices import HANDLERS
from sr_core.application.outbox import Publisher
from sr_core.bootstrap.compose import check_bus, nats_access
from sr_core.bootstrap.database import require_fit_database
from sr_core.bootstrap.settings import Settings
from sr_core.ports.bus_gaps import BusGaps
from sr_core.ports.event_store import EventStore
from sr_core.ports.inbox import Inbox
from sr_core.ports.outbox import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the database knows of the bus."""

    log: EventStore
    outbox: Outbox
    inbox: Inbox
    gaps: BusGaps

    @property
    def replays(self) -> Replays:
        """What has dead letters done once more."""
        return Replays(log=self.log, inbox=self.inbox, handlers=dict(HANDLERS))


@asynccontextmanager
async def books(settings: Settings) -> AsyncIterator[Books]:
    """Open the books, and close them when the block ends; it raises what is unfit."""
    await require_fit_database(settings)
    async with connection_pool(settings.database_url) as pool:
        yield Books(
            log=PostgresEventStore(pool),
            outbox=PostgresOutbox(pool),
            inbox=PostgresInbox(pool),
            gaps=PostgresBusGaps(pool),
        )


@asynccontextmanager
async def publisher(settings: Settings, tell: Tell) -> AsyncIterator[Publisher]:
    """Open a publisher, and close it when the block ends.

    Raises:
        Unfit: the settings are strict, and the bus is unsafe or cannot be asked.

    """
    if settings.nats_strict:
        await check_bus(settings)
    lead = PostgresLeadership(
        settings.database_url, lease_s=settings.outbox_lease_ms / 1000
    )
    bus = NatsMessageBus(nats_access(settings), settings.stream_prefix)
    try:
        async with books(settings) as opened:
            yield Publisher(
                outbox=opened.outbox,
                log=opened.log,
                bus=bus,
                leadership=lead,
                gaps=opened.gaps,
                clock=SystemClock(),
                tell=tell,
                stream_age_s=MAX_AGE_S,
            )
    finally:
        await bus.aclose()
        await lead.give_up()


@asynccontextmanager
async def consumer(
    settings: Settings, name: str, tell: Tell
) -> AsyncIterator[Consumer]:
    """Open the consumer of that name, and close it when the block ends."""
    subscription = NatsSubscription(
        nats_access(settings), settings.stream_prefix, name, ack_wait_s=ACK_WAIT_S
    )
    try:
        async with books(settings) as opened:
            yield Consumer(
                name=name,
                handler=HANDLERS[name],
                log=opened.log,
                outbox=opened.outbox,
                inbox=opened.inbox,
                gaps=opened.gaps,
                subscription=subscription,
                tell=tell,
                patience=Patience(
                    silent_s=settings.consumer_silent_ms / 1000,
                    working_s=ACK_WAIT_S / 3,
                ),
            )
    finally:
        await subscription.aclose()
