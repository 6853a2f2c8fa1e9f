"""Bugs in staged work: intakes, surfaces, stages and their gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.api import work_surfaces
from sr_core.api.authority import Authority
from sr_core.application import work_starts
from sr_core.application.intakes import Intakes
from sr_core.application.work_starts import WorkStarts
from sr_core.domain import intake, stage_gate, work_surface, work_unit
from sr_core.domain.ids import StageId
from sr_core.domain.procedure_template import ProcedureTemplate, Stage
from sr_core.domain.refs import ContentHash
from sr_core.domain.stage_gate import (
    ClaimedGate,
    GateStatus,
    PinnedSuite,
    StageFacts,
)
from sr_core.domain.work_surface import CompleteStage
from sr_core.domain.work_surface_events import WorkSurfaceArchived
from sr_core.domain.work_unit import WorkSurface, WorkUnit


@mutant("stage.failure-advances")
def stage_failure_advances() -> tuple[Patch, ...]:
    """A stage whose evidence says FAIL is left all the same."""
    advances = property(lambda _: True)
    return (Patch(owner=GateStatus, name="advances", value=advances),)


@mutant("stage.believes-what-is-declared")
def stage_believes_what_is_declared() -> tuple[Patch, ...]:
    """What the caller says of the gate counts, whatever the evidence gives."""
    real = inside(work_surface, "_complete")

    def complete(unit: WorkUnit, command: CompleteStage) -> object:
        if command.claimed is not None:
            gate = replace(command.gate, status=command.claimed.status)
            return real(unit, replace(command, gate=gate))
        return real(unit, command)

    unheard = Patch(owner=ClaimedGate, name="differs_from", value=lambda *_: None)
    return (Patch(owner=work_surface, name="_complete", value=complete), unheard)


@mutant("stage.asks-no-approval")
def stage_asks_no_approval() -> tuple[Patch, ...]:
    """A stage that a human has to approve is left without."""
    return (Patch(owner=work_surface, name="approval_lacking", value=lambda *_: None),)


@mutant("stage.hears-any-word")
def stage_hears_any_word() -> tuple[Patch, ...]:
    """Whatever a human says of a stage approves it."""
    real = inside(work_surface, "approval_lacking")

    def lacking(surface: WorkSurface, stage: Stage, evidence: object) -> object:
        is_heard = stage.stage_id in surface.approvals
        return None if is_heard else real(surface, stage, evidence)

    return (
        Patch(owner=work_surface, name="approval_lacking", value=lacking),
        Patch(owner=work_surfaces, name="approval_lacking", value=lacking),
    )


@mutant("stage.hears-nobody")
def stage_hears_nobody() -> tuple[Patch, ...]:
    """What humans say of stages is recorded and not heard."""
    return (Patch(owner=work_unit, name="_weigh", value=lambda unit, _: unit),)


@mutant("stage.any-order")
def stage_any_order() -> tuple[Patch, ...]:
    """A stage is completed though the surface is in another."""
    return (Patch(owner=work_surface, name="require_current", value=lambda *_: None),)


@mutant("stage.any-evidence")
def stage_any_evidence() -> tuple[Patch, ...]:
    """A stage passes whatever bundle is named."""
    real = inside(stage_gate, "judge")

    def judge(
        stage_id: StageId,
        pinned: Sequence[PinnedSuite],
        _: ContentHash,
        facts: StageFacts,
    ) -> object:
        latest = next(each.run.evidence for each in facts.suites if each.run)
        return real(stage_id, pinned, latest, facts)

    return (Patch(owner=stage_gate, name="judge", value=judge),)


@mutant("stage.evidence-of-any-stage")
def stage_evidence_of_any_stage() -> tuple[Patch, ...]:
    """Evidence that was made for another stage, or another surface, is as good."""
    return (Patch(owner=stage_gate, name="_require_made_for", value=lambda *_: None),)


@mutant("surface.several-active")
def surface_several_active() -> tuple[Patch, ...]:
    """A second surface is bound though one is active."""
    return (Patch(owner=WorkUnit, name="active", value=property(lambda _: None)),)


@mutant("intake.edited-for-ever")
def intake_edited_for_ever() -> tuple[Patch, ...]:
    """An intake that is fixed is edited."""
    real = inside(intake, "_in_allowed_phase")

    def allow(known: intake.Intake | None, command: intake.IntakeCommand) -> object:
        is_edit = isinstance(command, intake.UpdateIntake)
        return known if is_edit else real(known, command)

    return (Patch(owner=intake, name="_in_allowed_phase", value=allow),)


@mutant("intake.same-content-twice")
def intake_same_content_twice() -> tuple[Patch, ...]:
    """Nobody looks whether the content is active already."""

    async def nobody(*_: object) -> None:
        return None

    return (Patch(owner=Intakes, name="_active_with", value=nobody),)


@mutant("stage.never-passes")
def stage_never_passes() -> tuple[Patch, ...]:
    """A stage is held whatever its evidence says."""
    return (Patch(owner=stage_gate, name="_status", value=lambda _: GateStatus.FAIL),)


@mutant("stage.agents-complete")
def stage_agents_complete() -> tuple[Patch, ...]:
    """An agent moves its own work from stage to stage."""
    nothing = lambda *_, **__: None  # noqa: E731 - it stands for two functions
    return (
        Patch(owner=work_surface, name="authorise", value=nothing),
        Patch(owner=Authority, name="require", value=nothing),
    )


@mutant("surface.starts-anew")
def surface_starts_anew() -> tuple[Patch, ...]:
    """A start that is asked for again opens another loop."""
    numbers = count(1)

    async def none(*_: object) -> tuple[()]:
        return ()

    def fresh(*_: object) -> str:
        return f"loop_{next(numbers):026d}"

    return (
        Patch(owner=WorkStarts, name="_loops", value=none),
        Patch(owner=work_starts, name="nth_loop", value=fresh),
    )


@mutant("surface.fits-anything")
def surface_fits_anything() -> tuple[Patch, ...]:
    """Work of any kind is bound to any procedure."""
    return (Patch(owner=work_surface, name="why_incompatible", value=lambda *_: None),)


@mutant("surface.invents-hashes")
def surface_invents_hashes() -> tuple[Patch, ...]:
    """A suite that nobody registered is pinned by a hash of zeros."""
    zeros = f"sha256:{'0' * 64}"

    def pin(
        template: ProcedureTemplate, stage_id: StageId, *_: object, **__: object
    ) -> tuple[PinnedSuite, ...]:
        return tuple(
            PinnedSuite(suite_id=each, suite_hash=ContentHash(zeros))
            for each in template.stage(stage_id).required_oracle_suites
        )

    return (Patch(owner=work_surface, name="pin", value=pin),)


@mutant("surface.stays-active")
def surface_stays_active() -> tuple[Patch, ...]:
    """An archived surface still counts as the active one."""
    real = inside(work_unit, "_moved")

    def moved(surface: WorkSurface, event: object) -> object:
        return (
            surface if isinstance(event, WorkSurfaceArchived) else real(surface, event)
        )

    return (Patch(owner=work_unit, name="_moved", value=moved),)


@mutant("intake.fork-starts-over")
def intake_fork_starts_over() -> tuple[Patch, ...]:
    """A fork counts as a first version."""
    real = inside(intake, "_fork")

    def fork(command: intake.ForkIntake) -> object:
        (event,) = real(command)
        return (replace(event, version=1),)

    return (Patch(owner=intake, name="_fork", value=fork),)
