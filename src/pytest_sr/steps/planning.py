"""The steps of plans and of the governor."""

from __future__ import annotations

import asyncio
from typing import Final

from pytest_sr.registry import step
from pytest_sr.steps.results import EvaluationMade, PlanMade, Told, text
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import Answer, World, WorldError

API: Final = "/api/v1"
_ASK_AGAIN_S: Final = 0.05
SOURCE: Final = {"id": "source:scenario", "content_hash": f"sha256:{'0' * 63}2"}
TEMPLATE: Final = "proc:RESEARCH-MEMO"
DIRECTIVE: Final = {
    "kind": "GovernedArtifact",
    "id": "SR-DIRECTIVE",
    "rel": "supported_by",
    "meta": {"content_hash": f"sha256:{'0' * 63}1", "version": "1.0.0"},
}


@step("plan.record")
async def record_plan(
    world: World,
    *,
    units: tuple[str, ...],
    waits: tuple[str, ...] = (),
    bound: tuple[str, ...] = (),
    by: ActorName = "human",
) -> PlanMade:
    """Record a plan of work units; each gets an intake of its own, which is activated.

    Args:
        units: their names, such as WU-memo
        waits: which waits for which, such as "WU-memo > WU-sources"
        bound: those of them that get a work surface as well

    """
    intakes = {each: await _intake(world, each) for each in units}
    for each in bound:
        await _bind(world, each, intakes[each]["id"])
    body = {
        "source_ref": SOURCE,
        "work_units": [
            {
                "work_unit_id": each,
                "title": f"what {each} is about",
                "intake_ref": intakes[each],
                "template_id": TEMPLATE,
            }
            for each in units
        ],
        "edges": [_edge(each) for each in waits],
        "rationale": "cut along the seams",
    }
    answer = await world.ask(by, "POST", f"{API}/plans", body)
    return PlanMade(
        answer=answer,
        plan=text(answer, "plan_id"),
        plan_hash=text(answer, "plan_hash"),
    )


@step("plan.activate")
async def activate_plan(
    world: World, *, plan: str, by: ActorName = "human"
) -> PlanMade:
    """Let a plan's units be worked on."""
    path = f"{API}/plans/{plan}/activate"
    answer = await world.ask(by, "POST", path, {"directive_ref": DIRECTIVE})
    return PlanMade(answer=answer, plan=plan, plan_hash="")


@step("plan.cancel")
async def cancel_plan(world: World, *, plan: str, by: ActorName = "human") -> Told:
    """Give a plan up."""
    path = f"{API}/plans/{plan}/cancel"
    body = {"rationale": "a scenario gives it up"}
    return Told(answer=await world.ask(by, "POST", path, body))


@step("plan.eligible-set")
async def eligible_set(world: World, *, plan: str, by: ActorName = "agent") -> Told:
    """Ask how far a plan is, and which of its units may be worked on."""
    path = f"{API}/plans/{plan}/eligible-set"
    return Told(answer=await world.ask(by, "GET", path))


@step("governor.evaluate")
async def evaluate(
    world: World, *, loop: str, after_delay: bool = False, by: ActorName = "system"
) -> EvaluationMade:
    """Have the governor look at a loop once, and do what is to be done.

    Args:
        loop: which
        after_delay: whether to ask again while the last start was too short ago

    """
    path = f"{API}/loops/{loop}/evaluate"
    answer = await world.ask(by, "POST", path)
    while after_delay and text(answer, "failure") == "min_delay_not_elapsed":
        await asyncio.sleep(_ASK_AGAIN_S)
        answer = await world.ask(by, "POST", path)
    return EvaluationMade(
        answer=answer, loop=loop, iteration=text(answer, "iteration_id")
    )


async def _intake(world: World, unit: str) -> dict[str, str]:
    """Return an active intake of the unit, pinned by its hash."""
    body = {
        "work_unit_id": unit,
        "title": f"what {unit} is about",
        "kind": "research_memo",
        "objective": f"Say what is known of {unit}.",
        "audience": "whoever reads the scenario",
        "deliverables": [
            {"name": "memo", "format": "markdown", "path": "candidate/main.md"}
        ],
        "completion_criteria": ["A reader can decide from the memo alone."],
    }
    drafted = await world.ask("human", "POST", f"{API}/intakes", body)
    _require(drafted, "drafting an intake")
    intake = text(drafted, "intake_id")
    path = f"{API}/intakes/{intake}/activate"
    active = await world.ask("human", "POST", path)
    _require(active, "activating an intake")
    return {"id": intake, "content_hash": text(active, "content_hash")}


async def _bind(world: World, unit: str, intake: str) -> None:
    body = {"work_unit_id": unit, "intake_id": intake, "template_id": TEMPLATE}
    _require(
        await world.ask("human", "POST", f"{API}/work-surfaces", body),
        "binding a work surface",
    )


def _require(answer: Answer, what: str) -> None:
    if not answer.is_accepted:
        message = f"{what} was answered with {answer.status} {answer.code}"
        raise WorldError(message)


def _edge(told: str) -> dict[str, str]:
    unit, arrow, target = told.partition(" > ")
    if not arrow:
        message = f"{told!r} does not say who waits for whom: give 'WU-a > WU-b'"
        raise WorldError(message)
    return {"work_unit_id": unit.strip(), "target_id": target.strip()}
