"""What each event changes in the read model (C-EVT-7).

A pure function of the recorded event. It is applied in the transaction that appends the
event, and again by a rebuild, so the rows never say anything that the log does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sr_core.application.projections import (
    candidates,
    decisions,
    definitions,
    exceptions,
    governed_artifacts,
    graph,
    intakes,
    iterations,
    loops,
    notes,
    plans,
    portals,
    restricted,
    runs,
    staleness,
    suites,
    work_surfaces,
)
from sr_core.application.projections.common import Occasion
from sr_core.domain.approval import ApprovalEvent
from sr_core.domain.attachment import AttachmentEvent
from sr_core.domain.candidate import CandidateEvent
from sr_core.domain.config_definition import DefinitionEvent
from sr_core.domain.decision import DecisionEvent
from sr_core.domain.events import EVENT_TYPES, DomainEvent, members
from sr_core.domain.freeze import FreezeEvent
from sr_core.domain.governed_artifact import GovernedArtifactEvent
from sr_core.domain.governed_exception import ExceptionEvent
from sr_core.domain.governor import GovernorEvent
from sr_core.domain.intake import IntakeEvent
from sr_core.domain.iteration import IterationEvent
from sr_core.domain.loop import LoopEvent
from sr_core.domain.oracle_suite import SuiteEvent
from sr_core.domain.plan import PlanEvent
from sr_core.domain.record import RecordEvent
from sr_core.domain.redacted_copy import RedactionEvent
from sr_core.domain.restricted import EvidenceKeyEvent, EvidenceReadEvent
from sr_core.domain.run import RunEvent
from sr_core.domain.staleness import StalenessEvent
from sr_core.domain.verification import VerificationEvent
from sr_core.domain.work_surface_events import WorkSurfaceEvent
from sr_core.ports.read_model import RowChange

__all__ = ["Occasion", "changes_of", "projection_of"]

Projection = Callable[[Any, Occasion], tuple[RowChange, ...]]

_PROJECTIONS: Final[tuple[tuple[Any, Projection], ...]] = (
    (LoopEvent, loops.changes),
    (IterationEvent, iterations.changes),
    (CandidateEvent, candidates.changes),
    (VerificationEvent, candidates.verification_changes),
    (RunEvent, runs.changes),
    (ExceptionEvent, exceptions.changes),
    (DecisionEvent, decisions.changes),
    (ApprovalEvent, portals.approval_changes),
    (FreezeEvent, portals.freeze_changes),
    (RecordEvent, notes.record_changes),
    (AttachmentEvent, notes.attachment_changes),
    (SuiteEvent, suites.changes),
    (StalenessEvent, staleness.changes),
    (GovernedArtifactEvent, governed_artifacts.changes),
    (PlanEvent, plans.changes),
    (GovernorEvent, plans.governor_changes),
    (IntakeEvent, intakes.changes),
    (DefinitionEvent, definitions.changes),
    (WorkSurfaceEvent, work_surfaces.changes),
    (EvidenceReadEvent, restricted.read_changes),
    (EvidenceKeyEvent, restricted.key_changes),
    (RedactionEvent, restricted.copy_changes),
)
"""One row for each aggregate."""

_BY_EVENT: Final[Mapping[type[DomainEvent], Projection]] = {
    event: project for union, project in _PROJECTIONS for event in members(union)
}
assert _BY_EVENT.keys() == set(EVENT_TYPES.values()), "every event is projected"


def changes_of(event: DomainEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes: those of its subject, and the graph's."""
    return (*_BY_EVENT[type(event)](event, on), *graph.changes(event, on))


def projection_of(event_type: str) -> str:
    """Return the name of the projection that takes events of that type."""
    event = EVENT_TYPES.get(event_type)
    if event is None:
        return "none"
    return _BY_EVENT[event].__module__.rpartition(".")[2]
