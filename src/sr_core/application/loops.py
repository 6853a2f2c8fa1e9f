"""Loops and iterations: give commands to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sr_core.application.context import iteration_context
from sr_core.application.gating import pending_hooks
from sr_core.application.governed import Governed
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked, Rule
from sr_core.application.surfaces import active_surface, cured, require_sound
from sr_core.application.verification import Verification
from sr_core.domain import dossier as dossiers
from sr_core.domain import iteration, loop
from sr_core.domain.actors import ActorKind
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import MalformedInput, NotFound, Refused
from sr_core.domain.events import Ruling
from sr_core.domain.gating_policy import Hook
from sr_core.domain.ids import (
    DecisionId,
    IterationId,
    LoopId,
    WorkUnitId,
    parse_iteration_id,
    parse_loop_id,
)
from sr_core.domain.iteration import (
    CompleteIteration,
    IterationCommand,
    IterationOutcome,
)
from sr_core.domain.iteration_summary import IterationSummary
from sr_core.domain.loop import (
    ActivateLoop,
    Budgets,
    CreateLoop,
    LoopCommand,
    ResumeLoop,
    StartIteration,
)
from sr_core.domain.refs import Ref
from sr_core.domain.summary_claims import require_true, told_by_the_log
from sr_core.ports.event_store import NewEvent

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedIteration:
    """An iteration that began, and the notes that a human still owes the loop."""

    iteration_id: IterationId
    pending_hooks: tuple[Hook, ...]
    recorded: Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Loops:
    """The loops of one log."""

    platform: Platform

    async def create(
        self,
        asked: Asked,
        *,
        goal: str,
        budgets: Budgets,
        directive: Ref,
        work_unit: WorkUnitId | None = None,
        loop_id: LoopId | None = None,
    ) -> tuple[LoopId, Recorded]:
        """Open a loop; return its identifier and what was recorded.

        A caller who must not open two names the loop; a second one of that name is
        refused.
        """
        loop_id = loop_id or parse_loop_id(self.platform.ids.fresh("loop"))
        surface = await active_surface(self.platform, work_unit) if work_unit else None
        command = CreateLoop(
            by=asked.by,
            loop_id=loop_id,
            goal=goal,
            budgets=budgets,
            directive=await Governed(platform=self.platform).directive(directive),
            work_unit=work_unit,
            work_surface_id=surface.work_surface_id if surface else None,
        )

        async def rule(dossier: Dossier) -> Ruling:
            return Ruling(events=loop.decide(dossier.loop, command))

        return loop_id, await self._record(loop_id, rule, asked)

    async def give(
        self, loop_id: LoopId, command: LoopCommand, asked: Asked
    ) -> Recorded:
        """Give a command to an existing loop and return what was recorded."""

        async def rule(dossier: Dossier) -> Ruling:
            _require_loop(dossier, loop_id)
            return Ruling(events=loop.decide(dossier.loop, command))

        return await self._record(loop_id, rule, asked)

    async def activate(
        self, loop_id: LoopId, asked: Asked, *, rationale: str | None = None
    ) -> Recorded:
        """Let iterations start; the hours of the budget count from now."""
        now = self.platform.clock.now()
        command = ActivateLoop(by=asked.by, now=now, rationale=rationale)
        return await self.give(loop_id, command, asked)

    async def resume(
        self,
        loop_id: LoopId,
        decision_id: DecisionId | None,
        asked: Asked,
        *,
        rationale: str | None = None,
    ) -> Recorded:
        """Let the loop go on, if nothing stands against it."""

        async def rule(dossier: Dossier) -> Ruling:
            known = _require_loop(dossier, loop_id)
            command = ResumeLoop(
                by=asked.by,
                now=self.platform.clock.now(),
                decision_id=decision_id,
                standing=dossier.standing(),
                cured=await cured(self.platform, known),
                rationale=rationale,
            )
            return Ruling(events=loop.decide(known, command))

        return await self._record(loop_id, rule, asked)

    async def start_iteration(
        self, loop_id: LoopId, asked: Asked
    ) -> tuple[IterationId, Recorded]:
        """Begin the loop's next iteration, with the context that the platform compiles."""
        started = await self.start(loop_id, asked)
        return started.iteration_id, started.recorded

    async def start(
        self,
        loop_id: LoopId,
        asked: Asked,
        *,
        work_unit: WorkUnitId | None = None,
        refs: tuple[Ref, ...] = (),
    ) -> StartedIteration:
        """Begin the loop's next iteration.

        `refs` add nothing to what the platform compiles: each has to be among it. A
        `work_unit` that is named has to be the loop's own; left out, it is.
        """
        iteration_id = parse_iteration_id(self.platform.ids.fresh("iter"))
        pending: tuple[Hook, ...] = ()

        async def rule(dossier: Dossier) -> Ruling:
            nonlocal pending
            ruling, pending = await self.starting(
                dossier, loop_id, iteration_id, asked, work_unit=work_unit, refs=refs
            )
            return ruling

        recorded = await self._record(loop_id, rule, asked)
        return StartedIteration(
            iteration_id=iteration_id, pending_hooks=pending, recorded=recorded
        )

    async def starting(
        self,
        dossier: Dossier,
        loop_id: LoopId,
        iteration_id: IterationId,
        asked: Asked,
        *,
        work_unit: WorkUnitId | None = None,
        refs: tuple[Ref, ...] = (),
    ) -> tuple[Ruling, tuple[Hook, ...]]:
        """Return the start of the next iteration, with the hooks that it leaves pending.

        It is the one way in which an iteration starts, whoever wants it. What has ended
        by now is on record before it is left out of the context (SPEC 4.5).
        """
        _require_own(_require_loop(dossier, loop_id), work_unit)
        # The rule asks this too; asked first, a stranger's call leaves no trace.
        asked.by.require(ActorKind.SYSTEM, action="starting an iteration")
        ended = await Verification(platform=self.platform).lapses(dossier)
        ruling, pending = await self._begun(
            dossiers.fold(ended, dossier), iteration_id, asked, refs
        )
        return replace(ruling, events=(*ended, *ruling.events)), pending

    async def _begun(
        self,
        dossier: Dossier,
        iteration_id: IterationId,
        asked: Asked,
        refs: tuple[Ref, ...],
    ) -> tuple[Ruling, tuple[Hook, ...]]:
        known = dossier.the_loop()
        surface = await active_surface(self.platform, known.work_unit)
        command = StartIteration(
            by=asked.by,
            now=self.platform.clock.now(),
            iteration_id=iteration_id,
            refs=(),
            work_surface_id=surface.work_surface_id if surface else None,
        )
        try:
            loop.decide(known, command)  # whether it may start, before what from
            if surface is not None:
                await require_sound(self.platform, surface)
        except Refused as refusal:
            return Ruling(events=loop.stop_for(known, refusal), refusal=refusal), ()
        context = await iteration_context(self.platform, dossier, asked_for=refs)
        started = loop.decide(known, replace(command, refs=context))
        return Ruling(events=started), await pending_hooks(self.platform, dossier)

    async def complete_iteration(
        self,
        iteration_id: IterationId,
        *,
        outcome: IterationOutcome,
        summary: IterationSummary | str,
        asked: Asked,
    ) -> Recorded:
        """End an iteration with its summary; text alone is taken for the intent."""

        def command(dossier: Dossier) -> IterationCommand:
            told = (
                told_by_the_log(dossier, iteration_id, summary)
                if isinstance(summary, str)
                else summary
            )
            return CompleteIteration(by=asked.by, outcome=outcome, summary=told)

        return await self._iterating(iteration_id, command, asked)

    async def give_iteration(
        self, iteration_id: IterationId, command: IterationCommand, asked: Asked
    ) -> Recorded:
        """Give a command to an iteration; its end may be one too many for the loop."""
        return await self._iterating(iteration_id, lambda _: command, asked)

    async def _iterating(
        self,
        iteration_id: IterationId,
        command: Callable[[Dossier], IterationCommand],
        asked: Asked,
    ) -> Recorded:
        loop_id = await self.platform.loop_of("iter", iteration_id, kind="iteration")

        async def rule(dossier: Dossier) -> Ruling:
            known = dossier.iteration(iteration_id)
            given = command(dossier)
            decided = iteration.decide(known, given)
            if isinstance(given, CompleteIteration):
                require_true(given.summary, dossier)
            after = dossiers.fold(decided, dossier)
            due: tuple[loop.LoopEvent, ...] = ()
            if not after.iteration(iteration_id).phase.is_open:
                due = loop.stops_due(after.the_loop(), now=self.platform.clock.now())
            return Ruling(events=(*decided, *due))

        return await self._record(loop_id, rule, asked)

    async def context(self, loop_id: LoopId) -> tuple[Ref, ...]:
        """Return what the loop's next iteration would start from, as things are now."""
        dossier = await self.platform.recorder.state(loop_case(loop_id))
        _require_loop(dossier, loop_id)
        return await iteration_context(self.platform, dossier)

    async def _record(
        self, loop_id: LoopId, rule: Rule[Dossier], asked: Asked
    ) -> Recorded:
        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)


def _require_loop(dossier: Dossier, loop_id: LoopId) -> loop.Loop:
    if dossier.loop is None:
        raise NotFound(kind="loop", identifier=loop_id)
    return dossier.loop


def _require_own(known: loop.Loop, work_unit: WorkUnitId | None) -> None:
    if work_unit is not None and work_unit != known.work_unit:
        raise MalformedInput(
            field="work_unit_id",
            found=work_unit,
            expected=f"{known.work_unit}, which {known.loop_id} is about, or nothing",
        )
