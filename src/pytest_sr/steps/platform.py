"""The steps of the platform: what people, agents and services ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote

from pytest_sr.registry import step
from pytest_sr.steps.decisions import record_decision
from pytest_sr.steps.loops import (
    API,
    activate_loop,
    create_loop,
    resume_loop,
    start_iteration,
)
from pytest_sr.steps.oracles import ORACLES
from pytest_sr.steps.portals import (
    activate_exception,
    create_freeze,
    record_approval,
    request_waiver,
    resolve_exception,
)
from pytest_sr.steps.results import (
    Attempts,
    CandidateMade,
    RunMade,
    SuiteMade,
    Told,
    text,
)
from pytest_sr.steps.sources import SOURCES
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import Answer, World, WorldError

SUITE: Final = "suite:SR-SUITE-CORE"


@step("suite.register")
async def register_suite(
    world: World,
    *,
    oracles: tuple[str, ...],
    suite: str = SUITE,
    demands: str | None = None,
    by: ActorName = "human",
) -> SuiteMade:
    """Register an oracle suite made of the named oracles, all of them required.

    Args:
        oracles: build, unit_tests, lint, rolling; silent or erring give no answer
        demands: what it demands of the place that it runs in, such as os=linux

    """
    body = {
        "suite_id": suite,
        "oracles": chosen(oracles),
        "environment_constraints": _constraints(demands),
    }
    answer = await world.ask(by, "POST", f"{API}/oracles/suites", body)
    return SuiteMade(answer=answer, suite=suite, suite_hash=text(answer, "suite_hash"))


def _constraints(demands: str | None) -> dict[str, str]:
    if demands is None:
        return {}
    name, _, value = demands.partition("=")
    return {name: value}


def chosen(oracles: tuple[str, ...]) -> list[dict[str, object]]:
    """Return the definitions of the named oracles, or raise `WorldError`."""
    unknown = [each for each in oracles if each not in ORACLES]
    if unknown:
        message = f"no oracle {unknown[0]}; there are {', '.join(ORACLES)}"
        raise WorldError(message)
    return [dict(ORACLES[each]) for each in oracles]


@step("candidate.register")
async def register_candidate(
    world: World,
    *,
    iteration: str,
    files: Literal["sound", "failing", "untested", "unbuildable"] = "sound",
    content_hash: str | None = None,
    by: ActorName = "agent",
) -> CandidateMade:
    """Hand over a small Python project as the iteration's candidate.

    Args:
        files: sound passes its tests, failing fails them, untested has none
        content_hash: what the agent declares; the platform computes its own

    """
    body: dict[str, object] = {
        "produced_by_iteration_id": iteration,
        "files": SOURCES[files],
    }
    if content_hash is not None:
        body["content_hash"] = content_hash
    answer = await world.ask(by, "POST", f"{API}/candidates", body)
    loop = await world.ask("system", "GET", f"{API}/iterations/{iteration}")
    return CandidateMade(
        answer=answer,
        loop=text(loop, "loop_id"),
        iteration=iteration,
        candidate=text(answer, "candidate_id"),
        digest=text(answer, "content_hash"),
    )


@step("candidate.prepare")
async def prepare_candidate(
    world: World,
    *,
    oracles: tuple[str, ...] = ("build", "unit_tests"),
    files: Literal["sound", "failing", "untested", "unbuildable"] = "sound",
    demands: str | None = None,
) -> CandidateMade:
    """Bring about all that a candidate needs: suite, active loop, iteration, bytes."""
    suite = await register_suite(world, oracles=oracles, demands=demands)
    _require(suite.answer, "registering the suite")
    loop = await create_loop(world)
    _require(loop.answer, "creating the loop")
    active = await activate_loop(world, loop=loop.loop)
    _require(active.answer, "activating the loop")
    iteration = await start_iteration(world, loop=loop.loop)
    _require(iteration.answer, "starting the iteration")
    return await register_candidate(world, iteration=iteration.iteration, files=files)


@step("run.start")
async def start_run(
    world: World, *, candidate: str, suite: str = SUITE, by: ActorName = "system"
) -> RunMade:
    """Have a suite judge the candidate, and wait until it has."""
    body = {"candidate_id": candidate, "oracle_suite_id": suite}
    answer = await world.ask(by, "POST", f"{API}/runs", body)
    return RunMade(
        answer=answer,
        loop=text(answer, "loop_id"),
        iteration=text(answer, "iteration_id"),
        candidate=candidate,
        run=text(answer, "run_id"),
        evidence=text(answer, "evidence_bundle_hash"),
        suite=suite,
    )


@step("candidate.verify")
async def verify(world: World, *, candidate: str, by: ActorName = "system") -> Told:
    """Have the candidate verified: ask what its evidence supports."""
    path = f"{API}/candidates/{quote(candidate, safe='')}/verify"
    return Told(answer=await world.ask(by, "POST", path))


@step("candidate.shippable")
async def shippable(world: World, *, candidate: str, by: ActorName = "human") -> Told:
    """Ask whether the candidate may ship."""
    path = f"{API}/candidates/{quote(candidate, safe='')}/shippable"
    return Told(answer=await world.ask(by, "GET", path))


@step("gate.try")
async def try_gate(
    world: World,
    *,
    gate: Literal["verify", "approval", "freeze", "shippable"],
    candidate: str,
    evidence: str,
    approval: str,
) -> Told:
    """Try one of the four gates at which evidence has to be there."""
    match gate:
        case "verify":
            return await verify(world, candidate=candidate)
        case "approval":
            made = await record_approval(world, candidate=candidate, evidence=evidence)
            return Told(answer=made.answer)
        case "freeze":
            frozen = await create_freeze(world, candidate=candidate, approval=approval)
            return Told(answer=frozen.answer)
        case "shippable":
            return await shippable(world, candidate=candidate)


@step("binding.attempt-all")
async def attempt_all(  # noqa: PLR0913 - each act needs something to act on
    world: World,
    *,
    by: ActorName,
    loop: str,
    candidate: str,
    evidence: str,
    approval: str,
    in_force: str,
    waiver: str,
    decision: str,
) -> Attempts:
    """Try every act that binds, as one actor, each with a body that is in order.

    Args:
        in_force: the waiver that an approval has to acknowledge
        waiver: one that waits to be activated

    """
    suite = {
        "suite_id": "suite:OF-AN-IMPOSTOR",
        "oracles": [dict(ORACLES["build"])],
    }
    made: dict[str, Answer] = {
        "register a suite": await world.ask(by, "POST", f"{API}/oracles/suites", suite),
        "decide": (
            await record_decision(world, loop=loop, trigger="BUDGET_EXHAUSTED", by=by)
        ).answer,
        "create a waiver": (
            await request_waiver(
                world, candidate=candidate, target="oracle:lint", by=by
            )
        ).answer,
        "activate a waiver": (
            await activate_exception(world, exception=waiver, by=by)
        ).answer,
        "resolve a waiver": (
            await resolve_exception(world, exception=waiver, by=by)
        ).answer,
        "approve": (
            await record_approval(
                world,
                candidate=candidate,
                evidence=evidence,
                exceptions=(in_force,),
                by=by,
            )
        ).answer,
        "freeze": (
            await create_freeze(world, candidate=candidate, approval=approval, by=by)
        ).answer,
        "resume": (
            await resume_loop(world, loop=loop, decision=decision, by=by)
        ).answer,
    }
    return Attempts(attempts=_attempted(made))


def _require(answer: Answer, what: str) -> None:
    if not answer.is_accepted:
        message = (
            f"{what} was answered with {answer.status} {answer.code}: {answer.body}"
        )
        raise WorldError(message)


def _attempted(answers: Mapping[str, Answer]) -> Mapping[str, object]:
    """Return status and code of each answer."""
    return {
        name: {"status": each.status, "code": each.code}
        for name, each in answers.items()
    }
