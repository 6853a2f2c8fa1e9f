"""The ledger: what the ordered log says, as far as work units are concerned.

A pure fold over every event of the log in its order. It knows no plan: `event_manager`
looks at a ledger through one. Each event's name has its reader, or stands among those
that say nothing of work units; any other name is an error, since an event passed over in
silence is a state that nobody computed.

Time comes from the events alone. Order is that of the log; a time is never compared.

Clauses: SPEC 12.3 (what is consumed), C-EVT-4 (order), C-EVT-7 (derivable from the log).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from sr_core.domain import plan as plans
from sr_core.domain.approval import ApprovalDecision, ApprovalRecorded
from sr_core.domain.candidate import CandidateMaterialized
from sr_core.domain.errors import EventNotUnderstood
from sr_core.domain.event_shapes import (
    DeferralDrawn,
    ExceptionMoved,
    StageLeft,
    StageMoved,
    StalenessSaid,
    SurfaceBound,
    SurfaceMoved,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.iteration import IterationCompleted, IterationStarted
from sr_core.domain.loop import LoopClosed, LoopCreated, LoopResumed, StopTriggered
from sr_core.domain.plan import Plan, PlanEvent
from sr_core.domain.refs import Ref, RefRelation
from sr_core.domain.run import EvidenceBundleRecorded, IntegrityViolationDetected
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
)

V = TypeVar("V")
E = TypeVar("E", bound=StrEnum)

Node: TypeAlias = tuple[str, str]
"""A thing that refs point at: its kind and its identifier."""


class StageStatus(StrEnum):
    """Where a stage of a work unit stands (SPEC 4.8)."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PASSED = "PASSED"
    FAILED = "FAILED"
    BLOCKED = "BLOCKED"


class GateStatus(StrEnum):
    """What the gate of a stage found (SPEC 2.3)."""

    PASS = "PASS"  # noqa: S105 - a verdict
    PASS_WITH_WAIVERS = "PASS_WITH_WAIVERS"  # noqa: S105 - a verdict
    FAIL = "FAIL"


# What is kept.


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEntry:
    """One loop: the unit that it works on, and how far it is."""

    work_unit_id: str
    is_closed: bool = False
    open_iteration: str | None = None
    stops: frozenset[str] = frozenset()
    candidates: frozenset[str] = frozenset()
    last_iteration: str | None = None
    last_candidate: str | None = None
    last_bundle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEntry:
    """One stage of a work surface, and the evidence that it last rested on."""

    status: StageStatus
    evidence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceEntry:
    """One work surface: what it binds to a unit, and how far its stages are.

    `passed_by` is the bundle with which its terminal stage passed, if it did.
    """

    work_unit_id: str
    intake: tuple[str, str]
    template_id: str
    is_active: bool = True
    current_stage: str | None = None
    stages: Mapping[str, StageEntry] = field(default_factory=dict)
    passed_by: str | None = None
    passed_with_waivers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEntry:
    """One bundle: whose it is, what it says, and whether it is still there."""

    candidate_id: str
    verdict: ResultStatus
    is_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferralEntry:
    """One deferral, and whether it is in force."""

    work_unit_id: str | None
    loop_id: str | None
    is_active: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the log says up to `position`; each mapping in the order of the log."""

    position: int = 0
    last_event_id: str | None = None
    as_of: datetime | None = None
    plans: Mapping[str, Plan] = field(default_factory=dict)
    loops: Mapping[str, LoopEntry] = field(default_factory=dict)
    conditions: Mapping[str, frozenset[IntegrityCondition]] = field(
        default_factory=dict
    )
    """What stands against each candidate."""
    loop_of_candidate: Mapping[str, str] = field(default_factory=dict)
    bundles: Mapping[str, BundleEntry] = field(default_factory=dict)
    surfaces: Mapping[str, SurfaceEntry] = field(default_factory=dict)
    approvals: Mapping[tuple[str, Node], ApprovalDecision] = field(default_factory=dict)
    """The latest word at each portal about each thing."""
    deferrals: Mapping[str, DeferralEntry] = field(default_factory=dict)
    markers: Mapping[str, frozenset[Node]] = field(default_factory=dict)
    """The unresolved staleness markers, and what each marks."""


class Event(Protocol):
    """Any event of the log."""

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One event at its place in the log."""

    position: int
    event_id: str
    at: datetime
    event: Event


def fold(entries: Iterable[Logged], onto: Ledger | None = None) -> Ledger:
    """Return the ledger after `entries`, in the order of the log."""
    return reduce(evolve, entries, onto or Ledger())


def evolve(ledger: Ledger, entry: Logged) -> Ledger:
    """Return the ledger after one more event.

    Raises:
        EventNotUnderstood: no reader knows an event of that name.

    """
    assert entry.position > ledger.position, "the log is read forwards, each event once"
    name = type(entry.event).__name__
    reader = READERS.get(name)
    if reader is None and name not in SILENT:
        raise EventNotUnderstood(event_type=name, position=entry.position)
    read = reader(ledger, entry.event) if reader else ledger
    return replace(
        read, position=entry.position, last_event_id=entry.event_id, as_of=entry.at
    )


# The readers.


def _plan(ledger: Ledger, event: PlanEvent) -> Ledger:
    plan = plans.evolve(ledger.plans.get(event.plan_id), event)
    return replace(ledger, plans=_with(ledger.plans, event.plan_id, plan))


def _loop_created(ledger: Ledger, event: LoopCreated) -> Ledger:
    entry = LoopEntry(work_unit_id=event.work_unit)
    return replace(ledger, loops=_with(ledger.loops, event.loop_id, entry))


def _loop(ledger: Ledger, loop_id: str, **changes: Any) -> Ledger:  # noqa: ANN401 - the fields of LoopEntry
    entry = replace(ledger.loops[loop_id], **changes)
    return replace(ledger, loops=_with(ledger.loops, loop_id, entry))


def _stopped(ledger: Ledger, event: StopTriggered) -> Ledger:
    stops = ledger.loops[event.loop_id].stops | {event.trigger}
    return _loop(ledger, event.loop_id, stops=stops)


def _resumed(ledger: Ledger, event: LoopResumed) -> Ledger:
    return _loop(ledger, event.loop_id, stops=frozenset())


def _closed(ledger: Ledger, event: LoopClosed) -> Ledger:
    return _loop(ledger, event.loop_id, is_closed=True)


def _iteration_started(ledger: Ledger, event: IterationStarted) -> Ledger:
    begun = event.iteration_id
    return _loop(ledger, event.loop_id, open_iteration=begun, last_iteration=begun)


def _iteration_completed(ledger: Ledger, event: IterationCompleted) -> Ledger:
    return _loop(ledger, event.loop_id, open_iteration=None)


def _candidate(ledger: Ledger, event: CandidateMaterialized) -> Ledger:
    name = event.candidate_id
    of_loop = ledger.loops[event.loop_id].candidates | {name}
    read = _loop(ledger, event.loop_id, candidates=of_loop, last_candidate=name)
    return replace(
        read,
        conditions=_with(ledger.conditions, name, frozenset[IntegrityCondition]()),
        loop_of_candidate=_with(ledger.loop_of_candidate, name, event.loop_id),
    )


def _bundle(ledger: Ledger, event: EvidenceBundleRecorded) -> Ledger:
    entry = BundleEntry(candidate_id=event.candidate_id, verdict=event.verdict)
    read = _loop(
        ledger,
        ledger.loop_of_candidate[event.candidate_id],
        last_bundle=event.content_hash,
    )
    return replace(read, bundles=_with(ledger.bundles, event.content_hash, entry))


def _violated(ledger: Ledger, event: IntegrityViolationDetected) -> Ledger:
    return _stands(ledger, event.candidate_id, event.condition.condition_type)


def _evidence_missing(ledger: Ledger, event: EvidenceMissingDetected) -> Ledger:
    gone = replace(ledger.bundles[event.content_hash], is_missing=True)
    read = replace(ledger, bundles=_with(ledger.bundles, event.content_hash, gone))
    return _stands(read, event.candidate_id, IntegrityCondition.EVIDENCE_MISSING)


def _stands(ledger: Ledger, candidate: str, condition: IntegrityCondition) -> Ledger:
    found = ledger.conditions[candidate] | {condition}
    return replace(ledger, conditions=_with(ledger.conditions, candidate, found))


def _verified(ledger: Ledger, event: CandidateVerificationComputed) -> Ledger:
    found = frozenset(event.integrity_conditions)
    return replace(
        ledger, conditions=_with(ledger.conditions, event.candidate_id, found)
    )


def _approved(ledger: Ledger, event: ApprovalRecorded) -> Ledger:
    said = {
        (str(event.portal_id), (str(each.kind), each.id)): event.decision
        for each in event.refs
        if each.rel is RefRelation.ABOUT
    }
    return replace(ledger, approvals={**ledger.approvals, **said})


def _deferred(ledger: Ledger, event: DeferralDrawn) -> Ledger:
    scope = event.scope
    entry = DeferralEntry(work_unit_id=scope.work_unit_id, loop_id=scope.loop_id)
    return replace(ledger, deferrals=_with(ledger.deferrals, event.exception_id, entry))


def _in_force(ledger: Ledger, event: ExceptionMoved) -> Ledger:
    return _deferral(ledger, event, is_active=True)


def _out_of_force(ledger: Ledger, event: ExceptionMoved) -> Ledger:
    return _deferral(ledger, event, is_active=False)


def _deferral(ledger: Ledger, event: ExceptionMoved, *, is_active: bool) -> Ledger:
    """Change the deferral that the event is about; a waiver or deviation is none."""
    known = ledger.deferrals.get(event.exception_id)
    if known is None:
        return ledger
    changed = replace(known, is_active=is_active)
    return replace(
        ledger, deferrals=_with(ledger.deferrals, event.exception_id, changed)
    )


def _bound(ledger: Ledger, event: SurfaceBound) -> Ledger:
    entry = SurfaceEntry(
        work_unit_id=event.work_unit_id,
        intake=(event.intake_ref.id, event.intake_ref.content_hash),
        template_id=event.template_ref.id,
    )
    return replace(
        ledger, surfaces=_with(ledger.surfaces, event.work_surface_id, entry)
    )


def _surface(ledger: Ledger, surface_id: str, **changes: Any) -> Ledger:  # noqa: ANN401 - the fields of SurfaceEntry
    entry = replace(ledger.surfaces[surface_id], **changes)
    return replace(ledger, surfaces=_with(ledger.surfaces, surface_id, entry))


def _stage_entered(ledger: Ledger, event: StageMoved) -> Ledger:
    known = ledger.surfaces[event.work_surface_id].stages
    stages = _with(known, event.stage_id, StageEntry(status=StageStatus.ACTIVE))
    return _surface(
        ledger, event.work_surface_id, current_stage=event.stage_id, stages=stages
    )


def _stage_completed(ledger: Ledger, event: StageLeft) -> Ledger:
    gate = event.gate_result
    passed = gate.status in {GateStatus.PASS, GateStatus.PASS_WITH_WAIVERS}
    evidence = _hash_of(event.evidence_bundle_ref)
    entry = StageEntry(
        status=StageStatus.PASSED if passed else StageStatus.FAILED, evidence=evidence
    )
    known = ledger.surfaces[event.work_surface_id]
    is_last = passed and event.next_stage_id is None
    return _surface(
        ledger,
        event.work_surface_id,
        stages=_with(known.stages, event.stage_id, entry),
        passed_by=evidence if is_last else known.passed_by,
        passed_with_waivers=is_last and bool(gate.waiver_refs),
    )


def _surface_ended(ledger: Ledger, event: SurfaceMoved) -> Ledger:
    return _surface(ledger, event.work_surface_id, is_active=False)


def _marked(ledger: Ledger, event: StalenessSaid) -> Ledger:
    return replace(
        ledger, markers=_with(ledger.markers, event.stale_id, _stale_nodes(event))
    )


def _unmarked(ledger: Ledger, event: StalenessSaid) -> Ledger:
    """Take back what the event answers; a marker may be answered in parts."""
    answered = _stale_nodes(event)
    left = ledger.markers.get(event.stale_id, frozenset()) - answered
    others = {name: on for name, on in ledger.markers.items() if name != event.stale_id}
    return replace(ledger, markers={**others, event.stale_id: left} if left else others)


def _stale_nodes(event: StalenessSaid) -> frozenset[Node]:
    return frozenset(
        (str(each.kind), each.id)
        for each in event.refs
        if each.rel is RefRelation.STALE
    )


def _hash_of(evidence: object) -> str:
    """Return the bundle's hash, given as such or as a ref to it."""
    return evidence.id if isinstance(evidence, Ref) else str(evidence)


def _with(things: Mapping[Any, V], name: object, thing: V) -> Mapping[Any, V]:
    return {**things, name: thing}


READERS: Final[Mapping[str, Callable[[Ledger, Any], Ledger]]] = MappingProxyType(
    {
        "ApprovalRecorded": _approved,
        "CandidateMaterialized": _candidate,
        "CandidateVerificationComputed": _verified,
        "DeferralCreated": _deferred,
        "EvidenceBundleRecorded": _bundle,
        "EvidenceMissingDetected": _evidence_missing,
        "ExceptionActivated": _in_force,
        "ExceptionExpired": _out_of_force,
        "ExceptionResolved": _out_of_force,
        "IntegrityViolationDetected": _violated,
        "IterationCompleted": _iteration_completed,
        "IterationFailed": _iteration_completed,
        "IterationStarted": _iteration_started,
        "LoopClosed": _closed,
        "LoopCreated": _loop_created,
        "LoopResumed": _resumed,
        "NodeMarkedStale": _marked,
        "PlanActivated": _plan,
        "PlanCancelled": _plan,
        "PlanCompleted": _plan,
        "PlanInstanceRecorded": _plan,
        "StageCompleted": _stage_completed,
        "StageEntered": _stage_entered,
        "StalenessResolved": _unmarked,
        "StopTriggered": _stopped,
        "WorkSurfaceArchived": _surface_ended,
        "WorkSurfaceBound": _bound,
        "WorkSurfaceCompleted": _surface_ended,
    }
)
"""Who reads an event, by the name that it has in the log."""

SILENT: Final = frozenset(
    {
        "AttachmentRecorded",
        "ConfigDefinitionRecorded",
        "DecisionRecorded",
        "DeviationCreated",
        "EvidenceAssociated",
        "FreezeRecordCreated",
        "GovernedArtifactVersionRecorded",
        "GovernorDecisionRecorded",
        "IntakeActivated",
        "IntakeArchived",
        "IntakeCreated",
        "IntakeForked",
        "IntakeUpdated",
        "IterationBegun",
        "IterationSummaryRecorded",
        "LoopActivated",
        "LoopPaused",
        "LoopUpdated",
        "OracleExecutionCompleted",
        "OracleExecutionStarted",
        "OracleSuitePinned",
        "OracleSuiteRebased",
        "OracleSuiteRegistered",
        "OracleSuiteUpdated",
        "ReEvaluationTriggered",
        "RecordCreated",
        "RecordSuperseded",
        "RestrictedEvidenceErased",
        "RestrictedEvidenceRead",
        "RestrictedEvidenceRedacted",
        "RunCompleted",
        "RunFailed",
        "RunStarted",
        "WaiverCreated",
    }
)
"""The events that say nothing of work units."""
assert not SILENT & READERS.keys(), "an event is read or it is not"
