"""The steps of staged work: intakes, procedures, work surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.oracles import ORACLES
from pytest_sr.steps.results import ApprovalMade, IterationMade, Told, text
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import Answer, World, WorldError

UNIT: Final = "WU-0001"
TEMPLATE: Final = "proc:TWO-STAGES"
STAGES: Final = ("stage:FRAME", "stage:FINAL")
SUITES: Final = ("suite:SR-SUITE-STRUCTURE", "suite:SR-SUITE-REFS")
PORTAL: Final = "HumanAuthorityExceptionProcess"

GateName = Literal["PASS", "PASS_WITH_WAIVERS", "FAIL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeMade:
    """An intake."""

    answer: Answer
    intake: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceMade:
    """A work surface."""

    answer: Answer
    surface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStarted:
    """The loop and iteration that work on a surface."""

    answer: Answer
    surface: str
    loop: str
    iteration: str


@step("intake.create")
async def create_intake(
    world: World,
    *,
    work_unit: str = UNIT,
    title: str = "A memo",
    kind: str = "research_memo",
    by: ActorName = "human",
) -> IntakeMade:
    """Draft an intake: what is to be made, for whom."""
    body = {
        "work_unit_id": work_unit,
        "title": title,
        "kind": kind,
        "objective": "Say what is known of the matter.",
        "audience": "engineers",
    }
    answer = await world.ask(by, "POST", f"{API}/intakes", body)
    return IntakeMade(answer=answer, intake=text(answer, "intake_id"))


@step("intake.update")
async def update_intake(
    world: World, *, intake: str, title: str, by: ActorName = "human"
) -> Told:
    """Edit a draft: give it another title."""
    path = f"{API}/intakes/{intake}"
    return Told(answer=await world.ask(by, "PUT", path, {"title": title}))


@step("intake.activate")
async def activate_intake(
    world: World, *, intake: str, by: ActorName = "human"
) -> Told:
    """Fix an intake's content under its hash."""
    return Told(answer=await world.ask(by, "POST", f"{API}/intakes/{intake}/activate"))


@step("intake.archive")
async def archive_intake(world: World, *, intake: str, by: ActorName = "human") -> Told:
    """Take an active intake out of use."""
    return Told(answer=await world.ask(by, "POST", f"{API}/intakes/{intake}/archive"))


@step("intake.fork")
async def fork_intake(
    world: World, *, intake: str, by: ActorName = "human"
) -> IntakeMade:
    """Draft the next version of an intake that is fixed."""
    answer = await world.ask(by, "POST", f"{API}/intakes/{intake}/fork")
    return IntakeMade(answer=answer, intake=text(answer, "intake_id"))


@step("template.record")
async def record_template(
    world: World,
    *,
    template: str = TEMPLATE,
    approved: bool = True,
    by: ActorName = "human",
) -> Told:
    """Lay down a procedure of two stages, FRAME and FINAL, each judged by one suite.

    Args:
        approved: whether a human has to approve the last stage

    """
    frame, final = STAGES
    approval: dict[str, object] = {}
    if approved:
        approval = {
            "requires_approval": True,
            "requires_portal": True,
            "portal_id": PORTAL,
        }
    content = {
        "template_id": template,
        "name": "Two stages",
        "description": "Frame it, settle it.",
        "kind": ["research_memo"],
        "stages": [
            _stage(frame, SUITES[0], then=final),
            {**_stage(final, SUITES[1], then="terminal"), **approval},
        ],
        "initial_stage_id": frame,
        "terminal_stage_id": final,
    }
    answer = await world.ask(by, "POST", f"{API}/templates", {"content": content})
    return Told(answer=answer)


def _stage(stage: str, suite: str, *, then: str) -> dict[str, object]:
    return {
        "stage_id": stage,
        "stage_name": stage.removeprefix("stage:").capitalize(),
        "purpose": "as its name says",
        "required_oracle_suites": [suite],
        "transition_on_pass": then,
    }


@step("surface.bind")
async def bind_surface(
    world: World,
    *,
    intake: str,
    work_unit: str = UNIT,
    template: str = TEMPLATE,
    by: ActorName = "human",
) -> SurfaceMade:
    """Bind an intake to a procedure as the work unit's surface."""
    body = {"work_unit_id": work_unit, "intake_id": intake, "template_id": template}
    answer = await world.ask(by, "POST", f"{API}/work-surfaces", body)
    return SurfaceMade(answer=answer, surface=text(answer, "work_surface_id"))


@step("surface.prepare")
async def prepare_surface(
    world: World,
    *,
    work_unit: str = UNIT,
    oracles: tuple[str, ...] = ("build", "unit_tests"),
    approved: bool = True,
) -> SurfaceMade:
    """Do all that comes before work: suites, procedure, active intake, surface.

    Args:
        oracles: what judges each stage
        approved: whether a human has to approve the last stage

    """
    for suite in SUITES:
        definitions = [dict(ORACLES[each]) for each in oracles]
        body: dict[str, object] = {"suite_id": suite, "oracles": definitions}
        await _done(world, "oracles/suites", body)
    told = await record_template(world, approved=approved)
    _require(told.answer)
    intake = await create_intake(world, work_unit=work_unit)
    _require(intake.answer)
    active = await activate_intake(world, intake=intake.intake)
    _require(active.answer)
    bound = await bind_surface(world, intake=intake.intake, work_unit=work_unit)
    _require(bound.answer)
    return bound


@step("surface.start")
async def start_surface(
    world: World, *, surface: str, max_iterations: int = 5, by: ActorName = "human"
) -> WorkStarted:
    """Start work on a surface, under the directive in effect: loop, first iteration."""
    body = {"budgets": {"max_iterations": max_iterations}}
    path = f"{API}/work-surfaces/{surface}/start"
    answer = await world.ask(by, "POST", path, body)
    return WorkStarted(
        answer=answer,
        surface=surface,
        loop=text(answer, "loop_id"),
        iteration=text(answer, "iteration_id"),
    )


@step("surface.iterate")
async def iterate_surface(
    world: World, *, surface: str, by: ActorName = "human"
) -> IterationMade:
    """Begin the next iteration of a surface's loop."""
    path = f"{API}/work-surfaces/{surface}/iterations"
    answer = await world.ask(by, "POST", path)
    return IterationMade(
        answer=answer,
        loop=text(answer, "loop_id"),
        iteration=text(answer, "iteration_id"),
    )


@step("surface.complete-stage")
async def complete_stage(
    world: World,
    *,
    surface: str,
    evidence: str,
    stage: str = STAGES[0],
    declared: GateName | None = None,
    by: ActorName = "human",
) -> Told:
    """Leave a stage on the strength of a bundle.

    Args:
        declared: what the caller says that the evidence gives, if anything

    """
    body: dict[str, object] = {"evidence_bundle_ref": evidence}
    if declared is not None:
        body["gate_result"] = {"status": declared}
    path = f"{API}/work-surfaces/{surface}/stages/{stage}/complete"
    return Told(answer=await world.ask(by, "POST", path, body))


@step("stage.approve")
async def approve_stage(
    world: World,
    *,
    surface: str,
    evidence: str,
    stage: str = STAGES[1],
    decision: Literal["APPROVED", "REJECTED", "DEFERRED"] = "APPROVED",
    request: str = "ENG_ACCEPT",
    by: ActorName = "human",
) -> ApprovalMade:
    """Say at the exception process what is to become of a stage, citing a bundle.

    Args:
        request: what it answers

    """
    subject = {"kind": "WorkSurface", "id": surface, "meta": {"stage_id": stage}}
    body: dict[str, object] = {
        "portal_id": PORTAL,
        "request_type": request,
        "decision": decision,
        "subject_refs": [subject],
        "evidence_refs": [evidence],
        "exceptions_acknowledged": [],
        "rationale": "a scenario reviewed it",
    }
    answer = await world.ask(by, "POST", f"{API}/approvals", body)
    return ApprovalMade(answer=answer, approval=text(answer, "approval_id"))


@step("stage.approval-status")
async def stage_approval(
    world: World, *, surface: str, stage: str = STAGES[1], by: ActorName = "human"
) -> Told:
    """Read whether a stage needs a human's approval, and has it."""
    path = f"{API}/work-surfaces/{surface}/stages/{stage}/approval-status"
    return Told(answer=await world.ask(by, "GET", path))


@step("surface.archive")
async def archive_surface(
    world: World, *, surface: str, by: ActorName = "human"
) -> Told:
    """Take a work surface out of use."""
    path = f"{API}/work-surfaces/{surface}/archive"
    return Told(answer=await world.ask(by, "POST", path))


async def _done(world: World, path: str, body: dict[str, object]) -> None:
    _require(await world.ask("human", "POST", f"{API}/{path}", body))


def _require(answer: Answer) -> None:
    """Raise unless the platform did what was asked: there is nothing to try otherwise."""
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - the statuses of success
        message = f"the surface could not be prepared: {answer.status} {answer.body}"
        raise WorldError(message)
