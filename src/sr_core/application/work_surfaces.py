"""Work surfaces: bind them, take them through their stages, archive them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sr_core.application.citations import missing_among
from sr_core.application.definitions import DefinitionBook
from sr_core.application.facts import suite_facts
from sr_core.application.intakes import Intakes
from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.definitions import hash_definition
from sr_core.domain import stage_gate, work_surface, work_unit
from sr_core.domain.approval import ApprovalRecorded
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.ids import (
    CandidateId,
    IntakeId,
    StageId,
    SuiteId,
    TemplateId,
    WorkSurfaceId,
    WorkUnitId,
    parse_candidate_id,
    parse_work_surface_id,
    parse_work_unit_id,
)
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.procedure_template import ProcedureTemplate
from sr_core.domain.refs import ContentHash, parse_content_hash
from sr_core.domain.stage_gate import ClaimedGate, GateResult, StageFacts
from sr_core.domain.work_errors import EvidenceUnfit
from sr_core.domain.work_surface import (
    ArchiveWorkSurface,
    BindWorkSurface,
    CompleteStage,
)
from sr_core.domain.work_surface_events import Param, WorkSurfaceEvent
from sr_core.domain.work_unit import WorkSurface, WorkUnit
from sr_core.ports.event_store import NewEvent, StreamId

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSurfaces:
    """The work surfaces of one log."""

    platform: Platform

    async def bind(
        self,
        work_unit_id: WorkUnitId,
        intake_id: IntakeId,
        template_id: TemplateId,
        *,
        params: Mapping[str, Param],
        asked: Asked,
    ) -> tuple[WorkSurfaceId, Recorded]:
        """Bind an intake to a procedure; return the surface and what was recorded."""
        work_surface.authorise(asked.by, "BindWorkSurface")
        intake = await Intakes(platform=self.platform).known(intake_id)
        template = await self._book.template(template_id)
        template_hash = hash_definition(template)
        command = BindWorkSurface(
            by=asked.by,
            work_surface_id=self._fresh(),
            work_unit_id=work_unit_id,
            intake=intake,
            template=template,
            template_hash=template_hash,
            registered=await self.registered(template),
            params=params,
            content_hash=hash_definition(
                {
                    "work_unit_id": work_unit_id,
                    "intake": {"id": intake_id, "content_hash": intake.content_hash},
                    "template": {"id": template_id, "content_hash": template_hash},
                    "params": params,
                }
            ),
        )

        async def rule(unit: WorkUnit) -> Ruling:
            return Ruling(events=work_surface.decide(unit, command))

        case = unit_case(work_unit_id)
        recorded = await self.platform.recorder.record(case, rule, asked)
        return command.work_surface_id, recorded

    async def complete_stage(
        self,
        work_surface_id: WorkSurfaceId,
        stage_id: StageId,
        evidence: ContentHash,
        *,
        claimed: ClaimedGate | None,
        notes: str | None,
        asked: Asked,
    ) -> Recorded:
        """Leave a stage, if the evidence that is read now lets it pass.

        Raises:
            EvidenceMissing: some of it cannot be read intact; that is recorded, and
                stops the loop that works on the surface.

        """
        work_surface.authorise(asked.by, "CompleteStage")

        async def rule(unit: WorkUnit) -> Ruling:
            surface = unit.surface(work_surface_id)
            template = await self.template_of(surface)
            work_surface.require_current(surface, stage_id)
            command = CompleteStage(
                by=asked.by,
                work_surface_id=work_surface_id,
                stage_id=stage_id,
                evidence=evidence,
                gate=await self._gate(surface, evidence),
                claimed=claimed,
                notes=notes,
                template=template,
                registered=await self.registered(template),
            )
            return Ruling(events=work_surface.decide(unit, command))

        case = await self.case_of(work_surface_id)
        try:
            return await self.platform.recorder.record(case, rule, asked)
        except EvidenceMissing as refusal:
            await self._remember(refusal, evidence, asked)
            raise

    async def archive(
        self, work_surface_id: WorkSurfaceId, reason: str | None, asked: Asked
    ) -> Recorded:
        """Take the surface out of use."""
        command = ArchiveWorkSurface(
            by=asked.by, work_surface_id=work_surface_id, reason=reason
        )

        async def rule(unit: WorkUnit) -> Ruling:
            return Ruling(events=work_surface.decide(unit, command))

        case = await self.case_of(work_surface_id)
        return await self.platform.recorder.record(case, rule, asked)

    async def known(self, work_surface_id: WorkSurfaceId) -> WorkSurface:
        """Return the surface as the log has it, or raise `NotFound`."""
        unit = await self.platform.recorder.state(await self.case_of(work_surface_id))
        return unit.surface(work_surface_id)

    async def template_of(self, surface: WorkSurface) -> ProcedureTemplate:
        """Return the template that the surface is bound to, in the bound version."""
        bound = surface.template_ref
        return await self._book.template(bound.id, bound.content_hash)

    async def registered(
        self, template: ProcedureTemplate
    ) -> Mapping[SuiteId, ContentHash]:
        """Return the hash of each suite that the template names and is registered."""
        names = {
            name for each in template.stages for name in each.required_oracle_suites
        }
        found = {name: await self.platform.suite(name) for name in sorted(names)}
        return {name: each.suite_hash for name, each in found.items() if each}

    async def case_of(self, work_surface_id: WorkSurfaceId) -> Case[WorkUnit]:
        """Return the case of the surface's work unit, or raise `NotFound`."""
        store = self.platform.recorder.store
        boundary = await store.boundary_of(StreamId(work_surface_id))
        if boundary is None:
            raise NotFound(kind="work surface", identifier=work_surface_id)
        return unit_case(parse_work_unit_id(boundary.removeprefix("wu:")))

    async def _gate(self, surface: WorkSurface, evidence: ContentHash) -> GateResult:
        """Return what the stage's evidence gives, every byte of it read now.

        Raises:
            EvidenceMissing: nothing is recorded of the bundle, or it is not intact.
            EvidenceUnfit: it is about no candidate of the work unit, or another stage.

        """
        stage_id = surface.current_stage_id
        candidate_id = await self._judged_by(evidence)
        if candidate_id is None:
            raise EvidenceMissing(subject=stage_id, evidence=[evidence])
        case = await self.platform.candidate_case(candidate_id)
        dossier = await self.platform.recorder.state(case)
        await self._require_of_unit(dossier, surface, evidence)
        facts = StageFacts(
            work_surface_id=surface.work_surface_id,
            suites=[
                await suite_facts(self.platform, dossier, candidate_id, each.suite_id)
                for each in surface.suites
            ],
            profile=self.platform.profiles.assigned_to(surface.work_unit_id),
            waivers=tuple(dossier.waivers.values()),
            known_missing=dossier.candidate(candidate_id).missing,
            now=self.platform.clock.now(),
        )
        return stage_gate.judge(stage_id, surface.suites, evidence, facts)

    async def _judged_by(self, evidence: ContentHash) -> CandidateId | None:
        """Return the candidate that the bundle is about; None, if there is no bundle."""
        row = await self.platform.rows.row(
            "evidence_bundles", {"content_hash": evidence}
        )
        return None if row is None else parse_candidate_id(str(row["candidate_id"]))

    async def _remember(
        self, refusal: EvidenceMissing, evidence: ContentHash, asked: Asked
    ) -> None:
        """Record in the loop's history what was found missing, which stops it (C-EVID-6).

        A bundle that nobody recorded is no loop's.
        """
        candidate_id = await self._judged_by(evidence)
        if candidate_id is None:
            return

        async def rule(dossier: Dossier) -> Ruling:
            lost = [parse_content_hash(each) for each in refusal.evidence]
            found = await missing_among(self.platform, dossier, lost)
            return replace(found, refusal=None)  # the stage's own refusal is told

        case = await self.platform.candidate_case(candidate_id)
        await self.platform.recorder.record(case, rule, asked)

    async def _require_of_unit(
        self, dossier: Dossier, surface: WorkSurface, evidence: ContentHash
    ) -> None:
        loop_id = dossier.the_loop().loop_id
        row = await self.platform.rows.row("loops", {"loop_id": loop_id})
        bound_to = row.get("work_surface_id") if row is not None else None
        if bound_to != surface.work_surface_id:
            raise EvidenceUnfit(
                evidence=evidence,
                why=f"is about a candidate of {loop_id}, which does not work on "
                f"{surface.work_surface_id}",
            )

    @property
    def _book(self) -> DefinitionBook:
        return DefinitionBook(platform=self.platform)

    def _fresh(self) -> WorkSurfaceId:
        return parse_work_surface_id(self.platform.ids.fresh("ws").replace("_", ":"))


def unit_case(work_unit_id: WorkUnitId) -> Case[WorkUnit]:
    """Return the case of one work unit: its surfaces, and what was said of them."""
    return Case(boundary=StreamId(f"wu:{work_unit_id}"), fold=_fold)


def _fold(events: Iterable[DomainEvent], onto: WorkUnit | None) -> WorkUnit:
    """Fold what moves surfaces; whatever else is about the unit has rules of its own."""
    return work_unit.fold(
        (
            each
            for each in events
            if isinstance(each, WorkSurfaceEvent | ApprovalRecorded)
        ),
        onto,
    )
