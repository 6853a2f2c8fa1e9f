"""R-OUT-5 to 8: a consumer to which everything happens, over real services."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import nats.errors
import pytest

from pytest_sr.stack.binaries import NATS, resolve
from pytest_sr.stack.nats import plan
from pytest_sr.stack.ports import PortBook
from sr_core.adapters.nats.bus import NatsAccess
from sr_core.application.consumers import Patience, Replays
from sr_core.application.notices import NAME, notices
from sr_core.codec.message import MESSAGE_BYTES_MAX, message
from sr_core.domain.errors import NotFound
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import StoredEvent
from sr_core.ports.inbox import Effect

pytestmark = pytest.mark.anyio


class Forgetful:
    """A delivery whose acknowledgements are lost, and the end of the bus it comes from."""

    def __init__(self, subscription) -> None:
        self._subscription = subscription
        self.deliveries = 0

    async def next(self, *, wait_s: float):
        delivery = await self._subscription.next(wait_s=wait_s)
        if delivery is not None:
            self.deliveries += 1
            delivery.done = self._lost
        return delivery

    async def is_held(self) -> bool:
        return bool(await self._subscription.is_held())

    async def _lost(self) -> None:
        """Say nothing to the bus."""


class TestEffects:
    """R-OUT-5: each event has its effect once, however often it comes, to whomever."""

    @pytest.mark.parametrize("point", ["before-commit", "before-ack"])
    async def test_one_that_was_killed_is_followed_by_one_that_goes_on(
        self, ground, point
    ):
        await ground.append(3)
        await ground.publish_all()

        await ground.killed(point)
        await ground.consume_all(ground.consumer(), 3)

        assert await ground.effects() == [1, 2, 3]

    async def test_ten_deliveries_have_one_effect(self, ground):
        await ground.append(1)
        await ground.publish_all()
        forgetful = Forgetful(ground.subscription(ack_wait_s=0.1))
        consumer = ground.consumer(forgetful)

        while forgetful.deliveries < 10:
            await consumer.round(wait_s=1)

        assert await ground.effects() == [1]

    async def test_control_without_an_inbox_each_delivery_has_its_effect(self, ground):
        await ground.append(1)
        await ground.publish_all()
        forgetful = Forgetful(ground.subscription(ack_wait_s=0.1))
        effects = []

        while forgetful.deliveries < 10:
            delivery = await forgetful.next(wait_s=1)
            if delivery is not None:
                effects.append(delivery.position)
                await delivery.done()

        assert effects == [1] * 10

    async def test_control_who_acknowledges_first_loses(self, ground):
        await ground.append(2)
        await ground.publish_all()
        subscription = ground.subscription()

        first = await subscription.next(wait_s=1)
        await first.done()  # and dies before the effect
        second = await subscription.next(wait_s=1)

        assert (first.position, second.position) == (1, 2)

    async def test_two_instances_make_one_effect_of_each_and_see_no_gap(self, ground):
        await ground.append(40)
        await ground.publish_all()
        two = [ground.consumer(), ground.consumer()]

        await asyncio.gather(*(ground.consume_all(each, 40) for each in two))

        assert await ground.effects() == [*range(1, 41)]
        assert await ground.gaps.all(limit=9) == []

    async def test_a_long_one_is_not_delivered_to_another(self, ground):
        await ground.append(1)
        await ground.publish_all()
        begun = []

        async def long(event: StoredEvent) -> Sequence[Effect]:
            begun.append(event.position)
            await asyncio.sleep(1.0)  # more than three times what the bus waits
            return await notices(event)

        two = [
            ground.consumer(ground.subscription(ack_wait_s=0.3), long) for _ in range(2)
        ]
        await asyncio.gather(*(ground.consume_all(each, 1) for each in two))

        assert begun == [1]
        assert await ground.effects() == [1]


class TestPoison:
    """R-OUT-6: so many tries, then aside with it; the others go on; a replay, once."""

    async def test_an_event_whose_handler_fails_is_laid_aside(self, ground):
        await ground.append(4)
        await ground.publish_all()
        tried = []

        async def fails(event: StoredEvent) -> Sequence[Effect]:
            tried.append(event.position)
            if event.position == 2:
                message = "no"
                raise RuntimeError(message)
            return await notices(event)

        await ground.consume_all(ground.consumer(handler=fails), 4)

        assert tried == [1, 2, 2, 2, 3, 4]
        assert await ground.effects() == [1, 3, 4]
        (letter,) = await ground.inbox.dead_letters(limit=9)
        assert (letter.position, letter.tries) == (2, 3)
        assert letter.error == "RuntimeError: no"
        replays = Replays(
            log=ground.store, inbox=ground.inbox, handlers={NAME: notices}
        )
        await replays.replay(NAME, letter.event_id)
        with pytest.raises(NotFound):
            await replays.replay(NAME, letter.event_id)
        assert await ground.effects() == [1, 3, 4, 2]

    @pytest.mark.parametrize(
        "body", [b"{", b"[]", b"{}", b"x" * (MESSAGE_BYTES_MAX + 1)]
    )
    async def test_what_cannot_be_read_is_taken_from_the_log(self, ground, body):
        await ground.append(2)
        await self.put(ground, body, position=2)

        await ground.consume_all(ground.consumer(), 2)

        assert await ground.effects() == [1, 2]
        (gap,) = await ground.gaps.all(limit=9)
        assert gap.gap.why == "a message could not be read"
        assert gap.healed_at is not None

    async def test_one_of_an_unknown_schema_is_laid_aside(self, ground):
        await ground.append(3)
        await self.put(ground, b'{"schema_version":"2.0"}', position=2)

        await ground.consume_all(ground.consumer(), 2)

        assert await ground.effects() == [1]
        (letter,) = await ground.inbox.dead_letters(limit=9)
        assert letter.position == 2
        assert "'2.0'" in letter.error

    async def test_what_the_log_does_not_bear_out_has_no_effect(self, ground):
        await ground.append(2)
        (first, second) = await ground.outbox.unpublished(2)
        told = message(second.topic, second.event).body
        forged = told.replace(b'"message_type"', b'"message_typo"')
        later = message(first.topic, first.event).body
        await self.put(ground, forged, position=None)
        await self.put(ground, later, position=99)

        consumer = ground.consumer()
        while await consumer.round(wait_s=0.1):
            pass

        assert await ground.effects() == [1]

    async def put(self, ground, body: bytes, *, position: int | None) -> None:
        headers = {} if position is None else {"Sr-Global-Seq": str(position)}
        async with ground.jetstream() as jetstream:
            await jetstream.publish(
                f"{ground.prefix}.events.LOOP.StopTriggered", body, headers=headers
            )


class TestABusThatLost:
    """R-OUT-8: gaps are noticed, told, and healed from the log."""

    @pytest.mark.parametrize("loss", ["middle", "purged", "deleted", "silent"])
    async def test_the_effects_are_those_of_the_log(self, ground, loss):
        await ground.append(6)
        await ground.publish_all()
        name = f"{ground.prefix}-events"
        async with ground.jetstream() as jetstream:
            if loss == "middle":
                await jetstream.delete_msg(name, 3)
                await jetstream.delete_msg(name, 4)
            elif loss == "deleted":
                await jetstream.delete_stream(name)
                await ground.make_stream()
            else:
                await jetstream.purge_stream(name)
        if loss in {"purged", "deleted"}:
            await ground.append(2, after=6)
            await ground.publish_all()
        count = 8 if loss in {"purged", "deleted"} else 6

        await ground.consume_all(ground.consumer(), count)

        assert await ground.effects() == [*range(1, count + 1)]
        mine = [
            each
            for each in await ground.gaps.all(limit=9)
            if each.gap.noticed_by == NAME
        ]
        (gap,) = mine
        span = {"middle": (3, 4), "purged": (1, 6), "deleted": (1, 6), "silent": (1, 6)}
        assert (gap.gap.first, gap.gap.last) == span[loss]
        assert gap.healed_at is not None

    async def test_control_who_trusts_the_bus_alone_misses(self, ground):
        await ground.append(6)
        await ground.publish_all()
        async with ground.jetstream() as jetstream:
            await jetstream.delete_msg(f"{ground.prefix}-events", 3)

        assert await heard(ground.subscription()) == [1, 2, 4, 5, 6]

    async def test_a_bus_that_is_away_is_done_without(self, ground):
        away = ground.consumer(
            type(ground.subscription())(
                NatsAccess(url="nats://127.0.0.1:1"), ground.prefix, NAME
            ),
            patience=Patience(silent_s=0.2),
        )
        await ground.append(3)

        async with asyncio.timeout(30):
            while await ground.effects() != [1, 2, 3]:
                with pytest.raises(Unavailable):
                    await away.round(wait_s=0.1)


async def heard(subscription) -> list[int]:
    """The positions that the bus alone brings."""
    found = []
    while (delivery := await subscription.next(wait_s=0.3)) is not None:
        found.append(delivery.position)
        await delivery.done()
    return found


class Server:
    """A NATS server of the test's own, with its store in reach."""

    def __init__(self, directory: Path) -> None:
        self._plan = plan(resolve(NATS, os.environ).path, directory, PortBook())
        self.store = directory / "jetstream"
        self._process: asyncio.subprocess.Process | None = None
        address = self._plan.address
        self.access = NatsAccess(
            url=address.url, user=address.user, password=address.password
        )

    async def start(self) -> None:
        launch = self._plan.launch
        self._process = await asyncio.create_subprocess_exec(
            *launch.argv,
            env=launch.environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(30):
            while not await self._answers():  # noqa: ASYNC110 - nothing tells us when
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        assert self._process is not None, "it was started"
        self._process.send_signal(signal.SIGTERM)
        await self._process.wait()

    async def flip_a_bit(self) -> None:
        """Let one bit in the middle of the messages be another, while nobody looks."""
        await self.stop()
        (block,) = self.store.rglob("*.blk")
        data = bytearray(block.read_bytes())
        data[len(data) // 2] ^= 1
        block.write_bytes(data)
        await self.start()

    async def _answers(self) -> bool:
        with suppress(OSError, nats.errors.Error):
            client = await nats.connect(
                self.access.url,
                user=self.access.user,
                password=self.access.password,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.05,
                error_cb=_nothing,
            )
            with suppress(nats.errors.Error):
                await client.jetstream().account_info()
                await client.close()
                return True
            await client.close()
        return False


async def _nothing(_: Exception) -> None:
    """Errors reach us as exceptions."""


class TestAStoreThatLost:
    """R-OUT-8: what nobody but the disk did, with the server restarted over it."""

    @pytest.fixture
    async def server(self, tmp_path) -> AsyncIterator[Server]:
        made = Server(tmp_path)
        await made.start()
        yield made
        await made.stop()

    @pytest.fixture
    async def own(self, database, server, ground_over):
        async with ground_over(database, server.access) as made:
            yield made

    async def test_a_flipped_bit(self, own, server):
        await own.append(60)
        await own.publish_all()
        await server.flip_a_bit()
        kept = await own.stored()
        assert len(kept) < 60, "the bit did harm; else this shows nothing"

        await own.append(5, after=60)
        await own.publish_all()
        await own.consume_all(own.consumer(), 65)

        assert await own.effects() == [*range(1, 66)]
        gaps = await own.gaps.all(limit=9)
        assert any(each.gap.noticed_by == NAME and each.healed_at for each in gaps)

    async def test_control_the_bus_alone_does_not_bring_what_the_bit_took(
        self, own, server
    ):
        await own.append(60)
        await own.publish_all()
        await server.flip_a_bit()

        assert await heard(own.subscription()) != [*range(1, 61)]

    async def test_an_old_copy(self, own, server, tmp_path):
        await own.append(5)
        await own.publish_all()
        await server.stop()
        shutil.copytree(server.store, tmp_path / "copy")
        await server.start()
        await own.append(5, after=5)
        await own.publish_all()
        await server.stop()
        shutil.rmtree(server.store)
        shutil.copytree(tmp_path / "copy", server.store)
        await server.start()

        await own.append(2, after=10)
        await own.publish_all()
        await own.consume_all(own.consumer(), 12)

        assert await own.stored() == [1, 2, 3, 4, 5, 11, 12]
        assert await own.effects() == [*range(1, 13)]
        noticed = {
            (each.gap.noticed_by, each.gap.first, each.gap.last)
            for each in await own.gaps.all(limit=9)
        }
        assert noticed == {("outbox-publisher", 6, 10), (NAME, 6, 10)}
