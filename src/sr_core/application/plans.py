"""Plans: record them, let them be worked on, give them up, and see how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import cast

from sr_core.application.event_manager import view_of
from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked, Rule
from sr_core.codec.plan import hash_plan, hash_policy
from sr_core.domain import plan as plans
from sr_core.domain.errors import NotFound
from sr_core.domain.event_manager import PlanView
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.ids import PlanId, parse_plan_id
from sr_core.domain.plan import (
    ActivatePlan,
    CancelPlan,
    CompletePlan,
    Plan,
    PlanEdge,
    PlanEvent,
    PlanInstance,
    PlannedUnit,
    PolicySnapshot,
    RecordPlan,
)
from sr_core.domain.refs import ContentHash, Ref
from sr_core.ports.event_store import NewEvent, StreamId
from sr_core.ports.read_model import Row

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """A plan that has no identifier yet."""

    source_id: str
    source_hash: ContentHash
    units: tuple[PlannedUnit, ...]
    edges: tuple[PlanEdge, ...]
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The plans of one log."""

    platform: Platform

    async def record(
        self, new: NewPlan, asked: Asked
    ) -> tuple[PlanId, ContentHash, Recorded]:
        """Make a plan known; return its identifier, its hash and what was recorded."""
        instance = PlanInstance(
            plan_id=parse_plan_id(self.platform.ids.fresh("plan")),
            source_id=new.source_id,
            source_hash=new.source_hash,
            units=new.units,
            edges=new.edges,
            rationale=new.rationale,
        )
        command = RecordPlan(
            by=asked.by, instance=instance, plan_hash=hash_plan(instance)
        )

        async def rule(plan: Plan | None) -> Ruling:
            return Ruling(events=plans.decide(plan, command))

        recorded = await self._record(instance.plan_id, rule, asked)
        return instance.plan_id, command.plan_hash, recorded

    async def activate(
        self, plan_id: PlanId, directive: Ref, asked: Asked
    ) -> tuple[ContentHash, Recorded]:
        """Let the plan's units be worked on; return the hash of the policy for it."""
        known = await self._known(plan_id)
        policy = PolicySnapshot(
            plan_id=plan_id, plan_hash=known.plan_hash, directive=directive
        )
        policy_hash = hash_policy(policy)

        async def rule(plan: Plan | None) -> Ruling:
            command = ActivatePlan(
                by=asked.by,
                policy=policy,
                policy_hash=policy_hash,
                taken=await self._taken(known.instance),
            )
            return Ruling(events=plans.decide(plan, command))

        return policy_hash, await self._record(plan_id, rule, asked)

    async def cancel(self, plan_id: PlanId, rationale: str, asked: Asked) -> Recorded:
        """Give the plan up."""
        await self._known(plan_id)
        command = CancelPlan(by=asked.by, rationale=rationale)

        async def rule(plan: Plan | None) -> Ruling:
            return Ruling(events=plans.decide(plan, command))

        return await self._record(plan_id, rule, asked)

    async def complete(self, plan_id: PlanId, asked: Asked) -> Recorded:
        """Record that every unit is complete; nothing, if the log does not show that."""
        command = CompletePlan(by=asked.by)

        async def rule(plan: Plan | None) -> Ruling:
            found = await self.view(plan_id)
            is_due = plan is not None and found.phase is plans.PlanPhase.ACTIVE
            if not (is_due and found.is_complete):
                return Ruling()
            return Ruling(events=plans.decide(plan, command))

        return await self._record(plan_id, rule, asked)

    async def view(self, plan_id: PlanId) -> PlanView:
        """Return how far the plan is, by all that the log says, or raise `NotFound`."""
        ledger = await self.platform.follower.ledger(self.platform.recorder.store)
        return view_of(ledger, plan_id)

    async def _known(self, plan_id: PlanId) -> Plan:
        plan = await self.platform.recorder.state(plan_case(plan_id))
        if plan is None:
            raise NotFound(kind="plan", identifier=plan_id)
        return plan

    async def _taken(self, instance: PlanInstance) -> Mapping[str, PlanId]:
        """Return the plan's units that another active plan holds."""
        found: dict[str, PlanId] = {}
        for unit in instance.units:
            key: Row = {"work_unit_id": unit.work_unit_id, "is_plan_active": True}
            row = await self.platform.rows.row("plan_work_units", key)
            if row is not None:
                found[unit.work_unit_id] = parse_plan_id(str(row["plan_id"]))
        return found

    async def _record(
        self, plan_id: PlanId, rule: Rule[Plan | None], asked: Asked
    ) -> Recorded:
        return await self.platform.recorder.record(plan_case(plan_id), rule, asked)


def plan_case(plan_id: PlanId) -> Case[Plan | None]:
    """Return the case of one plan."""
    return Case(boundary=StreamId(stream_name("plan", plan_id)), fold=_folded)


def _folded(events: Iterable[DomainEvent], onto: Plan | None) -> Plan | None:
    own = cast("Iterable[PlanEvent]", events)  # a plan's boundary holds nothing else
    return reduce(plans.evolve, own, onto)
