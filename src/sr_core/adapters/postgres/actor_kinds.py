"""Which kind each subject is, in a table that nobody may rewrite."""

from __future__ import annotations

from typing import Final

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import Connection, Pool, in_transaction
from sr_core.domain.actors import ActorKind

KNOWN_MAX: Final = 10_000
"""How many bindings are kept at hand."""


class PostgresKindBindings:
    """`KindBindings` in the `es` schema of one database.

    A binding never changes, so one that was read is not read again.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, ActorKind] = {}

    async def bind(self, subject: str, kind: ActorKind) -> ActorKind:
        """See `KindBindings.bind`."""

        async def work(connection: Connection) -> ActorKind:
            values = {"subject": subject, "actor_kind": kind}
            await connection.execute(statements.BIND_ACTOR_KIND, values)
            cursor = await connection.execute(statements.READ_ACTOR_KIND, values)
            row = await cursor.fetchone()
            assert row is not None, "the row is made before it is read"
            return ActorKind(row["actor_kind"])

        if subject not in self._known:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[subject] = await in_transaction(self._pool, work)
        return self._known[subject]
