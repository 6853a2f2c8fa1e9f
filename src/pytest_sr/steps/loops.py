"""The steps of loops and iterations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pytest_sr.registry import step
from pytest_sr.steps.results import (
    IterationMade,
    IterationsMade,
    LoopMade,
    Told,
    text,
)
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import Answer, World

API: Final = "/api/v1"
DIRECTIVE: Final = {
    "kind": "GovernedArtifact",
    "id": "SR-DIRECTIVE",
    "rel": "depends_on",
    "meta": {"content_hash": f"sha256:{'0' * 63}1", "version": "1.0.0"},
}
OutcomeName = Literal["SUCCESS", "FAILURE"]


@step("loop.create")
async def create_loop(
    world: World,
    *,
    goal: str = "show what the platform owes",
    max_iterations: int = 5,
    max_oracle_runs: int = 25,
    max_wallclock_hours: int = 16,
    work_unit: str | None = None,
    by: ActorName = "human",
) -> LoopMade:
    """Open a loop with a goal and bounds.

    Args:
        work_unit: staged work, which has to have an active work surface

    """
    body: dict[str, object] = {
        "goal": goal,
        "directive_ref": DIRECTIVE,
        "budgets": {
            "max_iterations": max_iterations,
            "max_oracle_runs": max_oracle_runs,
            "max_wallclock_hours": max_wallclock_hours,
        },
    }
    if work_unit is not None:
        body["work_unit"] = work_unit
    answer = await world.ask(by, "POST", f"{API}/loops", body)
    return LoopMade(answer=answer, loop=text(answer, "loop_id"))


@step("loop.update")
async def update_loop(
    world: World,
    *,
    loop: str,
    goal: str | None = None,
    max_iterations: int | None = None,
    max_oracle_runs: int | None = None,
    max_wallclock_hours: int | None = None,
    by: ActorName = "human",
) -> LoopMade:
    """Change a loop's goal, or its bounds; what is left out stays."""
    bounds = _given(
        max_iterations=max_iterations,
        max_oracle_runs=max_oracle_runs,
        max_wallclock_hours=max_wallclock_hours,
    )
    body = {**_given(goal=goal), **({"budgets": bounds} if bounds else {})}
    answer = await world.ask(by, "PATCH", f"{API}/loops/{loop}", body)
    return LoopMade(answer=answer, loop=loop)


@step("loop.activate")
async def activate_loop(
    world: World, *, loop: str, rationale: str | None = None, by: ActorName = "human"
) -> LoopMade:
    """Activate a loop, so that its iterations may start."""
    return await _give(world, loop, "activate", _given(rationale=rationale), by)


@step("loop.pause")
async def pause_loop(
    world: World, *, loop: str, rationale: str | None = None, by: ActorName = "human"
) -> LoopMade:
    """Hold a loop, by hand."""
    return await _give(world, loop, "pause", _given(rationale=rationale), by)


@step("loop.resume")
async def resume_loop(
    world: World,
    *,
    loop: str,
    decision: str | None = None,
    rationale: str | None = None,
    by: ActorName = "human",
) -> LoopMade:
    """Ask that a paused loop goes on, on the strength of a decision."""
    body = _given(decision_id=decision or None, rationale=rationale)
    return await _give(world, loop, "resume", body, by)


@step("loop.close")
async def close_loop(
    world: World, *, loop: str, rationale: str | None = None, by: ActorName = "human"
) -> LoopMade:
    """End the loop for good."""
    return await _give(world, loop, "close", _given(rationale=rationale), by)


@step("loop.read")
async def read_loop(world: World, *, loop: str, by: ActorName = "human") -> LoopMade:
    """Read what the platform says of a loop."""
    answer = await world.ask(by, "GET", f"{API}/loops/{loop}")
    return LoopMade(answer=answer, loop=loop)


@step("iteration.start")
async def start_iteration(
    world: World,
    *,
    loop: str,
    form: Literal["nested", "flat"] = "nested",
    by: ActorName = "system",
) -> IterationMade:
    """Begin the loop's next iteration.

    Args:
        form: whether the loop is named by the path, or by the body

    """
    answer = (
        await world.ask(by, "POST", f"{API}/loops/{loop}/iterations")
        if form == "nested"
        else await world.ask(by, "POST", f"{API}/iterations", {"loop_id": loop})
    )
    return IterationMade(
        answer=answer, loop=loop, iteration=text(answer, "iteration_id")
    )


@step("iteration.begin")
async def begin_iteration(
    world: World, *, iteration: str, by: ActorName = "agent"
) -> Told:
    """Say that the work of an iteration is under way."""
    path = f"{API}/iterations/{iteration}/begin"
    return Told(answer=await world.ask(by, "POST", path))


@step("iteration.complete")
async def complete_iteration(
    world: World,
    *,
    iteration: str,
    outcome: str = "SUCCESS",
    summary: str = "done by a scenario",
    stops: tuple[str, ...] | None = None,
    loop: str | None = None,
    by: ActorName = "agent",
) -> Told:
    """End an iteration, say how it went, and leave its summary.

    Args:
        outcome: SUCCESS or FAILURE; a scenario may try others
        summary: what was meant to be done
        stops: the stop triggers that a full summary names; a short one if it is left out
        loop: the loop that the path names too

    """
    full = {
        "intent": summary,
        "outcomes": {"oracle_results": [], "stop_triggers_fired": list(stops or ())},
    }
    body = {"outcome": outcome, "summary": summary if stops is None else full}
    below = f"loops/{loop}/" if loop else ""
    path = f"{API}/{below}iterations/{iteration}/complete"
    return Told(answer=await world.ask(by, "POST", path, body))


@step("iteration.fail")
async def fail_iteration(
    world: World, *, iteration: str, by: ActorName = "system"
) -> Told:
    """End an iteration whose worker is gone."""
    path = f"{API}/iterations/{iteration}/fail"
    return Told(answer=await world.ask(by, "POST", path, {"reason": "no sign of it"}))


@step("iteration.repeat")
async def repeat_iterations(
    world: World, *, loop: str, times: int, outcome: OutcomeName = "SUCCESS"
) -> IterationsMade:
    """Start and end several iterations in a row, as far as the platform lets it."""
    ended, last = 0, ""
    answer = await world.ask("human", "GET", f"{API}/loops/{loop}")
    for _ in range(times):
        started = await start_iteration(world, loop=loop)
        answer = started.answer
        if not answer.is_accepted:
            break
        last = started.iteration
        told = await complete_iteration(world, iteration=last, outcome=outcome)
        answer = told.answer
        ended += answer.is_accepted
    return IterationsMade(answer=answer, loop=loop, iteration=last, ended=ended)


@step("iteration.read")
async def read_iteration(
    world: World, *, iteration: str, by: ActorName = "human"
) -> Told:
    """Read what the platform says of an iteration."""
    path = f"{API}/iterations/{iteration}"
    return Told(answer=await world.ask(by, "GET", path))


@step("iteration.record")
async def read_record(world: World, *, iteration: str, by: ActorName = "human") -> Told:
    """Read the record that an iteration left."""
    path = f"{API}/iterations/{iteration}/loop-record"
    return Told(answer=await world.ask(by, "GET", path))


async def _give(
    world: World, loop: str, act: str, body: Mapping[str, object], by: ActorName
) -> LoopMade:
    answer: Answer = await world.ask(by, "POST", f"{API}/loops/{loop}/{act}", body)
    return LoopMade(answer=answer, loop=loop)


def _given(**fields: object) -> dict[str, object]:
    """Return the fields that are given."""
    return {name: value for name, value in fields.items() if value is not None}
