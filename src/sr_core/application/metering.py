"""What recorded events move among the metrics; pure, and fed by the log alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sr_core.domain.candidate import CandidateMaterialized
from sr_core.domain.events import DomainEvent
from sr_core.domain.iteration import IterationCompleted, IterationStarted
from sr_core.domain.loop import LoopClosed, LoopCreated
from sr_core.domain.run import RunCompleted, RunFailed, RunOutcome, RunStarted
from sr_core.ports.metrics import Count, Counter, Duration, Histogram, Move

_COUNTED: Final[dict[type[DomainEvent], Counter]] = {
    LoopCreated: Counter.LOOPS_CREATED,
    IterationStarted: Counter.ITERATIONS_STARTED,
    IterationCompleted: Counter.ITERATIONS_COMPLETED,
    CandidateMaterialized: Counter.CANDIDATES_REGISTERED,
    RunCompleted: Counter.ORACLE_RUNS,
    RunFailed: Counter.ORACLE_RUNS,
}


@dataclass(frozen=True, slots=True)
class Observed:
    """An event, and when it was recorded."""

    event: DomainEvent
    at: datetime


def moves_of(
    before: Iterable[Observed], appended: Iterable[Observed]
) -> tuple[Move, ...]:
    """Return what `appended` moves; `before` is what their boundary held already."""
    known = list(before)
    moves: list[Move] = []
    for each in appended:
        known.append(each)
        moves += _counts(each.event)
        moves += _durations(each, known)
    return tuple(moves)


def _counts(event: DomainEvent) -> Iterator[Count]:
    yield Count(Counter.EVENTS_APPENDED)
    if type(event) in _COUNTED:
        yield Count(_COUNTED[type(event)])
    match event:
        case IterationCompleted(outcome=outcome):
            yield Count(Counter.ITERATION, outcome.lower())
        case RunCompleted(outcome=RunOutcome.SUCCESS):
            yield Count(Counter.ORACLE_RUNS_PASSED)
        case RunCompleted() | RunFailed():
            yield Count(Counter.ORACLE_RUNS_FAILED)
        case _:
            pass


def _durations(ended: Observed, known: Iterable[Observed]) -> Iterator[Duration]:
    match ended.event:
        case LoopClosed(loop_id=loop_id):
            for each in known:
                if (
                    isinstance(each.event, LoopCreated)
                    and each.event.loop_id == loop_id
                ):
                    yield Duration(Histogram.LOOP_LIFECYCLE, _seconds(each, ended))
        case RunCompleted(run_id=run_id):
            for each in known:
                if isinstance(each.event, RunStarted) and each.event.run_id == run_id:
                    suite_id = each.event.oracle_suite_id
                    took = _seconds(each, ended)
                    yield Duration(Histogram.ORACLE_RUN, took, suite_id)
        case _:
            pass


def _seconds(began: Observed, ended: Observed) -> float:
    return (ended.at - began.at).total_seconds()
