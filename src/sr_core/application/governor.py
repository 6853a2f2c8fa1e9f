"""The governor at work: it looks at loops, and starts, defers or stops them.

Each look is a rule over the loop's whole history, so what it decides is appended only if
nobody wrote to that history meanwhile: of two governors that look at once, one starts
the iteration, and the other looks again and sees it open. The iteration and the decision
that started it are one append. Nothing is kept between two looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sr_core.application.exceptions import Exceptions
from sr_core.application.gating import pending_hooks
from sr_core.application.loops import Loops
from sr_core.application.plans import Plans
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.application.surfaces import active_surface
from sr_core.domain import governor
from sr_core.domain import loop as loop_rules
from sr_core.domain.actors import ActorKind
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.budget import Bound
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import HookPending, NotFound, Refused
from sr_core.domain.event_ledger import Ledger
from sr_core.domain.event_manager import active_plan_of, view
from sr_core.domain.events import Ruling
from sr_core.domain.governor import (
    Burn,
    DecisionType,
    Evaluation,
    LoopSituation,
    UnitStanding,
)
from sr_core.domain.ids import (
    IterationId,
    LoopId,
    parse_governor_decision_id,
    parse_iteration_id,
    parse_loop_id,
)
from sr_core.domain.loop import Loop
from sr_core.domain.plan import PlanPhase
from sr_core.ports.errors import PortError
from sr_core.ports.event_store import NewEvent
from sr_core.ports.read_model import Row

LOOPS_PER_READ: Final = 200

Chore = Callable[[Platform, Asked], Awaitable[object]]
"""Something that falls due by time alone, such as an exception that expires."""


async def expire_exceptions(platform: Platform, _: Asked) -> None:
    """Record the end of every exception that is past it; the platform detects that."""
    asked = Asked(by=platform.recorder.platform)
    await Exceptions(platform=platform).expire_due(platform.clock.now(), asked)


CHORES: Final[Mapping[str, Chore]] = MappingProxyType({"exceptions": expire_exceptions})
"""What the governor does beside looking at loops, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What came of one look at one loop; `error` says why there was none."""

    loop_id: LoopId
    evaluation: Evaluation | None = None
    iteration_id: IterationId | None = None
    recorded: tuple[NewEvent, ...] = ()
    error: Refused | PortError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surface:
    """Why there is no work surface to work on, and whether its work is done."""

    missing: str | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Governor:
    """Looks after the loops of one log; where `is_dry_run`, it only says what it would."""

    platform: Platform
    chores: Mapping[str, Chore] = field(default_factory=dict)
    at_once_max: int = 10
    is_dry_run: bool = False

    async def evaluate(self, loop_id: LoopId, asked: Asked) -> Evaluated:
        """Look at one loop, and do what is to be done.

        Raises:
            NotFound: there is no such loop.
            AuthorityRequired: someone other than the system asks.

        """
        asked.by.require(ActorKind.SYSTEM, action="governing a loop")
        seen: list[Evaluation] = []
        iteration_id = parse_iteration_id(self.platform.ids.fresh("iter"))

        async def rule(dossier: Dossier) -> Ruling:
            found = governor.evaluate(await self._situation(loop_id, dossier))
            seen.append(found)
            if self.is_dry_run:
                return Ruling()
            return await self._ruling(dossier, found, iteration_id, asked)

        recorded = await self.platform.recorder.record(loop_case(loop_id), rule, asked)
        is_start = seen[-1].decision_type is DecisionType.START_ITERATION and recorded
        return Evaluated(
            loop_id=loop_id,
            evaluation=seen[-1],
            iteration_id=iteration_id if is_start else None,
            recorded=recorded,
        )

    async def evaluate_all(self, asked: Asked) -> tuple[Evaluated, ...]:
        """Look at every active loop, a few at a time, and at what falls due by time.

        What goes wrong with one loop is told in its place and keeps no other from its
        turn.

        Raises:
            Unavailable: the log could not be reached to begin with.

        """
        if not self.is_dry_run:
            for chore in self.chores.values():
                await chore(self.platform, asked)
            await self._complete_plans(asked)
        loops = [each async for each in self._active_loops()]
        turns = asyncio.Semaphore(self.at_once_max)

        async def look(loop_id: LoopId) -> Evaluated:
            async with turns:
                try:
                    return await self.evaluate(loop_id, asked)
                except (Refused, PortError) as error:
                    return Evaluated(loop_id=loop_id, error=error)

        return tuple(await asyncio.gather(*map(look, loops)))

    async def _ruling(
        self,
        dossier: Dossier,
        found: Evaluation,
        iteration_id: IterationId,
        asked: Asked,
    ) -> Ruling:
        decided = governor.record(
            found,
            dossier.governed,
            decision_id=parse_governor_decision_id(self.platform.ids.fresh("gdec")),
        )
        match found.decision_type:
            case DecisionType.START_ITERATION:
                started, _ = await Loops(platform=self.platform).starting(
                    dossier, found.loop_id, iteration_id, asked
                )
                if started.refusal is not None:
                    return started
                return Ruling(events=(*started.events, *decided))
            case DecisionType.STOP_LOOP:
                assert found.stop is not None, "what stops a loop has a name"
                stopped = loop_rules.stop(
                    dossier.the_loop(), found.stop, condition=found.rationale
                )
                return Ruling(events=(*stopped, *decided))
            case DecisionType.DEFER_ITERATION:
                return Ruling(events=decided)

    async def _situation(self, loop_id: LoopId, dossier: Dossier) -> LoopSituation:
        loop = dossier.loop
        if loop is None:
            raise NotFound(kind="loop", identifier=loop_id)
        ledger = await self.platform.follower.ledger(self.platform.recorder.store)
        now = self.platform.clock.now()
        unit, is_exhausted = _standing(ledger, loop_id)
        surface = await self._surface(loop)
        return LoopSituation(
            loop_id=loop_id,
            phase=loop.phase,
            now=now,
            burns=_burns(loop, now),
            open_iteration=loop.open_iteration,
            last_started_at=await self._last_start(loop),
            failures_in_a_row=loop.failures_in_a_row,
            stops=frozenset(loop.stops),
            answered=loop.fired - loop.stops.keys(),
            pending_approvals=(*_pending(dossier), *await self._hooks(dossier)),
            missing_surface=surface.missing,
            is_surface_done=surface.is_done,
            unit=unit,
            plan_exhausted=is_exhausted,
        )

    async def _last_start(self, loop: Loop) -> datetime | None:
        if not loop.iterations_started:
            return None
        key: Row = {"loop_id": loop.loop_id, "sequence": loop.iterations_started}
        row = await self.platform.rows.row("iterations", key)
        assert row is not None, "an iteration has its row from its start on"
        return _moment(row, "started_at")

    async def _surface(self, loop: Loop) -> _Surface:
        if loop.work_surface_id is None:
            return _Surface()
        key = {"work_surface_id": loop.work_surface_id}
        row = await self.platform.rows.row("work_surfaces", key)
        status = str(row["status"]) if row else "not bound"
        if status == "active" or await active_surface(self.platform, loop.work_unit):
            return _Surface()  # the next iteration works on the one that is active
        return _Surface(
            missing=f"{loop.work_surface_id} is {status}", is_done=status == "completed"
        )

    async def _hooks(self, dossier: Dossier) -> tuple[str, ...]:
        """Return the note that has to be recorded before the loop may go on, if any."""
        try:
            await pending_hooks(self.platform, dossier)
        except HookPending as pending:
            return (pending.found,)
        return ()

    async def _active_loops(self) -> AsyncIterator[LoopId]:
        offset, total = 0, 1
        while offset < total:
            page = await self.platform.rows.rows(
                "loops", {"state": "ACTIVE"}, limit=LOOPS_PER_READ, offset=offset
            )
            for row in page.rows:
                yield parse_loop_id(str(row["loop_id"]))
            offset, total = offset + LOOPS_PER_READ, page.total

    async def _complete_plans(self, asked: Asked) -> None:
        ledger = await self.platform.follower.ledger(self.platform.recorder.store)
        for plan in ledger.plans.values():
            if plan.phase is PlanPhase.ACTIVE and view(ledger, plan).is_complete:
                plans = Plans(platform=self.platform)
                await plans.complete(plan.instance.plan_id, asked)


def _standing(ledger: Ledger, loop_id: LoopId) -> tuple[UnitStanding, bool]:
    """Return how the active plan sees the loop's unit, and whether it is exhausted."""
    work_unit_id = ledger.loops[loop_id].work_unit_id
    plan = active_plan_of(ledger, work_unit_id)
    if plan is None:
        return UnitStanding.UNPLANNED, False
    found = view(ledger, plan)
    unit = found.units[work_unit_id]
    if found.phase is PlanPhase.COMPLETED or unit.is_complete:
        return UnitStanding.COMPLETE, found.is_exhausted
    standing = UnitStanding.ELIGIBLE if unit.is_eligible else UnitStanding.WAITING
    return standing, found.is_exhausted


def _burns(loop: Loop, now: datetime) -> tuple[Burn, ...]:
    used = loop.used(now)
    return tuple(
        Burn(bound=each, used=used.of(each), limit=loop.budgets.limit(each))
        for each in Bound
    )


def _pending(dossier: Dossier) -> tuple[str, ...]:
    """Return the approvals that the loop waits for (SPEC 4.4: Verified, AwaitApproval).

    A candidate that is verified waits for a human. Only an approval ends that wait: a
    rejection, or a deferral, leaves the governor where it is.
    """
    latest = next(reversed([*dossier.candidates.values()]), None)
    if latest is None or not latest.status.is_verified:
        return ()
    approved = any(
        each.decision is ApprovalDecision.APPROVED
        and any(ref.id == latest.candidate_id for ref in each.refs)
        for each in dossier.approvals.values()
    )
    return () if approved else (f"{latest.candidate_id} is verified and not approved",)


def _moment(row: Row, column: str) -> datetime | None:
    value = row.get(column)
    assert value is None or isinstance(value, datetime), f"{column} is a time"
    return value
