"""Programs that die, or stop, at one point of their work: `python bus_programs.py MODE`.

before-publish, in-publish, after-publish, after-mark   a publisher of the outbox
stopped                                                 one that stops before publishing
before-commit, before-ack                               a consumer of the bus
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from sr_core.adapters.nats.bus import NatsAccess
from sr_core.adapters.nats.message_bus import NatsMessageBus
from sr_core.adapters.nats.streams import MAX_AGE_S
from sr_core.adapters.nats.subscription import NatsSubscription
from sr_core.adapters.postgres.bus_gaps import PostgresBusGaps
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.inbox import PostgresInbox
from sr_core.adapters.postgres.leadership import PostgresLeadership
from sr_core.adapters.postgres.outbox import PostgresOutbox
from sr_core.adapters.system import SystemClock
from sr_core.application.consumers import Consumer
from sr_core.application.notices import NAME, notices
from sr_core.application.outbox import Publisher
from sr_core.ports.event_store import StoredEvent
from sr_core.ports.inbox import Effect
from sr_core.ports.message_bus import Message
from sr_core.ports.outbox import Mark

LEASE_S = 1.0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingBus(NatsMessageBus):
    mode: str

    async def publish(self, messages: Sequence[Message], *, after: int) -> None:
        if self.mode == "before-publish":
            die()
        if self.mode == "in-publish":
            await super().publish(messages[:2], after=after)
            die()
        if self.mode == "stopped":
            os.kill(os.getpid(), signal.SIGSTOP)
        await super().publish(messages, after=after)
        if self.mode == "after-publish":
            die()


class DyingOutbox(PostgresOutbox):
    mode: str

    async def mark(self, marks: Sequence[Mark]) -> None:
        await super().mark(marks)
        if self.mode == "after-mark":
            die()


class DyingInbox(PostgresInbox):
    mode: str

    async def apply(
        self, consumer: str, event: StoredEvent, effects: Sequence[Effect]
    ) -> bool:
        if self.mode == "before-commit":
            die()
        done = await super().apply(consumer, event, effects)
        if self.mode == "before-ack":
            die()
        return done


async def main(mode: str) -> None:
    access = NatsAccess(
        url=os.environ["GROUND_URL"],
        user=os.environ["GROUND_USER"],
        password=os.environ["GROUND_WORD"],
    )
    prefix, dsn = os.environ["GROUND_PREFIX"], os.environ["GROUND_DSN"]
    bus, lead = DyingBus(access, prefix), PostgresLeadership(dsn, lease_s=LEASE_S)
    async with connection_pool(dsn) as pool:
        outbox, inbox = DyingOutbox(pool), DyingInbox(pool)
        bus.mode = outbox.mode = inbox.mode = mode
        log, gaps = PostgresEventStore(pool), PostgresBusGaps(pool)
        if mode in {"before-commit", "before-ack"}:
            consumer = Consumer(
                name=NAME,
                handler=notices,
                log=log,
                outbox=outbox,
                inbox=inbox,
                gaps=gaps,
                subscription=NatsSubscription(access, prefix, NAME, ack_wait_s=1.0),
                tell=tell,
            )
            while True:
                await consumer.round(wait_s=1)
        publisher = Publisher(
            outbox=outbox,
            log=log,
            bus=bus,
            leadership=lead,
            gaps=gaps,
            clock=SystemClock(),
            tell=tell,
            stream_age_s=MAX_AGE_S,
            batch=5,
        )
        try:
            await publisher.round()
        finally:
            await bus.aclose()
            await lead.give_up()


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 - whoever started it wants to know
        tell(type(error).__name__)
        sys.exit(1)
