"""`sr worker outbox`, `sr worker notices` and what operators ask, as processes."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from nats.js.api import DiscardPolicy, StorageType

from pytest_sr.world.world import Buckets, environment
from sr_core.adapters.nats.durability import unsafe_facts
from sr_core.adapters.nats.streams import check_streams, event_stream
from sr_core.application.notices import NAME
from sr_core.bootstrap.bus import publisher
from sr_core.bootstrap.compose import check_bus
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli import bus_books
from sr_core.domain.errors import NotFound
from sr_core.ports.errors import Unfit

pytestmark = pytest.mark.anyio


def a_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.fixture
def told(ground, stack, bus_database) -> Mapping[str, str]:
    """The settings of a deployment over the ground, for who works at the bus."""
    return {
        **environment(stack, "x", Buckets("case"), sandbox="plain"),
        "SR_DATABASE_URL": bus_database,
        "SR_NATS_STREAM_PREFIX": ground.prefix,
        "SR_NATS_MONITOR_URL": stack.nats.monitor_url,
        "SR_OUTBOX_POLL_INTERVAL_MS": "20",
        "SR_OUTBOX_HEALTH_PORT": a_port(),
        "SR_CONSUMER_HEALTH_PORT": a_port(),
    }


@asynccontextmanager
async def sr(told: Mapping[str, str], *arguments: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "sr_core.cli",
        *arguments,
        env={"PATH": "/usr/bin:/bin", **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def asked(port: str, path: str = "/health") -> httpx.Response | None:
    async with httpx.AsyncClient() as client:
        try:
            return await client.get(f"http://127.0.0.1:{port}{path}", timeout=30)
        except httpx.TransportError:
            return None


async def test_what_is_appended_is_published_and_comes_to_a_feed(
    ground, told, eventual, capsys
):
    async with sr(told, "worker", "outbox") as outbox, sr(told, "worker", "notices"):
        await ground.append(5)

        async def is_told() -> bool:
            return bool(await ground.effects() == [1, 2, 3, 4, 5])

        await eventual(is_told)

        async def is_drained() -> bool:
            answer = await asked(told["SR_OUTBOX_HEALTH_PORT"])
            return answer is not None and 'outbox_depth": 0' in answer.text

        await eventual(is_drained)
        answer = await asked(told["SR_OUTBOX_HEALTH_PORT"])
        metrics = await asked(told["SR_OUTBOX_HEALTH_PORT"], "/metrics")
        outbox.send_signal(signal.SIGTERM)
        output, _ = await outbox.communicate()

    assert answer is not None
    assert answer.status_code == 200
    assert answer.json()["is_leader"] is True
    assert metrics is not None
    assert "sr_outbox_depth 0\n" in metrics.text
    assert "sr_outbox_oldest_seconds" in metrics.text
    assert outbox.returncode == 0
    assert output.decode().splitlines()[-1] == "stopped"
    assert await ground.stored() == [1, 2, 3, 4, 5]
    assert await bus_books.run_notices(("--after", "3"), told) == 0
    feed = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["position"] for line in feed] == [4, 5]


async def test_the_publisher_is_unhealthy_while_the_bus_is_away(ground, told, eventual):
    away = {**told, "SR_NATS_URL": "nats://127.0.0.1:1", "SR_OUTBOX_AGE_MAX_S": "1"}
    async with sr(away, "worker", "outbox"):
        await ground.append(2)

        async def is_ill() -> bool:
            answer = await asked(told["SR_OUTBOX_HEALTH_PORT"])
            return (
                answer is not None
                and answer.status_code == 503
                and (answer.json().get("outbox_depth") == 2)
            )

        await eventual(is_ill)


async def test_an_event_that_waits_too_long_is_an_alarm(ground, told, eventual):
    """R-OUT-9: depth and age alarm, though every round goes well."""
    await ground.append(2)
    async with publisher(parse_settings(told), ground.said.append) as leading:
        assert await leading.leadership.hold()
        late = {**told, "SR_OUTBOX_AGE_MAX_S": "1"}
        async with sr(late, "worker", "outbox"):

            async def is_late() -> bool:
                answer = await asked(told["SR_OUTBOX_HEALTH_PORT"])
                return answer is not None and "events wait" in str(answer.json())

            await eventual(is_late)


async def test_an_operator_sees_and_replays(ground, told, capsys):
    await ground.append(2)
    (first, _) = await ground.outbox.unpublished(2)
    await ground.inbox.lay_aside(NAME, first.event, "no")

    async def shown(act, *arguments: str) -> str:
        assert await act(arguments, told) == 0
        return str(capsys.readouterr().out)

    letter = json.loads(await shown(bus_books.run_dead_letter, "list"))
    again = ("replay", letter["consumer"], letter["event_id"])
    await shown(bus_books.run_dead_letter, *again)
    with pytest.raises(NotFound, match="dead letter that waits"):
        await bus_books.run_dead_letter(again, told)

    assert letter["event_id"] == first.event.event_id
    assert await ground.effects() == [1]
    assert json.loads(await shown(bus_books.run_outbox, "status"))["depth"] == 2
    await ground.publish_all()
    assert (
        await shown(bus_books.run_outbox, "prune")
        == "removed 0 rows that were published and verified\n"
    )
    assert await shown(bus_books.run_outbox, "gaps") == ""


class TestWhetherTheBusIsSafe:
    """R-OUT-10: told, and with strict settings refused."""

    @pytest.fixture
    async def settings(self, ground, told):
        async with ground.jetstream() as jetstream:
            await jetstream.update_stream(event_stream(ground.prefix))
        return parse_settings(told)

    async def test_one_that_is_as_it_should_be(self, settings):
        assert await check_bus(settings) == ()
        async with publisher(replace(settings, nats_strict=True), print):
            pass

    @pytest.mark.parametrize(
        ("wrong", "fact"),
        [
            ({"nats_replicas": 3}, "1 of 3 replicas"),
            ({"nats_monitor_url": ""}, "SR_NATS_MONITOR_URL is not set"),
            ({"nats_monitor_url": "http://127.0.0.1:1"}, "tells nothing"),
        ],
    )
    async def test_one_that_is_not(self, settings, wrong, fact):
        unsafe = replace(settings, **wrong)

        (note,) = await check_bus(unsafe)
        assert fact in note
        assert note.startswith("bus-unsafe: ")
        with pytest.raises(Unfit, match="bus-unsafe"):
            await check_bus(replace(unsafe, nats_strict=True))
        with pytest.raises(Unfit, match="bus-unsafe"):
            async with publisher(replace(unsafe, nats_strict=True), print):
                pass

    @pytest.mark.usefixtures("settings")
    async def test_one_that_acknowledges_before_it_syncs(self, ground):
        async def answer(_, writer: asyncio.StreamWriter) -> None:
            body = b'{"jetstream":{"config":{"sync_interval":120000000000}}}'
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            facts = await unsafe_facts(
                ground.access,
                ground.prefix,
                replicas=1,
                monitor_url=f"http://127.0.0.1:{port}",
            )

        assert facts == (
            "the server acknowledges before it syncs: set sync_interval to always",
        )

    @pytest.mark.parametrize(
        ("wrong", "fact"),
        [
            ({"max_bytes": 10_000_000}, "max_bytes"),
            ({"max_msgs": 7}, "max_msgs"),
            ({"discard": DiscardPolicy.NEW}, "discard"),
            ({"max_age": 3600.0}, "max_age"),
        ],
    )
    async def test_a_stream_of_other_settings(self, settings, ground, wrong, fact):
        async with ground.jetstream() as jetstream:
            await jetstream.update_stream(event_stream(ground.prefix).evolve(**wrong))

        with pytest.raises(Unfit, match=fact):
            await check_streams(ground.access, settings.stream_prefix)

    async def test_a_stream_that_is_not_on_file(self, settings, ground):
        name = f"{ground.prefix}-events"
        async with ground.jetstream() as jetstream:
            await jetstream.delete_stream(name)
            kept = event_stream(ground.prefix).evolve(storage=StorageType.MEMORY)
            await jetstream.add_stream(kept)

        with pytest.raises(Unfit, match="storage"):
            await check_bus(settings)
