"""The processes at the bus: a publisher, a consumer, and the control's publisher.

    python -m bench.faults.bus_process   <- one line of JSON: role, environment

`publisher` is that of `sr worker outbox`. `consumer` is the platform's consumer with a
handler that leaves a notice of every event, so that what it did can be held against the
log. `naive` is the control: it marks an event before it publishes it. Each ends when its
input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Final

import nats
import nats.errors
import psycopg

from sr_core.adapters.nats.subscription import NatsSubscription
from sr_core.adapters.postgres.bus_gaps import PostgresBusGaps
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.inbox import PostgresInbox
from sr_core.adapters.postgres.outbox import PostgresOutbox
from sr_core.application.consumers import PREFIX, Consumer, Patience
from sr_core.bootstrap.bus import publisher
from sr_core.bootstrap.compose import nats_access
from sr_core.bootstrap.settings import Settings, parse_settings
from sr_core.cli.bus_workers import publish, rounds
from sr_core.cli.health import Pulse
from sr_core.ports.event_store import StoredEvent
from sr_core.ports.inbox import Notice
from sr_core.testing import NOON

CONSUMER: Final = f"{PREFIX}faults"
WAIT_S: Final = 0.2
SILENT_S: Final = 2.0
ACK_WAIT_S: Final = 2.0
BATCH: Final = 20
REST_S: Final = 0.05
ANSWER_S: Final = 0.5
WORK_S: Final = 0.03
"""What the control takes to make a message, so that it is killed at work, not at rest."""
NEXT: Final = """
WITH marked AS (
    INSERT INTO naive_marks
    SELECT global_seq FROM es.events
     WHERE global_seq > (SELECT coalesce(max(global_seq), 0) FROM naive_marks)
     ORDER BY global_seq LIMIT %s RETURNING global_seq)
SELECT global_seq FROM marked ORDER BY global_seq
"""


async def main() -> None:
    """Do what the first line says until the input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    task = json.loads(await reader.readline())
    work = asyncio.create_task(
        _ROLES[task["role"]](parse_settings(task["environment"]))
    )
    ended = asyncio.create_task(reader.read())
    await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()  # it never ends by itself, so this raises
    work.cancel()


async def _publisher(settings: Settings) -> None:
    async with publisher(settings, _tell) as parts:
        parts.look_s = SILENT_S
        await publish(parts, Pulse(), settings)


async def _consumer(settings: Settings) -> None:
    subscription = NatsSubscription(
        nats_access(settings), settings.stream_prefix, CONSUMER, ack_wait_s=ACK_WAIT_S
    )
    async with connection_pool(settings.database_url) as pool:
        consumer = Consumer(
            name=CONSUMER,
            handler=_notice,
            log=PostgresEventStore(pool),
            outbox=PostgresOutbox(pool),
            inbox=PostgresInbox(pool),
            gaps=PostgresBusGaps(pool),
            subscription=subscription,
            tell=_tell,
            patience=Patience(silent_s=SILENT_S),
        )

        async def step() -> bool:
            return await consumer.round(wait_s=WAIT_S)

        await rounds(step, Pulse())


async def _notice(event: StoredEvent) -> Sequence[Notice]:
    return (Notice(portal="", subject=event.stream_id, asks="", occurred_at=NOON),)


async def _naive(settings: Settings) -> None:
    """Mark, then publish, and never look back."""
    subject = f"naive.{settings.stream_prefix}"
    async with await psycopg.AsyncConnection.connect(
        settings.database_url, autocommit=True
    ) as connection:
        bus = await nats.connect(
            settings.nats_url,
            user=settings.nats_user,
            password=settings.nats_password,
            max_reconnect_attempts=-1,
            reconnect_time_wait=REST_S,
            error_cb=_ignore,
        )
        while True:
            found = await (await connection.execute(NEXT, (BATCH,))).fetchall()
            for (position,) in found:
                await asyncio.sleep(WORK_S)
                try:
                    await bus.jetstream().publish(
                        subject, str(position).encode(), timeout=ANSWER_S
                    )
                except nats.errors.Error:
                    continue  # it is marked, so nobody publishes it again
            if not found:
                await asyncio.sleep(REST_S)


async def _ignore(_: Exception) -> None:
    """Leave the error to the call that met it."""


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


_ROLES: Final = {"publisher": _publisher, "consumer": _consumer, "naive": _naive}

if __name__ == "__main__":
    asyncio.run(main())
