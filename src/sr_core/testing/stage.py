"""Stores with faults, and a platform over them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sr_core.adapters.memory.content_store import MemoryContentStore
from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.followers import MemoryFollowers
from sr_core.adapters.memory.graph import MemoryGraph
from sr_core.adapters.memory.kek_source import MemoryKekSource
from sr_core.adapters.memory.key_records import MemoryKeyRecords
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.memory.wrap_counts import MemoryWrapCounts
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application.event_manager import LogFollower
from sr_core.application.governed import Adopted, Governed
from sr_core.application.metered_wraps import MeteredWraps
from sr_core.application.platform import Platform
from sr_core.application.reactions import Reactions
from sr_core.application.recorder import Recorder
from sr_core.application.vault import Vault
from sr_core.domain.actors import Actor
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.domain.kek import Kek, KekId, KekRef, SecretKey, parse_kek_id
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    EventStore,
    History,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.identity import NotAuthenticated
from sr_core.ports.kek_source import KekUnavailable
from sr_core.ports.oracle_runner import OracleRunner
from sr_core.ports.receipts import (
    NamedRequest,
    Receipt,
    RequestName,
    StoredAnswer,
)
from sr_core.testing.documents import GOVERNED
from sr_core.testing.oracles import ScriptedRunner
from sr_core.testing.values import PLATFORM, CountingIds, TickingClock

KEK_ID: Final = parse_kek_id("a-kek")


def build_kek(version: int = 1) -> Kek:
    """Return a version of the KEK that a stage seals with; its key is no secret."""
    key = SecretKey(hashlib.sha256(b"a key of a test, version %d" % version).digest())
    return Kek(ref=KekRef(id=KEK_ID, version=version), key=key)


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


class PerishableKeks(MemoryKekSource):
    """A `KekSource` in memory that can be out of reach."""

    is_down = False

    async def current(self, kek_id: KekId) -> Kek:
        """See `KekSource.current`."""
        self._require_up()
        return await super().current(kek_id)

    async def version(self, ref: KekRef) -> Kek:
        """See `KekSource.version`."""
        self._require_up()
        return await super().version(ref)

    def _require_up(self) -> None:
        if self.is_down:
            raise KekUnavailable(cause="it is down, as told")


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

    async def history(
        self, boundary: StreamId, *, after: Position = BEGINNING
    ) -> History:
        """See `EventStore.history`."""
        return await self._store.history(boundary, after=after)

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        """See `EventStore.boundary_of`."""
        return await self._store.boundary_of(stream_id)

    async def read(
        self,
        *,
        after: Position,
        limit: int,
        event_types: Collection[str] | None = None,
    ) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        return await self._store.read(after=after, limit=limit, event_types=event_types)

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

    def __init__(
        self,
        runner: OracleRunner | None = None,
        *,
        governed: GovernedManifest = GOVERNED,
    ) -> None:
        self.clock = TickingClock()
        self.ids = CountingIds()
        self.rows = MemoryReadModel()
        self.metrics = PrometheusMetrics()
        self.log = CrowdedStore(MemoryEventStore(self.rows))
        self.candidate_bytes = PerishableStore()
        self.evidence_bytes = PerishableStore()
        self.attachment_bytes = PerishableStore()
        self.restricted_bytes = PerishableStore()
        self.key_records = MemoryKeyRecords()
        self.keks = PerishableKeks([build_kek()])
        self.graph = MemoryGraph(self.rows)
        recorder = Recorder(
            store=self.log,
            clock=self.clock,
            ids=self.ids,
            platform=PLATFORM,
            metrics=self.metrics,
        )
        self.reactions = Reactions(
            recorder=recorder, graph=self.graph, followers=MemoryFollowers()
        )
        self.platform = Platform(
            recorder=replace(recorder, followers=(self.reactions.follow,)),
            rows=self.rows,
            graph=self.graph,
            reactions=self.reactions,
            candidate_bytes=self.candidate_bytes,
            evidence_bytes=self.evidence_bytes,
            attachment_bytes=self.attachment_bytes,
            vault=Vault(
                containers=self.restricted_bytes,
                records=self.key_records,
                keks=self.keks,
                wraps=MeteredWraps(wraps=MemoryWrapCounts(), metrics=self.metrics),
                kek_id=KEK_ID,
            ),
            runner=runner or ScriptedRunner(),
            clock=self.clock,
            ids=self.ids,
            governed=governed,
        )

    async def start(self) -> Adopted:
        """Record the governed documents, as the start of a process does."""
        return await Governed(platform=self.platform).adopt()

    async def restart(self, governed: GovernedManifest) -> Adopted:
        """Go on over the same stores, with other documents."""
        self.platform = replace(self.platform, governed=governed)
        return await self.start()

    def restarted(self) -> Platform:
        """Return the platform as another process has it: the same stores, no memory."""
        return replace(self.platform, follower=LogFollower())
