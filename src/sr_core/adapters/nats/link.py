"""One connection to JetStream, opened when it is needed and dropped when it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from sr_core.adapters.nats.bus import DEADLINE_S, NatsAccess, connected
from sr_core.ports.errors import Unavailable, Unfit

FAILED: Final = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)


class Link:
    """A connection that may be used again after anything; `deadline_s` bounds a use."""

    def __init__(self, access: NatsAccess, *, deadline_s: float = DEADLINE_S) -> None:
        self._access = access
        self.deadline_s = deadline_s
        self.generation = 0
        """How many connections there were; what belongs to an earlier one is gone."""
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._exits = AsyncExitStack()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[JetStreamContext]:
        """Give JetStream to the block.

        Raises:
            Unavailable: the block met an error of the driver, which is its cause; the
                connection is dropped, and the next use makes a new one.

        """
        try:
            yield await self._connected()
        except (*FAILED, Unfit) as error:
            await self.drop()
            raise self.unavailable() from error

    async def drop(self) -> None:
        """Close the connection, if there is one."""
        self._client = self._jetstream = None
        exits, self._exits = self._exits, AsyncExitStack()
        await exits.aclose()

    def unavailable(self) -> Unavailable:
        """Return the error of a bus that gave no usable answer."""
        return Unavailable(system="NATS", deadline_s=self.deadline_s)

    async def _connected(self) -> JetStreamContext:
        if self._client is None or not self._client.is_connected:
            await self.drop()
            self._client = await self._exits.enter_async_context(
                connected(self._access)
            )
            self.generation += 1
        if self._jetstream is None:
            self._jetstream = self._client.jetstream(timeout=self.deadline_s)
            # The first request makes the way for all answers; alone, so that those that
            # are made at once later keep their order. It also shows that we are let in.
            await self._jetstream.account_info()
        return self._jetstream
