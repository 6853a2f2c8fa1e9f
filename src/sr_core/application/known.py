"""What is known of one boundary, and what a process keeps of it.

    log ──history past `position`──▶ Known ──kept──▶ the next reading goes on from there

What is kept is a fold that was left off, nothing else: a process that begins anew reads
from the beginning and knows the same. It decides nothing that the log does not bear out:
an append over a boundary that has moved on is a `VersionConflict`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sr_core.codec.envelope import Recorded, opened
from sr_core.domain.events import DomainEvent
from sr_core.ports.event_store import BEGINNING, EventStore, Position, StreamId

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Generic[S]):
    """What the log holds of one boundary, and how to go on from there.

    `is_kept` is for a boundary that only grows, and that many decisions are taken over:
    its events are read once by a process. Nothing is measured from one of them to a
    later one (`sr_core.application.metering`), since the earlier is not read again.
    """

    boundary: StreamId
    fold: Callable[[Iterable[DomainEvent], S | None], S]
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Generic[S]):
    """One boundary up to `position`; `events` are those that were read for it now."""

    position: Position
    versions: Mapping[StreamId, int]
    """How many events each of its streams holds."""
    state: S
    events: tuple[Recorded, ...]


class Kept:
    """What one process keeps of boundaries, by name."""

    def __init__(self) -> None:
        self._known: dict[StreamId, Known[Any]] = {}

    async def known(self, store: EventStore, case: Case[S]) -> Known[S]:
        """Return what the log holds of the boundary now.

        Raises:
            MalformedInput: an event is not what was hashed; nothing is kept of it.
            Unavailable: no answer in time; what was kept before, still is.

        """
        before = self._known.get(case.boundary) if case.is_kept else None
        after = before.position if before else BEGINNING
        history = await store.history(case.boundary, after=after)
        events = tuple(opened(each) for each in history.events)
        versions = dict(before.versions) if before else {}
        for stored in history.events:
            versions[stored.stream_id] = stored.stream_seq
        known = Known(
            position=history.position,
            versions=versions,
            state=case.fold(
                (each.event for each in events), before.state if before else None
            ),
            events=events,
        )
        if case.is_kept:
            self._keep(case.boundary, known)
        return known

    def _keep(self, boundary: StreamId, known: Known[Any]) -> None:
        """Keep it, unless somebody who read later came first."""
        there = self._known.get(boundary)
        if there is None or there.position < known.position:
            self._known[boundary] = known
