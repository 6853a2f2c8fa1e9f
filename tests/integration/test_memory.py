"""R-ENC-12: what a large secret needs of memory on its way in and out, on real services.

A process of its own is asked what it had at the most. 1 GiB is measured with

    SR_STREAMED_MIB=1024 pytest -n 0 -s tests/integration/test_memory.py -k streamed
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.world.world import Buckets, environment
from sr_core.bootstrap.compose import drop_streams, make_streams
from sr_core.bootstrap.settings import parse_settings

pytestmark = pytest.mark.anyio

MIB = int(os.environ.get("SR_STREAMED_MIB", "64"))
GROWTH_MIB_MAX = 24
"""Far below the blob, and below what its half would need."""


@dataclass(frozen=True)
class Needed:
    """What the process had at the most, and how fast it was."""

    grown_mib: float
    in_s: float
    out_s: float


@pytest.fixture
async def settings(
    stack: StackAddresses, app_database: str, bucket
) -> AsyncIterator[Mapping[str, str]]:
    names = Buckets("case")
    names.evidence = names.candidates = names.attachments = bucket.name
    names.restricted = bucket.name
    told = {
        **environment(stack, urlsplit(app_database).path[1:], names, sandbox="plain"),
        "SR_DATABASE_URL": app_database,
        "SR_NATS_STREAM_PREFIX": f"case-{secrets.token_hex(4)}",
    }
    made = parse_settings(told)
    await make_streams(made)
    yield told
    await drop_streams(made)


async def needed(settings: Mapping[str, str], mib: int, how: str) -> Needed:
    began = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        Path(__file__).with_name("streamer.py"),
        str(mib),
        how,
        env={"PATH": "/usr/bin:/bin", **settings},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await began.communicate()
    assert began.returncode == 0, "it says what is wrong itself"
    before, after, in_s, out_s = map(float, told.split())
    return Needed((after - before) / 1024, in_s, out_s)


async def test_a_secret_is_streamed(settings):
    found = await needed(settings, MIB, "streamed")

    print(  # noqa: T201 - a figure
        f"{MIB} MiB: {found.grown_mib:.1f} MiB more at the most, "
        f"{MIB / found.in_s:.0f} MiB/s in, {MIB / found.out_s:.0f} MiB/s out"
    )
    assert found.grown_mib < GROWTH_MIB_MAX


@pytest.mark.parametrize("how", ["read whole", "taken in whole"])
async def test_what_has_it_whole_is_noticed(settings, how):
    found = await needed(settings, 64, how)

    assert found.grown_mib > GROWTH_MIB_MAX
