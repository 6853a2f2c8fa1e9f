"""Load, decide, append: the one way in which anything gets into the log.

All waiting happens here, and no deciding. A rule is given the state that the log holds
and answers with a ruling; if someone else wrote meanwhile, it is asked again over the
new state.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sr_core.application.known import Case, Kept
from sr_core.application.log_context import note_subjects
from sr_core.application.metering import Observed, moves_of
from sr_core.application.projections import Occasion, changes_of
from sr_core.codec.envelope import Recorded, Seal, seal
from sr_core.domain.actors import Actor
from sr_core.domain.events import DomainEvent, Ruling, is_detected, stream_of
from sr_core.ports.clock import Clock, IdSource
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import (
    Batch,
    EventStore,
    NewEvent,
    Position,
    StreamId,
)
from sr_core.ports.metrics import Duration, Histogram, Metrics
from sr_core.ports.receipts import NamedRequest

S = TypeVar("S")

_LOG: Final = logging.getLogger(__name__)

ATTEMPTS_MAX: Final = 5
"""How often a rule is asked before a crowded boundary is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for something, in the course of what, and because of which event."""

    by: Actor
    correlation_id: str | None = None
    causation_id: str | None = None
    request: NamedRequest | None = None
    """What the events are recorded for, if its sender named it."""


Rule = Callable[[S], Awaitable[Ruling]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event that is in the log, at its position."""

    event: DomainEvent
    event_id: str
    position: Position
    correlation_id: str | None = None


Follower = Callable[[Sequence[Happened]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """The way into the log; `platform` is the actor of what the platform detects.

    Each of `followers` is told of what was recorded, once it is in the log. What a
    follower fails at, the command fails with: it is recorded all the same.
    """

    store: EventStore
    clock: Clock
    ids: IdSource
    platform: Actor
    metrics: Metrics
    followers: tuple[Follower, ...] = ()
    kept: Kept = field(default_factory=Kept)

    async def state(self, case: Case[S]) -> S:
        """Return what the log holds of the boundary."""
        return (await self.kept.known(self.store, case)).state

    async def record(
        self, case: Case[S], rule: Rule[S], asked: Asked
    ) -> tuple[NewEvent, ...]:
        """Append what `rule` decides, and return it.

        Raises:
            Refused: the rule says no; what it wants recorded of that, has been.
            VersionConflict: others kept coming first; ask again.
            RequestRepeated: another try of the same request was recorded first.
            Unavailable: no answer in time; it may or may not be recorded.

        """
        ruling, events, happened = await self._in_time(case, rule, asked)
        for follow in self.followers:
            await follow(happened)
        if ruling.refusal is not None:
            raise ruling.refusal
        return events

    async def _in_time(
        self, case: Case[S], rule: Rule[S], asked: Asked
    ) -> tuple[Ruling, tuple[NewEvent, ...], tuple[Happened, ...]]:
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return await self._once(case, rule, asked)
            except VersionConflict:
                continue
        return await self._once(case, rule, asked)

    async def _once(
        self, case: Case[S], rule: Rule[S], asked: Asked
    ) -> tuple[Ruling, tuple[NewEvent, ...], tuple[Happened, ...]]:
        known = await self.kept.known(self.store, case)
        ruling = await rule(known.state)
        if not ruling.events:
            return ruling, (), ()
        case.fold(ruling.events, known.state)  # what is decided can be folded
        events = self._sealed(ruling.events, Counter(known.versions), asked)
        began = time.perf_counter()  # says how long, and decides nothing
        positions = await self.store.append(
            Batch(
                boundary=case.boundary,
                expected=known.position,
                events=events,
                # A refusal is no answer to keep: the next try is judged anew.
                request=asked.request if ruling.refusal is None else None,
            )
        )
        self._tell(known.events, ruling.events, events, time.perf_counter() - began)
        return ruling, events, tuple(map(_happened, ruling.events, events, positions))

    def _tell(
        self,
        known: Iterable[Recorded],
        decided: Iterable[DomainEvent],
        events: tuple[NewEvent, ...],
        seconds: float,
    ) -> None:
        """Count and log what has been recorded."""
        at = events[0].occurred_at
        self.metrics.move(
            Duration(Histogram.APPEND, seconds),
            *moves_of(
                (Observed(each.event, each.occurred_at) for each in known),
                (Observed(each, at) for each in decided),
            ),
        )
        for event, new in zip(decided, events, strict=True):
            note_subjects(event)
            _LOG.info("recorded %s %s", new.event_type, new.event_id)

    def _sealed(
        self,
        events: Iterable[DomainEvent],
        versions: Counter[StreamId],
        asked: Asked,
    ) -> tuple[NewEvent, ...]:
        """Return the events as they are appended; the first one is the others' cause."""
        sealed: list[NewEvent] = []
        now = self.clock.now()
        for event in events:
            stream = StreamId(stream_of(event))
            versions[stream] += 1
            by = self.platform if is_detected(event) else asked.by
            event_id = self.ids.fresh("evt")
            sealed.append(
                seal(
                    event,
                    Seal(
                        event_id=event_id,
                        stream_seq=versions[stream],
                        by=by,
                        occurred_at=now,
                        correlation_id=asked.correlation_id,
                        causation_id=sealed[0].event_id
                        if sealed
                        else asked.causation_id,
                    ),
                    changes_of(event, Occasion(event_id=event_id, by=by, at=now)),
                )
            )
        return tuple(sealed)


def _happened(event: DomainEvent, sealed: NewEvent, position: Position) -> Happened:
    return Happened(
        event=event,
        event_id=sealed.event_id,
        position=position,
        correlation_id=sealed.correlation_id,
    )
