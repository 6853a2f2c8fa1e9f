"""Connections to NATS JetStream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client

from sr_core.ports.errors import Unavailable

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
        Unavailable: no connection in time, or not with these credentials.

    """
    try:
        client = await nats.connect(
            access.url,
            user=access.user or None,
            password=access.password or None,
            connect_timeout=int(DEADLINE_S),
            allow_reconnect=False,
            error_cb=_nothing,
        )
    except (OSError, nats.errors.Error, TimeoutError) as error:
        raise Unavailable(system="NATS", deadline_s=DEADLINE_S) from error
    try:
        yield client
    finally:
        await client.close()


async def check_jetstream(access: NatsAccess) -> None:
    """Raise `Unavailable` unless JetStream answers for our account."""
    async with connected(access) as client:
        try:
            await client.jetstream(timeout=DEADLINE_S).account_info()
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
            raise Unavailable(system="JetStream", deadline_s=DEADLINE_S) from error


async def _nothing(_: Exception) -> None:
    """Errors reach us as exceptions of the calls themselves."""
