"""SPEC 14.2, R-API-17: each dependency off, slow or wrong is found out, and it alone."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import httpx
import nats
import pytest
from nats.js.api import StreamConfig

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.world.world import Buckets, environment
from sr_core.adapters.nats.bus import NatsAccess
from sr_core.adapters.nats.streams import ensure_streams, missing_streams
from sr_core.api.app import build_app
from sr_core.application.health import Dependency
from sr_core.bootstrap.compose import dependencies, drop_streams, make_streams
from sr_core.bootstrap.settings import Settings, parse_settings
from sr_core.testing import Stage, TokenTable

pytestmark = pytest.mark.anyio

NAMES = ("postgresql", "minio", "nats")
ANSWER_S_MAX = 6.0
OTHER_WORD = secrets.token_hex(12)


@pytest.fixture
async def settings(
    stack: StackAddresses, app_database: str, bucket
) -> AsyncIterator[Settings]:
    """A deployment in which everything is as it has to be."""
    buckets = Buckets("case")
    buckets.evidence = buckets.candidates = buckets.attachments = bucket.name
    buckets.restricted = bucket.name
    told = {
        **environment(stack, "x", buckets, sandbox="plain"),
        "SR_DATABASE_URL": app_database,
        "SR_NATS_STREAM_PREFIX": f"case-{secrets.token_hex(4)}",
    }
    made = parse_settings(told)
    await make_streams(made)
    yield made
    await drop_streams(made)


async def asked(settings: Settings) -> tuple[int, Mapping[str, Mapping[str, object]]]:
    """Ask a platform of these settings whether it is ready."""
    return await asked_of(*dependencies(settings))


async def asked_of(
    *needed: Dependency,
) -> tuple[int, Mapping[str, Mapping[str, object]]]:
    app = build_app(Stage().platform, TokenTable({}), needed)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://sr") as client:
        began = time.monotonic()
        answer = await client.get("/ready")
    assert time.monotonic() - began < ANSWER_S_MAX
    told = answer.json()
    assert told["ready"] is (answer.status_code == 200)
    return answer.status_code, {each["name"]: each for each in told["checks"]}


async def assert_only(settings: Settings, culprit: str, cause: str) -> None:
    status, checks = await asked(settings)

    assert status == 503
    assert {name: each["status"] for name, each in checks.items()} == {
        name: "unhealthy" if name == culprit else "healthy" for name in NAMES
    }
    error = str(checks[culprit]["error"])
    assert cause in error
    for secret in settings.secrets:
        assert secret not in error


@asynccontextmanager
async def black_hole() -> AsyncIterator[str]:
    """An address that takes connections and never says a word."""
    taken: list[asyncio.StreamWriter] = []

    async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        for writer in taken:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        server.close()
        await server.wait_closed()


CLOSED = "127.0.0.1:9"


def moved(settings: Settings, culprit: str, address: str) -> Settings:
    """The same deployment with one service at another address."""
    match culprit:
        case "postgresql":
            url = f"postgresql://sr:a-pass-word@{address}/sr"
            return replace(settings, database_url=url)
        case "minio":
            return replace(settings, minio_endpoint=address)
        case _:
            return replace(settings, nats_url=f"nats://{address}")


async def test_with_all_of_them_it_is_ready(settings):
    status, checks = await asked(settings)

    assert status == 200
    assert [each["error"] for each in checks.values()] == [None] * 3
    assert tuple(checks) == NAMES


@pytest.mark.parametrize("culprit", NAMES)
async def test_one_that_is_off_is_named_and_comes_back(settings, culprit):
    await assert_only(moved(settings, culprit, CLOSED), culprit, "")

    status, _ = await asked(settings)
    assert status == 200


@pytest.mark.parametrize("culprit", NAMES)
async def test_one_that_hangs_is_not_waited_for(settings, culprit):
    async with black_hole() as address:
        await assert_only(moved(settings, culprit, address), culprit, "")


async def test_the_credentials_of_the_database_are_used(settings, stack):
    password = stack.postgres.app.password
    wrong = replace(
        settings, database_url=settings.database_url.replace(password, OTHER_WORD)
    )

    await assert_only(wrong, "postgresql", "the credentials are refused")


async def test_a_database_without_our_schema_is_found_out(settings, empty_database):
    await assert_only(
        replace(settings, database_url=empty_database), "postgresql", "no schema"
    )


async def test_the_credentials_of_the_store_are_used(settings):
    wrong = replace(settings, minio_secret_key=OTHER_WORD)

    await assert_only(wrong, "minio", "write was refused, 403")


@pytest.mark.parametrize("which", ["candidates_bucket", "restricted_bucket"])
async def test_each_bucket_is_needed(settings, which):
    wrong = replace(settings, **{which: "no-such-bucket"})

    await assert_only(wrong, "minio", "the bucket no-such-bucket")


async def test_the_credentials_of_the_bus_are_used(settings):
    wrong = replace(settings, nats_password=OTHER_WORD)

    await assert_only(wrong, "nats", "the credentials are refused")


async def test_the_stream_is_needed(settings):
    wrong = replace(settings, stream_prefix="none")

    await assert_only(wrong, "nats", "it has no stream none-events")


async def test_a_stream_of_other_settings_is_found_out_and_mended(settings):
    access = NatsAccess(
        url=settings.nats_url, user=settings.nats_user, password=settings.nats_password
    )
    name = f"{settings.stream_prefix}-events"
    client = await nats.connect(
        settings.nats_url, user=settings.nats_user, password=settings.nats_password
    )
    subjects = [f"{settings.stream_prefix}.events.LOOP.>"]
    await client.jetstream().update_stream(StreamConfig(name=name, subjects=subjects))
    await client.close()

    await assert_only(settings, "nats", "subjects")
    assert any("subjects" in each for each in await missing_streams(access, name[:-7]))

    assert await ensure_streams(access, settings.stream_prefix) == (name,)
    assert (await asked(settings))[0] == 200


async def test_all_that_fail_are_named(settings):
    wrong = replace(
        moved(settings, "nats", CLOSED), database_url="postgresql://a@127.0.0.1:9/b"
    )

    status, checks = await asked(wrong)

    assert status == 503
    assert [name for name in NAMES if checks[name]["error"]] == ["postgresql", "nats"]
