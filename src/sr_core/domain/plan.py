"""The plan instance: which work units there are, and which of them wait for which.

    DRAFT --activate--> ACTIVE --every unit complete--> COMPLETED
      +------cancel--------+------------------------------> CANCELLED

A plan is recorded whole by a human and never edited: its hash covers everything that
binds, and leaves out the rationale, which does not. A unit counts as complete by what
the log says of it (`sr_core.domain.event_manager`), never by what anyone claims.

BLOCKED is not recorded: it is what an active plan is while none of its units is
eligible, and follows from the log as well.

Clauses: SPEC 1.2 (hash), SPEC 4.8 (validation), SPEC 12.3 (policy snapshot).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput, PlanTaken, TransitionRefused
from sr_core.domain.ids import PlanId
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.ref_builders import plan_ref
from sr_core.domain.refs import (
    ContentHash,
    Ref,
    RefKind,
    RefRelation,
    parse_content_hash,
)

UNITS_MAX: Final = 1000
"""How many work units one plan may hold."""

_WORK_UNIT: Final = re.compile(r"WU-[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SOURCE: Final = re.compile(r"source:[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_INTAKE: Final = re.compile(r"intake:[0-9A-Z]{1,64}")
_TEMPLATE: Final = re.compile(r"proc:[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class PlanPhase(StrEnum):
    """Where a plan stands (SPEC 4.8)."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    BLOCKED = "BLOCKED"
    CANCELLED = "CANCELLED"


class EdgeType(StrEnum):
    """How one unit relates to another; only `depends_on` makes it wait."""

    DEPENDS_ON = "depends_on"
    INFORMS = "informs"
    CONSTRAINED_BY = "constrained_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedUnit:
    """One work unit: what it works on, by which procedure, and who has to agree.

    `required_portals` are the portals at which an approval about the unit has to be
    recorded before it counts as complete.
    """

    work_unit_id: str
    title: str
    intake_id: str
    intake_hash: ContentHash
    template_id: str
    required_portals: tuple[Portal, ...] = ()

    def __post_init__(self) -> None:
        _check("work_unit_id", self.work_unit_id, _WORK_UNIT, "WU- and a name")
        at = f"work_units[{self.work_unit_id}]"
        if not self.title.strip():
            raise MalformedInput(
                field=f"{at}.title", found=self.title, expected="what the unit is about"
            )
        _check(f"{at}.intake_id", self.intake_id, _INTAKE, "intake:<ULID>")
        parse_content_hash(self.intake_hash)
        _check(f"{at}.template_id", self.template_id, _TEMPLATE, "proc:<NAME>")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEdge:
    """`unit` relates to `target`: it waits for it if the type is `depends_on`."""

    unit: str
    target: str
    edge_type: EdgeType = EdgeType.DEPENDS_ON


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInstance:
    """A complete plan; one that exists is a valid one (SPEC 4.8).

    Raises:
        MalformedInput: it has no unit, one twice, an edge to nowhere, or units that wait
            for each other.

    """

    plan_id: PlanId
    source_id: str
    source_hash: ContentHash
    units: tuple[PlannedUnit, ...]
    edges: tuple[PlanEdge, ...] = ()
    rationale: str = ""

    def __post_init__(self) -> None:
        _check("source_id", self.source_id, _SOURCE, "source:<name>")
        parse_content_hash(self.source_hash)
        names = [each.work_unit_id for each in self.units]
        if not 1 <= len(names) <= UNITS_MAX:
            raise MalformedInput(
                field="work_units", found=len(names), expected=f"1 to {UNITS_MAX} units"
            )
        _once("work_units", names)
        _once("edges", self.edges)
        for edge in self.edges:
            for end in (edge.unit, edge.target):
                if end not in names:
                    raise MalformedInput(
                        field="edges", found=end, expected="a work unit of this plan"
                    )
        _require_acyclic(self.dependencies)

    @property
    def dependencies(self) -> Mapping[str, frozenset[str]]:
        """For each unit, the units that it waits for."""
        return {
            unit.work_unit_id: frozenset(
                edge.target
                for edge in self.edges
                if edge.unit == unit.work_unit_id
                and edge.edge_type is EdgeType.DEPENDS_ON
            )
            for unit in self.units
        }

    def unit(self, work_unit_id: str) -> PlannedUnit | None:
        """Return the unit of that name, if the plan has it."""
        return next(
            (each for each in self.units if each.work_unit_id == work_unit_id), None
        )

    def binding(self) -> PlanInstance:
        """Return what binds, in the order in which it is hashed (SPEC 1.2)."""
        return replace(
            self,
            units=tuple(sorted(self.units, key=lambda each: each.work_unit_id)),
            edges=tuple(
                sorted(
                    self.edges,
                    key=lambda each: (each.unit, each.target, each.edge_type),
                )
            ),
            rationale="",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySnapshot:
    """The rules under which a plan is carried out, fixed when it is activated.

    It names the plan by its hash, and is supported by the directive (SPEC 12.3).
    """

    plan_id: PlanId
    plan_hash: ContentHash
    directive: Ref
    deferral_satisfies: bool = True
    """Whether a dependency that a human deferred lets its dependents go on."""

    def __post_init__(self) -> None:
        found = (self.directive.kind, self.directive.rel)
        expected = (RefKind.GOVERNED_ARTIFACT, RefRelation.SUPPORTED_BY)
        if found != expected:
            raise MalformedInput(
                field="directive_ref",
                found=" ".join(found),
                expected=" ".join(expected),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the events so far say of one plan."""

    instance: PlanInstance
    plan_hash: ContentHash
    phase: PlanPhase = PlanPhase.DRAFT
    policy: PolicySnapshot | None = None


# Commands.


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPlan:
    """Make a plan known; `plan_hash` is that of what binds in it."""

    by: Actor
    instance: PlanInstance
    plan_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatePlan:
    """Let the plan's units be worked on, under the policy that holds now.

    `taken` are the plan's units that another active plan holds.
    """

    by: Actor
    policy: PolicySnapshot
    policy_hash: ContentHash
    taken: Mapping[str, PlanId]


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPlan:
    """Give the plan up."""

    by: Actor
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletePlan:
    """Say that every unit is complete, as the log shows."""

    by: Actor


PlanCommand: TypeAlias = RecordPlan | ActivatePlan | CancelPlan | CompletePlan


# Events.


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInstanceRecorded:
    """A plan became known."""

    plan_id: PlanId
    plan_hash: ContentHash
    instance: PlanInstance

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The plan, and the intakes that its units work on."""
        intakes = {each.intake_id: each.intake_hash for each in self.instance.units}
        return (
            plan_ref(self.plan_id, self.plan_hash, RefRelation.ABOUT),
            *(
                Ref(
                    kind=RefKind.INTAKE,
                    id=name,
                    rel=RefRelation.DEPENDS_ON,
                    meta={"content_hash": content_hash},
                )
                for name, content_hash in sorted(intakes.items())
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanActivated:
    """The plan's units may be worked on."""

    plan_id: PlanId
    plan_hash: ContentHash
    policy: PolicySnapshot
    policy_hash: ContentHash

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The plan, and the directive that the policy rests on."""
        return (
            plan_ref(self.plan_id, self.plan_hash, RefRelation.ABOUT),
            self.policy.directive,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCancelled:
    """The plan was given up."""

    plan_id: PlanId
    plan_hash: ContentHash
    rationale: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The plan."""
        return (plan_ref(self.plan_id, self.plan_hash, RefRelation.ABOUT),)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCompleted:
    """Every unit of the plan is complete, as the log shows."""

    plan_id: PlanId
    plan_hash: ContentHash

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The plan."""
        return (plan_ref(self.plan_id, self.plan_hash, RefRelation.ABOUT),)


PlanEvent: TypeAlias = (
    PlanInstanceRecorded | PlanActivated | PlanCancelled | PlanCompleted
)


# The rules.

_ALLOWED: Final[Mapping[PlanPhase, frozenset[type[PlanCommand]]]] = MappingProxyType(
    {
        PlanPhase.DRAFT: frozenset({ActivatePlan, CancelPlan}),
        PlanPhase.ACTIVE: frozenset({CancelPlan, CompletePlan}),
        PlanPhase.BLOCKED: frozenset(),
        PlanPhase.COMPLETED: frozenset(),
        PlanPhase.CANCELLED: frozenset(),
    }
)
assert _ALLOWED.keys() == set(PlanPhase), "every phase says what it allows"


def decide(plan: Plan | None, command: PlanCommand) -> tuple[PlanEvent, ...]:
    """Return the events that `command` leads to; `plan` is None before the first.

    Raises:
        AuthorityRequired: the actor may not give it.
        TransitionRefused: the plan's phase does not allow it.
        PlanTaken: the plan is recorded, or a unit belongs to another active plan.
        MalformedInput: the policy is not this plan's, or no rationale is given.

    """
    _authorise(command)
    if isinstance(command, RecordPlan):
        return _record(plan, command)
    plan = _in_allowed_phase(plan, command)
    match command:
        case ActivatePlan():
            return _activate(plan, command)
        case CancelPlan(rationale=rationale):
            return _cancel(plan, rationale)
        case CompletePlan():
            return (
                PlanCompleted(plan_id=plan.instance.plan_id, plan_hash=plan.plan_hash),
            )
        case _:
            assert_never(command)


def evolve(plan: Plan | None, event: PlanEvent) -> Plan:
    """Fold one event into the state. Never refuses: what is recorded has happened."""
    if isinstance(event, PlanInstanceRecorded):
        assert plan is None, "PlanInstanceRecorded opens a plan"
        return Plan(instance=event.instance, plan_hash=event.plan_hash)
    assert plan is not None, "every other event follows PlanInstanceRecorded"
    match event:
        case PlanActivated(policy=policy):
            return replace(plan, phase=PlanPhase.ACTIVE, policy=policy)
        case PlanCancelled():
            return replace(plan, phase=PlanPhase.CANCELLED)
        case PlanCompleted():
            return replace(plan, phase=PlanPhase.COMPLETED)
        case _:
            assert_never(event)


def _authorise(command: PlanCommand) -> None:
    action = f"giving {type(command).__name__}"
    if isinstance(command, CompletePlan):
        command.by.require(ActorKind.SYSTEM, action=action)
        return
    command.by.require(ActorKind.HUMAN, action=action)
    command.by.require_role(PORTAL_ROLE[Portal.GOVERNANCE], action=action)


def _record(plan: Plan | None, command: RecordPlan) -> tuple[PlanEvent, ...]:
    if plan is not None:
        raise PlanTaken(subject=plan.instance.plan_id, plan_id=plan.instance.plan_id)
    return (
        PlanInstanceRecorded(
            plan_id=command.instance.plan_id,
            plan_hash=command.plan_hash,
            instance=command.instance,
        ),
    )


def _activate(plan: Plan, command: ActivatePlan) -> tuple[PlanEvent, ...]:
    policy = command.policy
    if (policy.plan_id, policy.plan_hash) != (plan.instance.plan_id, plan.plan_hash):
        raise MalformedInput(
            field="policy",
            found=f"{policy.plan_id} {policy.plan_hash}",
            expected=f"a policy of {plan.instance.plan_id} {plan.plan_hash}",
        )
    for unit, holder in sorted(command.taken.items()):
        raise PlanTaken(subject=unit, plan_id=holder)
    return (
        PlanActivated(
            plan_id=plan.instance.plan_id,
            plan_hash=plan.plan_hash,
            policy=policy,
            policy_hash=command.policy_hash,
        ),
    )


def _cancel(plan: Plan, rationale: str) -> tuple[PlanEvent, ...]:
    if not rationale.strip():
        raise MalformedInput(
            field="rationale", found=rationale, expected="why the plan is given up"
        )
    return (
        PlanCancelled(
            plan_id=plan.instance.plan_id,
            plan_hash=plan.plan_hash,
            rationale=rationale,
        ),
    )


def _in_allowed_phase(plan: Plan | None, command: PlanCommand) -> Plan:
    if plan is not None and type(command) in _ALLOWED[plan.phase]:
        return plan
    allowed = _ALLOWED[plan.phase] if plan else {RecordPlan}
    raise TransitionRefused(
        subject=plan.instance.plan_id if plan else "the plan",
        phase=plan.phase if plan else "not yet recorded",
        attempted=type(command).__name__,
        allowed={each.__name__ for each in allowed},
    )


def _require_acyclic(dependencies: Mapping[str, frozenset[str]]) -> None:
    try:
        TopologicalSorter(dependencies).prepare()
    except CycleError as error:
        path: Iterator[str] = reversed(error.args[1])
        raise MalformedInput(
            field="edges",
            found=" waits for ".join(path),
            expected="units none of which waits for itself",
        ) from None


def _once(field: str, things: Iterable[object]) -> None:
    seen: set[object] = set()
    for each in things:
        if each in seen:
            raise MalformedInput(field=field, found=str(each), expected="each one once")
        seen.add(each)


def _check(field: str, found: str, pattern: re.Pattern[str], expected: str) -> None:
    if not pattern.fullmatch(found):
        raise MalformedInput(field=field, found=found, expected=expected)
