"""All events there are: what each is about, and who records it (SPEC 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias, get_args

from sr_core.domain.approval import ApprovalRecorded
from sr_core.domain.candidate import CandidateMaterialized
from sr_core.domain.decision import DecisionRecorded
from sr_core.domain.errors import SrError
from sr_core.domain.freeze import FreezeRecordCreated
from sr_core.domain.governed_exception import (
    ExceptionActivated,
    ExceptionResolved,
    WaiverCreated,
)
from sr_core.domain.iteration import IterationCompleted, IterationStarted
from sr_core.domain.loop import (
    LoopActivated,
    LoopClosed,
    LoopCreated,
    LoopPaused,
    LoopResumed,
    StopTriggered,
)
from sr_core.domain.oracle_suite import OracleSuiteRegistered
from sr_core.domain.run import (
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    RunCompleted,
    RunFailed,
    RunStarted,
)
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
)


class StreamKind(StrEnum):
    """What a stream is about (SPEC 2.1)."""

    APPROVAL = "APPROVAL"
    CANDIDATE = "CANDIDATE"
    DECISION = "DECISION"
    EXCEPTION = "EXCEPTION"
    FREEZE = "FREEZE"
    ITERATION = "ITERATION"
    LOOP = "LOOP"
    ORACLE_SUITE = "ORACLE_SUITE"
    RUN = "RUN"


DomainEvent: TypeAlias = (
    LoopCreated
    | LoopActivated
    | LoopPaused
    | StopTriggered
    | LoopResumed
    | LoopClosed
    | IterationStarted
    | IterationCompleted
    | CandidateMaterialized
    | EvidenceMissingDetected
    | CandidateVerificationComputed
    | RunStarted
    | EvidenceBundleRecorded
    | IntegrityViolationDetected
    | RunCompleted
    | RunFailed
    | WaiverCreated
    | ExceptionActivated
    | ExceptionResolved
    | DecisionRecorded
    | ApprovalRecorded
    | FreezeRecordCreated
    | OracleSuiteRegistered
)

EVENT_TYPES: Final[Mapping[str, type[DomainEvent]]] = MappingProxyType(
    {each.__name__: each for each in get_args(DomainEvent)}
)
"""Every event's class by its name in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an event is about: its stream's kind, prefix, and the field that names it."""

    kind: StreamKind
    prefix: str
    field: str


_LOOP: Final = Subject(kind=StreamKind.LOOP, prefix="loop", field="loop_id")
_ITERATION: Final = Subject(
    kind=StreamKind.ITERATION, prefix="iter", field="iteration_id"
)
_CANDIDATE: Final = Subject(
    kind=StreamKind.CANDIDATE, prefix="cand", field="candidate_id"
)
_RUN: Final = Subject(kind=StreamKind.RUN, prefix="run", field="run_id")
_EXCEPTION: Final = Subject(
    kind=StreamKind.EXCEPTION, prefix="exc", field="exception_id"
)

_SUBJECTS: Final[Mapping[type[DomainEvent], Subject]] = {
    LoopCreated: _LOOP,
    LoopActivated: _LOOP,
    LoopPaused: _LOOP,
    StopTriggered: _LOOP,
    LoopResumed: _LOOP,
    LoopClosed: _LOOP,
    IterationStarted: _ITERATION,
    IterationCompleted: _ITERATION,
    CandidateMaterialized: _CANDIDATE,
    EvidenceMissingDetected: _CANDIDATE,
    CandidateVerificationComputed: _CANDIDATE,
    RunStarted: _RUN,
    EvidenceBundleRecorded: _RUN,
    IntegrityViolationDetected: _RUN,
    RunCompleted: _RUN,
    RunFailed: _RUN,
    WaiverCreated: _EXCEPTION,
    ExceptionActivated: _EXCEPTION,
    ExceptionResolved: _EXCEPTION,
    DecisionRecorded: Subject(
        kind=StreamKind.DECISION, prefix="dec", field="decision_id"
    ),
    ApprovalRecorded: Subject(
        kind=StreamKind.APPROVAL, prefix="appr", field="approval_id"
    ),
    FreezeRecordCreated: Subject(
        kind=StreamKind.FREEZE, prefix="freeze", field="freeze_id"
    ),
    OracleSuiteRegistered: Subject(
        kind=StreamKind.ORACLE_SUITE, prefix="suite", field="suite_id"
    ),
}
assert _SUBJECTS.keys() == set(EVENT_TYPES.values()), "every event has its stream"

_DETECTED: Final = (
    CandidateVerificationComputed,
    EvidenceBundleRecorded,
    EvidenceMissingDetected,
    IntegrityViolationDetected,
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
    identifier: str = getattr(event, subject.field)
    return stream_name(subject.prefix, identifier)


def stream_name(prefix: str, identifier: str) -> str:
    """Return the stream of what `identifier` names; one that says so itself, as it is."""
    if identifier.startswith(f"{prefix}:"):
        return identifier
    return f"{prefix}:{identifier}"


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
