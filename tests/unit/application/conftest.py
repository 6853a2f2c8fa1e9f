"""A loop taken through the use cases, over memory stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from sr_core.application.candidates import Candidates
from sr_core.application.decisions import Decisions
from sr_core.application.loops import Loops
from sr_core.application.portals import Portals
from sr_core.application.recorder import Asked
from sr_core.application.runs import Runs
from sr_core.application.verification import Verification
from sr_core.codec.envelope import Recorded, opened
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.budget import BudgetChange
from sr_core.domain.decision import DecisionScope, RecordDecision
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    DecisionId,
    ExceptionId,
    FreezeId,
    IterationId,
    LoopId,
    RunId,
)
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.loop import Budgets, CloseLoop, PauseLoop, UpdateLoop
from sr_core.domain.refs import ContentHash
from sr_core.domain.shippable import Readiness
from sr_core.ports.event_store import BEGINNING
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
)

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
        self.portals = Portals(platform=platform)
        self.decisions = Decisions(platform=platform)
        self.verification = Verification(platform=platform)

    async def open(self, budgets: Budgets | None = None) -> Journey:
        """Register the suite, open the loop, start an iteration, make a candidate."""
        await self.register_suite()
        await self.create(budgets)
        await self.activate()
        await self.iterate()
        await self.make()
        return self

    async def register_suite(self) -> None:
        await self.portals.register_suite(build_suite(), BY_HUMAN)

    async def create(self, budgets: Budgets | None = None) -> None:
        self.loop_id, _ = await self.loops.create(
            BY_HUMAN,
            goal="a goal",
            budgets=budgets or Budgets(),
            directive=DIRECTIVE,
        )

    async def activate(self) -> None:
        await self.loops.activate(self.loop_id, BY_HUMAN)

    async def pause(self) -> None:
        await self.loops.give(self.loop_id, PauseLoop(by=HUMAN), BY_HUMAN)

    async def raise_bound(self, **bounds: int) -> None:
        command = UpdateLoop(by=HUMAN, budgets=BudgetChange(**bounds))
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

    async def draw_up_waiver(self, target: str = BUILD) -> None:
        self.exception_id, _ = await self.portals.create_waiver(
            self.candidate_id,
            target,
            rationale="known and harmless",
            expires_at=self.stage.clock.now() + timedelta(hours=1),
            asked=BY_HUMAN,
        )

    async def waive(self) -> None:
        await self.draw_up_waiver()
        await self.portals.activate_exception(self.exception_id, BY_HUMAN)

    async def resolve(self) -> None:
        await self.portals.resolve_exception(self.exception_id, BY_HUMAN)

    async def approve(
        self,
        *acknowledged: ExceptionId,
        said: ApprovalDecision = ApprovalDecision.APPROVED,
    ) -> None:
        self.approval_id, _ = await self.portals.approve(
            self.candidate_id,
            Portal.RELEASE,
            said,
            evidence=(await self.evidence(),),
            exceptions_acknowledged=acknowledged,
            rationale="as reviewed",
            asked=BY_HUMAN,
        )

    async def freeze(self) -> None:
        self.freeze_id, _ = await self.portals.freeze(
            self.candidate_id,
            self.approval_id,
            baseline_id="baseline:1",
            asked=BY_HUMAN,
        )

    async def shippable(self) -> Readiness:
        return await self.verification.shippable(self.candidate_id, BY_HUMAN)

    async def evidence(self) -> ContentHash:
        """The evidence of the latest run."""
        row = await self.row("runs", run_id=self.run_id)
        return ContentHash(row["evidence_bundle_hash"])

    async def row(self, table: str, **key: Any) -> dict[str, Any]:
        row = await self.stage.rows.row(table, key)
        assert row is not None, f"{key} is a row of {table}"
        return dict(row)

    async def recorded(self) -> list[Recorded]:
        """All that is in the log."""
        stored = await self.stage.log.read(after=BEGINNING, limit=100_000)
        return [opened(each) for each in stored]

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
