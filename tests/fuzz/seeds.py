"""Real identifiers and bodies for the fuzzer: of a journey that was played.

The journey is made of the steps that scenarios use, so it says what they say. It leaves
subjects behind in every state, so that each operation has something to succeed at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

from pytest_sr.steps import platform
from pytest_sr.steps.oracles import ORACLES
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import Answer, World
from sr_core.api.app import build_description

EACH = 12
"""How many subjects are left behind in each state."""


class Recording:
    """A world whose accepted requests are remembered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.parameters: dict[str, list[str]] = defaultdict(list)
        self.bodies: dict[str, list[Any]] = defaultdict(list)
        self._routes = [
            (each, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", each.path)))
            for each in build_description().operations
        ]

    async def ask(
        self,
        actor: ActorName,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        """See `World.ask`."""
        answer = await self._world.ask(actor, method, path, body)
        if answer.is_accepted:
            self._remember(method, path, body, answer)
        return answer

    def seeds(self) -> dict[str, Any]:
        """Return what was remembered."""
        return {"parameters": self.parameters, "bodies": self.bodies}

    def offer(self, label: str, body: Mapping[str, object]) -> None:
        """Remember a body that was not sent, and would be accepted."""
        self.bodies[label].append(body)

    def _remember(self, method: str, path: str, body: object, answer: Answer) -> None:
        for operation, pattern in self._routes:
            matched = pattern.fullmatch(path)
            if matched and operation.method == method:
                for name, value in matched.groupdict().items():
                    self._know(name, value)
                if body is not None:
                    self.bodies[f"{method} {operation.path}"].append(body)
        for name, value in answer.body.items():
            if isinstance(value, str) and re.fullmatch(r"\w+_(id|hash)", name):
                self._know(name, value)

    def _know(self, name: str, value: str) -> None:
        if value not in self.parameters[name]:
            self.parameters[name].append(value)


async def play(world: World) -> dict[str, Any]:
    """Play the journey, and return identifiers by parameter and bodies by operation.

    Raises:
        AssertionError: a step that the rest stands on was refused.

    """
    recording = Recording(world)
    seen = cast("World", recording)
    candidate = await platform.prepare_candidate(seen)
    run = accepted(await platform.start_run(seen, candidate=candidate.candidate))
    recording.parameters["content_hash"][:] = [run.evidence]
    accepted(await platform.verify(seen, candidate=candidate.candidate))
    waivers = [await _waiver(seen, "lint") for _ in range(EACH)]
    approval = accepted(
        await platform.record_approval(
            seen, candidate=candidate.candidate, evidence=run.evidence
        )
    )
    accepted(
        await platform.create_freeze(
            seen, candidate=candidate.candidate, approval=approval.approval
        )
    )
    for each in waivers[: EACH // 2]:
        accepted(await platform.activate_waiver(seen, exception=each))
    for _ in range(EACH // 4):
        loop = await _stopped(seen)
        recording.offer("POST /api/v1/decisions", _decision(loop))
    for number in range(EACH):
        await _loops(recording, seen)
        suite = {
            "suite_id": f"suite:FUZZ-NEW-{number}",
            "oracles": [dict(ORACLES["lint"])],
        }
        recording.offer("POST /api/v1/oracles/suites", suite)
    return recording.seeds()


async def _waiver(world: World, oracle: str) -> str:
    """Leave a failed candidate and a waiver for it, and return the waiver."""
    name = f"suite:FUZZ-{oracle}"
    suite = await platform.register_suite(world, oracles=("build", oracle), suite=name)
    assert suite.answer.is_accepted or suite.answer.status == 409, suite.answer
    loop = accepted(await platform.create_loop(world)).loop
    accepted(await platform.activate_loop(world, loop=loop))
    iteration = accepted(await platform.start_iteration(world, loop=loop)).iteration
    made = accepted(await platform.register_candidate(world, iteration=iteration))
    accepted(await platform.start_run(world, candidate=made.candidate, suite=name))
    waiver = await platform.request_waiver(
        world, candidate=made.candidate, target=f"oracle:{oracle}"
    )
    return str(accepted(waiver).exception)


async def _stopped(world: World) -> str:
    """Leave a loop that a required oracle without an answer stopped, and return it."""
    name = "suite:FUZZ-silent"
    await platform.register_suite(world, oracles=("build", "silent"), suite=name)
    loop = accepted(await platform.create_loop(world)).loop
    accepted(await platform.activate_loop(world, loop=loop))
    iteration = accepted(await platform.start_iteration(world, loop=loop)).iteration
    made = accepted(await platform.register_candidate(world, iteration=iteration))
    accepted(await platform.start_run(world, candidate=made.candidate, suite=name))
    return str(loop)


def _decision(loop: str) -> Mapping[str, object]:
    return {
        "loop_id": loop,
        "trigger": "ORACLE_GAP",
        "decision": "PROCEED",
        "rationale": "weighed by nobody",
    }


async def _loops(recording: Recording, world: World) -> None:
    """Leave a loop that is new, one that is active, and one at work; a candidate too."""
    accepted(await platform.create_loop(world))
    active = accepted(await platform.create_loop(world)).loop
    accepted(await platform.activate_loop(world, loop=active))
    recording.offer("POST /api/v1/iterations", {"loop_id": active})
    at_work = accepted(await platform.create_loop(world)).loop
    accepted(await platform.activate_loop(world, loop=at_work))
    started = accepted(await platform.start_iteration(world, loop=at_work))
    made = await platform.register_candidate(world, iteration=started.iteration)
    recording.offer(
        "POST /api/v1/runs",
        {"candidate_id": accepted(made).candidate, "oracle_suite_id": platform.SUITE},
    )


def accepted(step: Any) -> Any:
    """Return what a step gave, which has to have been accepted."""
    assert step.answer.is_accepted, f"{type(step).__name__}: {step.answer}"
    return step
