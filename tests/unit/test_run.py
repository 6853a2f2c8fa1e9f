"""How a case is run: what stops it, what is recorded of it, and that faults are healed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import pytest

from pytest_sr.faults.base import Landing
from pytest_sr.history import History, Logged, ObjectSeen, Row
from pytest_sr.registry import Registries, Registry
from pytest_sr.run import Variant, run_case
from pytest_sr.scenario import (
    Action,
    Case,
    Claim,
    FaultPlan,
    Heal,
    Lookup,
    Moment,
    Place,
    Scenario,
)
from pytest_sr.world.world import Answer, World, WorldError

pytestmark = pytest.mark.anyio

FILE = "a.scenario.yaml"
FOREVER_S = 60.0


@dataclass
class MemoryChannel:
    """A log, rows and objects, in memory."""

    events: list[Logged] = field(default_factory=list)
    tables: dict[str, dict[str, Row]] = field(default_factory=dict)

    async def log(self) -> tuple[Logged, ...]:
        return tuple(self.events)

    async def position(self) -> int:
        return len(self.events)

    async def rows(self) -> Mapping[str, Mapping[str, Row]]:
        return {name: dict(rows) for name, rows in self.tables.items()}

    async def objects(self) -> Mapping[str, ObjectSeen]:
        return {}


@dataclass
class MemoryWorld:
    """A world whose system does as the steps say; `did` tells what was done to it."""

    channel: MemoryChannel = field(default_factory=MemoryChannel)
    did: list[str] = field(default_factory=list)

    async def replayed(self) -> Mapping[str, Mapping[str, Row]]:
        return await self.channel.rows()

    def record(self, event_type: str) -> None:
        number = len(self.channel.events) + 1
        self.channel.events.append(
            Logged(
                position=number,
                event_id=f"evt_{number}",
                event_type=event_type,
                stream_id="loop:1",
                stream_seq=number,
                actor_kind="SYSTEM",
                actor_id="somebody",
                occurred_at="2026-01-02T03:04:05Z",
                payload={},
                refs=(),
                is_sound=True,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    answer: Answer
    number: int


STEPS = Registry("step", gives_results=True)
FAULTS = Registry("fault")
REGISTRIES = Registries(
    steps=STEPS, faults=FAULTS, checks=Registry("check"), mutants=Registry("mutant")
)


@STEPS.register("ask")
async def ask(
    world: MemoryWorld, *, status: int = 200, records: str = "", number: int = 0
) -> Told:
    """Answer with a status, and record an event."""
    world.did.append(f"ask {number}")
    if records:
        world.record(records)
    answer = Answer(status=status, code="A_CODE", body={"why": "it is so"})
    return Told(answer=answer, number=number + 1)


@STEPS.register("hang")
async def hang(world: MemoryWorld) -> None:
    """Never end."""
    world.did.append("hang")
    await asyncio.Event().wait()


@STEPS.register("break")
async def breaks(
    world: MemoryWorld, *, by: Literal["world", "network", "bug", "key"]
) -> None:
    """Raise an error."""
    world.did.append(f"break by {by}")
    raise {
        "world": WorldError("the world broke"),
        "network": ConnectionError("the network broke"),
        "bug": TypeError("a bug"),
        "key": KeyError("another bug"),
    }[by]


@FAULTS.register("spoil")
@asynccontextmanager
async def spoil(
    world: MemoryWorld,
    *,
    name: str,
    lands: bool = True,
    heals: bool = True,
    enters: bool = True,
) -> AsyncIterator[Landing]:
    """Do nothing but tell of it."""
    if not enters:
        message = f"{name} cannot be done"
        raise WorldError(message)
    world.did.append(f"{name} on")
    try:
        yield Landing(landed=lands, detail=f"{name} as it was seen")
    finally:
        world.did.append(f"{name} off")
        if not heals:
            message = f"{name} is still there"
            raise WorldError(message)


def place(line: int = 1) -> Place:
    return Place(file=FILE, line=line, column=3)


def action(step: str = "ask", *, name: str | None = None, line: int = 1, **given: Any):
    return Action(step=step, arguments=given, name=name, place=place(line))


def heal(fault: str) -> Heal:
    return Heal(fault=fault, place=place())


def plan(name: str, at: Moment | None = None, **given: Any) -> FaultPlan:
    return FaultPlan(
        name=name,
        kind="spoil",
        arguments={"name": name, **given},
        at=at,
        place=place(7),
    )


def moment(relation: Literal["before", "after"], what: str) -> Moment:
    return Moment(relation=relation, what=what, place=place())


def story(
    *when: Action | Heal,
    given: tuple[Action, ...] = (),
    faults: tuple[FaultPlan, ...] = (),
    timeout_s: float = FOREVER_S,
    within_s: float | None = None,
) -> Scenario:
    patient = Claim(
        name="patient",
        check="event",
        arguments={},
        within_s=within_s,
        after=None,
        during=None,
        section="then",
        place=place(),
    )
    return Scenario(
        name="a",
        title="A story",
        proves=("C-1",),
        tags=(),
        timeout_s=timeout_s,
        axis=None,
        cases=(Case(name=None, values={}),),
        given=given,
        faults=faults,
        when=when or (action(),),
        then=(patient,),
        always=(),
        controls=(),
        place=place(),
        source="",
    )


@asynccontextmanager
async def made(world: MemoryWorld) -> AsyncIterator[MemoryWorld]:
    yield world
    world.did.append("the world's end")


class Unmade(AbstractAsyncContextManager[MemoryWorld]):
    """A world that cannot be made."""

    async def __aenter__(self) -> MemoryWorld:
        message = "there is no database"
        raise WorldError(message)

    async def __aexit__(self, *_: object) -> None:
        raise NotImplementedError


async def ran(
    scenario: Scenario,
    world: MemoryWorld,
    *,
    variant: Variant | None = None,
    is_settled: Callable[[History], bool] = lambda _: True,
    in_: AbstractAsyncContextManager[MemoryWorld] | None = None,
) -> History:
    return await run_case(
        scenario,
        variant or Variant(),
        cast("AbstractAsyncContextManager[World]", in_ or made(world)),
        REGISTRIES,
        system="in-process",
        versions={"postgres": "17"},
        is_settled=is_settled,
    )


def moments(history: History) -> list[tuple[str, str]]:
    return [(each.fault, each.what) for each in history.moments]


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


class TestStory:
    """What was done is recorded, in order, with what was seen after each step."""

    async def test_the_steps_are_taken_in_order(self, world):
        scenario = story(action(number=2), action(number=3), given=(action(number=1),))

        history = await ran(scenario, world)

        assert world.did == ["ask 1", "ask 2", "ask 3", "the world's end"]
        assert [each.part for each in history.answers] == ["given", "when", "when"]
        assert history.stop is None

    async def test_ticks_order_all_that_was_seen(self, world):
        history = await ran(story(action(), faults=(plan("one"),)), world)

        ticks = [
            each.tick
            for seen in (history.answers, history.moments, history.samples)
            for each in seen
        ]
        assert sorted(ticks) == list(range(1, len(ticks) + 1))

    async def test_a_sample_is_taken_after_each_step_and_at_the_end(self, world):
        history = await ran(story(action(line=9), given=(action(),)), world)

        labels = [each.label for each in history.samples]
        assert labels == ["the end of given", "ask at line 9", "the end"]

    async def test_a_result_is_given_to_later_steps(self, world):
        number = Lookup(path=("first", "number"), place=place())

        history = await ran(
            story(action(name="first"), action(number=number, name="second")), world
        )

        assert [each.arguments.get("number") for each in history.answers] == [None, 1]
        assert history.answers[1].result["number"] == 2

    async def test_the_log_and_its_rows_are_read_at_the_end(self, world):
        world.channel.tables["loops"] = {"loop_1": {"state": "ACTIVE"}}

        history = await ran(story(action(records="LoopCreated")), world)

        assert [each.event_type for each in history.events] == ["LoopCreated"]
        assert history.replayed == world.channel.tables
        assert history.answers[0].position == 1

    async def test_the_variant_is_told(self, world):
        history = await ran(story(), world, variant=Variant(mutant="a.mutant"))

        assert (history.mutant, history.faultless) == ("a.mutant", False)


class TestStops:
    """What stops a case is told with its place, and what had been seen is kept."""

    async def test_a_refusal_in_given_stops_it_where_it_stands(self, world):
        scenario = story(given=(action(), action(status=409, line=4), action()))

        history = await ran(scenario, world)

        assert history.stop is not None
        assert history.stop.place == f"{FILE}:4:3"
        assert "409 A_CODE" in history.stop.why
        assert len(history.answers) == 2
        assert history.replayed is None

    async def test_a_refusal_in_when_does_not(self, world):
        history = await ran(story(action(status=409), action()), world)

        assert history.stop is None
        assert len(history.answers) == 2

    async def test_what_the_log_holds_until_a_refusal_is_kept(self, world):
        given = (action(records="LoopCreated"), action(status=500))

        history = await ran(story(given=given), world)

        assert [each.event_type for each in history.events] == ["LoopCreated"]

    @pytest.mark.parametrize("by", ["world", "network"])
    async def test_a_world_that_breaks_stops_it(self, world, by):
        history = await ran(story(action(), action("break", by=by)), world)

        assert history.stop is not None
        assert history.stop.why.endswith(f"the {by} broke")
        assert len(history.answers) == 1

    @pytest.mark.parametrize(("by", "kind"), [("bug", TypeError), ("key", KeyError)])
    async def test_a_bug_in_a_step_passes_through(self, world, by, kind):
        scenario = story(action("break", by=by), faults=(plan("one"),))

        with pytest.raises(kind, match="bug"):
            await ran(scenario, world)

        assert world.did[-1] == "one off"

    async def test_a_world_that_cannot_be_made_stops_it(self, world):
        history = await ran(story(), world, in_=Unmade())

        assert history.stop is not None
        assert history.stop.why == "WorldError: there is no database"
        assert world.did == []

    async def test_time_that_is_over_stops_it_and_heals(self, world):
        scenario = story(action("hang"), faults=(plan("one"),), timeout_s=0.1)

        history = await ran(scenario, world)

        assert history.stop is not None
        assert history.stop.why == "the case did not end within 0.1 s"
        assert moments(history)[-1] == ("one", "healed")
        assert world.did == ["one on", "hang", "one off"]


class TestFaults:
    """D2: a fault is done at its moment, and what came of it is recorded."""

    async def test_without_a_moment_it_is_done_when_when_begins(self, world):
        scenario = story(
            action(number=2), given=(action(number=1),), faults=(plan("one"),)
        )

        history = await ran(scenario, world)

        assert world.did[:4] == ["ask 1", "one on", "ask 2", "one off"]
        assert moments(history) == [
            ("one", "asked"),
            ("one", "landed"),
            ("one", "healed"),
        ]

    async def test_after_an_event_it_is_done_before_the_next_step(self, world):
        scenario = story(
            action(number=1),
            action(number=2, records="RunCompleted"),
            action(number=3),
            faults=(plan("one", moment("after", "RunCompleted")),),
        )

        await ran(scenario, world)

        assert world.did[1:4] == ["ask 2", "one on", "ask 3"]

    async def test_before_a_step_it_is_done_just_before_it(self, world):
        scenario = story(
            action(),
            action("hang"),
            faults=(plan("one", moment("before", "hang")),),
            timeout_s=0.1,
        )

        await ran(scenario, world)

        assert world.did[:3] == ["ask 0", "one on", "hang"]

    @pytest.mark.parametrize("relation", ["before", "after"])
    async def test_whose_moment_never_comes_stops_the_case(self, world, relation):
        at = moment(relation, "RunCompleted")

        history = await ran(story(faults=(plan("one", at),)), world)

        assert history.stop is not None
        assert history.stop.place == f"{FILE}:7:3"
        assert "RunCompleted never came" in history.stop.why
        assert moments(history) == []

    async def test_that_did_not_land_is_recorded_as_such(self, world):
        history = await ran(story(faults=(plan("one", lands=False),)), world)

        assert moments(history)[:2] == [("one", "asked"), ("one", "not landed")]
        assert history.moments[1].detail == "one as it was seen"

    async def test_that_could_not_be_done_stops_the_case(self, world):
        history = await ran(story(faults=(plan("one", enters=False),)), world)

        assert history.stop is not None
        assert moments(history) == [("one", "asked")]

    async def test_a_step_of_the_story_heals_it(self, world):
        scenario = story(
            action(number=1), heal("one"), action(number=2), faults=(plan("one"),)
        )

        history = await ran(scenario, world)

        assert world.did[:4] == ["one on", "ask 1", "one off", "ask 2"]
        assert moments(history)[-1] == ("one", "healed")

    async def test_that_does_not_heal_is_recorded_as_such(self, world):
        history = await ran(story(faults=(plan("one", heals=False),)), world)

        assert moments(history)[-1] == ("one", "not healed")
        assert history.moments[-1].detail == "one is still there"
        assert history.stop is None

    async def test_several_are_healed_in_reverse_order(self, world):
        faults = (plan("one"), plan("two"), plan("three"))

        history = await ran(story(faults=faults), world)

        assert world.did[-4:-1] == ["three off", "two off", "one off"]
        assert moments(history)[-3:] == [
            ("three", "healed"),
            ("two", "healed"),
            ("one", "healed"),
        ]

    async def test_one_that_does_not_heal_does_not_keep_the_others_from_it(self, world):
        faults = (plan("one"), plan("two"), plan("three", heals=False))

        history = await ran(story(faults=faults), world)

        assert moments(history)[-3:] == [
            ("three", "not healed"),
            ("two", "healed"),
            ("one", "healed"),
        ]

    async def test_without_faults_none_is_done(self, world):
        scenario = story(action(), heal("one"), faults=(plan("one"),))

        history = await ran(scenario, world, variant=Variant(faultless=True))

        assert (history.faultless, moments(history)) == (True, [])
        assert world.did == ["ask 0", "the world's end"]
        assert history.stop is None


class TestSettling:
    """What is given time is looked at again, until it will do or the time is over."""

    async def test_it_looks_again_until_the_claim_holds(self, world):
        looks: list[int] = []

        def is_settled(seen: History) -> bool:
            looks.append(len(seen.events))
            if len(looks) == 2:
                world.record("RunCompleted")
            return bool(seen.events)

        history = await ran(story(within_s=FOREVER_S), world, is_settled=is_settled)

        assert looks == [0, 0, 1]
        assert [each.label for each in history.samples][-3:] == ["a later look"] * 3
        assert len(history.events) == 1

    async def test_it_ends_when_the_time_is_over(self, world):
        history = await ran(story(within_s=0.01), world, is_settled=lambda _: False)

        assert history.stop is None
        assert history.samples[-1].label == "a later look"

    async def test_it_does_not_look_again_where_no_claim_gives_time(self, world):
        def never(_: History) -> bool:
            raise AssertionError

        history = await ran(story(), world, is_settled=never)

        assert history.samples[-1].label == "the end"

    async def test_the_longest_time_counts(self, world):
        scenario = story(within_s=0.0)
        patient = replace(scenario.then[0], within_s=FOREVER_S)
        looks: list[History] = []

        def is_settled(seen: History) -> bool:
            looks.append(seen)
            return len(looks) == 2

        await ran(replace(scenario, always=(patient,)), world, is_settled=is_settled)

        assert len(looks) == 2

    async def test_it_does_not_look_again_once_the_case_stopped(self, world):
        def never(_: History) -> bool:
            raise AssertionError

        scenario = story(given=(action(status=500),), within_s=FOREVER_S)

        history = await ran(scenario, world, is_settled=never)

        assert history.stop is not None
