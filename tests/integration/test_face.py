"""The face as a deployment has it: a server of its own, on real services (R-API-9, 10)."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from tests.conftest import access

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.world.accounts import Accounts
from pytest_sr.world.world import Template, World, world

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Face:
    """A server, a client of it that is a human, and what the server recorded."""

    client: httpx.AsyncClient
    world: World

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.world.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    async def loop_body(self) -> dict[str, object]:
        """What a request for a loop holds, under the directive that is in effect."""
        told = await self.client.get("/api/v1/governed-artifacts/SR-DIRECTIVE")
        return {"goal": "a goal", "directive_ref": told.json()["ref"]}

    async def loops(self) -> int:
        return len((await self.world.channel.rows())["loops"])


@pytest.fixture
async def face(stack: StackAddresses, worlds: Template) -> AsyncIterator[Face]:
    accounts = Accounts(stack.issuer)
    async with (
        world(stack, worlds, accounts, system="server", sandbox="plain") as made,
        httpx.AsyncClient(
            base_url=made.url,
            headers=await accounts.headers("human"),
            trust_env=False,
            timeout=30,
        ) as client,
    ):
        yield Face(client, made)


async def test_it_is_ready(face):
    answer = await face.client.get("/ready")

    assert answer.json()["checks"] != []
    assert answer.status_code == 200, answer.text


async def test_fifty_of_the_same_request_have_one_effect(face):
    headers = {"Idempotency-Key": "order-7"}

    body = await face.loop_body()

    answers = await asyncio.gather(
        *(
            face.client.post("/api/v1/loops", json=body, headers=headers)
            for _ in range(50)
        )
    )
    again = await face.client.post("/api/v1/loops", json=body, headers=headers)

    assert await face.loops() == 1
    done = {each.content for each in answers if each.status_code == 201}
    assert done == {again.content}
    assert {each.status_code for each in answers} <= {201, 409}


async def test_a_large_head_is_refused_as_a_problem(face):
    answer = await face.client.get("/health", headers={"X-Filler": 20_000 * "a"})

    assert answer.status_code == 431
    assert answer.json()["code"] == "HEADERS_TOO_LARGE"


async def test_a_large_body_is_not_read(face):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield 64 * 1024 * b" "

    answer = await face.client.post(
        "/api/v1/loops",
        content=endless(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 413
    assert answer.json()["code"] == "BODY_TOO_LARGE"


async def test_a_file_that_was_changed_comes_as_a_transfer_that_failed(face, stack):
    data = b"".join(number.to_bytes(8, "big") for number in range(400_000))
    made = await face.client.post(
        "/api/v1/attachments", files={"file": ("a.bin", data, "application/x-a")}
    )
    told = made.json()
    path = f"/api/v1/attachments/{told['attachment_id']}/content"
    whole = await face.client.get(path)
    key = f"sha256/{told['content_hash'].removeprefix('sha256:')}"
    changed = bytes([data[0] ^ 1]) + data[1:]
    admin = access(stack.s3, stack.s3.admin)
    admin.client(admin.pool()).put_object(
        face.world.buckets.attachments, key, io.BytesIO(changed), len(changed)
    )

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await face.client.get(path)

    assert whole.content == data


async def test_connections_that_say_nothing_are_in_nobodys_way(face):
    async with AsyncExitStack() as exits:
        for _ in range(200):
            _, writer = await asyncio.open_connection(*face.address)
            exits.push_async_callback(writer.wait_closed)
            exits.callback(writer.close)

        async with asyncio.timeout(5):
            answer = await face.client.get("/api/v1/whoami")

    assert answer.json()["actor_kind"] == "HUMAN"


async def test_what_was_done_is_what_the_metrics_say(face):
    await face.client.post("/api/v1/loops", json=await face.loop_body())
    await face.client.post("/api/v1/loops", json={})

    told = (await face.client.get("/api/v1/metrics")).json()["domain"]

    assert told["loops_created"] == await face.loops() == 1
    assert told["events_appended"] == await face.world.channel.position()
