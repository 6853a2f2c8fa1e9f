"""Logs of any length for measuring, in which every type of event occurs.

    seed ──▶ stories, decided by the real rules ──▶ interleaved ──▶ batches to append

The same seed gives the same bytes, and every identifier in it is unique. Some loops are
told at once, each a whole story (`sr_core.testing.story`); in front stands one of each
thing that is about no loop.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Final

from sr_core.adapters.system import UlidSource
from sr_core.application.projections import Occasion, changes_of
from sr_core.codec.envelope import Seal, seal
from sr_core.domain.actors import Actor
from sr_core.domain.events import DomainEvent, is_detected, stream_of
from sr_core.domain.ids import LoopId
from sr_core.domain.iteration import IterationStarted
from sr_core.domain.run import EvidenceAssociated, RunStarted
from sr_core.ports.event_store import BEGINNING, Batch, NewEvent, Position, StreamId
from sr_core.testing import (
    HUMAN,
    NOON,
    PLATFORM,
    SYSTEM,
    TickingClock,
    build_artifact_events,
    build_full_story,
    build_notes,
    build_staleness,
    build_suite_events,
)
from sr_core.testing.plans import every_plan_event
from sr_core.testing.story import Story
from sr_core.testing.work import build_work_log

AT_ONCE: Final = 8
"""How many loops are told side by side."""
BATCH_MAX: Final = 4
"""How many events a command records at most."""
BY_THE_SYSTEM: Final = (IterationStarted, RunStarted, EvidenceAssociated)
"""What nobody else may ask for."""


def batches(seed: int, events: int, *, after: int = 0) -> Iterator[Batch]:
    """Yield the batches of a log of `events` in the order of appending.

    `after` leaves out the events that are there already: the first so many of the same
    seed's log.
    """
    log, end = _Log(seed), 0
    for boundary, told in _told(log):
        begin, kept = end, told[: events - end]
        batch = log.batch(boundary, kept)
        end += len(kept)
        if begin >= after:
            yield batch
        elif end > after:  # a part of it is there
            yield replace(
                batch, expected=Position(after), events=batch.events[after - begin :]
            )
        if end == events:
            return


class _Log:
    """What has been told so far: versions of streams, ends of boundaries, chance."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn = 0
        self._count = 0
        self._versions: Counter[StreamId] = Counter()
        self._ends: dict[StreamId, Position] = {}
        self.ids = UlidSource(TickingClock(), randbits=self.bits)

    def bits(self, count: int) -> int:
        """Draw a number of so many bits, which follows from the seed."""
        self._drawn += 1
        drawn = hashlib.sha256(f"{self._seed} {self._drawn}".encode()).digest()
        return int.from_bytes(drawn, "big") >> (8 * len(drawn) - count)

    def batch(self, boundary: StreamId, told: Iterable[DomainEvent]) -> Batch:
        """Return the events as the next batch to append."""
        expected = self._ends.get(boundary, BEGINNING)
        events = tuple(map(self._sealed, told))
        self._ends[boundary] = Position(self._count)
        return Batch(boundary=boundary, expected=expected, events=events)

    def _sealed(self, event: DomainEvent) -> NewEvent:
        self._count += 1
        stream = StreamId(stream_of(event))
        self._versions[stream] += 1
        by = _actor(event)
        at = NOON + timedelta(seconds=self._count)
        event_id = self.ids.fresh("evt")
        said = Seal(
            event_id=event_id,
            stream_seq=self._versions[stream],
            by=by,
            occurred_at=at,
            correlation_id=f"corr-{self._count}",
            causation_id=None,
        )
        return seal(
            event, said, changes_of(event, Occasion(event_id=event_id, by=by, at=at))
        )


def _actor(event: DomainEvent) -> Actor:
    if is_detected(event):
        return PLATFORM
    return SYSTEM if isinstance(event, BY_THE_SYSTEM) else HUMAN


def _told(log: _Log) -> Iterator[tuple[StreamId, Sequence[DomainEvent]]]:
    """Yield what is recorded together, for ever."""
    for event in _alone():
        yield StreamId(stream_of(event)), [event]
    stories = [_story(log) for _ in range(AT_ONCE)]
    while True:
        place = log.bits(16) % AT_ONCE
        boundary, left = stories[place]
        told = list(islice(left, 1 + log.bits(16) % BATCH_MAX))
        if told:
            yield boundary, told
        else:
            stories[place] = _story(log)


def _story(log: _Log) -> tuple[StreamId, Iterator[DomainEvent]]:
    story = build_full_story(Story(loop_id=LoopId(log.ids.fresh("loop")), ids=log.ids))
    return StreamId(stream_of(story.log[0])), iter(story.log)


def _alone() -> Iterator[DomainEvent]:
    """Yield what is about no loop, or about one that is never told."""
    yield from build_suite_events()
    yield from build_artifact_events()
    yield from build_work_log()
    yield from every_plan_event()
    yield from build_notes()
    yield from build_staleness()
