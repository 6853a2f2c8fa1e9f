"""Connections to NATS JetStream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import nats.errors
from nats.aio.client import Client

from sr_core.ports.errors import Unfit

DEADLINE_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsAccess:
    """Where NATS is, and who we are there."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)


@asynccontextmanager
async def connected(access: NatsAccess) -> AsyncIterator[Client]:
    """Open a connection, and close it when the block ends.

    Raises:
        Unfit: no connection in time, or not with these credentials.

    """
    client = Client()
    try:
        await _connect(client, access)
        yield client
    finally:
        # Also where nothing came of it: a socket that hangs is not left behind.
        await client.close()


async def _connect(client: Client, access: NatsAccess) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            await client.connect(
                access.url,
                user=access.user or None,
                password=access.password or None,
                connect_timeout=int(DEADLINE_S),
                allow_reconnect=False,
                # Left alone, the driver dials a server that refuses for two minutes.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                error_cb=_nothing,
            )
    except (OSError, nats.errors.Error, TimeoutError) as error:
        raise Unfit(system="NATS", cause=_cause(error)) from error


def _cause(error: Exception) -> str:
    """Return why there is no connection; the driver's own words may hold the address."""
    if "authorization" in str(error).lower():
        return "the credentials are refused"
    if isinstance(error, TimeoutError | nats.errors.TimeoutError):
        return f"no answer within {DEADLINE_S:g} s"
    return f"no connection, {type(error).__name__}"


async def _nothing(_: Exception) -> None:
    """Errors reach us as exceptions of the calls themselves."""
