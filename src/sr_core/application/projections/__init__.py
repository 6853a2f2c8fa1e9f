"""What each event changes in the read model (C-EVT-7).

A pure function of the recorded event. It is applied in the transaction that appends the
event, and again by a rebuild, so the rows never say anything that the log does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sr_core.application.projections import (
    candidates,
    iterations,
    loops,
    portals,
    runs,
    suites,
)
from sr_core.application.projections.common import Occasion
from sr_core.domain.approval import ApprovalEvent
from sr_core.domain.candidate import CandidateEvent
from sr_core.domain.decision import DecisionEvent
from sr_core.domain.events import EVENT_TYPES, DomainEvent, members
from sr_core.domain.freeze import FreezeEvent
from sr_core.domain.governed_exception import ExceptionEvent
from sr_core.domain.iteration import IterationEvent
from sr_core.domain.loop import LoopEvent
from sr_core.domain.oracle_suite import SuiteEvent
from sr_core.domain.run import RunEvent
from sr_core.domain.verification import VerificationEvent
from sr_core.ports.read_model import RowChange

__all__ = ["Occasion", "changes_of"]

Projection = Callable[[Any, Occasion], tuple[RowChange, ...]]

_PROJECTIONS: Final[tuple[tuple[Any, Projection], ...]] = (
    (LoopEvent, loops.changes),
    (IterationEvent, iterations.changes),
    (CandidateEvent, candidates.changes),
    (VerificationEvent, candidates.verification_changes),
    (RunEvent, runs.changes),
    (ExceptionEvent, portals.exception_changes),
    (DecisionEvent, portals.decision_changes),
    (ApprovalEvent, portals.approval_changes),
    (FreezeEvent, portals.freeze_changes),
    (SuiteEvent, suites.changes),
)
"""One row for each aggregate."""

_BY_EVENT: Final[Mapping[type[DomainEvent], Projection]] = {
    event: project for union, project in _PROJECTIONS for event in members(union)
}
assert _BY_EVENT.keys() == set(EVENT_TYPES.values()), "every event is projected"


def changes_of(event: DomainEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    return _BY_EVENT[type(event)](event, on)
