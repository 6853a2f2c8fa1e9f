"""Stores with faults, and a platform over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sr_core.adapters.memory.content_store import MemoryContentStore
from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application.platform import Platform
from sr_core.application.recorder import Recorder
from sr_core.domain.actors import Actor
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import (
    Batch,
    EventStore,
    History,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.identity import NotAuthenticated
from sr_core.ports.oracle_runner import OracleRunner
from sr_core.ports.receipts import (
    NamedRequest,
    Receipt,
    RequestName,
    StoredAnswer,
)
from sr_core.testing.oracles import ScriptedRunner
from sr_core.testing.values import PLATFORM, CountingIds, TickingClock


class PerishableStore(MemoryContentStore):
    """A `ContentStore` in memory whose objects can be lost, changed and brought back."""

    def keys(self) -> tuple[ObjectKey, ...]:
        """Return where the objects lie, in the order of writing."""
        return tuple(self._objects)

    def lose(self, key: ObjectKey) -> bytes:
        """Let the object be gone, and return what it was."""
        return self._objects.pop(key)

    def overwrite(self, key: ObjectKey, data: bytes) -> None:
        """Let the object be `data`, behind the back of whoever wrote it."""
        self._objects[key] = data


class CrowdedStore:
    """An `EventStore` at which someone else comes first, `conflicts` times."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.conflicts = 0

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        """See `EventStore.append`."""
        if self.conflicts:
            self.conflicts -= 1
            raise VersionConflict(
                boundary=batch.boundary,
                expected=batch.expected,
                actual=batch.expected + 1,
            )
        return await self._store.append(batch)

    async def history(self, boundary: StreamId) -> History:
        """See `EventStore.history`."""
        return await self._store.history(boundary)

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        """See `EventStore.boundary_of`."""
        return await self._store.boundary_of(stream_id)

    async def read(self, *, after: Position, limit: int) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        return await self._store.read(after=after, limit=limit)

    async def receipt(self, name: RequestName) -> Receipt | None:
        """See `Receipts.receipt`."""
        return await self._store.receipt(name)

    async def answered(self, request: NamedRequest, answer: StoredAnswer) -> None:
        """See `Receipts.answered`."""
        await self._store.answered(request, answer)


class TokenTable:
    """An `Identity` that knows its tokens by heart."""

    def __init__(self, actors: Mapping[str, Actor]) -> None:
        self._actors = dict(actors)

    async def actor_of(self, token: str) -> Actor:
        """See `Identity.actor_of`."""
        if token not in self._actors:
            raise NotAuthenticated(reason="no such token")
        return self._actors[token]


class Stage:
    """A platform over memory stores, with a hand on everything that it stands on."""

    def __init__(self, runner: OracleRunner | None = None) -> None:
        self.clock = TickingClock()
        self.ids = CountingIds()
        self.rows = MemoryReadModel()
        self.metrics = PrometheusMetrics()
        self.log = CrowdedStore(MemoryEventStore(self.rows))
        self.candidate_bytes = PerishableStore()
        self.evidence_bytes = PerishableStore()
        self.platform = Platform(
            recorder=Recorder(
                store=self.log,
                clock=self.clock,
                ids=self.ids,
                platform=PLATFORM,
                metrics=self.metrics,
            ),
            rows=self.rows,
            candidate_bytes=self.candidate_bytes,
            evidence_bytes=self.evidence_bytes,
            runner=runner or ScriptedRunner(),
            clock=self.clock,
            ids=self.ids,
        )
