"""The governor at work: it really starts, defers and stops (SPEC 6.7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sr_core.application.governor import Governor
from sr_core.application.recorder import Asked
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import AuthorityRequired, NotFound
from sr_core.domain.governor import DecisionType, Failure, Outcome
from sr_core.domain.ids import LoopId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.loop import Budgets
from sr_core.ports.errors import Unavailable
from sr_core.testing import AGENT, CORE, HUMAN, SYSTEM, ulid

pytestmark = pytest.mark.anyio

BY_SYSTEM = Asked(by=SYSTEM, correlation_id="corr-governor")


@pytest.fixture
async def ready(journey):
    """A journey whose loop is active and has no iteration yet."""
    await journey.register_suite()
    await journey.create(Budgets(max_iterations=4, max_oracle_runs=9))
    await journey.activate()
    return journey


def governor_of(journey, **changes) -> Governor:
    return Governor(platform=journey.stage.platform, **changes)


async def look(journey, **changes):
    """Have the governor look, some time after whatever was before."""
    journey.stage.clock.skip(timedelta(minutes=1))
    found = await governor_of(journey, **changes).evaluate(journey.loop_id, BY_SYSTEM)
    if found.iteration_id is not None:
        journey.iteration_id = found.iteration_id
    return found


async def recorded(journey, name: str):
    return [
        each for each in await journey.recorded() if type(each.event).__name__ == name
    ]


class TestStart:
    """C-CTX-2: the iteration is appended, as the system, in the one way there is."""

    async def test_an_iteration_starts(self, ready):
        found = await look(ready)

        (started,) = await recorded(ready, "IterationStarted")
        assert found.evaluation.decision_type is DecisionType.START_ITERATION
        assert started.event.iteration_id == found.iteration_id
        assert started.by == SYSTEM
        assert started.correlation_id == "corr-governor"

    async def test_it_starts_as_every_other_does(self, ready):
        await look(ready)
        await ready.complete()
        await ready.iterate()

        first, second = await recorded(ready, "IterationStarted")
        new = [each for each in second.event.refs if each not in first.event.refs]
        assert all(each in second.event.refs for each in first.event.refs)
        assert {each.id for each in new} == {first.event.iteration_id}
        assert CORE in {each.id for each in first.event.refs}

    async def test_the_decision_is_recorded_in_the_same_append(self, ready):
        found = await look(ready)

        assert [each.event_type for each in found.recorded] == [
            "IterationStarted",
            "GovernorDecisionRecorded",
        ]
        row = await ready.row("governor_decisions", loop_id=ready.loop_id)
        assert (row["decision_type"], row["outcome"]) == ("START_ITERATION", "EXECUTED")
        assert row["decided_by_kind"] == "SYSTEM"

    async def test_one_that_is_open_is_waited_for(self, ready):
        await look(ready)

        found = await look(ready)

        assert found.evaluation is not None
        assert found.evaluation.failure is Failure.INCOMPLETE_ITERATION
        assert len(await recorded(ready, "IterationStarted")) == 1

    async def test_the_next_follows_the_one_before(self, ready):
        await look(ready)
        await ready.complete()
        await look(ready)

        starts = await recorded(ready, "IterationStarted")
        assert [each.event.sequence for each in starts] == [1, 2]

    async def test_two_starts_keep_their_distance(self, ready):
        await look(ready)
        await ready.complete()
        ready.stage.clock.skip(timedelta(seconds=-70))

        found = await governor_of(ready).evaluate(ready.loop_id, BY_SYSTEM)

        assert found.evaluation is not None
        assert found.evaluation.failure is Failure.MIN_DELAY

    @pytest.mark.parametrize("by", [AGENT, HUMAN], ids=str)
    @pytest.mark.parametrize("is_open", [False, True])
    async def test_nobody_else_has_it_look(self, ready, by, is_open):
        if is_open:
            await ready.iterate()

        with pytest.raises(AuthorityRequired):
            await governor_of(ready).evaluate(ready.loop_id, Asked(by=by))

        assert len(await recorded(ready, "IterationStarted")) == is_open
        assert await recorded(ready, "GovernorDecisionRecorded") == []

    async def test_of_a_loop_that_is_not_there_it_says_so(self, ready):
        with pytest.raises(NotFound, match="loop"):
            await governor_of(ready).evaluate(LoopId(f"loop_{ulid(999)}"), BY_SYSTEM)

    async def test_a_dry_run_says_it_and_records_nothing(self, ready):
        before = await ready.types()

        found = await look(ready, is_dry_run=True)

        assert found.evaluation.decision_type is DecisionType.START_ITERATION
        assert found.iteration_id is None
        assert await ready.types() == before


class TestDefer:
    async def test_to_wait_on_is_recorded_once(self, ready):
        await look(ready)
        for _ in range(5):
            await look(ready)

        assert len(await recorded(ready, "GovernorDecisionRecorded")) == 2

    async def test_a_paused_loop_is_left_alone(self, ready):
        await ready.pause()

        found = await look(ready)

        assert found.evaluation.failure is Failure.LOOP_NOT_ACTIVE
        assert await recorded(ready, "IterationStarted") == []

    async def test_a_stopped_loop_waits_for_a_human(self, ready):
        for _ in range(3):
            await look(ready)
            await ready.complete(IterationOutcome.FAILURE)

        found = await look(ready)

        assert found.evaluation.outcome is Outcome.BLOCKED
        await ready.decide(StopTrigger.REPEATED_FAILURE)
        await ready.resume()
        again = await look(ready)
        assert again.evaluation.decision_type is DecisionType.START_ITERATION

    async def test_a_verified_candidate_waits_for_its_approval(self, ready):
        await verified(ready)

        found = await look(ready)

        assert found.evaluation.failure is Failure.PENDING_APPROVALS
        await ready.approve()
        again = await look(ready)
        assert again.evaluation.decision_type is DecisionType.START_ITERATION

    @pytest.mark.parametrize(
        "said", [ApprovalDecision.REJECTED, ApprovalDecision.DEFERRED]
    )
    async def test_any_other_word_of_the_portal_is_no_approval(self, ready, said):
        await verified(ready)
        await ready.approve(said=said)

        found = await look(ready)

        assert found.evaluation.failure is Failure.PENDING_APPROVALS


async def verified(journey) -> None:
    await look(journey)
    await journey.make()
    await journey.judge()
    await journey.verify()
    await journey.complete()


class TestStop:
    """SPEC 6.4: after every iteration and run, what is due is fired."""

    async def test_used_up_iterations_stop_the_loop(self, ready):
        for _ in range(4):
            await look(ready)
            await ready.complete()

        found = await look(ready)

        (stop,) = await recorded(ready, "StopTriggered")
        assert found.evaluation.decision_type is DecisionType.STOP_LOOP
        assert stop.event.trigger is StopTrigger.BUDGET_EXHAUSTED
        assert "max_iterations is 4 and 4 are used" in stop.event.condition
        assert len(await recorded(ready, "IterationStarted")) == 4
        assert (await ready.row("loops", loop_id=ready.loop_id))["state"] == "PAUSED"

    async def test_the_last_iteration_is_let_to_its_end(self, ready):
        for _ in range(3):
            await look(ready)
            await ready.complete()
        await look(ready)

        await look(ready)

        assert await recorded(ready, "StopTriggered") == []

    async def test_used_up_hours_stop_it(self, ready):
        ready.stage.clock.skip(timedelta(hours=17))

        found = await look(ready)

        assert found.evaluation.stop is StopTrigger.BUDGET_EXHAUSTED
        assert "max_wallclock_hours" in found.evaluation.rationale

    async def test_used_up_runs_stop_it(self, journey):
        await journey.register_suite()
        await journey.create(Budgets(max_oracle_runs=1))
        await journey.activate()
        await look(journey)
        await journey.make()
        await journey.judge()
        await journey.complete()

        found = await look(journey)

        assert "max_oracle_runs is 1" in found.evaluation.rationale


class TestAll:
    async def test_every_active_loop_has_its_turn(self, ready):
        loops = [ready.loop_id]
        for _ in range(4):
            await ready.create()
            await ready.activate()
            loops.append(ready.loop_id)
        await ready.create()  # and one that is not active

        found = await governor_of(ready, at_once_max=2).evaluate_all(BY_SYSTEM)

        assert {each.loop_id for each in found} == set(loops)
        assert all(each.iteration_id for each in found)

    async def test_what_fails_for_one_is_told_and_keeps_no_other_from_its_turn(
        self, ready
    ):
        failed = ready.loop_id
        await ready.create()
        await ready.activate()
        ready.stage.log.conflicts = 5  # as often as a rule is asked

        found = await governor_of(ready, at_once_max=1).evaluate_all(BY_SYSTEM)

        assert [(each.loop_id, bool(each.error)) for each in found] == [
            (failed, True),
            (ready.loop_id, False),
        ]

    async def test_what_falls_due_by_time_is_done_first(self, ready):
        done = []

        async def chore(_, asked):
            done.append((asked.by, await recorded(ready, "IterationStarted")))

        await governor_of(ready, chores={"expiry": chore}).evaluate_all(BY_SYSTEM)

        assert done == [(SYSTEM, [])]

    async def test_a_dry_run_does_no_chores(self, ready):
        async def chore(*_):
            pytest.fail("a dry run did something")

        found = await governor_of(
            ready, chores={"expiry": chore}, is_dry_run=True
        ).evaluate_all(BY_SYSTEM)

        assert [each.iteration_id for each in found] == [None]

    async def test_a_chore_that_fails_fails_the_round(self, ready):
        async def chore(*_):
            raise Unavailable(system="the log", deadline_s=1)

        with pytest.raises(Unavailable):
            await governor_of(ready, chores={"expiry": chore}).evaluate_all(BY_SYSTEM)


class TestCrash:
    """Nothing is kept between two looks but what the log gives again."""

    async def test_a_new_governor_knows_what_the_old_one_knew(self, ready):
        await look(ready)
        restarted = ready.stage.restarted()

        found = await Governor(platform=restarted).evaluate(ready.loop_id, BY_SYSTEM)

        assert found.evaluation is not None
        assert found.evaluation.failure is Failure.INCOMPLETE_ITERATION

    async def test_it_works_beside_who_starts_by_hand(self, ready):
        await ready.iterate()

        found = await look(ready)

        assert found.evaluation is not None
        assert found.evaluation.failure is Failure.INCOMPLETE_ITERATION
