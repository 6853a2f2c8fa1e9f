"""R-API-17: a running platform whose services go away one by one, and come back."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.world.world import Buckets, environment
from sr_core.api.app import build_app
from sr_core.bootstrap.compose import drop_streams, make_streams, running
from sr_core.bootstrap.settings import Settings, parse_settings

pytestmark = pytest.mark.anyio

NAMES = ("postgresql", "minio", "nats")
ANSWER_S_MAX = 6.0


@pytest.fixture
async def links(
    stack: StackAddresses, app_database: str, cable
) -> AsyncIterator[Mapping[str, Any]]:
    """A cable in front of each service."""
    addresses = {
        "postgresql": urlsplit(app_database),
        "minio": urlsplit(f"//{stack.s3.endpoint}"),
        "nats": urlsplit(stack.nats.url),
    }
    made = {
        name: cable(str(at.hostname), int(at.port or 0))
        for name, at in addresses.items()
    }
    for each in made.values():
        await each.plug()
    yield made
    for each in made.values():
        await each.pull()


@pytest.fixture
async def settings(
    stack: StackAddresses, app_database: str, bucket, links: Mapping[str, Any]
) -> AsyncIterator[Settings]:
    """A deployment that reaches its services by the cables."""
    buckets = Buckets("case")
    buckets.evidence = buckets.candidates = bucket.name
    told = {
        **environment(stack, "x", buckets, sandbox="plain"),
        "SR_DATABASE_URL": app_database,
        "SR_NATS_STREAM_PREFIX": f"case-{secrets.token_hex(4)}",
    }
    direct = parse_settings(told)
    await make_streams(direct)
    parts = urlsplit(app_database)
    netloc = parts.netloc.replace(f":{parts.port}", f":{links['postgresql'].port}")
    yield replace(
        direct,
        attachments_bucket=bucket.name,
        restricted_bucket=bucket.name,
        database_url=parts._replace(netloc=netloc).geturl(),
        minio_endpoint=f"127.0.0.1:{links['minio'].port}",
        nats_url=f"nats://127.0.0.1:{links['nats'].port}",
    )
    await drop_streams(direct)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever asks the running platform."""
    async with running(settings) as run:
        app = build_app(run.platform, run.identity, run.dependencies)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://sr") as made:
            yield made


async def ready(client: httpx.AsyncClient) -> tuple[int, set[str]]:
    """Return the status, and the names of what is unhealthy."""
    began = time.monotonic()
    answer = await client.get("/ready")
    assert time.monotonic() - began < ANSWER_S_MAX
    checks = {each["name"]: each for each in answer.json()["checks"]}
    assert checks.keys() == set(NAMES)
    ill = {name for name, each in checks.items() if each["status"] != "healthy"}
    assert all(checks[name]["error"] for name in ill)
    return answer.status_code, ill


@pytest.mark.parametrize("name", NAMES)
async def test_each_is_named_while_it_is_away_and_forgotten_when_it_is_back(
    client, links, name
):
    assert await ready(client) == (200, set())

    await links[name].pull()
    assert await ready(client) == (503, {name})
    assert (await client.get("/health")).status_code == 200

    await links[name].plug()
    assert await ready(client) == (200, set())


async def test_all_that_are_away_are_named(client, links):
    await links["minio"].pull()
    await links["nats"].pull()

    assert await ready(client) == (503, {"minio", "nats"})
