"""The event log: the one source of truth (C-ARCH-3, C-EVT-2).

Every event belongs to a stream, which is what it is about, and to a *boundary*, which
is what decisions about it must agree on: the loop that governs it, or its own stream
where no loop does. A decision is taken over one boundary's whole history and holds
only if no event has joined that history since (`Batch.expected`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType, Protocol

from sr_core.domain.actors import Actor
from sr_core.domain.refs import ContentHash
from sr_core.ports.errors import PortError
from sr_core.ports.read_model import RowChange
from sr_core.ports.receipts import NamedRequest, Receipts

StreamId = NewType("StreamId", str)
"""``<prefix>:<identifier>``, such as ``loop:loop_01J...``; boundaries are named so too."""

Position = NewType("Position", int)
"""A place in the log, `global_seq`: gapless from 1, in the order of commit."""

BEGINNING: Final = Position(0)
"""The position before the first event; also that of an empty boundary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event about to be appended.

    `envelope` is the canonical JSON that is stored and hashed; the other fields repeat
    what the log needs to know of it. `changes` are the rows of the read model that the
    event changes; they are written in the same transaction.
    """

    event_id: str
    stream_id: StreamId
    stream_kind: str
    stream_seq: int
    event_type: str
    by: Actor
    occurred_at: datetime
    correlation_id: str | None
    envelope: bytes
    envelope_hash: ContentHash
    changes: tuple[RowChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event in the log, as it was stored.

    `chain_hash` is 32 bytes: SHA-256 over the chain hash before it (32 zero bytes before
    the first), the position (8 bytes, big-endian) and the 32 bytes of the envelope hash.
    """

    position: Position
    boundary: StreamId
    stream_id: StreamId
    stream_seq: int
    event_id: str
    event_type: str
    envelope: bytes
    envelope_hash: ContentHash
    chain_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Events that are appended together or not at all, in this order.

    `expected` is the position of the last event that the decision saw in the boundary.
    Each event's `stream_seq` must follow on from what its stream holds. `request` is
    what they are recorded for, if its sender named it.
    """

    boundary: StreamId
    expected: Position
    events: tuple[NewEvent, ...]
    request: NamedRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Events of one boundary, oldest first; `position` is that of its last one."""

    boundary: StreamId
    position: Position
    events: tuple[StoredEvent, ...]


class IdempotencyMismatch(PortError):  # noqa: N818 - named for what it says
    """The event's identifier is in the log already, with other bytes (R-EVT-4)."""

    code = "IDEMPOTENCY_MISMATCH"

    def __init__(self, *, event_id: str) -> None:
        super().__init__(
            f"{event_id} is in the log already, with other bytes or in another order",
            remedy="Append the very events again, or others under identifiers of their own",
        )
        self.event_id = event_id


class EventStore(Receipts, Protocol):
    """An append-only log."""

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        """Append the batch, at least one event, and return the events' positions.

        Outbox rows, the events' changes of the read model and the receipt of a named
        request are part of it. A batch that is in the log already, event by event, is not
        appended again, however long ago that was: its positions are returned.

        Raises:
            IdempotencyMismatch: an event's identifier is taken; nothing was written.
            VersionConflict: the boundary or a stream has moved on; nothing was written.
            RequestRepeated: another try of `request` came first; nothing was written.
            Unavailable: no answer in time; the batch may or may not be written.

        """
        ...

    async def history(
        self, boundary: StreamId, *, after: Position = BEGINNING
    ) -> History:
        """Return the boundary's history, empty if it has none.

        `after` leaves out what the caller knows: the boundary's events up to there, the
        position of one of them. Where none came since, it is the history's own position.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        """Return the boundary that the stream's events belong to, if it has any.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def read(
        self,
        *,
        after: Position,
        limit: int,
        event_types: Collection[str] | None = None,
    ) -> Sequence[StoredEvent]:
        """Return up to `limit` events past `after`, in the order of the log.

        `event_types` are those that are asked for, by name; None is all of them.

        Raises:
            Unavailable: no answer in time.

        """
        ...
