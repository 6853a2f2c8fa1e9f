"""Real identifiers and requests for the fuzzer: of a journey that was played.

The journey is made of the steps that scenarios use, so it says what they say. Of every
operation it leaves requests behind that are in order: those that it made, and, of what
can be done once only, some that it did not make.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from recording import Recording, Withheld  # type: ignore[import-not-found]

from pytest_sr.steps import (
    decisions,
    governance,
    loops,
    planning,
    platform,
    portals,
    runner,
    staleness,
    work,
)
from pytest_sr.steps.oracles import ORACLES
from pytest_sr.world.world import World

API: Final = "/api/v1"
EACH: Final = 3
"""How many subjects are left behind in each state: one for each actor."""


async def play(world: World) -> dict[str, Any]:
    """Play the journey, and return identifiers by parameter, requests by operation.

    Raises:
        AssertionError: a step that the rest stands on was refused.

    """
    recording = Recording(world)
    seen, kept = cast("World", recording), cast("World", Withheld(recording))
    candidate = await platform.prepare_candidate(seen)
    await _release(seen, candidate.candidate)
    await _approved(seen, kept)
    for number in range(EACH):
        await _loops(seen, kept)
        await _runs(seen, kept)
        await _exceptions(seen, kept)
        await _suites(seen, kept, number)
        await _definitions(seen, kept, number)
        await _intakes(seen, kept, number)
        await _surfaces(seen, kept, number)
        await _plans(seen, kept, number)
    await _governed(seen, kept)
    await _stale(seen, kept)
    await _read(seen, recording.parameters)
    return cast("dict[str, Any]", recording.seeds())


async def _release(world: World, candidate: str) -> None:
    """Leave a candidate that was judged, approved and frozen, and notes about it."""
    run = accepted(await platform.start_run(world, candidate=candidate))
    accepted(await platform.verify(world, candidate=candidate))
    accepted(await platform.shippable(world, candidate=candidate))
    approval = accepted(
        await portals.record_approval(world, candidate=candidate, evidence=run.evidence)
    )
    frozen = await portals.create_freeze(
        world, candidate=candidate, approval=approval.approval
    )
    accepted(frozen)
    for kind in ("evaluation", "assessment", "intervention"):
        accepted(await portals.create_record(world, candidate=candidate, kind=kind))
    accepted(await portals.add_attachment(world, content="read me"))
    bundle = f"{API}/evidence/{run.evidence}"
    for part in ("", "/status"):
        await _asked(world, "GET", bundle + part)
    await _asked(world, "POST", f"{bundle}/verify")
    told = await _asked(world, "GET", bundle)
    for name in cast("list[str]", told["blob_names"])[:EACH]:
        await _asked(world, "GET", f"{bundle}/blobs/{name}")


async def _approved(world: World, kept: World) -> None:
    """Leave a candidate that may be frozen, and evidence to say more of."""
    _, iteration = await _iteration(world)
    made = accepted(await platform.register_candidate(world, iteration=iteration))
    one = {"candidate": made.candidate}
    run = accepted(await platform.start_run(world, **one))
    approval = accepted(
        await portals.record_approval(world, **one, evidence=run.evidence)
    )
    await portals.create_freeze(kept, **one, approval=approval.approval)
    path, body = f"{API}/evidence/{run.evidence}/associate", {"iteration_id": iteration}
    await kept.ask("system", "POST", path, body)


async def _loops(world: World, kept: World) -> None:
    """Leave loops and iterations in every state, and what leads out of it."""
    await loops.activate_loop(kept, loop=await _loop(world, active=False))
    await loops.update_loop(kept, loop=await _loop(world), max_iterations=50)
    await loops.pause_loop(kept, loop=await _loop(world))
    await loops.close_loop(kept, loop=await _loop(world))
    await loops.start_iteration(kept, loop=await _loop(world))
    await loops.start_iteration(kept, loop=await _loop(world), form="flat")
    await planning.evaluate(kept, loop=await _loop(world))
    paused = await _loop(world)
    accepted(await loops.pause_loop(world, loop=paused))
    await loops.resume_loop(kept, loop=paused)
    await loops.begin_iteration(kept, iteration=(await _iteration(world))[1])
    await loops.fail_iteration(kept, iteration=(await _iteration(world))[1])
    await loops.complete_iteration(kept, iteration=(await _iteration(world))[1])
    loop, iteration = await _iteration(world)
    await loops.complete_iteration(kept, iteration=iteration, loop=loop)
    _, done = await _iteration(world)
    accepted(await loops.complete_iteration(world, iteration=done))
    accepted(await loops.read_record(world, iteration=done))
    _, bare = await _iteration(world)
    await platform.register_candidate(kept, iteration=bare, files="untested")
    await decisions.record_decision(kept, loop=loop)


async def _runs(world: World, kept: World) -> None:
    """Leave runs that a runner elsewhere carries out: one new, one with its evidence."""
    _, iteration = await _iteration(world)
    made = accepted(await platform.register_candidate(world, iteration=iteration))
    one = {"candidate": made.candidate}
    await platform.start_run(kept, **one)
    fresh = accepted(await runner.start_elsewhere(world, **one)).run
    await runner.hand_in(kept, run=fresh)
    handed = accepted(await runner.start_elsewhere(world, **one)).run
    accepted(await runner.hand_in(world, run=handed))
    await runner.complete_run(kept, run=handed)
    failing = accepted(await runner.start_elsewhere(world, **one)).run
    path, body = f"{API}/runs/{failing}/fail", {"reason": "the runner is gone"}
    await kept.ask("system", "POST", path, body)


async def _exceptions(world: World, kept: World) -> None:
    """Leave exceptions to be activated and to be resolved, and a failure to waive."""
    loop = await _loop(world)
    drawn = accepted(await portals.create_exception(world, loop=loop)).exception
    await portals.activate_exception(kept, exception=drawn)
    lifted = accepted(await portals.create_exception(world, loop=loop)).exception
    accepted(await portals.activate_exception(world, exception=lifted))
    await portals.resolve_exception(kept, exception=lifted)
    name = "suite:FUZZ-LINT"
    suite = await platform.register_suite(world, oracles=("build", "lint"), suite=name)
    assert suite.answer.is_accepted or suite.answer.status == 409, suite.answer
    _, iteration = await _iteration(world)
    made = accepted(await platform.register_candidate(world, iteration=iteration))
    accepted(await platform.start_run(world, candidate=made.candidate, suite=name))
    waived = {"candidate": made.candidate, "target": "oracle:lint"}
    await portals.request_waiver(kept, **waived)


async def _suites(world: World, kept: World, number: int) -> None:
    """Leave suites to be registered, defined anew, and rebased."""
    await platform.register_suite(
        kept, oracles=("build",), suite=f"suite:FUZZ-NEW-{number}"
    )
    name = f"suite:FUZZ-UNUSED-{number}"
    accepted(await platform.register_suite(world, oracles=("build",), suite=name))
    body = {"oracles": [dict(ORACLES["build"]), dict(ORACLES["lint"])]}
    await kept.ask("human", "PUT", f"{API}/oracles/suites/{name}", body)
    name = f"suite:FUZZ-OLD-{number}"
    accepted(await platform.register_suite(world, oracles=("build",), suite=name))
    await runner.rebase_suite(kept, suite=name, oracles=("build", "lint"))


async def _definitions(world: World, kept: World, number: int) -> None:
    """Leave a template to be revised, and say what can be defined."""
    profile = {"name": "P", "description": "made up", "required_suites": ["suite:X"]}
    bodies: dict[str, dict[str, object]] = {
        "agents": {"id": f"agent-{number}", "name": "A", "actor_id": "agent:a:1"},
        "oracle-definitions": {"oracle_id": f"oracle:o{number}", "oracle_name": "O"},
        "portals": {
            "portal_id": "ReleaseApprovalPortal",
            "name": f"Release {number}",
            "description": "where releases are approved",
            "decisions": ["APPROVED", "REJECTED"],
        },
        "semantic-profiles": {
            "profile_id": f"profile:SEMANTIC-{number}",
            "name": "S",
            "description": "made up",
            "stage_bindings": [
                {"stage_id": "stage:FRAME", "oracle_suite_id": "suite:X"}
            ],
        },
        "oracles/profiles": {"profile_id": f"profile:FUZZ-{number}", **profile},
    }
    for path, body in bodies.items():
        await kept.ask("human", "POST", f"{API}/{path}", body)
    await work.record_template(kept, template=f"proc:FUZZ-NEW-{number}")
    name = f"proc:FUZZ-{number}"
    accepted(await work.record_template(world, template=name))
    told = await _asked(world, "GET", f"{API}/templates/{name}")
    content = {**cast("dict[str, Any]", told["content"]), "description": "anew"}
    body = {"content": content}
    await kept.ask("human", "PUT", f"{API}/templates/{name}", body)


async def _intakes(world: World, kept: World, number: int) -> None:
    """Leave intakes that are drafts and that are active, and what may be done to them."""
    unit = f"WU-intake-{number}"
    await work.create_intake(kept, work_unit=unit)
    draft = await _intake(world, unit, "edited", active=False)
    await work.update_intake(kept, intake=draft, title="edited")
    fixed = await _intake(world, unit, "activated", active=False)
    await work.activate_intake(kept, intake=fixed)
    for act in (work.archive_intake, work.fork_intake):
        await act(kept, intake=await _intake(world, unit, act.__name__))


async def _surfaces(world: World, kept: World, number: int) -> None:
    """Leave surfaces in every state, and one whose stage may be left."""
    unit = f"WU-bound-{number}"
    if not number:
        await work.prepare_surface(world, approved=False)
    free = await _intake(world, unit, "free")
    await work.bind_surface(kept, intake=free, work_unit=unit)
    await work.start_surface(kept, surface=await _surface(world, f"{unit}-a"))
    await work.archive_surface(kept, surface=await _surface(world, f"{unit}-b"))
    surface = await _surface(world, f"{unit}-c")
    first = accepted(await work.start_surface(world, surface=surface)).iteration
    accepted(await loops.complete_iteration(world, iteration=first))
    await work.iterate_surface(kept, surface=surface)
    surface = await _surface(world, f"{unit}-d")
    at_work = accepted(await work.start_surface(world, surface=surface)).iteration
    made = accepted(await platform.register_candidate(world, iteration=at_work))
    run = accepted(
        await platform.start_run(world, candidate=made.candidate, suite=work.SUITES[0])
    )
    await work.complete_stage(kept, surface=surface, evidence=run.evidence)


async def _plans(world: World, kept: World, number: int) -> None:
    """Leave plans that are drafts and that are active."""
    made, other = [
        accepted(await planning.record_plan(world, units=(f"WU-plan-{name}",))).plan
        for name in (f"{number}-a", f"{number}-b")
    ]
    await planning.activate_plan(kept, plan=made)
    await planning.cancel_plan(kept, plan=other)
    accepted(await planning.eligible_set(world, plan=other))


async def _governed(world: World, kept: World) -> None:
    """Leave a version of an artifact, and others to be registered."""
    accepted(await governance.register_artifact(world, artifact="SR-FUZZ"))
    for number in range(EACH):
        await governance.register_artifact(
            kept, artifact="SR-FUZZ", version=f"2.0.{number}", by="system"
        )


async def _stale(world: World, kept: World) -> None:
    """Leave markers, and later decisions that may answer them."""
    for _ in range(EACH):
        marked = accepted(
            await staleness.mark(world, kind="GovernedArtifact", root=loops.DIRECTIVE)
        )
        made = await decisions.record_decision(world, work_unit="WU-intake-0")
        decided = accepted(made).decision
        await staleness.resolve(
            kept, marker=marked.first, kind="DECISION", decision=decided
        )
    accepted(
        await staleness.dependents(world, kind="GovernedArtifact", root=loops.DIRECTIVE)
    )


async def _read(world: World, known: Mapping[str, list[str]]) -> None:
    """Read what needs more than an identifier of its own kind."""
    intake = known["intake_id"][0]
    surface = known["work_surface_id"][0]
    found = await _asked(world, "GET", f"{API}/work-surfaces/{surface}")
    for path in (
        f"intakes/by-hash/{found['intake_content_hash']}",
        f"work-surfaces/by-work-unit/{found['work_unit_id']}",
        f"work-surfaces/compatibility?intake_id={intake}&template_id={work.TEMPLATE}",
        f"work-surfaces/compatible-templates?intake_id={intake}",
        f"work-surfaces/{surface}/stages/{work.STAGES[1]}/approval-status",
        f"procedure-instances/{surface}",
        "templates/schemas/config.procedure_template",
        "staleness",
        "references",
        "plans",
        "references/candidates",
        "portals/ReleaseApprovalPortal",
        "portals/ReleaseApprovalPortal/approvals",
        "oracles/profiles/profile:STRICT-CORE",
    ):
        await _asked(world, "GET", f"{API}/{path}")


async def _loop(world: World, *, active: bool = True) -> str:
    loop = accepted(await loops.create_loop(world)).loop
    if active:
        accepted(await loops.activate_loop(world, loop=loop))
    return str(loop)


async def _iteration(world: World) -> tuple[str, str]:
    """Return a loop of its own, and its iteration that was started."""
    loop = await _loop(world)
    return loop, accepted(await loops.start_iteration(world, loop=loop)).iteration


async def _intake(world: World, unit: str, title: str, *, active: bool = True) -> str:
    made = await work.create_intake(world, work_unit=unit, title=f"{title} in {unit}")
    intake = accepted(made).intake
    if active:
        accepted(await work.activate_intake(world, intake=intake))
    return str(intake)


async def _surface(world: World, unit: str) -> str:
    intake = await _intake(world, unit, "bound")
    bound = await work.bind_surface(world, intake=intake, work_unit=unit)
    return str(accepted(bound).surface)


async def _asked(world: World, method: str, path: str) -> Mapping[str, object]:
    """Ask as a human, and return the answer, which has to be one of success."""
    answer = await world.ask("human", method, path)
    assert answer.is_accepted, f"{method} {path}: {answer}"
    return answer.body


def accepted(step: Any) -> Any:
    """Return what a step gave, which has to have been accepted."""
    assert step.answer.is_accepted, f"{type(step).__name__}: {step.answer}"
    return step
