"""The publisher's claim: a lock of a session of its own (R-OUT-2).

The session says nothing but that it lives. When the server has not heard from it for the
lease, it ends the session, and with it the lock: so a process that hangs makes room.
"""

from __future__ import annotations

import asyncio

from psycopg import AsyncConnection, Error
from psycopg.sql import SQL

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import CONNECT_TIMEOUT_S_MIN
from sr_core.ports.errors import Unavailable


class PostgresLeadership:
    """A `Leadership` in the database of the log."""

    def __init__(
        self, dsn: str, *, lease_s: float = 10.0, deadline_s: float = 5.0
    ) -> None:
        self._dsn = dsn
        self._lease_s = lease_s
        self._deadline_s = deadline_s
        self._session: AsyncConnection | None = None

    async def hold(self) -> bool:
        """See `Leadership.hold`."""
        if self._session is not None and await self._renewed():
            return True
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._taken()
        except (Error, OSError, TimeoutError) as error:
            await self.give_up()
            raise Unavailable(system="Postgres", deadline_s=self._deadline_s) from error

    async def give_up(self) -> None:
        """See `Leadership.give_up`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _renewed(self) -> bool:
        """Whether the session still lives, and holds the lock; else it is given up."""
        assert self._session is not None, "there is a session to renew"
        try:
            async with asyncio.timeout(self._deadline_s):
                if await _said(self._session, statements.RENEW_LEADERSHIP):
                    return True
        except (Error, OSError, TimeoutError):
            pass  # a session that does not answer has no lock for us to count on
        await self.give_up()
        return False

    async def _taken(self) -> bool:
        self._session = await AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=max(CONNECT_TIMEOUT_S_MIN, round(self._deadline_s)),
        )
        lease = {"lease": f"{self._lease_s * 1000:.0f}ms"}
        await self._session.execute(statements.HOLD_SESSION, lease)
        if await _said(self._session, statements.TAKE_LEADERSHIP):
            return True
        await self.give_up()
        return False


async def _said(session: AsyncConnection, statement: SQL) -> bool:
    row = await (await session.execute(statement)).fetchone()
    assert row is not None, "the statement gives one row"
    return bool(row[0])
