"""The log as it lies in the database: every column, and what stands beside it.

`EventStore` is how the platform reads the log; it believes what is there. Who checks
whether it may be believed reads here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

LOWEST: Final = -(2**63)
"""The lowest number that a row could have; the log's are from 1 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One row of the log, as text and bytes, whether or not it makes sense.

    `occurred_at` is written as envelopes write it: UTC, to the microsecond.
    """

    position: int
    event_id: str
    stream_id: str
    stream_kind: str
    stream_seq: int
    event_type: str
    actor_kind: str
    actor_id: str
    occurred_at: str
    correlation_id: str | None
    envelope: bytes
    envelope_hash: str
    chain_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """Where the log's head row says that it ends."""

    position: int
    chain_hash: bytes


class Place(StrEnum):
    """What is compared over many rows."""

    STREAM_ORDER = "STREAM_ORDER"
    """The numbers of a stream's events, which are 1, 2, 3 in the log's order."""
    STREAM_BOUNDARY = "STREAM_BOUNDARY"
    """The boundary of a stream's events, which is the same for all."""
    STREAM_ROW = "STREAM_ROW"
    """A row of `es.streams`, which says how many events its stream has."""
    BOUNDARY_ROW = "BOUNDARY_ROW"
    """A row of `es.boundaries`, which says where its last event is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """The first row of a place that does not agree with the rest.

    `position` is that of the event it shows at, None where it shows at none.
    """

    place: Place
    position: int | None
    found: str
    expected: str


class LogSnapshot(Protocol):
    """The log at one moment; what is appended meanwhile is not part of it."""

    async def head(self) -> LogHead | None:
        """Return the head row, None if there is not exactly one."""
        ...

    def rows(self, *, first: int) -> AsyncIterator[LogRow]:
        """Return the rows from `first` on in the log's order; few are held at a time."""
        ...

    async def disagreements(self) -> Sequence[Disagreement]:
        """Return at most one for each place."""
        ...


class LogRecord(Protocol):
    """The record of a whole log."""

    def snapshot(self) -> AbstractAsyncContextManager[LogSnapshot]:
        """Return a way to look at the log at one moment.

        Raises:
            Unavailable: no answer in time, at any time until the look ends.
            Unfit: there is no log.

        """
        ...
