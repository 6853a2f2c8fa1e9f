"""Run one case: bring about its state, break, try, heal, and record what is seen.

    given ──▶ fault at its moment ──▶ when ──▶ heal ──▶ the log, made anew
       │            │                   │
       └── sample ──┴── sample ─────────┴── sample       rows, objects, position

Nothing is judged here. A step of `given` that the system does not accept, a fault whose
moment never comes and a world that cannot be made stop the case, which makes it INVALID.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal, cast

import httpx
import msgspec
import psycopg
from minio.error import S3Error
from urllib3.exceptions import HTTPError

from pytest_sr.faults.base import Landing
from pytest_sr.history import (
    Answered,
    FaultMoment,
    History,
    Logged,
    Row,
    Sample,
    Stop,
)
from pytest_sr.registry import Registries
from pytest_sr.scenario import (
    Action,
    Arguments,
    FaultPlan,
    Heal,
    Lookup,
    Scenario,
    filled,
)
from pytest_sr.world.world import EVENTS, World, WorldError

BROKEN = (WorldError, httpx.HTTPError, psycopg.Error, S3Error, HTTPError, OSError)
"""What the world around the system can do to us; anything else is a bug and passes."""


_LOOK_AGAIN_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """In what way a case is run: as it is, without its faults, or against a mutant."""

    mutant: str | None = None
    faultless: bool = False


class _Stopped(Exception):  # noqa: N818 - it is how a case ends early, no error of ours
    def __init__(self, place: object, why: str) -> None:
        super().__init__(why)
        self.stop = Stop(place=str(place), why=why)


@dataclass(slots=True, kw_only=True)
class _Recording:
    """What has been seen so far."""

    answers: list[Answered] = field(default_factory=list)
    moments: list[FaultMoment] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    results: dict[str, object] = field(default_factory=dict)
    tick: int = 0

    def next_tick(self) -> int:
        """Return the next tick."""
        self.tick += 1
        return self.tick


async def run_case(
    scenario: Scenario,
    variant: Variant,
    made: AbstractAsyncContextManager[World],
    registries: Registries,
    *,
    system: str,
    versions: Mapping[str, str],
    is_settled: Callable[[History], bool],
) -> History:
    """Run `scenario`, which is bound to one case, in the world that `made` makes.

    What claims give time to (`within`) is waited for until `is_settled` says that what
    was seen will do, or the longest of their times is over.
    """
    recording = _Recording()

    def frozen(events: tuple[Logged, ...]) -> History:
        return History(
            scenario=scenario.name,
            case=scenario.cases[0].name,
            system=system,
            mutant=variant.mutant,
            faultless=variant.faultless,
            answers=tuple(recording.answers),
            moments=tuple(recording.moments),
            samples=tuple(recording.samples),
            events=events,
            replayed=None,
            stop=None,
            versions=versions,
            event_types=EVENTS,
        )

    events: tuple[Logged, ...] = ()
    replayed: Mapping[str, Mapping[str, Row]] | None = None
    stop: Stop | None = None
    try:
        async with asyncio.timeout(scenario.timeout_s), made as world:
            runner = _Runner(scenario, variant, world, registries, recording)
            try:
                await runner.run()
                await _settle(scenario, runner, frozen, is_settled)
            except _Stopped as stopped:
                stop = stopped.stop
            events = await world.channel.log()
            replayed = await _replayed(world, stop)
    except TimeoutError:
        why = f"the case did not end within {scenario.timeout_s:g} s"
        stop = Stop(place=str(scenario.place), why=why)
    except BROKEN as error:
        why = f"{type(error).__name__}: {error}"
        stop = stop or Stop(place=str(scenario.place), why=why)
    return replace(frozen(events), replayed=replayed, stop=stop)


async def _settle(
    scenario: Scenario,
    runner: _Runner,
    frozen: Callable[[tuple[Logged, ...]], History],
    is_settled: Callable[[History], bool],
) -> None:
    """Look again and again, until that will do or no claim gives any more time."""
    patience_s = max((each.within_s or 0 for each in scenario.claims), default=0)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while loop.time() < deadline:
        if is_settled(frozen(await runner.look())):
            return
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _replayed(
    world: World, stop: Stop | None
) -> Mapping[str, Mapping[str, Row]] | None:
    """Return the rows that the log gives; a case that stopped has none to compare."""
    return None if stop is not None else await world.replayed()


class _Runner:
    """The steps and faults of one case, in order."""

    def __init__(
        self,
        scenario: Scenario,
        variant: Variant,
        world: World,
        registries: Registries,
        recording: _Recording,
    ) -> None:
        self._scenario = scenario
        self._variant = variant
        self._world = world
        self._registries = registries
        self._seen = recording
        self._waiting = [] if variant.faultless else list(scenario.faults)
        self._open: dict[str, AsyncExitStack] = {}

    async def run(self) -> None:
        """Take every step and do every fault; heal whatever is open at the end."""
        try:
            for action in self._scenario.given:
                await self._take(action, "given")
            await self._sample("the end of given")
            for each in self._scenario.when:
                await self._break_what_is_due(each)
                if isinstance(each, Heal):
                    self._require_open(each)
                    await self._heal(each.fault)
                else:
                    await self._take(each, "when")
            await self._break_what_is_due(None)
        finally:
            await self._heal_all()
        await self._sample("the end")

    async def _heal_all(self) -> None:
        """Heal what is open, the last first, each whatever becomes of the others."""
        bugs: list[Exception] = []
        for name in reversed([*self._open]):
            try:
                await self._heal(name)
            except Exception as bug:  # noqa: BLE001 - raised below, after the others
                bugs.append(bug)
        if bugs:
            raise bugs[0]

    def _require_open(self, step: Heal) -> None:
        if not self._variant.faultless and step.fault not in self._open:
            why = f"{step.fault} was not done yet, so there is nothing to heal"
            raise _Stopped(step.place, why)

    async def look(self) -> tuple[Logged, ...]:
        """Sample once more, and return the log as it is now."""
        await self._sample("a later look")
        return await self._world.channel.log()

    async def _take(self, action: Action, part: Literal["given", "when"]) -> None:
        arguments = _filled(action.arguments, self._seen.results)
        asked_at = _now()
        function = self._registries.steps[action.step].function
        result = await cast("Awaitable[object]", function(self._world, **arguments))
        plain = msgspec.to_builtins(result)
        if action.name is not None:
            self._seen.results[action.name] = plain
        self._seen.answers.append(
            Answered(
                tick=self._seen.next_tick(),
                part=part,
                step=action.step,
                name=action.name,
                place=str(action.place),
                arguments=arguments,
                result=plain,
                position=await self._world.channel.position(),
                at=asked_at,
            )
        )
        if part == "given":
            _require_accepted(action, plain)
        else:
            await self._sample(f"{action.step} at line {action.place.line}")

    async def _break_what_is_due(self, coming: Action | Heal | None) -> None:
        for plan in [*self._waiting]:
            if await self._is_due(plan, coming):
                self._waiting.remove(plan)
                await self._break(plan)
            elif coming is None:
                assert plan.at is not None, "a fault without a moment is due at once"
                why = f"{plan.at.what} never came, so {plan.name} was never done"
                raise _Stopped(plan.place, why)

    async def _is_due(self, plan: FaultPlan, coming: Action | Heal | None) -> bool:
        if plan.at is None:
            return True
        if plan.at.relation == "before":
            return isinstance(coming, Action) and coming.step == plan.at.what
        taken = {each.step for each in self._seen.answers}
        log = await self._world.channel.log()
        return plan.at.what in taken | {each.event_type for each in log}

    async def _break(self, plan: FaultPlan) -> None:
        arguments = _filled(plan.arguments, self._seen.results)
        kind = self._registries.faults[plan.kind].function
        await self._moment(plan.name, "asked", f"{plan.kind} {arguments}")
        exits = AsyncExitStack()
        entered = cast(
            "AbstractAsyncContextManager[Landing]", kind(self._world, **arguments)
        )
        landing = await exits.enter_async_context(entered)
        self._open[plan.name] = exits
        what: Literal["landed", "not landed"] = (
            "landed" if landing.landed else "not landed"
        )
        await self._moment(plan.name, what, landing.detail)
        await self._sample(f"{plan.name} {what}")

    async def _heal(self, name: str) -> None:
        if self._variant.faultless:
            await self._sample(f"{name}, had it been there, healed")
            return
        exits = self._open.pop(name)
        try:
            await self._sample(f"before {name} heals")
        finally:
            try:
                await exits.aclose()
            except BROKEN as error:
                await self._moment(name, "not healed", str(error))
            else:
                await self._moment(name, "healed", "found as it was before")

    async def _moment(
        self,
        fault: str,
        what: Literal["asked", "landed", "not landed", "healed", "not healed"],
        detail: str,
    ) -> None:
        self._seen.moments.append(
            FaultMoment(
                tick=self._seen.next_tick(),
                fault=fault,
                what=what,
                detail=detail,
                position=await self._world.channel.position(),
                at=_now(),
            )
        )

    async def _sample(self, label: str) -> None:
        self._seen.samples.append(
            Sample(
                tick=self._seen.next_tick(),
                label=label,
                position=await self._world.channel.position(),
                rows=await self._world.channel.rows(),
                objects=await self._world.channel.objects(),
            )
        )


def _now() -> str:
    return datetime.now(UTC).isoformat()  # noqa: TID251 - what people call the time


def _filled(arguments: Arguments, results: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments with every lookup replaced by what its step gave."""

    def find(lookup: Lookup) -> object:
        found: object = results
        for part in lookup.path:
            assert isinstance(found, Mapping), f"{lookup} was resolved when it was read"
            found = found[part]
        return found

    return {name: filled(value, find) for name, value in arguments.items()}


def _require_accepted(action: Action, result: Mapping[str, object]) -> None:
    """Stop the case if the system refused what the story begins with."""
    answer = result.get("answer")
    if not isinstance(answer, Mapping):
        return
    status = answer["status"]
    assert isinstance(status, int), "an answer has a status"
    if not 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
        why = f"{action.step} was answered with {status} {answer['code']}: "
        raise _Stopped(action.place, f"{why}{answer['body']}")
