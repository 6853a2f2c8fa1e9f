"""The event log in a list; the yardstick that the other adapters are held to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice
from threading import Lock

from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.domain.chain import CHAIN_START, link
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    History,
    IdempotencyMismatch,
    NewEvent,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.receipts import (
    NamedRequest,
    Receipt,
    RequestName,
    RequestRepeated,
    StoredAnswer,
)


class MemoryEventStore:
    """An `EventStore` that forgets everything with the process."""

    def __init__(self, read_model: MemoryReadModel) -> None:
        self._read_model = read_model
        self._log: list[StoredEvent] = []
        self._versions: dict[StreamId, int] = defaultdict(int)
        self._positions: dict[StreamId, Position] = {}
        self._by_id: dict[str, StoredEvent] = {}
        self._receipts: dict[RequestName, Receipt] = {}
        self._lock = Lock()

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        """See `EventStore.append`."""
        assert batch.events, "an append without events would mean nothing"
        with self._lock:
            if there := self._there(batch):
                return there
            versions = self._versions_after(batch)
            receipt = self._receipt_after(batch)
            stored = self._stored(batch)
            self._read_model.apply(
                (each.position, event)
                for each, event in zip(stored, batch.events, strict=True)
            )
            self._log += stored
            self._versions.update(versions)
            self._positions[batch.boundary] = stored[-1].position
            self._by_id.update((each.event_id, each) for each in stored)
            if receipt is not None:
                self._receipts[receipt.request.name] = receipt
        return tuple(each.position for each in stored)

    async def history(
        self, boundary: StreamId, *, after: Position = BEGINNING
    ) -> History:
        """See `EventStore.history`."""
        with self._lock:
            return History(
                boundary=boundary,
                position=self._positions.get(boundary, BEGINNING),
                events=tuple(
                    each
                    for each in islice(self._log, after, None)
                    if each.boundary == boundary
                ),
            )

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        """See `EventStore.boundary_of`."""
        with self._lock:
            return next(
                (each.boundary for each in self._log if each.stream_id == stream_id),
                None,
            )

    async def read(
        self,
        *,
        after: Position,
        limit: int,
        event_types: Collection[str] | None = None,
    ) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        with self._lock:
            found = (
                each
                for each in islice(self._log, after, None)
                if event_types is None or each.event_type in event_types
            )
            return list(islice(found, limit))

    async def receipt(self, name: RequestName) -> Receipt | None:
        """See `Receipts.receipt`."""
        with self._lock:
            return self._receipts.get(name)

    async def answered(self, request: NamedRequest, answer: StoredAnswer) -> None:
        """See `Receipts.answered`."""
        with self._lock:
            receipt = self._receipts[request.name]
            assert receipt.request == request, "who was recorded gives the answer"
            if receipt.answer is None:
                self._receipts[request.name] = replace(receipt, answer=answer)

    def _there(self, batch: Batch) -> tuple[Position, ...]:
        """Return where the batch is in the log already, or nothing if it is not."""
        there = [self._by_id.get(each.event_id) for each in batch.events]
        if not any(there):
            return ()
        first = there[0].position if there[0] else BEGINNING
        for place, (event, stored) in enumerate(zip(batch.events, there, strict=True)):
            if (
                stored is None
                or stored.envelope_hash != event.envelope_hash
                or stored.position != first + place
            ):
                raise IdempotencyMismatch(event_id=event.event_id)
        return tuple(Position(first + place) for place in range(len(there)))

    def _receipt_after(self, batch: Batch) -> Receipt | None:
        """Return the receipt of the batch's request, with the batch's events."""
        if batch.request is None:
            return None
        there = self._receipts.get(batch.request.name)
        if there is not None and there.request != batch.request:
            raise RequestRepeated(key=batch.request.name.key)
        earlier = there.event_ids if there else ()
        return Receipt(
            request=batch.request,
            event_ids=(*earlier, *(each.event_id for each in batch.events)),
        )

    def _versions_after(self, batch: Batch) -> dict[StreamId, int]:
        """Return the streams' versions after `batch`, which fits onto what is here."""
        actual = self._positions.get(batch.boundary, BEGINNING)
        if actual != batch.expected:
            raise VersionConflict(
                boundary=batch.boundary, expected=batch.expected, actual=actual
            )
        versions: dict[StreamId, int] = {}
        for event in batch.events:
            version = versions.get(event.stream_id, self._versions[event.stream_id])
            if event.stream_seq != version + 1:
                raise VersionConflict(
                    boundary=event.stream_id,
                    expected=event.stream_seq - 1,
                    actual=version,
                )
            versions[event.stream_id] = event.stream_seq
        return versions

    def _stored(self, batch: Batch) -> list[StoredEvent]:
        fresh = {event.event_id for event in batch.events}
        assert len(fresh) == len(batch.events), "every event has an id of its own"
        chain_hash = self._log[-1].chain_hash if self._log else CHAIN_START
        stored: list[StoredEvent] = []
        for position, event in enumerate(batch.events, start=len(self._log) + 1):
            chain_hash = link(chain_hash, position, event.envelope_hash)
            stored.append(
                _stored(event, batch.boundary, Position(position), chain_hash)
            )
        return stored


def _stored(
    event: NewEvent, boundary: StreamId, position: Position, chain_hash: bytes
) -> StoredEvent:
    return StoredEvent(
        position=position,
        boundary=boundary,
        stream_id=event.stream_id,
        stream_seq=event.stream_seq,
        event_id=event.event_id,
        event_type=event.event_type,
        envelope=event.envelope,
        envelope_hash=event.envelope_hash,
        chain_hash=chain_hash,
    )
