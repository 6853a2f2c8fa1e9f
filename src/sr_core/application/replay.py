"""The log's events once more, through the projections and into a copy of the read model.

    read a page ──▶ open and project ──▶ apply
         ▲                                 │  the next page is read and projected meanwhile
         └─────────────────────────────────┘

An event that cannot be read, projected or applied stops the replay: it is never passed
over, because every row after it would be made from a log that nobody has (R-EVT-12).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from sr_core.application.projections import Occasion, changes_of, projection_of
from sr_core.codec.envelope import opened
from sr_core.domain.errors import SrError
from sr_core.ports.errors import Overtaken
from sr_core.ports.event_store import Position, StoredEvent
from sr_core.ports.read_copy import Projected, ReadCopy
from sr_core.ports.read_model import ProjectionBroken

BATCH: Final = 2000
"""How many events are applied at a time."""
EVENTS_AT_A_STRETCH: Final = 32
"""After how many the event loop has its turn, so that the database never waits long."""


class LogDisordered(SrError):  # noqa: N818 - named for what it says
    """The log's events do not follow on from each other."""

    code = "LOG_DISORDERED"

    def __init__(self, *, found: str) -> None:
        super().__init__(
            found, remedy="Run `sr log verify`, and restore the log from a backup"
        )


class LogEmpty(SrError):  # noqa: N818 - named for what it says
    """The log has no event, so that nothing can be made or proved from it."""

    code = "LOG_EMPTY"

    def __init__(self) -> None:
        super().__init__(
            "The log holds no event, and nothing follows from it",
            remedy="Look whether SR_DATABASE_URL names the right database",
        )


class EventPoisoned(SrError):  # noqa: N818 - named for what it says
    """An event cannot be projected; the rows before it stand, none after it (R-EVT-12)."""

    code = "EVENT_POISONED"

    def __init__(
        self, *, position: int, event_type: str, projection: str, reason: str
    ) -> None:
        super().__init__(
            f"{event_type} at position {position} stops the projection {projection}: "
            f"{reason.rstrip('.')}",
            remedy="Mend the projection and run again; no event is passed over",
        )
        self.position = position
        self.event_type = event_type
        self.projection = projection
        self.reason = reason


class LogReader(Protocol):
    """What reads a log: an `EventStore`, or a part of one."""

    async def read(self, *, after: Position, limit: int) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        ...


async def replay(
    store: LogReader,
    copy: ReadCopy,
    *,
    after: Position,
    upto: Position | None = None,
    batch: int = BATCH,
) -> Position:
    """Apply the events past `after`, and return the position of the last.

    Without `upto` it goes on until the log has no more.

    Raises:
        EventPoisoned: one of them cannot be read, projected or applied.
        LogDisordered: one is missing.
        Unavailable: no answer in time.

    """
    position, applying = after, None
    try:
        async for page in pages(store, after=after, upto=upto, batch=batch):
            projected = [each async for each in _projected(page)]
            if applying is not None:
                await applying
            applying = asyncio.create_task(_apply(copy, projected))
            position = page[-1].position
        if applying is not None:
            await applying
    finally:
        if applying is not None and not applying.done():
            applying.cancel()
            await asyncio.wait({applying})
    return position


def _require_order(page: Sequence[StoredEvent], *, after: Position) -> None:
    """Raise `LogDisordered` unless the events are those that follow on `after`."""
    for expected, each in enumerate(page, start=after + 1):
        if each.position != expected:
            raise LogDisordered(
                found=f"Position {expected} of the log is followed by {each.position}"
                if each.position < expected
                else f"The log has no event at position {expected}"
            )


async def pages(
    store: LogReader, *, after: Position, upto: Position | None, batch: int
) -> AsyncIterator[Sequence[StoredEvent]]:
    """Yield the log's events past `after`, a page at a time.

    Raises:
        LogDisordered: one is missing.
        Unavailable: no answer in time.

    """
    position = after
    while upto is None or position < upto:
        limit = batch if upto is None else min(batch, upto - position)
        page = await store.read(after=position, limit=limit)
        _require_order(page, after=position)
        if not page:
            if upto is not None:
                raise LogDisordered(
                    found=f"The log has no event at position {position + 1}"
                )
            return
        yield page
        position = page[-1].position


async def _projected(page: Sequence[StoredEvent]) -> AsyncIterator[Projected]:
    for number, each in enumerate(page, start=1):
        yield _project(each)
        if number % EVENTS_AT_A_STRETCH == 0:
            await asyncio.sleep(0)


def _project(stored: StoredEvent) -> Projected:
    try:
        said = opened(stored)
        on = Occasion(event_id=said.event_id, by=said.by, at=said.occurred_at)
        changes = changes_of(said.event, on)
    except Exception as error:
        raise _poisoned(stored, error) from error
    return Projected(
        position=stored.position,
        event_id=said.event_id,
        event_type=type(said.event).__name__,
        changes=changes,
    )


async def _apply(copy: ReadCopy, events: Sequence[Projected]) -> None:
    """Apply the events together, or one at a time if together a table refuses them."""
    try:
        await copy.apply(events)
    except (ProjectionBroken, Overtaken) as error:
        if len(events) == 1:
            raise _poisoned(events[0], error) from error
        for each in events:
            await _apply(copy, [each])


def _poisoned(event: StoredEvent | Projected, error: Exception) -> EventPoisoned:
    reason = error.found if isinstance(error, SrError) else repr(error)
    return EventPoisoned(
        position=event.position,
        event_type=event.event_type,
        projection=projection_of(event.event_type),
        reason=reason,
    )
