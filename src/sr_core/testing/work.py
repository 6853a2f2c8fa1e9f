"""Intakes, procedures and work surfaces that tests share, told by real commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from sr_core.codec.definitions import document, hash_definition, hash_intake
from sr_core.domain import config_definition, intake, work_surface, work_unit
from sr_core.domain.actors import Actor
from sr_core.domain.approval import ApprovalDecision, ApprovalRecorded
from sr_core.domain.config_definition import (
    DefinitionEvent,
    Definitions,
    RecordDefinition,
    TypeKey,
)
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import (
    ConfigId,
    IntakeId,
    OracleId,
    StageId,
    SuiteId,
    TemplateId,
    WorkSurfaceId,
    WorkUnitId,
)
from sr_core.domain.intake import (
    Intake,
    IntakeCommand,
    IntakeContent,
    IntakeEvent,
    WorkKind,
)
from sr_core.domain.integrity import Portal
from sr_core.domain.oracle_suite import Classification
from sr_core.domain.portal import RequestType
from sr_core.domain.procedure_template import TERMINAL, ProcedureTemplate
from sr_core.domain.procedure_template import Stage as TemplateStage
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.stage_gate import ClaimedGate, GateResult, GateStatus, OracleWord
from sr_core.domain.work_surface import WorkSurfaceCommand
from sr_core.domain.work_surface_events import Param, WorkSurfaceEvent
from sr_core.domain.work_unit import WorkSurface, WorkUnit
from sr_core.testing.values import HUMAN, CountingIds

UNIT_1: Final = WorkUnitId("WU-0001")
FRAME: Final = StageId("stage:FRAME")
FINAL: Final = StageId("stage:FINAL")
STRUCTURE: Final = SuiteId("suite:SR-SUITE-STRUCTURE")
REFS: Final = SuiteId("suite:SR-SUITE-REFS")
SUITES: Final[Mapping[SuiteId, ContentHash]] = {
    each: hash_bytes(each.encode()) for each in (STRUCTURE, REFS)
}
BUNDLE: Final = hash_bytes(b"a bundle")


def build_intake_content(**changes: Any) -> IntakeContent:  # noqa: ANN401 - any field of an intake
    """Return the content of a small intake."""
    content: dict[str, Any] = {
        "work_unit_id": UNIT_1,
        "title": "A memo",
        "kind": WorkKind.RESEARCH_MEMO,
        "objective": "Say what is known of the matter.",
        "audience": "engineers",
    }
    return IntakeContent(**{**content, **changes})


def build_intake(content: IntakeContent | None = None, *, number: int = 1) -> Intake:
    """Return an active intake, as the rules made it."""
    intake_id = IntakeId(f"intake:{number:026d}")
    content = content or build_intake_content()
    created = intake.decide(
        None, intake.CreateIntake(by=HUMAN, intake_id=intake_id, content=content)
    )
    draft = intake.fold(created)
    activated = intake.decide(
        draft, intake.ActivateIntake(by=HUMAN, content_hash=hash_intake(content))
    )
    active = intake.fold(activated, draft)
    assert active is not None, "it was created"
    return active


def build_stage(stage_id: StageId, *, then: str, **changes: Any) -> TemplateStage:  # noqa: ANN401 - any field of a stage
    """Return one stage of a procedure."""
    stage: dict[str, Any] = {
        "stage_id": stage_id,
        "stage_name": stage_id.removeprefix("stage:"),
        "purpose": "as its name says",
        "required_oracle_suites": (STRUCTURE,),
        "transition_on_pass": then,
    }
    return TemplateStage(**{**stage, **changes})


def build_template(
    stages: Iterable[TemplateStage] | None = None,
    **changes: Any,  # noqa: ANN401 - any field of a template
) -> ProcedureTemplate:
    """Return a procedure: FRAME, then FINAL, which a human has to approve."""
    made = tuple(stages) if stages is not None else _two_stages()
    template: dict[str, Any] = {
        "template_id": TemplateId("proc:TWO-STAGES"),
        "name": "Two stages",
        "description": "Frame it, settle it.",
        "kind": (WorkKind.RESEARCH_MEMO,),
        "stages": made,
        "initial_stage_id": FRAME,
        "terminal_stage_id": FINAL,
    }
    return ProcedureTemplate(**{**template, **changes})


def _two_stages() -> tuple[TemplateStage, TemplateStage]:
    return (
        build_stage(FRAME, then=FINAL),
        build_stage(
            FINAL,
            then=TERMINAL,
            required_oracle_suites=(REFS,),
            requires_approval=True,
            requires_portal=True,
            portal_id=Portal.EXCEPTION,
        ),
    )


def build_gate(
    status: GateStatus = GateStatus.PASS, *, evidence: ContentHash = BUNDLE
) -> GateResult:
    """Return what the evidence of a stage gave."""
    said = ResultStatus.FAIL if status is GateStatus.FAIL else ResultStatus.PASS
    word = OracleWord(
        oracle_id=OracleId("oracle:structure"),
        classification=Classification.REQUIRED,
        status=said,
        evidence_ref=evidence,
    )
    return GateResult(status=status, oracle_results=(word,), waiver_refs=())


@dataclass(kw_only=True)
class WorkStory:
    """One work unit and its surfaces, told by giving commands to the rules."""

    template: ProcedureTemplate = field(default_factory=build_template)
    intake: Intake = field(default_factory=build_intake)
    registered: Mapping[SuiteId, ContentHash] = field(default_factory=lambda: SUITES)
    unit: WorkUnit = field(default_factory=WorkUnit)
    log: list[WorkSurfaceEvent | ApprovalRecorded] = field(default_factory=list)
    ids: CountingIds = field(default_factory=CountingIds)

    @property
    def surface(self) -> WorkSurface:
        """The latest surface."""
        return [*self.unit.surfaces.values()][-1]

    def record(self, events: Iterable[WorkSurfaceEvent | ApprovalRecorded]) -> Self:
        """Fold what was decided."""
        for event in events:
            self.unit = work_unit.evolve(self.unit, event)
            self.log.append(event)
        return self

    def give(self, command: WorkSurfaceCommand) -> Self:
        """Give a command to the work unit."""
        return self.record(work_surface.decide(self.unit, command))

    def bind(
        self, *, by: Actor = HUMAN, params: Mapping[str, Param] | None = None
    ) -> Self:
        """Bind the intake to the procedure."""
        template_hash = hash_definition(self.template)
        return self.give(
            work_surface.BindWorkSurface(
                by=by,
                work_surface_id=WorkSurfaceId(self.ids.fresh("ws").replace("_", ":")),
                work_unit_id=UNIT_1,
                intake=self.intake,
                template=self.template,
                template_hash=template_hash,
                registered=self.registered,
                params=params or {},
                content_hash=template_hash,
            )
        )

    def complete(
        self,
        stage_id: StageId | None = None,
        gate: GateResult | None = None,
        *,
        by: Actor = HUMAN,
        claimed: ClaimedGate | None = None,
        evidence: ContentHash = BUNDLE,
        notes: str | None = None,
    ) -> Self:
        """Leave a stage, the current one if none is named."""
        surface = self.surface
        return self.give(
            work_surface.CompleteStage(
                by=by,
                work_surface_id=surface.work_surface_id,
                stage_id=stage_id or surface.current_stage_id,
                evidence=evidence,
                gate=gate or build_gate(evidence=evidence),
                claimed=claimed,
                template=self.template,
                registered=self.registered,
                notes=notes,
            )
        )

    def archive(self, reason: str | None = None, *, by: Actor = HUMAN) -> Self:
        """Take the latest surface out of use."""
        name = self.surface.work_surface_id
        return self.give(
            work_surface.ArchiveWorkSurface(by=by, work_surface_id=name, reason=reason)
        )

    def hear(
        self,
        decision: ApprovalDecision = ApprovalDecision.APPROVED,
        *,
        portal: Portal = Portal.EXCEPTION,
        request: RequestType = RequestType.ENG_ACCEPT,
        evidence: tuple[ContentHash, ...] = (BUNDLE,),
    ) -> Self:
        """Let a human speak about the stage that the latest surface is in."""
        surface = self.surface
        said = work_unit.StageApproval(
            approval_id=self.ids.fresh("appr"),
            portal_id=portal,
            request_type=request,
            decision=decision,
            evidence_refs=evidence,
        )
        self.unit = work_unit.heard(
            self.unit, surface.work_surface_id, surface.current_stage_id, said
        )
        return self


def build_work_log() -> tuple[IntakeEvent | WorkSurfaceEvent | DefinitionEvent, ...]:
    """Return events in which everything happens that can to intakes and surfaces."""
    draft_id, fork_id = (IntakeId(f"intake:{each:026d}") for each in (1, 2))
    content = build_intake_content()
    told: list[IntakeEvent] = []

    def give(command: IntakeCommand) -> Intake:
        before = intake.fold(told) if told else None
        told.extend(intake.decide(before, command))
        after = intake.fold(told)
        assert after is not None, "it was created"
        return after

    give(intake.CreateIntake(by=HUMAN, intake_id=draft_id, content=content))
    changes = intake.IntakeChanges(title="Another memo")
    edited = give(intake.UpdateIntake(by=HUMAN, changes=changes))
    content_hash = hash_intake(edited.content)
    active = give(intake.ActivateIntake(by=HUMAN, content_hash=content_hash))
    give(intake.ArchiveIntake(by=HUMAN, reason="done"))
    forked = intake.decide(
        None, intake.ForkIntake(by=HUMAN, intake_id=fork_id, source=active)
    )
    story = WorkStory(intake=active).bind().complete().hear().complete().archive()
    template = story.template
    defined = config_definition.decide(
        Definitions(),
        RecordDefinition(
            by=HUMAN,
            config_id=ConfigId(f"cfg_{1:026d}"),
            type_key=TypeKey.PROCEDURE_TEMPLATE,
            name=template.template_id,
            definition=document(template),
            content_hash=hash_definition(template),
        ),
    )
    surfaces = [each for each in story.log if not isinstance(each, ApprovalRecorded)]
    return (*told, *forked, *defined, *surfaces)
