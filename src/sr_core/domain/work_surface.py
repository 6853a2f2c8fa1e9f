"""The work surface: an intake and a procedure, bound, and the stage that work is in.

    bind --> active --last stage passes--> completed --archive--> archived
               |                                                     ^
               +----------------------archive------------------------+

    each stage:  pending --> entered --> completed | skipped

A work unit has one active surface at most, so all of a unit's surfaces are decided over
one history. What is bound never changes; the stage moves by events. A stage is left only
when its evidence lets it pass, and where a human has to approve, after that.

Clauses: SPEC 4.6 (phases, guards), C-VER-4 (staged scope), C-TB-3 (stage approvals).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.bounds import require_count, require_line, require_prose
from sr_core.domain.errors import (
    AuthorityRequired,
    SemanticProfileMissing,
    StageUnknown,
    TransitionRefused,
)
from sr_core.domain.ids import StageId, SuiteId, WorkSurfaceId, WorkUnitId
from sr_core.domain.intake import Intake, IntakePhase
from sr_core.domain.procedure_template import ProcedureTemplate, Stage
from sr_core.domain.refs import ContentHash
from sr_core.domain.stage_gate import ClaimedGate, GateResult, PinnedSuite, failed
from sr_core.domain.work_errors import (
    ApprovalRequired,
    GateFailed,
    GateMismatch,
    IntakeUnfit,
    WorkSurfaceNotActive,
    WorkSurfaceTaken,
)
from sr_core.domain.work_surface_events import (
    IntakeRef,
    Param,
    StageCompleted,
    StageEntered,
    StagePhase,
    StageStatus,
    TemplateRef,
    WorkSurfaceArchived,
    WorkSurfaceBound,
    WorkSurfaceCompleted,
    WorkSurfaceEvent,
)
from sr_core.domain.work_unit import SurfacePhase, WorkSurface, WorkUnit

PARAMS_MAX: Final = 64


# Commands: what someone asks for.


@dataclass(frozen=True, slots=True, kw_only=True)
class BindWorkSurface:
    """Bind an intake to a procedure, and enter its first stage.

    `registered` has the hash of every registered suite that the template names, and
    `content_hash` covers what is bound.
    """

    by: Actor
    work_surface_id: WorkSurfaceId
    work_unit_id: WorkUnitId
    intake: Intake
    template: ProcedureTemplate
    template_hash: ContentHash
    registered: Mapping[SuiteId, ContentHash]
    params: Mapping[str, Param]
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteStage:
    """Leave a stage that its evidence lets pass.

    `gate` was computed from the evidence just now; `claimed` is what the caller says it
    gives, if they say anything.
    """

    by: Actor
    work_surface_id: WorkSurfaceId
    stage_id: StageId
    evidence: ContentHash
    gate: GateResult
    claimed: ClaimedGate | None
    notes: str | None = None
    template: ProcedureTemplate
    registered: Mapping[SuiteId, ContentHash]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveWorkSurface:
    """Take the surface out of use, so that another can be bound."""

    by: Actor
    work_surface_id: WorkSurfaceId
    reason: str | None = None


WorkSurfaceCommand: TypeAlias = BindWorkSurface | CompleteStage | ArchiveWorkSurface


# The rules.

_ALLOWED: Final[Mapping[SurfacePhase, frozenset[type[WorkSurfaceCommand]]]] = (
    MappingProxyType(
        {
            SurfacePhase.ACTIVE: frozenset({CompleteStage, ArchiveWorkSurface}),
            SurfacePhase.COMPLETED: frozenset({ArchiveWorkSurface}),
            SurfacePhase.ARCHIVED: frozenset(),
        }
    )
)
assert _ALLOWED.keys() == set(SurfacePhase), "every phase says what it allows"


def decide(unit: WorkUnit, command: WorkSurfaceCommand) -> tuple[WorkSurfaceEvent, ...]:
    """Return the events that `command` leads to.

    Raises:
        AuthorityRequired: an agent gives it.
        NotFound: the work unit has no such surface.
        WorkSurfaceTaken: the work unit has an active surface.
        IntakeUnfit: the intake is not active, of another unit, or of another kind.
        SemanticProfileMissing: a suite of the stage to enter is not registered.
        WorkSurfaceNotActive, TransitionRefused: the surface or its stage rules it out.
        GateMismatch, GateFailed: the evidence does not give what was declared, or FAIL.
        ApprovalRequired: no human has approved the stage on that evidence.

    """
    authorise(command.by, type(command).__name__)
    match command:
        case BindWorkSurface():
            return _bind(unit, command)
        case CompleteStage():
            return _complete(unit, command)
        case ArchiveWorkSurface():
            return _archive(unit, command)
        case _:
            assert_never(command)


def authorise(by: Actor, action: str) -> None:
    """Raise `AuthorityRequired` for an agent: it proposes, others move stages (C-TB-2)."""
    if by.kind is ActorKind.AGENT:
        raise AuthorityRequired(
            action=action, required="a HUMAN or the SYSTEM", actor=str(by)
        )


def require_active(surface: WorkSurface) -> WorkSurface:
    """Return `surface`, or raise `WorkSurfaceNotActive`."""
    if surface.phase is SurfacePhase.ACTIVE:
        return surface
    allowed = ", ".join(sorted(each.__name__ for each in _ALLOWED[surface.phase]))
    raise WorkSurfaceNotActive(
        work_surface_id=surface.work_surface_id,
        phase=surface.phase,
        allowed=allowed or "nothing",
    )


def require_current(surface: WorkSurface, stage_id: StageId) -> None:
    """Raise unless the surface is active and in that stage.

    Raises:
        WorkSurfaceNotActive: it is completed or archived.
        StageUnknown: its procedure has no such stage.
        TransitionRefused: it is in another stage.

    """
    require_active(surface)
    if stage_id not in surface.stages:
        raise StageUnknown(work_surface_id=surface.work_surface_id, stage_id=stage_id)
    if stage_id != surface.current_stage_id:
        raise TransitionRefused(
            subject=f"{stage_id} of {surface.work_surface_id}",
            phase=surface.stages[stage_id],
            attempted="CompleteStage",
            allowed={f"CompleteStage of {surface.current_stage_id}, the current one"},
        )


def pin(
    template: ProcedureTemplate,
    stage_id: StageId,
    registered: Mapping[SuiteId, ContentHash],
    *,
    work_surface_id: WorkSurfaceId,
) -> tuple[PinnedSuite, ...]:
    """Return the stage's suites by their registered hashes.

    Raises:
        SemanticProfileMissing: one of them is not registered.

    """
    suites = template.stage(stage_id).required_oracle_suites
    unknown = [each for each in suites if each not in registered]
    if unknown:
        raise SemanticProfileMissing(
            work_surface_id=work_surface_id, stage_id=stage_id, suites=unknown
        )
    return tuple(
        PinnedSuite(suite_id=each, suite_hash=registered[each]) for each in suites
    )


def why_incompatible(intake: Intake, template: ProcedureTemplate) -> str | None:
    """Return why work of the intake's kind cannot follow the template, or None."""
    kind = intake.content.kind
    if kind in template.kind:
        return None
    return (
        f"is of kind {kind}; {template.template_id} is for {', '.join(template.kind)}"
    )


def approval_lacking(
    surface: WorkSurface, stage: Stage, evidence: ContentHash | None
) -> str | None:
    """Return why the stage is not approved; None if it is, or need not be.

    An approval answers the stage's own request at its own portal, whatever else was said
    there of the stage. With `evidence`, it has to cite that bundle (C-TB-3).
    """
    if not stage.requires_approval:
        return None
    said = surface.approvals.get(stage.stage_id)
    if said is None:
        return "none is recorded since the stage was entered"
    if said.portal_id is not stage.portal_id:
        return f"{said.approval_id} was recorded at {said.portal_id}"
    if said.request_type.value != stage.request_type:
        return f"{said.approval_id} answers {said.request_type}"
    if said.decision is not ApprovalDecision.APPROVED:
        return f"{said.approval_id} says {said.decision}"
    if evidence and evidence not in said.evidence_refs:
        return f"{said.approval_id} is about other evidence than {evidence}"
    return None


def _bind(
    unit: WorkUnit, command: BindWorkSurface
) -> tuple[WorkSurfaceBound, StageEntered]:
    intake, template = command.intake, command.template
    intake_hash = _fit_hash(intake, command)
    _require_params(command.params)
    if unit.active is not None:
        raise WorkSurfaceTaken(
            work_unit_id=command.work_unit_id,
            work_surface_id=unit.active.work_surface_id,
        )
    first = template.initial_stage_id
    suites = pin(
        template, first, command.registered, work_surface_id=command.work_surface_id
    )
    stage_ids = tuple(each.stage_id for each in template.stages)
    pending = dict.fromkeys(stage_ids, StagePhase.PENDING)
    return (
        WorkSurfaceBound(
            work_surface_id=command.work_surface_id,
            work_unit_id=command.work_unit_id,
            intake_ref=IntakeRef(id=intake.intake_id, content_hash=intake_hash),
            template_ref=TemplateRef(
                id=template.template_id, content_hash=command.template_hash
            ),
            initial_stage_id=first,
            stage_ids=stage_ids,
            stage_status=pending,
            oracle_suites=suites,
            content_hash=command.content_hash,
            params=command.params,
        ),
        StageEntered(
            work_surface_id=command.work_surface_id,
            stage_id=first,
            previous_stage_id=None,
            oracle_suites=suites,
            stage_status={**pending, first: StagePhase.ENTERED},
        ),
    )


def _fit_hash(intake: Intake, command: BindWorkSurface) -> ContentHash:
    """Return the hash of an intake that the work can be bound to, or refuse it."""
    if intake.phase is not IntakePhase.ACTIVE or intake.content_hash is None:
        raise IntakeUnfit(
            intake_id=intake.intake_id,
            why=f"is {intake.phase}, and work is bound to active ones",
            remedy="Activate it, or fork it and activate the fork",
        )
    if intake.content.work_unit_id != command.work_unit_id:
        raise IntakeUnfit(
            intake_id=intake.intake_id,
            why=f"is of {intake.content.work_unit_id}, not of {command.work_unit_id}",
            remedy="Bind an intake of the same work unit",
        )
    why = why_incompatible(intake, command.template)
    if why is not None:
        raise IntakeUnfit(
            intake_id=intake.intake_id, why=why, remedy="Choose a compatible template"
        )
    return intake.content_hash


def _require_params(params: Mapping[str, Param]) -> None:
    require_count(params, field="params", most=PARAMS_MAX)
    for name, value in params.items():
        require_line(name, field="params")
        if isinstance(value, str):
            require_prose(value, field=f"params.{name}")


def _complete(unit: WorkUnit, command: CompleteStage) -> tuple[WorkSurfaceEvent, ...]:
    surface = unit.surface(command.work_surface_id)
    template, gate = command.template, command.gate
    require_current(surface, command.stage_id)
    said_otherwise = command.claimed and command.claimed.differs_from(gate)
    if said_otherwise:
        raise GateMismatch(claimed=said_otherwise, computed=gate.status)
    if command.notes is not None:
        require_prose(command.notes, field="notes")
    if not gate.status.advances:
        raise GateFailed(stage_id=command.stage_id, failed=failed(gate))
    _require_approval(surface, command)
    following = template.after(command.stage_id)
    status = {**surface.stages, command.stage_id: StagePhase.COMPLETED}
    completed = StageCompleted(
        work_surface_id=surface.work_surface_id,
        stage_id=command.stage_id,
        evidence_bundle_ref=command.evidence,
        gate_result=gate,
        next_stage_id=following,
        stage_status=status,
        notes=command.notes,
    )
    if following is None:
        ended = WorkSurfaceCompleted(
            work_surface_id=surface.work_surface_id,
            final_stage_id=command.stage_id,
            evidence_bundle_ref=command.evidence,
        )
        return (completed, ended)
    entered = StageEntered(
        work_surface_id=surface.work_surface_id,
        stage_id=following,
        previous_stage_id=command.stage_id,
        oracle_suites=pin(
            template,
            following,
            command.registered,
            work_surface_id=surface.work_surface_id,
        ),
        stage_status={**status, following: StagePhase.ENTERED},
    )
    return (completed, entered)


def _require_approval(surface: WorkSurface, command: CompleteStage) -> None:
    stage = command.template.stage(command.stage_id)
    why = approval_lacking(surface, stage, command.evidence)
    if why is None:
        return
    portal = stage.portal_id
    assert portal is not None, "a stage that needs an approval names its portal"
    raise ApprovalRequired(
        work_surface_id=surface.work_surface_id,
        stage_id=command.stage_id,
        portal_id=portal,
        why=why,
    )


def _archive(unit: WorkUnit, command: ArchiveWorkSurface) -> tuple[WorkSurfaceArchived]:
    surface = unit.surface(command.work_surface_id)
    if ArchiveWorkSurface not in _ALLOWED[surface.phase]:
        raise TransitionRefused(
            subject=surface.work_surface_id,
            phase=surface.phase,
            attempted="ArchiveWorkSurface",
            allowed=(),
        )
    if command.reason is not None:
        require_prose(command.reason, field="reason")
    return (
        WorkSurfaceArchived(
            work_surface_id=surface.work_surface_id,
            reason=command.reason,
            stage_status=_skipped(surface.stages),
        ),
    )


def _skipped(stages: StageStatus) -> StageStatus:
    """Return the stages of a surface that is left: those not completed are skipped."""
    return {
        name: phase if phase is StagePhase.COMPLETED else StagePhase.SKIPPED
        for name, phase in stages.items()
    }
