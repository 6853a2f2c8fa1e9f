"""A loop taken through the use cases, over memory stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from tests.attested import EVIDENCE_KEY, LOG_KEY

from sr_core.adapters.memory.checkpoints import MemoryCheckpointStore
from sr_core.application.approvals import Approvals, Said
from sr_core.application.attachments import Attachments
from sr_core.application.candidates import Candidates
from sr_core.application.checkpoints import Archive
from sr_core.application.decisions import Decisions
from sr_core.application.exceptions import Exceptions, Wanted
from sr_core.application.exports import Exports
from sr_core.application.freezes import Freezes
from sr_core.application.governed import BOUNDARY
from sr_core.application.loops import Loops
from sr_core.application.recorder import Asked
from sr_core.application.records import Records
from sr_core.application.runs import Runs
from sr_core.application.suites import Suites
from sr_core.application.verification import Verification
from sr_core.codec.checkpoint import (
    checkpoint_key,
    leaves_key,
    write_checkpoint,
    write_leaves,
)
from sr_core.codec.definitions import hash_definition
from sr_core.codec.envelope import Recorded, opened
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.budget import BudgetChange
from sr_core.domain.checkpoint import Checkpoint, Leaves, leaf_of
from sr_core.domain.decision import DecisionScope, RecordDecision
from sr_core.domain.exception_scope import ExceptionScope, ScopeKind
from sr_core.domain.exception_terms import DeviationTerms, Terms, WaiverTerms
from sr_core.domain.freeze import Declared
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    DecisionId,
    ExceptionId,
    FreezeId,
    IterationId,
    LoopId,
    RunId,
    TemplateId,
    WorkUnitId,
)
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.iteration import IterationCommand, IterationOutcome
from sr_core.domain.loop import (
    Budgets,
    CloseLoop,
    PauseLoop,
    UpdateLoop,
)
from sr_core.domain.merkle import Frontier
from sr_core.domain.oracle_suite import SuiteDefinition
from sr_core.domain.ref_builders import candidate_ref
from sr_core.domain.refs import ContentHash, RefRelation, hash_bytes
from sr_core.domain.shippable import Readiness
from sr_core.domain.starter_templates import STARTERS
from sr_core.ports.event_store import BEGINNING, NewEvent, Position, StreamId
from sr_core.ports.read_model import InsertRow, RowChange, UpdateRows
from sr_core.testing import (
    AGENT,
    BUILD,
    CORE,
    DIRECTIVE,
    FILES,
    HUMAN,
    SYSTEM,
    ScriptedRunner,
    Stage,
    build_suite,
    register,
    ulid,
    with_longer_timeouts,
)
from sr_core.testing.plans import INTAKE_1, INTAKE_HASH

UNIT = WorkUnitId("WU-7")
SURFACE = f"ws:{ulid(1)}"
TEMPLATE = TemplateId("proc:GENERIC-KNOWLEDGE-WORK")
BOUND = {"suite_id": CORE, "suite_hash": register(build_suite()).suite_hash}
BY_HUMAN = Asked(by=HUMAN, correlation_id="corr-human")
BY_AGENT = Asked(by=AGENT, correlation_id="corr-agent")
BY_SYSTEM = Asked(by=SYSTEM, correlation_id="corr-system")


@dataclass
class Journey:
    """Each step asks a use case for something, as the actor whose business it is."""

    runner: ScriptedRunner = field(default_factory=ScriptedRunner)
    loop_id: LoopId = field(init=False)
    iteration_id: IterationId = field(init=False)
    candidate_id: CandidateId = field(init=False)
    run_id: RunId = field(init=False)
    decision_id: DecisionId | None = None
    exception_id: ExceptionId = field(init=False)
    approval_id: ApprovalId = field(init=False)
    freeze_id: FreezeId = field(init=False)

    def __post_init__(self) -> None:
        self.stage = Stage(self.runner)
        platform = self.stage.platform
        self.loops = Loops(platform=platform)
        self.candidates = Candidates(platform=platform)
        self.runs = Runs(platform=platform)
        self.decisions = Decisions(platform=platform)
        self.suites = Suites(platform=platform)
        self.verification = Verification(platform=platform)
        self.exceptions = Exceptions(platform=platform)
        self.approvals = Approvals(platform=platform)
        self.freezes = Freezes(platform=platform)
        self.records = Records(platform=platform)
        self.attachments = Attachments(platform=platform)

    async def open(self, budgets: Budgets | None = None) -> Journey:
        """Register the suite, open the loop, start an iteration, make a candidate."""
        await self.register_suite()
        await self.create(budgets)
        await self.activate()
        await self.iterate()
        await self.make()
        return self

    async def register_suite(self) -> None:
        await self.suites.register(build_suite(), BY_HUMAN)

    async def rebase(self, definition: SuiteDefinition | None = None) -> None:
        await self.suites.rebase(
            definition or with_longer_timeouts(build_suite()),
            rationale="as decided",
            approval_id=None,
            asked=BY_HUMAN,
        )

    async def create(self, budgets: Budgets | None = None) -> None:
        await self.stage.start()
        self.loop_id, _ = await self.loops.create(
            BY_HUMAN,
            goal="a goal",
            budgets=budgets or Budgets(),
            directive=DIRECTIVE,
        )

    def lay_surface(self, **changes: Any) -> None:
        """Have an active surface of staged work, at the first stage of a procedure."""
        template = STARTERS[TEMPLATE]
        stage = template.initial_stage_id
        self.lay("intakes", intake_id=INTAKE_1, content_hash=INTAKE_HASH)
        row = {
            "work_surface_id": SURFACE,
            "work_unit_id": UNIT,
            "status": "active",
            "intake_id": INTAKE_1,
            "intake_content_hash": INTAKE_HASH,
            "template_id": TEMPLATE,
            "template_hash": hash_definition(template),
            "current_stage_id": stage,
            "stage_status": {stage: "entered"},
            "current_oracle_suites": [BOUND],
        }
        self.lay("work_surfaces", **{**row, **changes})
        self.lay(
            "work_surface_stage_history",
            work_surface_id=SURFACE,
            stage_id=stage,
            status="entered",
            iteration_count=0,
        )

    async def create_staged(self) -> None:
        """Open and activate a loop over staged work, whose surface has been laid."""
        await self.register_suite()
        await self.stage.start()
        self.loop_id, _ = await self.loops.create(
            BY_HUMAN,
            goal="a goal",
            budgets=Budgets(),
            directive=DIRECTIVE,
            work_unit=UNIT,
        )
        await self.activate()

    async def activate(self) -> None:
        await self.loops.activate(self.loop_id, BY_HUMAN)

    async def pause(self) -> None:
        await self.loops.give(self.loop_id, PauseLoop(by=HUMAN), BY_HUMAN)

    async def raise_bound(self, **bounds: int) -> None:
        command = UpdateLoop(by=HUMAN, budgets=BudgetChange(**bounds))
        await self.loops.give(self.loop_id, command, BY_HUMAN)

    async def set_goal(self, goal: str) -> None:
        command = UpdateLoop(by=HUMAN, goal=goal)
        await self.loops.give(self.loop_id, command, BY_HUMAN)

    async def close(self) -> None:
        await self.loops.give(self.loop_id, CloseLoop(by=HUMAN), BY_HUMAN)

    async def iterate(self) -> None:
        self.iteration_id, _ = await self.loops.start_iteration(self.loop_id, BY_SYSTEM)

    async def complete(
        self, outcome: IterationOutcome = IterationOutcome.SUCCESS
    ) -> None:
        await self.loops.complete_iteration(
            self.iteration_id, outcome=outcome, summary="done", asked=BY_AGENT
        )

    async def give_iteration(self, command: IterationCommand) -> None:
        asked = Asked(by=command.by)
        await self.loops.give_iteration(self.iteration_id, command, asked)

    async def make(
        self,
        files: Mapping[str, bytes] = FILES,
        *,
        declared: ContentHash | None = None,
    ) -> None:
        self.candidate_id, _ = await self.candidates.register(
            self.iteration_id, files, declared=declared, asked=BY_AGENT
        )

    async def judge(self) -> None:
        self.run_id = await self.runs.judge(self.candidate_id, CORE, BY_SYSTEM)

    async def verify(self) -> None:
        await self.verification.verify(self.candidate_id, BY_SYSTEM)

    async def decide(self, trigger: StopTrigger) -> None:
        command = RecordDecision(
            by=HUMAN,
            decision_id=DecisionId(self.stage.ids.fresh("dec")),
            trigger=trigger,
            scope=DecisionScope(loop_id=self.loop_id),
            decision="Proceed",
            kind=None,
            rationale="as weighed",
        )
        await self.decisions.record(command, BY_HUMAN)
        self.decision_id = command.decision_id

    async def resume(self) -> None:
        await self.loops.resume(self.loop_id, self.decision_id, BY_HUMAN)

    async def draw_up(
        self, terms: Terms, scope: ExceptionScope, *, hours: int = 1
    ) -> None:
        self.exception_id, _ = await self.exceptions.create(
            Wanted(
                scope=scope,
                rationale="known and harmless",
                target_description="as told",
                expires_at=self.stage.clock.now() + timedelta(hours=hours),
                terms=terms,
            ),
            BY_HUMAN,
        )

    async def draw_up_waiver(self, target: str = BUILD) -> None:
        terms = WaiverTerms(
            target=target,
            gate_id="G-VERIFIED-STRICT",
            risk="low",
            mitigation="watched",
            resolution_criteria="mended",
        )
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_CANDIDATE, candidate_id=self.candidate_id
        )
        await self.draw_up(terms, scope)

    async def draw_up_deviation(self, scope: ExceptionScope | None = None) -> None:
        terms = DeviationTerms(
            requirement_ref="SR-SPEC 3.1",
            risk="low",
            mitigation="watched",
            resolution_criteria="mended",
        )
        if scope is None:
            scope = ExceptionScope(scope_kind=ScopeKind.PER_LOOP, loop_id=self.loop_id)
        await self.draw_up(terms, scope)

    async def bring_into_force(self) -> None:
        await self.exceptions.activate(self.exception_id, BY_HUMAN)

    async def waive(self) -> None:
        await self.draw_up_waiver()
        await self.bring_into_force()

    async def deviate(self, scope: ExceptionScope | None = None) -> None:
        await self.draw_up_deviation(scope)
        await self.bring_into_force()

    async def resolve(self) -> None:
        await self.exceptions.resolve(self.exception_id, "mended", BY_HUMAN)

    async def approve(
        self,
        *acknowledged: ExceptionId,
        said: ApprovalDecision = ApprovalDecision.APPROVED,
        **changes: Any,
    ) -> None:
        given = {"portal": Portal.RELEASE, "rationale": "as reviewed", **changes}
        if "subjects" not in given:
            given["subjects"] = (candidate_ref(self.candidate_id, RefRelation.ABOUT),)
        if "evidence" not in given:
            given["evidence"] = (await self.evidence(),)
        self.approval_id, _ = await self.approvals.record(
            Said(decision=said, exceptions_acknowledged=acknowledged, **given),
            BY_HUMAN,
        )

    async def freeze(self, declared: Declared | None = None) -> None:
        self.freeze_id, _ = await self.freezes.create(
            self.candidate_id,
            self.approval_id,
            baseline_id="baseline:1",
            declared=declared or Declared(),
            asked=BY_HUMAN,
        )

    async def shippable(self) -> Readiness:
        return await self.verification.shippable(self.candidate_id, BY_HUMAN)

    async def evidence(self) -> ContentHash:
        """The evidence of the latest run."""
        row = await self.row("runs", run_id=self.run_id)
        return ContentHash(row["evidence_bundle_hash"])

    def lay(self, table: str, **row: Any) -> None:
        """Have a row in the read model that another part of the platform would write."""
        self._write(InsertRow(table=table, row=row))

    def change(self, table: str, where: Mapping[str, Any], **values: Any) -> None:
        """Have such a row changed."""
        self._write(UpdateRows(table=table, where=where, values=values))

    def _write(self, change: RowChange) -> None:
        event = NewEvent(
            event_id=self.stage.ids.fresh("evt"),
            stream_id=StreamId("laid:by-hand"),
            stream_kind="",
            stream_seq=1,
            event_type="Laid",
            by=HUMAN,
            occurred_at=self.stage.clock.now(),
            correlation_id=None,
            envelope=b"{}",
            envelope_hash=hash_bytes(b"{}"),
            changes=(change,),
        )
        self.stage.rows.apply([(Position(1), event)])

    async def row(self, table: str, **key: Any) -> dict[str, Any]:
        row = await self.stage.rows.row(table, key)
        assert row is not None, f"{key} is a row of {table}"
        return dict(row)

    async def recorded(self) -> list[Recorded]:
        """All that is in the log of what was asked for; the start's own events are not."""
        stored = await self.stage.log.read(after=BEGINNING, limit=100_000)
        asked = (each for each in stored if each.stream_id != BOUNDARY)
        return [opened(each) for each in asked]

    async def types(self) -> list[str]:
        """The types of all that is in the log, in order."""
        return [type(each.event).__name__ for each in await self.recorded()]


@pytest.fixture
def journey() -> Journey:
    return Journey()


@pytest.fixture
def setting_out() -> Callable[[], Journey]:
    """Makes a fresh journey, for a test that needs many."""
    return Journey


class Desk:
    """A platform with one judged candidate, whose log is signed, and an export of it."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.notes = MemoryCheckpointStore()
        self.exports = Exports(
            log=journey.stage.log,
            evidence=journey.stage.evidence_bytes,
            vault=journey.stage.platform.vault,
            archive=Archive(
                store=self.notes, key=LOG_KEY.verifier, origin="solver-ralph/log"
            ),
            key=EVIDENCE_KEY,
            clock=journey.stage.clock,
        )

    async def sign(self, *sizes: int) -> None:
        """Keep checkpoints of these sizes, the last one of the whole log."""
        events = await self.journey.stage.log.read(after=BEGINNING, limit=10_000)
        hashes = [leaf_of(each.position, each.envelope_hash) for each in events]
        before = Frontier()
        for size in (*sizes, len(hashes)):
            leaves = Leaves(before=before, hashes=tuple(hashes[before.size : size]))
            before = leaves.after
            note = Checkpoint(origin="solver-ralph/log", size=size, root=before.root)
            await self.notes.put(leaves_key(size), write_leaves(leaves))
            await self.notes.put(checkpoint_key(size), write_checkpoint(note, LOG_KEY))

    async def bundle(self) -> ContentHash:
        return await self.journey.evidence()

    async def export(self) -> bytes:
        return await self.exports.export(await self.bundle())


@pytest.fixture
async def desk() -> Desk:
    journey = Journey()
    await journey.open()
    await journey.judge()
    return Desk(journey)
