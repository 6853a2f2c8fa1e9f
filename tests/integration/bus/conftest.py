"""A log and a bus of the test's own, with a hand on both."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import nats
import psycopg
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from pytest_sr.stack.addresses import StackAddresses
from sr_core.adapters.memory.leadership import MemoryLeadership
from sr_core.adapters.nats.bus import NatsAccess
from sr_core.adapters.nats.message_bus import POSITION_HEADER, NatsMessageBus
from sr_core.adapters.nats.streams import MAX_AGE_S, event_stream, remove_streams
from sr_core.adapters.nats.subscription import NatsSubscription
from sr_core.adapters.postgres.bus_gaps import PostgresBusGaps
from sr_core.adapters.postgres.connections import Pool, connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.inbox import PostgresInbox
from sr_core.adapters.postgres.outbox import PostgresOutbox
from sr_core.adapters.system import SystemClock
from sr_core.application.consumers import Consumer, Handler, Patience
from sr_core.application.notices import NAME, notices
from sr_core.application.outbox import Publisher
from sr_core.ports.leadership import Leadership
from sr_core.ports.message_bus import Message, MessageBus
from sr_core.ports.subscription import Subscription
from sr_core.testing import append_stops

DEADLINE_S = 30
WINDOW_S = 1.0


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds; another process, or the server, can say so in no other way."""
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():  # noqa: ASYNC110 - nothing tells us when
            await asyncio.sleep(0.02)


@dataclass(kw_only=True)
class Ground:
    """One log, one stream, and whoever works between them in this test."""

    dsn: str
    access: NatsAccess
    prefix: str
    pool: Pool
    said: list[str] = field(default_factory=list)

    @property
    def store(self) -> PostgresEventStore:
        return PostgresEventStore(self.pool)

    @property
    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self.pool)

    @property
    def inbox(self) -> PostgresInbox:
        return PostgresInbox(self.pool)

    @property
    def gaps(self) -> PostgresBusGaps:
        return PostgresBusGaps(self.pool)

    @property
    def bus(self) -> NatsMessageBus:
        return NatsMessageBus(self.access, self.prefix)

    async def append(self, count: int, *, loop: int = 1, after: int = 0) -> None:
        await append_stops(self.store, count, loop=loop, after=after)

    def publisher(
        self,
        bus: MessageBus | None = None,
        leadership: Leadership | None = None,
        *,
        batch: int = 10,
    ) -> Publisher:
        """A publisher that leads, if it is not told otherwise."""
        return Publisher(
            outbox=self.outbox,
            log=self.store,
            bus=bus or self.bus,
            leadership=leadership or MemoryLeadership([]),
            gaps=self.gaps,
            clock=SystemClock(),
            tell=self.said.append,
            stream_age_s=MAX_AGE_S,
            batch=batch,
        )

    async def publish_all(self) -> None:
        publisher = self.publisher()
        while (await publisher.round()).published:
            pass

    def consumer(
        self,
        subscription: Subscription | None = None,
        handler: Handler = notices,
        *,
        patience: Patience | None = None,
    ) -> Consumer:
        return Consumer(
            name=NAME,
            handler=handler,
            log=self.store,
            outbox=self.outbox,
            inbox=self.inbox,
            gaps=self.gaps,
            subscription=subscription or self.subscription(),
            tell=self.said.append,
            patience=patience
            or Patience(tries_max=3, backoff_s=0.01, silent_s=0.2, working_s=0.1),
        )

    def subscription(self, *, ack_wait_s: float = 1.0) -> NatsSubscription:
        return NatsSubscription(self.access, self.prefix, NAME, ack_wait_s=ack_wait_s)

    async def effects(self) -> list[int]:
        """The places in the log that had an effect, in the order of the effects."""
        return [each.position for each in await self.inbox.notices(after=0, limit=9999)]

    async def consume_all(self, consumer: Consumer, count: int) -> None:
        async def is_there() -> bool:
            await consumer.round(wait_s=0.1)
            return await self.inbox.position(NAME) >= count

        await eventually(is_there)

    @asynccontextmanager
    async def jetstream(self) -> AsyncIterator[JetStreamContext]:
        client = await nats.connect(
            self.access.url, user=self.access.user, password=self.access.password
        )
        try:
            yield client.jetstream()
        finally:
            await client.close()

    async def make_stream(self) -> None:
        wanted = event_stream(self.prefix)
        async with self.jetstream() as jetstream:
            await jetstream.add_stream(wanted.evolve(duplicate_window=WINDOW_S))

    async def stored(self) -> list[int]:
        """The places in the log that the stream's messages tell of, in their order."""
        name = f"{self.prefix}-events"
        found: list[int] = []
        async with self.jetstream() as jetstream:
            state = (await jetstream.stream_info(name)).state
            for stream_seq in range(max(state.first_seq, 1), state.last_seq + 1):
                try:
                    message = await jetstream.get_msg(name, seq=stream_seq)
                except NotFoundError:
                    continue
                if POSITION_HEADER in (message.headers or {}):
                    found.append(int((message.headers or {})[POSITION_HEADER]))
        return found

    async def window_has_passed(self) -> None:
        """Wait until the server has forgotten the ids that it has seen."""
        name = f"{self.prefix}-events"
        async with self.jetstream() as jetstream:
            last = await jetstream.get_last_msg(name, f"{self.prefix}.events.>")
        assert last.time is not None, "the server says when it stored it"
        clock, end = SystemClock(), last.time + timedelta(seconds=WINDOW_S + 0.2)

        async def is_past() -> bool:
            return clock.now() > end

        await eventually(is_past)

    def count(self, query: str) -> int:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "GROUND_DSN": self.dsn,
            "GROUND_URL": self.access.url,
            "GROUND_USER": self.access.user,
            "GROUND_WORD": self.access.password,
            "GROUND_PREFIX": self.prefix,
        }

    async def process(self, mode: str) -> asyncio.subprocess.Process:
        """Start the program of this test that does what `mode` names, and then dies."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(Path(__file__).parent / "bus_programs.py"),
            mode,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
        )

    async def killed(self, mode: str) -> None:
        """Run it until it has killed itself, as it was told to."""
        process = await self.process(mode)
        assert await process.wait() == -signal.SIGKILL


@asynccontextmanager
async def ground_on(dsn: str, access: NatsAccess) -> AsyncIterator[Ground]:
    prefix = f"case-{os.getpid()}-{secrets.token_hex(4)}"
    async with connection_pool(dsn) as pool:
        ground = Ground(dsn=dsn, access=access, prefix=prefix, pool=pool)
        await ground.make_stream()
        yield ground


@pytest.fixture
def eventual() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """How to wait until something holds."""
    return eventually


@pytest.fixture
def ground_over() -> Callable[[str, NatsAccess], AbstractAsyncContextManager[Ground]]:
    """How a ground is made over services that the test chooses."""
    return ground_on


@pytest.fixture
async def ground(stack: StackAddresses, database: str) -> AsyncIterator[Ground]:
    access = NatsAccess(
        url=stack.nats.url, user=stack.nats.user, password=stack.nats.password
    )
    async with ground_on(database, access) as made:
        yield made
        await remove_streams(access, made.prefix)


class Copied:
    """What the stream takes from whoever does not say how it has to end."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def publish(self, messages: list[Message]) -> None:
        async with self._ground.jetstream() as jetstream:
            for each in messages:
                await jetstream.publish(
                    f"{self._ground.prefix}.{each.topic.removeprefix('sr.')}",
                    each.body,
                    headers={
                        "Nats-Msg-Id": each.event_id,
                        POSITION_HEADER: str(each.position),
                    },
                )


@pytest.fixture
def unfenced(ground: Ground) -> Copied:
    """The bus as a publisher has it that trusts the window of duplicates."""
    return Copied(ground)
