"""All events there are: what each is about, and who records it (SPEC 2.3).

Each aggregate's module names its own events in one union; here they are gathered, and
each union gets the stream that its events belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType, UnionType
from typing import Any, Final, TypeAlias, get_args

from sr_core.domain.approval import ApprovalEvent
from sr_core.domain.attachment import AttachmentEvent
from sr_core.domain.candidate import CandidateEvent
from sr_core.domain.config_definition import DefinitionEvent
from sr_core.domain.decision import DecisionEvent
from sr_core.domain.errors import SrError
from sr_core.domain.freeze import FreezeEvent
from sr_core.domain.governed_artifact import GovernedArtifactEvent
from sr_core.domain.governed_exception import ExceptionEvent, ExceptionExpired
from sr_core.domain.governor import GovernorDecisionRecorded, GovernorEvent
from sr_core.domain.intake import IntakeEvent
from sr_core.domain.iteration import IterationEvent
from sr_core.domain.loop import LoopEvent, StopTriggered
from sr_core.domain.oracle_suite import SuiteEvent
from sr_core.domain.plan import PlanCompleted, PlanEvent
from sr_core.domain.record import RecordEvent
from sr_core.domain.redacted_copy import RedactionEvent
from sr_core.domain.refs import Ref
from sr_core.domain.restricted import EvidenceKeyEvent, EvidenceReadEvent
from sr_core.domain.run import (
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    OracleExecutionCompleted,
    RunCompleted,
    RunEvent,
    RunFailed,
)
from sr_core.domain.staleness import ReEvaluationTriggered, StalenessEvent
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    VerificationEvent,
)
from sr_core.domain.work_surface_events import WorkSurfaceEvent


class StreamKind(StrEnum):
    """What a stream is about (SPEC 2.1)."""

    APPROVAL = "APPROVAL"
    ATTACHMENT = "ATTACHMENT"
    CANDIDATE = "CANDIDATE"
    DECISION = "DECISION"
    EXCEPTION = "EXCEPTION"
    FREEZE = "FREEZE"
    GOVERNANCE = "GOVERNANCE"
    INTAKE = "INTAKE"
    ITERATION = "ITERATION"
    LOOP = "LOOP"
    ORACLE_SUITE = "ORACLE_SUITE"
    RUN = "RUN"
    WORK_SURFACE = "WORK_SURFACE"


DomainEvent: TypeAlias = (
    LoopEvent
    | IterationEvent
    | CandidateEvent
    | VerificationEvent
    | RunEvent
    | ExceptionEvent
    | DecisionEvent
    | ApprovalEvent
    | FreezeEvent
    | RecordEvent
    | AttachmentEvent
    | SuiteEvent
    | StalenessEvent
    | GovernedArtifactEvent
    | PlanEvent
    | GovernorEvent
    | IntakeEvent
    | DefinitionEvent
    | WorkSurfaceEvent
    | EvidenceReadEvent
    | EvidenceKeyEvent
    | RedactionEvent
)

EVENT_TYPES: Final[Mapping[str, type[DomainEvent]]] = MappingProxyType(
    {each.__name__: each for each in get_args(DomainEvent)}
)
"""Every event's class by its name in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an event is about: the kind of its stream, and how that is named.

    The name is ``<prefix>:<value of field>``, or the prefix alone where all events of
    the kind share one stream (`field` is None).
    """

    kind: StreamKind
    prefix: str
    field: str | None


def members(union: Any) -> tuple[type[DomainEvent], ...]:  # noqa: ANN401 - a union has no type of its own, and one of a single event is that event
    """Return the events that an aggregate's union is made of."""
    return get_args(union) if isinstance(union, UnionType) else (union,)


_STREAMS: Final[tuple[tuple[Any, StreamKind, str, str | None], ...]] = (
    (LoopEvent, StreamKind.LOOP, "loop", "loop_id"),
    (IterationEvent, StreamKind.ITERATION, "iter", "iteration_id"),
    (CandidateEvent, StreamKind.CANDIDATE, "cand", "candidate_id"),
    (VerificationEvent, StreamKind.CANDIDATE, "cand", "candidate_id"),
    (RunEvent, StreamKind.RUN, "run", "run_id"),
    (ExceptionEvent, StreamKind.EXCEPTION, "exc", "exception_id"),
    (DecisionEvent, StreamKind.DECISION, "dec", "decision_id"),
    (ApprovalEvent, StreamKind.APPROVAL, "appr", "approval_id"),
    (FreezeEvent, StreamKind.FREEZE, "freeze", "freeze_id"),
    (RecordEvent, StreamKind.GOVERNANCE, "rec", "record_id"),
    (AttachmentEvent, StreamKind.ATTACHMENT, "attach", "attachment_id"),
    (SuiteEvent, StreamKind.ORACLE_SUITE, "suite", "suite_id"),
    (StalenessEvent, StreamKind.GOVERNANCE, "gov:staleness", None),
    (GovernedArtifactEvent, StreamKind.GOVERNANCE, "gov:artifacts", None),
    (PlanEvent, StreamKind.GOVERNANCE, "plan", "plan_id"),
    (GovernorEvent, StreamKind.GOVERNANCE, "gdec", "decision_id"),
    (IntakeEvent, StreamKind.INTAKE, "intake", "intake_id"),
    (DefinitionEvent, StreamKind.GOVERNANCE, "config", "config_id"),
    (WorkSurfaceEvent, StreamKind.WORK_SURFACE, "ws", "work_surface_id"),
    (EvidenceReadEvent, StreamKind.GOVERNANCE, "evread", "read_id"),
    (EvidenceKeyEvent, StreamKind.GOVERNANCE, "evkeys", "content_hash"),
    (RedactionEvent, StreamKind.GOVERNANCE, "evcopy", "redacted_bundle_hash"),
)
"""One row for each aggregate."""

_SUBJECTS: Final[Mapping[type[DomainEvent], Subject]] = {
    event: Subject(kind=kind, prefix=prefix, field=field)
    for union, kind, prefix, field in _STREAMS
    for event in members(union)
}
assert _SUBJECTS.keys() == set(EVENT_TYPES.values()), "every event has its stream"

_DETECTED: Final = (
    CandidateVerificationComputed,
    EvidenceBundleRecorded,
    EvidenceMissingDetected,
    ExceptionExpired,
    GovernorDecisionRecorded,
    IntegrityViolationDetected,
    OracleExecutionCompleted,
    PlanCompleted,
    ReEvaluationTriggered,
    RunCompleted,
    RunFailed,
    StopTriggered,
)


def subject_of(event: DomainEvent) -> Subject:
    """Return what `event` is about."""
    return _SUBJECTS[type(event)]


def stream_of(event: DomainEvent) -> str:
    """Return the stream that `event` belongs to, such as ``loop:loop_01J...``."""
    subject = subject_of(event)
    if subject.field is None:
        return subject.prefix
    identifier: str = getattr(event, subject.field)
    return stream_name(subject.prefix, identifier)


def stream_name(prefix: str, identifier: str) -> str:
    """Return the stream of what `identifier` names; one that says so itself, as it is."""
    if identifier.startswith(f"{prefix}:"):
        return identifier
    return f"{prefix}:{identifier}"


def refs_of(event: DomainEvent) -> tuple[Ref, ...]:
    """Return what `event` is about, and what it rests on.

    They follow from the event, so none can be recorded without them, or with others.
    """
    return event.refs


def is_detected(event: DomainEvent) -> bool:
    """Whether the platform itself found it, whoever asked: its actor is the SYSTEM."""
    return isinstance(event, _DETECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to be recorded; and, if the answer is no all the same, why.

    A refusal may be worth an event: that evidence was found missing is recorded, though
    the approval that asked for it is refused.
    """

    events: tuple[DomainEvent, ...] = ()
    refusal: SrError | None = None
