"""A log about work units, told in what the event manager reads of each event.

Each telling makes an event of the name that the log has for it, with the fields that are
read and no others. It is for the rules of the event manager alone; that they read the
platform's real events is shown over real logs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Self

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.event_ledger import GateStatus, Ledger, Logged, fold
from sr_core.domain.event_manager import PlanView, UnitStatus, view
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.integrity import IntegrityCondition, Portal, StopTrigger
from sr_core.domain.plan import PlanInstance
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.domain.violation import Violation
from sr_core.testing.plans import (
    INTAKE_1,
    INTAKE_HASH,
    PLAN_1,
    TEMPLATE,
    active_plan,
    build_plan,
)
from sr_core.testing.values import NOON


@dataclass
class UnitLog:
    """What happened to some work units; each telling adds one event."""

    instance: PlanInstance = field(default_factory=build_plan)
    entries: list[Logged] = field(default_factory=list)

    def __post_init__(self) -> None:
        for event in active_plan(self.instance)[1]:
            self.add(event)

    @property
    def ledger(self) -> Ledger:
        """The log, folded at once."""
        return fold(self.entries)

    @property
    def view(self) -> PlanView:
        """How far the plan is."""
        return view(self.ledger, self.ledger.plans[PLAN_1])

    def unit(self, name: str) -> UnitStatus:
        """How far one unit is."""
        return self.view.units[name]

    def add(self, event: Any) -> Self:  # noqa: ANN401 - an event of any kind
        """Add an event to the end of the log."""
        position = len(self.entries) + 1
        entry = Logged(
            position=position,
            event_id=f"evt_{position}",
            at=NOON + timedelta(seconds=position),
            event=event,
        )
        self.entries.append(entry)
        return self

    def tell(self, name: str, /, **fields: object) -> Self:
        """Add an event of that name with these fields."""
        made = type(name, (SimpleNamespace,), {})
        return self.add(made(**{"refs": (), **fields}))

    def open_loop(self, unit: str, loop: str | None = None) -> Self:
        """Let a loop be created for the unit."""
        return self.tell("LoopCreated", loop_id=loop or _loop(unit), work_unit=unit)

    def bind(
        self,
        unit: str,
        *,
        intake: tuple[str, str] = (INTAKE_1, INTAKE_HASH),
        template: str = TEMPLATE,
        surface: str | None = None,
    ) -> Self:
        """Let a work surface be bound to the unit, and its first stage entered."""
        surface = surface or _surface(unit)
        self.tell(
            "WorkSurfaceBound",
            work_surface_id=surface,
            work_unit_id=unit,
            intake_ref=SimpleNamespace(id=intake[0], content_hash=intake[1]),
            template_ref=SimpleNamespace(id=template, content_hash=INTAKE_HASH),
        )
        return self.enter(unit, surface=surface)

    def enter(
        self, unit: str, stage: str = "stage:FRAME", surface: str | None = None
    ) -> Self:
        """Let a stage be entered."""
        where = surface or _surface(unit)
        return self.tell("StageEntered", work_surface_id=where, stage_id=stage)

    def begin(self, unit: str) -> Self:
        """Let the unit have a work surface and a loop."""
        return self.bind(unit).open_loop(unit)

    def iterate(self, unit: str) -> Self:
        """Let an iteration start in the unit's loop."""
        return self.tell(
            "IterationStarted", loop_id=_loop(unit), iteration_id=f"iter-{unit}"
        )

    def finish(self, unit: str) -> Self:
        """Let the iteration end; its worker says that it went well."""
        return self.tell(
            "IterationCompleted",
            loop_id=_loop(unit),
            iteration_id=f"iter-{unit}",
            outcome="SUCCESS",
        )

    def make(self, unit: str) -> Self:
        """Let a candidate be registered."""
        return self.tell(
            "CandidateMaterialized", loop_id=_loop(unit), candidate_id=_candidate(unit)
        )

    def judge(self, unit: str, verdict: ResultStatus = ResultStatus.PASS) -> Self:
        """Let evidence about the candidate be recorded."""
        return self.tell(
            "EvidenceBundleRecorded",
            candidate_id=_candidate(unit),
            content_hash=evidence_of(unit),
            verdict=verdict,
        )

    def pass_stage(
        self,
        unit: str,
        *,
        stage: str = "stage:FINAL",
        gate: GateStatus = GateStatus.PASS,
        next_stage: str | None = None,
        evidence: str | None = None,
        waivers: tuple[str, ...] = (),
    ) -> Self:
        """Let a stage be completed; it is the last one unless `next_stage` is named."""
        return self.tell(
            "StageCompleted",
            work_surface_id=_surface(unit),
            stage_id=stage,
            evidence_bundle_ref=evidence or evidence_of(unit),
            gate_result=SimpleNamespace(status=gate, waiver_refs=waivers),
            next_stage_id=next_stage,
        )

    def end_surface(self, unit: str, how: str = "WorkSurfaceCompleted") -> Self:
        """Let the work surface be completed, or archived."""
        return self.tell(how, work_surface_id=_surface(unit))

    def complete(self, unit: str) -> Self:
        """Let everything happen that a unit needs to be complete, but for portals."""
        self.begin(unit).iterate(unit).make(unit).judge(unit).finish(unit)
        return self.pass_stage(unit).end_surface(unit)

    def stop(self, unit: str, trigger: StopTrigger = StopTrigger.ORACLE_GAP) -> Self:
        """Let the unit's loop be stopped."""
        return self.tell("StopTriggered", loop_id=_loop(unit), trigger=trigger)

    def resume(self, unit: str) -> Self:
        """Let the unit's loop go on."""
        return self.tell("LoopResumed", loop_id=_loop(unit))

    def close(self, unit: str) -> Self:
        """Let the unit's loop be closed."""
        return self.tell("LoopClosed", loop_id=_loop(unit))

    def violate(
        self, unit: str, condition: IntegrityCondition = IntegrityCondition.ORACLE_FLAKE
    ) -> Self:
        """Let an integrity condition be found against the candidate."""
        return self.tell(
            "IntegrityViolationDetected",
            candidate_id=_candidate(unit),
            condition=Violation(condition_type=condition, reason="as told"),
        )

    def lose(self, unit: str) -> Self:
        """Let the candidate's evidence be found missing."""
        return self.tell(
            "EvidenceMissingDetected",
            candidate_id=_candidate(unit),
            content_hash=evidence_of(unit),
        )

    def verify(self, unit: str, *found: IntegrityCondition) -> Self:
        """Let the candidate be verified, with what is found against it."""
        return self.tell(
            "CandidateVerificationComputed",
            candidate_id=_candidate(unit),
            integrity_conditions=found,
        )

    def approve(
        self,
        unit: str,
        said: ApprovalDecision = ApprovalDecision.APPROVED,
        *,
        portal: Portal = Portal.RELEASE,
        about: tuple[RefKind, str] | None = None,
    ) -> Self:
        """Let a human speak at a portal about the unit's work surface."""
        kind, name = about or (RefKind.WORK_SURFACE, _surface(unit))
        return self.tell(
            "ApprovalRecorded",
            portal_id=portal,
            decision=said,
            refs=(_ref(kind, name, RefRelation.ABOUT),),
        )

    def defer(self, *, unit: str | None = None, loop: str | None = None) -> Self:
        """Let a deferral be drawn up."""
        return self.tell(
            "DeferralCreated",
            exception_id="exc-1",
            scope=SimpleNamespace(work_unit_id=unit, loop_id=loop),
        )

    def change_exception(self, how: str, exception: str = "exc-1") -> Self:
        """Let an exception come into force, or go out of it."""
        return self.tell(how, exception_id=exception)

    def mark_stale(self, kind: RefKind, name: str, marker: str = "stale-1") -> Self:
        """Let something be marked stale."""
        refs = (_ref(kind, name, RefRelation.STALE),)
        return self.tell("NodeMarkedStale", stale_id=marker, refs=refs)

    def resolve_stale(self, kind: RefKind, name: str, marker: str = "stale-1") -> Self:
        """Let the marker be answered for one of the things that it is on."""
        refs = (_ref(kind, name, RefRelation.STALE),)
        return self.tell("StalenessResolved", stale_id=marker, refs=refs)


def evidence_of(unit: str) -> str:
    """Return the hash of the unit's evidence."""
    return hash_bytes(f"evidence of {unit}".encode())


def _loop(unit: str) -> str:
    return f"loop-{unit}"


def _surface(unit: str) -> str:
    return f"ws-{unit}"


def _candidate(unit: str) -> str:
    return f"cand-{unit}"


def _ref(kind: RefKind, name: str, rel: RefRelation) -> Ref:
    meta = {"content_hash": hash_bytes(name.encode())}
    return Ref(kind=kind, id=name, rel=rel, meta=meta)
