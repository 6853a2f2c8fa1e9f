"""The event manager: how far each work unit of a plan is, and which may be worked on.

It looks at a ledger (`sr_core.domain.event_ledger`) through a plan and answers with one
value that follows from the two alone: folding an event at a time, or the whole log at
once, gives the same.

A unit is eligible if and only if it is not complete, no stop trigger waits for a portal,
everything that it depends on is complete or was deferred by a human, its work surface is
bound as planned, and nothing is stale or in doubt about it. It is complete if and only
if its terminal stage passed its gate with evidence that the log holds, and every portal
that the plan asks for has approved. That an agent says so counts for nothing.

Clauses: SPEC 12.3, SPEC 4.8 (statuses).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.event_ledger import (
    BundleEntry,
    Ledger,
    LoopEntry,
    Node,
    StageEntry,
    SurfaceEntry,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import PlanId
from sr_core.domain.plan import Plan, PlannedUnit, PlanPhase
from sr_core.domain.refs import ContentHash, RefKind


class CoarseStatus(StrEnum):
    """Where a work unit stands, told in one word (SPEC 4.8)."""

    TODO = "TODO"
    ELIGIBLE = "ELIGIBLE"
    IN_PROGRESS = "IN_PROGRESS"
    BLOCKED = "BLOCKED"
    COMPLETE = "COMPLETE"


class Satisfaction(StrEnum):
    """How a dependency stands."""

    COMPLETE = "complete"
    DEFERRED = "deferred"
    BLOCKED = "blocked"


class BlockKind(StrEnum):
    """What kind of thing is in the way (SPEC 12.3); `staleness` is ours."""

    STOP_TRIGGER = "stop_trigger"
    PORTAL_REQUIRED = "portal_required"
    DEPENDENCY_UNSATISFIED = "dependency_unsatisfied"
    INTEGRITY_CONDITION = "integrity_condition"
    MISSING_WORK_SURFACE = "missing_work_surface"
    STALENESS = "staleness"


_NOT_YET: Final = frozenset(
    {BlockKind.DEPENDENCY_UNSATISFIED, BlockKind.MISSING_WORK_SURFACE}
)
"""What is in the way of a unit whose turn has not come, rather than of one in trouble."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BlockReason:
    """One thing that is in the way."""

    kind: BlockKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatus:
    """What the log says of one work unit."""

    work_unit_id: str
    coarse_status: CoarseStatus
    current_stage_id: str | None
    stage_status: Mapping[str, StageEntry]
    has_work_surface: bool
    deps_satisfied: bool
    block_reasons: tuple[BlockReason, ...]
    staleness_markers: tuple[str, ...]
    last_iteration_id: str | None
    last_candidate_id: str | None
    last_evidence_bundle_id: str | None
    is_eligible: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do on it."""
        return self.coarse_status is CoarseStatus.COMPLETE


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyEdge:
    """One unit that waits for another, and whether it still has to."""

    unit: str
    target: str
    satisfaction: Satisfaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """How far a plan is, as of one position in the log."""

    plan_id: PlanId
    plan_hash: ContentHash
    phase: PlanPhase
    position: int
    last_event_id: str | None
    as_of: datetime | None
    units: Mapping[str, UnitStatus]
    edges: tuple[DependencyEdge, ...]

    @property
    def eligible_set(self) -> tuple[str, ...]:
        """The units that may be worked on now, by name."""
        return tuple(name for name, unit in self.units.items() if unit.is_eligible)

    @property
    def runlist(self) -> Mapping[CoarseStatus, tuple[str, ...]]:
        """The units by where they stand; every status is there."""
        return {
            status: tuple(
                name
                for name, unit in self.units.items()
                if unit.coarse_status is status
            )
            for status in CoarseStatus
        }

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return all(unit.is_complete for unit in self.units.values())

    @property
    def is_exhausted(self) -> bool:
        """Whether something is left to do and none of it may be worked on."""
        return not self.eligible_set and not self.is_complete


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """What the ledger holds of one unit."""

    planned: PlannedUnit
    loops: Mapping[str, LoopEntry]
    surface_id: str | None
    surface: SurfaceEntry | None

    @property
    def open_loops(self) -> Iterator[LoopEntry]:
        """The loops that still run or could."""
        return (each for each in self.loops.values() if not each.is_closed)


def view(ledger: Ledger, plan: Plan) -> PlanView:
    """Return how far `plan` is, by what `ledger` says."""
    instance = plan.instance
    units = {
        each.work_unit_id: _gathered(ledger, each)
        for each in sorted(instance.units, key=lambda each: each.work_unit_id)
    }
    complete = {name for name, unit in units.items() if _is_done(ledger, unit)}
    edges = tuple(
        DependencyEdge(
            unit=name,
            target=target,
            satisfaction=_satisfaction(ledger, plan, units[target], complete),
        )
        for name in units
        for target in sorted(instance.dependencies[name])
    )
    return PlanView(
        plan_id=instance.plan_id,
        plan_hash=plan.plan_hash,
        phase=plan.phase,
        position=ledger.position,
        last_event_id=ledger.last_event_id,
        as_of=ledger.as_of,
        units={
            name: _status(ledger, unit, edges, is_done=name in complete)
            for name, unit in units.items()
        },
        edges=edges,
    )


def active_plan_of(ledger: Ledger, work_unit_id: str) -> Plan | None:
    """Return the active plan that has the unit, if one has."""
    return next(
        (
            plan
            for plan in ledger.plans.values()
            if plan.phase is PlanPhase.ACTIVE
            and plan.instance.unit(work_unit_id) is not None
        ),
        None,
    )


def _is_done(ledger: Ledger, unit: _Unit) -> bool:
    """Whether the terminal stage passed with evidence, and every portal agreed."""
    return _passed_by(ledger, unit) is not None and not _unapproved(ledger, unit)


def _gathered(ledger: Ledger, planned: PlannedUnit) -> _Unit:
    name = planned.work_unit_id
    loops = {
        loop_id: entry
        for loop_id, entry in ledger.loops.items()
        if entry.work_unit_id == name
    }
    surface_id, surface = next(
        (
            (surface_id, entry)
            for surface_id, entry in reversed([*ledger.surfaces.items()])
            if entry.work_unit_id == name
        ),
        (None, None),
    )
    return _Unit(planned=planned, loops=loops, surface_id=surface_id, surface=surface)


def _status(
    ledger: Ledger, unit: _Unit, edges: tuple[DependencyEdge, ...], *, is_done: bool
) -> UnitStatus:
    name = unit.planned.work_unit_id
    waits_for = [each for each in edges if each.unit == name]
    reasons = () if is_done else tuple(sorted(_reasons(ledger, unit, waits_for)))
    latest = _latest_loop(unit)
    surface = unit.surface
    return UnitStatus(
        work_unit_id=name,
        coarse_status=_coarse(unit, reasons, is_done=is_done),
        current_stage_id=surface.current_stage if surface else None,
        stage_status=dict(sorted(surface.stages.items())) if surface else {},
        has_work_surface=_is_bound_as_planned(unit),
        deps_satisfied=all(
            each.satisfaction is not Satisfaction.BLOCKED for each in waits_for
        ),
        block_reasons=reasons,
        staleness_markers=_markers(ledger, unit),
        last_iteration_id=latest.last_iteration if latest else None,
        last_candidate_id=latest.last_candidate if latest else None,
        last_evidence_bundle_id=latest.last_bundle if latest else None,
        is_eligible=not is_done and not reasons,
    )


def _coarse(
    unit: _Unit, reasons: tuple[BlockReason, ...], *, is_done: bool
) -> CoarseStatus:
    if is_done:
        return CoarseStatus.COMPLETE
    if reasons:
        was_begun = any(each.last_iteration for each in unit.loops.values())
        is_waiting = {each.kind for each in reasons} <= _NOT_YET and not was_begun
        return CoarseStatus.TODO if is_waiting else CoarseStatus.BLOCKED
    if any(each.open_iteration for each in unit.open_loops):
        return CoarseStatus.IN_PROGRESS
    return CoarseStatus.ELIGIBLE


def _reasons(
    ledger: Ledger, unit: _Unit, waits_for: list[DependencyEdge]
) -> Iterator[BlockReason]:
    for trigger in sorted({stop for each in unit.open_loops for stop in each.stops}):
        yield BlockReason(kind=BlockKind.STOP_TRIGGER, detail=trigger)
    for edge in waits_for:
        if edge.satisfaction is Satisfaction.BLOCKED:
            yield BlockReason(kind=BlockKind.DEPENDENCY_UNSATISFIED, detail=edge.target)
    for condition in _conditions(ledger, unit):
        yield BlockReason(kind=BlockKind.INTEGRITY_CONDITION, detail=condition)
    for marker in _markers(ledger, unit):
        yield BlockReason(kind=BlockKind.STALENESS, detail=marker)
    if _passed_by(ledger, unit) is not None:
        for portal in _unapproved(ledger, unit):
            yield BlockReason(kind=BlockKind.PORTAL_REQUIRED, detail=portal)
    elif not _is_bound_as_planned(unit):
        told = unit.surface_id or "no work surface is bound"
        yield BlockReason(kind=BlockKind.MISSING_WORK_SURFACE, detail=told)


def _is_bound_as_planned(unit: _Unit) -> bool:
    """Whether an active work surface binds the very intake and template of the plan."""
    surface, planned = unit.surface, unit.planned
    return (
        surface is not None
        and surface.is_active
        and surface.intake == (planned.intake_id, planned.intake_hash)
        and surface.template_id == planned.template_id
    )


def _passed_by(ledger: Ledger, unit: _Unit) -> BundleEntry | None:
    """Return the bundle with which the terminal stage passed, if it bears that out."""
    surface, planned = unit.surface, unit.planned
    if surface is None or surface.passed_by is None:
        return None
    if surface.intake != (planned.intake_id, planned.intake_hash):
        return None
    bundle = ledger.bundles.get(surface.passed_by)
    if bundle is None or bundle.is_missing:
        return None
    is_borne_out = bundle.verdict is ResultStatus.PASS or (
        bundle.verdict is ResultStatus.FAIL and surface.passed_with_waivers
    )
    return bundle if is_borne_out else None


def _unapproved(ledger: Ledger, unit: _Unit) -> tuple[str, ...]:
    """Return the portals of the plan that have not approved; any other word is no yes."""
    subjects = _subjects(ledger, unit)
    return tuple(
        portal
        for portal in sorted(unit.planned.required_portals)
        if not any(
            ledger.approvals.get((portal, each)) is ApprovalDecision.APPROVED
            for each in subjects
        )
    )


def _subjects(ledger: Ledger, unit: _Unit) -> tuple[Node, ...]:
    """Return what an approval of the unit is about: its surface, or what passed."""
    bundle = _passed_by(ledger, unit)
    surface = [(str(RefKind.WORK_SURFACE), unit.surface_id)] if unit.surface_id else []
    passed = [(str(RefKind.CANDIDATE), bundle.candidate_id)] if bundle else []
    return (*surface, *passed)


def _satisfaction(
    ledger: Ledger, plan: Plan, target: _Unit, complete: set[str]
) -> Satisfaction:
    if target.planned.work_unit_id in complete:
        return Satisfaction.COMPLETE
    may_be_deferred = plan.policy is None or plan.policy.deferral_satisfies
    if may_be_deferred and _is_deferred(ledger, target):
        return Satisfaction.DEFERRED
    return Satisfaction.BLOCKED


def _is_deferred(ledger: Ledger, unit: _Unit) -> bool:
    return any(
        each.is_active
        and (
            each.work_unit_id == unit.planned.work_unit_id or each.loop_id in unit.loops
        )
        for each in ledger.deferrals.values()
    )


def _conditions(ledger: Ledger, unit: _Unit) -> tuple[str, ...]:
    found = {
        condition
        for each in unit.open_loops
        for candidate in each.candidates
        for condition in ledger.conditions[candidate]
    }
    return tuple(sorted(found))


def _markers(ledger: Ledger, unit: _Unit) -> tuple[str, ...]:
    nodes = set(_nodes(unit))
    return tuple(sorted(name for name, on in ledger.markers.items() if on & nodes))


def _nodes(unit: _Unit) -> Iterator[Node]:
    """Yield everything of the unit that a staleness marker can be on."""
    yield str(RefKind.INTAKE), unit.planned.intake_id
    if unit.surface_id is not None:
        yield str(RefKind.WORK_SURFACE), unit.surface_id
    for loop_id, entry in unit.loops.items():
        yield str(RefKind.LOOP), loop_id
        for kind, name in (
            (RefKind.ITERATION, entry.last_iteration),
            (RefKind.CANDIDATE, entry.last_candidate),
            (RefKind.EVIDENCE_BUNDLE, entry.last_bundle),
        ):
            if name is not None:
                yield str(kind), name


def _latest_loop(unit: _Unit) -> LoopEntry | None:
    return next(reversed([*unit.loops.values()]), None)
