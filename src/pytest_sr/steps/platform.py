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
from pytest_sr.steps.results import (
    ApprovalMade,
    Attempts,
    CandidateMade,
    ExceptionMade,
    FreezeMade,
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
    by: ActorName = "human",
) -> SuiteMade:
    """Register an oracle suite made of the named oracles, all of them required.

    Args:
        oracles: build, unit_tests, lint, silent, skipping, erring, garbling, contradicting

    """
    unknown = [each for each in oracles if each not in ORACLES]
    if unknown:
        message = f"no oracle {unknown[0]}; there are {', '.join(ORACLES)}"
        raise WorldError(message)
    answer = await world.ask(
        by,
        "POST",
        f"{API}/oracles/suites",
        {"suite_id": suite, "oracles": [dict(ORACLES[each]) for each in oracles]},
    )
    return SuiteMade(answer=answer, suite=suite, suite_hash=text(answer, "suite_hash"))


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
) -> CandidateMade:
    """Bring about all that a candidate needs: suite, active loop, iteration, bytes."""
    suite = await register_suite(world, oracles=oracles)
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


@step("waiver.request")
async def request_waiver(
    world: World, *, candidate: str, target: str, by: ActorName = "human"
) -> ExceptionMade:
    """Ask that an oracle's failure be accepted for a candidate.

    Args:
        target: an oracle, such as oracle:lint; or an integrity condition

    """
    body = {
        "candidate_id": candidate,
        "target": target,
        "rationale": "a scenario asks",
        "expires_at": "2099-01-01T00:00:00Z",
    }
    answer = await world.ask(by, "POST", f"{API}/exceptions", body)
    return ExceptionMade(answer=answer, exception=text(answer, "exception_id"))


@step("waiver.activate")
async def activate_waiver(
    world: World, *, exception: str, by: ActorName = "human"
) -> ExceptionMade:
    """Bring a waiver into force."""
    path = f"{API}/exceptions/{exception}/activate"
    return ExceptionMade(answer=await world.ask(by, "POST", path), exception=exception)


@step("approval.record")
async def record_approval(
    world: World,
    *,
    candidate: str,
    evidence: str,
    portal: str = "ReleaseApprovalPortal",
    decision: Literal["APPROVED", "REJECTED", "DEFERRED"] = "APPROVED",
    exceptions: tuple[str, ...] = (),
    by: ActorName = "human",
) -> ApprovalMade:
    """Approve a candidate at a portal, citing the evidence that was reviewed."""
    body = {
        "portal_id": portal,
        "decision": decision,
        "candidate_id": candidate,
        "evidence_refs": [evidence],
        "exceptions_acknowledged": list(exceptions),
    }
    answer = await world.ask(by, "POST", f"{API}/approvals", body)
    return ApprovalMade(answer=answer, approval=text(answer, "approval_id"))


@step("freeze.create")
async def create_freeze(
    world: World, *, candidate: str, approval: str, by: ActorName = "human"
) -> FreezeMade:
    """Fix a candidate as shippable, on the strength of an approval."""
    body = {
        "baseline_id": "baseline:scenario",
        "candidate_id": candidate,
        "release_approval_id": approval,
    }
    answer = await world.ask(by, "POST", f"{API}/freeze-records", body)
    return FreezeMade(answer=answer, freeze=text(answer, "freeze_id"))


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
            await activate_waiver(world, exception=waiver, by=by)
        ).answer,
        "resolve a waiver": await world.ask(
            by, "POST", f"{API}/exceptions/{waiver}/resolve"
        ),
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
