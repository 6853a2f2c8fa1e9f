"""Loops and iterations: give commands to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked, Rule
from sr_core.domain import dossier as dossiers
from sr_core.domain import iteration, loop
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import BudgetExhausted, NotFound
from sr_core.domain.events import Ruling
from sr_core.domain.ids import (
    DecisionId,
    IterationId,
    LoopId,
    parse_iteration_id,
    parse_loop_id,
)
from sr_core.domain.iteration import CompleteIteration, IterationOutcome
from sr_core.domain.loop import (
    Budgets,
    CreateLoop,
    LoopCommand,
    ResumeLoop,
    StartIteration,
)
from sr_core.domain.ref_builders import suite_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.ports.event_store import NewEvent

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loops:
    """The loops of one log."""

    platform: Platform

    async def create(
        self, asked: Asked, *, goal: str, budgets: Budgets, directive: Ref
    ) -> tuple[LoopId, Recorded]:
        """Open a loop; return its identifier and what was recorded."""
        loop_id = parse_loop_id(self.platform.ids.fresh("loop"))
        command = CreateLoop(
            by=asked.by,
            loop_id=loop_id,
            goal=goal,
            budgets=budgets,
            directive=directive,
        )

        async def rule(_: Dossier) -> Ruling:
            return Ruling(events=loop.decide(None, command))

        return loop_id, await self._record(loop_id, rule, asked)

    async def give(
        self, loop_id: LoopId, command: LoopCommand, asked: Asked
    ) -> Recorded:
        """Give a command to an existing loop and return what was recorded."""

        async def rule(dossier: Dossier) -> Ruling:
            _require_loop(dossier, loop_id)
            return Ruling(events=loop.decide(dossier.loop, command))

        return await self._record(loop_id, rule, asked)

    async def resume(
        self, loop_id: LoopId, decision_id: DecisionId | None, asked: Asked
    ) -> Recorded:
        """Let the loop go on, if nothing stands against it."""
        command = ResumeLoop(by=asked.by, decision_id=decision_id)

        async def rule(dossier: Dossier) -> Ruling:
            _require_loop(dossier, loop_id)
            informed = replace(command, standing=dossier.standing())
            return Ruling(events=loop.decide(dossier.loop, informed))

        return await self._record(loop_id, rule, asked)

    async def start_iteration(
        self, loop_id: LoopId, asked: Asked
    ) -> tuple[IterationId, Recorded]:
        """Begin the loop's next iteration, with the context that the platform compiles."""
        iteration_id = parse_iteration_id(self.platform.ids.fresh("iter"))

        async def rule(dossier: Dossier) -> Ruling:
            known = _require_loop(dossier, loop_id)
            command = StartIteration(
                by=asked.by, iteration_id=iteration_id, refs=await self._context(known)
            )
            try:
                return Ruling(events=loop.decide(known, command))
            except BudgetExhausted as refusal:
                return Ruling(events=loop.stop_for(known, refusal), refusal=refusal)

        return iteration_id, await self._record(loop_id, rule, asked)

    async def complete_iteration(
        self,
        iteration_id: IterationId,
        *,
        outcome: IterationOutcome,
        summary: str,
        asked: Asked,
    ) -> Recorded:
        """End an iteration; the third failure in a row stops its loop."""
        loop_id = await self.platform.loop_of("iter", iteration_id, kind="iteration")
        command = CompleteIteration(by=asked.by, outcome=outcome, summary=summary)

        async def rule(dossier: Dossier) -> Ruling:
            completed = iteration.decide(dossier.iteration(iteration_id), command)
            after = dossiers.fold(completed, dossier).the_loop()
            return Ruling(events=(*completed, *loop.stop_after_failures(after)))

        return await self._record(loop_id, rule, asked)

    async def _context(self, known: loop.Loop) -> tuple[Ref, ...]:
        """Return all that an iteration of the loop starts from (SPEC 8.1)."""
        suites = [
            suite_ref(suite.suite_id, suite.suite_hash, RefRelation.DEPENDS_ON)
            for suite_id in self.platform.profile.required_suites
            if (suite := await self.platform.suite(suite_id)) is not None
        ]
        scope = Ref(kind=RefKind.LOOP, id=known.loop_id, rel=RefRelation.IN_SCOPE_OF)
        return (scope, known.directive, *suites)

    async def _record(
        self, loop_id: LoopId, rule: Rule[Dossier], asked: Asked
    ) -> Recorded:
        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)


def _require_loop(dossier: Dossier, loop_id: LoopId) -> loop.Loop:
    if dossier.loop is None:
        raise NotFound(kind="loop", identifier=loop_id)
    return dossier.loop
