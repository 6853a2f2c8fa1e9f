"""The loop's rules, clause by clause (SPEC 4.1, C-LOOP-1, C-LOOP-3, C-DEC-1)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.budget import Bound, BudgetChange
from sr_core.domain.decision import DecisionKind, DecisionScope, RecordDecision
from sr_core.domain.decision import decide as decide_about
from sr_core.domain.dossier import fold
from sr_core.domain.errors import (
    AuthorityRequired,
    BudgetDecreased,
    BudgetExhausted,
    DecisionRequired,
    DecisionScopeMismatch,
    IntegrityUnresolved,
    IterationInProgress,
    MalformedInput,
    StopUncured,
    TransitionRefused,
    WorkSurfaceMissing,
)
from sr_core.domain.ids import DecisionId, IterationId, WorkSurfaceId, WorkUnitId
from sr_core.domain.integrity import (
    BUDGET_ROLES,
    TRIGGER_OF,
    Answer,
    IntegrityCondition,
    Portal,
    StopTrigger,
    recommended_portal,
)
from sr_core.domain.iteration import IterationOutcome, IterationStarted
from sr_core.domain.judging_errors import NotVerified
from sr_core.domain.loop import (
    ActivateLoop,
    Budgets,
    CloseLoop,
    CreateLoop,
    Loop,
    LoopActivated,
    LoopClosed,
    LoopCommand,
    LoopCreated,
    LoopPaused,
    LoopPhase,
    LoopResumed,
    LoopUpdated,
    PauseLoop,
    ResumeLoop,
    StartIteration,
    StopTriggered,
    UpdateLoop,
    decide,
    evolve,
    stop,
    stop_for,
    stops_due,
)
from sr_core.domain.ref_builders import (
    bundle_ref,
    candidate_ref,
    loop_ref,
    run_ref,
    work_surface_ref,
)
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.domain.stops import OpenStop
from sr_core.testing import (
    AGENT,
    BYSTANDER,
    DIRECTIVE,
    HUMAN,
    LOOP_1,
    NOON,
    SYSTEM,
    Story,
    ulid,
)

ITERATION = IterationId(f"iter_{ulid(99)}")
UNKNOWN_DECISION = DecisionId(f"dec_{ulid(99)}")
WORK_UNIT = WorkUnitId("WU-7")
SURFACE = WorkSurfaceId(f"ws:{ulid(1)}")
OTHER_SURFACE = WorkSurfaceId(f"ws:{ulid(2)}")

CREATE = CreateLoop(
    by=HUMAN, loop_id=LOOP_1, goal="a goal", budgets=Budgets(), directive=DIRECTIVE
)
START = StartIteration(by=SYSTEM, now=NOON, iteration_id=ITERATION, refs=(DIRECTIVE,))
RESUME = ResumeLoop(by=HUMAN, now=NOON, decision_id=None)
ACTIVATE = ActivateLoop(by=HUMAN, now=NOON)
UPDATE = UpdateLoop(by=HUMAN, goal="another goal")
GIVEN: list[LoopCommand] = [
    ACTIVATE,
    UPDATE,
    PauseLoop(by=HUMAN),
    RESUME,
    CloseLoop(by=HUMAN),
    START,
]


def name(value):
    return getattr(value, "value", None) or type(value).__name__


def loop_in(phase: LoopPhase) -> Loop:
    """A loop that came into `phase` by commands."""
    story = Story().create()
    if phase in {LoopPhase.ACTIVE, LoopPhase.PAUSED}:
        story.give(ACTIVATE)
    if phase is LoopPhase.PAUSED:
        story.give(PauseLoop(by=HUMAN))
    if phase is LoopPhase.CLOSED:
        story.give(CloseLoop(by=HUMAN))
    return story.loop


def only(events: Sequence[Any]) -> Any:
    """The one event of a decision that makes one."""
    assert len(events) == 1
    return events[0]


@pytest.fixture
def staged(story: Story) -> Story:
    """An active loop over staged work."""
    story.give(replace(CREATE, work_unit=WORK_UNIT, work_surface_id=SURFACE))
    return story.give(ACTIVATE)


class TestCreation:
    """SPEC 4.1: a loop has a goal, bounds and a directive from its first event."""

    def test_it_opens_with_what_was_asked_for(self):
        events = decide(None, CREATE)

        assert events == (
            LoopCreated(
                loop_id=LOOP_1,
                goal="a goal",
                work_unit=WorkUnitId(LOOP_1),
                work_surface_id=None,
                budgets=Budgets(
                    max_iterations=5, max_oracle_runs=25, max_wallclock_hours=16
                ),
                directive_ref=DIRECTIVE,
            ),
        )

    def test_it_begins_in_created(self, story):
        assert story.create().loop.phase is LoopPhase.CREATED

    @pytest.mark.parametrize("by", [HUMAN, AGENT, SYSTEM], ids=str)
    def test_any_kind_of_actor_opens_one(self, by):
        assert decide(None, replace(CREATE, by=by))

    def test_it_opens_once(self, story):
        loop = story.create().loop

        with pytest.raises(
            TransitionRefused, match="CREATED, which refuses CreateLoop"
        ):
            decide(loop, CREATE)

    @pytest.mark.parametrize("goal", ["", " ", "\n\t"], ids=repr)
    def test_a_goal_that_says_nothing_is_refused(self, goal):
        with pytest.raises(MalformedInput, match="what the loop is to reach"):
            decide(None, replace(CREATE, goal=goal))

    def test_a_directive_is_a_governed_artifact(self):
        loop_ref = Ref(kind=RefKind.LOOP, id=LOOP_1, rel=RefRelation.DEPENDS_ON)

        with pytest.raises(MalformedInput, match="Give GovernedArtifact"):
            decide(None, replace(CREATE, directive=loop_ref))

    @pytest.mark.parametrize("bound", Bound)
    @pytest.mark.parametrize("number", [0, -1])
    def test_a_bound_is_at_least_one(self, bound, number):
        with pytest.raises(MalformedInput, match=rf"budgets\.{bound}: found {number}"):
            Budgets(**{bound: number})


class TestPhases:
    """SPEC 4.1: each phase allows its own commands and names them."""

    @pytest.mark.parametrize(
        ("phase", "command", "event"),
        [
            (
                LoopPhase.CREATED,
                ACTIVATE,
                LoopActivated(loop_id=LOOP_1, activated_at=NOON),
            ),
            *(
                (
                    phase,
                    UPDATE,
                    LoopUpdated(loop_id=LOOP_1, goal="another goal", budgets=None),
                )
                for phase in (LoopPhase.CREATED, LoopPhase.ACTIVE, LoopPhase.PAUSED)
            ),
            (LoopPhase.CREATED, CloseLoop(by=HUMAN), LoopClosed(loop_id=LOOP_1)),
            (LoopPhase.ACTIVE, PauseLoop(by=HUMAN), LoopPaused(loop_id=LOOP_1)),
            (LoopPhase.ACTIVE, CloseLoop(by=SYSTEM), LoopClosed(loop_id=LOOP_1)),
            (
                LoopPhase.ACTIVE,
                START,
                IterationStarted(
                    iteration_id=ITERATION,
                    loop_id=LOOP_1,
                    sequence=1,
                    refs=(DIRECTIVE,),
                ),
            ),
            (
                LoopPhase.PAUSED,
                RESUME,
                LoopResumed(loop_id=LOOP_1, decision_id=None, answers={}),
            ),
            (LoopPhase.PAUSED, CloseLoop(by=HUMAN), LoopClosed(loop_id=LOOP_1)),
        ],
        ids=name,
    )
    def test_what_a_phase_allows_happens(self, phase, command, event):
        loop = loop_in(phase)

        events = decide(loop, command)

        assert events == (event,)

    @pytest.mark.parametrize(
        ("phase", "refused", "allowed"),
        [
            (
                LoopPhase.CREATED,
                {PauseLoop, ResumeLoop, StartIteration},
                "ActivateLoop, CloseLoop, UpdateLoop",
            ),
            (
                LoopPhase.ACTIVE,
                {ActivateLoop, ResumeLoop},
                "CloseLoop, PauseLoop, StartIteration, UpdateLoop",
            ),
            (
                LoopPhase.PAUSED,
                {ActivateLoop, PauseLoop, StartIteration},
                "CloseLoop, ResumeLoop, UpdateLoop",
            ),
            (
                LoopPhase.CLOSED,
                {
                    ActivateLoop,
                    CloseLoop,
                    PauseLoop,
                    ResumeLoop,
                    StartIteration,
                    UpdateLoop,
                },
                "nothing",
            ),
        ],
        ids=name,
    )
    def test_a_refusal_names_the_phase_and_what_it_allows(
        self, phase, refused, allowed
    ):
        loop = loop_in(phase)

        told = {}
        for command in GIVEN:
            try:
                decide(loop, command)
            except TransitionRefused as refusal:
                told[type(command)] = str(refusal)

        assert told == {
            each: f"{LOOP_1} is {phase}, which refuses {each.__name__}. "
            f"From {phase} it allows {allowed}."
            for each in refused
        }

    def test_before_the_first_event_there_is_only_creation(self):
        with pytest.raises(TransitionRefused) as refused:
            decide(None, ACTIVATE)

        assert str(refused.value) == (
            "the loop is not yet created, which refuses ActivateLoop. "
            "From not yet created it allows CreateLoop."
        )

    def test_a_refusal_keeps_its_facts(self, story):
        with pytest.raises(TransitionRefused) as refused:
            story.create().give(PauseLoop(by=HUMAN))

        assert (refused.value.subject, refused.value.phase) == (LOOP_1, "CREATED")


class TestAuthority:
    """C-TB-1, C-CTX-2: who may give which command."""

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=str)
    def test_only_the_system_starts_iterations(self, story, by):
        loop = story.open().loop

        with pytest.raises(AuthorityRequired, match="needs an actor of kind SYSTEM"):
            decide(loop, replace(START, by=by))

    @pytest.mark.parametrize("by", [AGENT, SYSTEM], ids=str)
    def test_only_a_human_resumes(self, by):
        loop = loop_in(LoopPhase.PAUSED)

        with pytest.raises(AuthorityRequired, match="needs an actor of kind HUMAN"):
            decide(loop, replace(RESUME, by=by))

    @pytest.mark.parametrize(
        "command",
        [ACTIVATE, PauseLoop(by=HUMAN), CloseLoop(by=HUMAN), UPDATE],
        ids=name,
    )
    def test_an_agent_governs_no_loop(self, story, command):
        loop = story.open().loop

        with pytest.raises(AuthorityRequired, match=f"{name(command)} needs a HUMAN"):
            decide(loop, replace(command, by=AGENT))

    def test_who_may_not_is_told_so_whatever_the_phase(self):
        loop = loop_in(LoopPhase.CLOSED)

        with pytest.raises(AuthorityRequired):
            decide(loop, replace(START, by=AGENT))


class TestIterations:
    """C-LOOP-1, C-LOOP-2: one at a time, within the budget."""

    def test_they_are_numbered_from_one(self, story):
        story.open().iterate().complete().iterate()

        assert [each.sequence for each in story.dossier.iterations.values()] == [1, 2]

    def test_another_waits_for_the_end_of_the_first(self, story):
        story.open().iterate()

        with pytest.raises(IterationInProgress, match="is not completed"):
            decide(story.loop, START)

    def test_the_last_one_within_the_budget_starts(self, story):
        story.open(Budgets(max_iterations=2)).iterate().complete()

        assert decide(story.loop, START)

    def test_one_past_the_budget_is_refused_and_says_what_to_do(self, story):
        story.open(Budgets(max_iterations=1)).iterate().complete()

        with pytest.raises(BudgetExhausted) as exhausted:
            decide(story.loop, START)

        assert str(exhausted.value) == (
            "max_iterations is 1 and 1 are used. "
            "Close the loop, or have a human raise the bound."
        )


class TestStops:
    """C-LOOP-3: a stop trigger pauses the loop, and is recorded once."""

    @pytest.mark.parametrize("trigger", StopTrigger)
    def test_every_trigger_pauses(self, story, trigger):
        story.open().stop(trigger)

        assert story.loop.phase is LoopPhase.PAUSED
        assert story.loop.stops == {trigger: OpenStop()}

    @pytest.mark.parametrize("trigger", StopTrigger)
    def test_it_asks_for_a_decision_at_its_portal(self, story, trigger):
        (stopped,) = stop(story.open().loop, trigger, condition="why")

        assert stopped == StopTriggered(
            loop_id=LOOP_1,
            trigger=trigger,
            condition="why",
            requires_decision=True,
            recommended_portal=recommended_portal(trigger),
        )

    @pytest.mark.parametrize("trigger", StopTrigger)
    def test_while_it_is_open_it_does_not_fire_again(self, story, trigger):
        story.open().stop(trigger)

        assert stop(story.loop, trigger, condition="again") == ()

    def test_another_one_fires_beside_it(self, story):
        story.open().stop(StopTrigger.ORACLE_GAP).stop(StopTrigger.ORACLE_TAMPER)

        assert set(story.loop.stops) == {
            StopTrigger.ORACLE_GAP,
            StopTrigger.ORACLE_TAMPER,
        }

    def test_a_loop_held_by_hand_can_be_stopped_too(self, story):
        story.open().give(PauseLoop(by=HUMAN)).stop(StopTrigger.ORACLE_GAP)

        with pytest.raises(DecisionRequired):
            story.resume()

    def test_a_closed_loop_does_not_stop(self):
        loop = loop_in(LoopPhase.CLOSED)

        assert stop(loop, StopTrigger.ORACLE_GAP, condition="too late") == ()

    def test_an_exhausted_budget_stops(self, story):
        refusal = BudgetExhausted(bound="max_iterations", used=1, limit=1)

        (stopped,) = stop_for(story.open().loop, refusal)

        assert isinstance(stopped, StopTriggered)
        assert stopped.trigger is StopTrigger.BUDGET_EXHAUSTED
        assert stopped.condition == "max_iterations is 1 and 1 are used"
        assert stopped.bound is Bound.ITERATIONS

    def test_no_other_refusal_stops(self, story):
        refusal = NotVerified(candidate_id="a candidate")

        assert stop_for(story.open().loop, refusal) == ()


class TestPortals:
    """SPEC 6.4: what needs a cure is for governance, the rest for the exceptions."""

    @pytest.mark.parametrize("trigger", TRIGGER_OF.values())
    def test_integrity_goes_to_governance(self, trigger):
        assert trigger.is_integrity
        assert trigger.answer is Answer.CURE
        assert recommended_portal(trigger) is Portal.GOVERNANCE

    @pytest.mark.parametrize(
        "trigger",
        [
            StopTrigger.WORK_SURFACE_MISSING,
            StopTrigger.STAGE_UNKNOWN,
            StopTrigger.SEMANTIC_PROFILE_MISSING,
        ],
    )
    def test_so_does_what_is_wrong_with_the_work_surface(self, trigger):
        assert not trigger.is_integrity
        assert trigger.answer is Answer.CURE
        assert recommended_portal(trigger) is Portal.GOVERNANCE

    @pytest.mark.parametrize(
        ("trigger", "answer"),
        [
            (StopTrigger.BUDGET_EXHAUSTED, Answer.BOUND_RAISED),
            (StopTrigger.REPEATED_FAILURE, Answer.DECISION),
            (StopTrigger.NO_ELIGIBLE_WORK, Answer.DECISION),
        ],
    )
    def test_the_others_go_to_the_exceptions(self, trigger, answer):
        assert not trigger.is_integrity
        assert trigger.answer is answer
        assert recommended_portal(trigger) is Portal.EXCEPTION


class TestRepeatedFailure:
    """SPEC 6.4: the third failure in a row stops the loop."""

    def test_the_third_stops(self, story):
        story.open()
        for _ in range(3):
            story.iterate().complete(IterationOutcome.FAILURE)

        assert StopTrigger.REPEATED_FAILURE in story.loop.stops
        assert story.log[-1].condition == "3 iterations failed in a row"

    def test_two_do_not(self, story):
        story.open()
        for _ in range(2):
            story.iterate().complete(IterationOutcome.FAILURE)

        assert stops_due(story.loop, now=story.now) == ()
        assert story.loop.phase is LoopPhase.ACTIVE

    def test_a_success_between_starts_the_count_anew(self, story):
        story.open()
        for outcome in ("FAILURE", "FAILURE", "SUCCESS", "FAILURE", "FAILURE"):
            story.iterate().complete(IterationOutcome(outcome))

        assert story.loop.failures_in_a_row == 2
        assert story.loop.phase is LoopPhase.ACTIVE

    def test_a_resumed_loop_counts_anew(self, story):
        story.open(Budgets(max_iterations=9))
        for _ in range(3):
            story.iterate().complete(IterationOutcome.FAILURE)

        story.resume(story.judge_stop(StopTrigger.REPEATED_FAILURE))

        assert story.loop.failures_in_a_row == 0
        story.iterate().complete(IterationOutcome.FAILURE)
        assert story.loop.phase is LoopPhase.ACTIVE


class TestResume:
    """SPEC 6.9, C-DEC-1: after a stop a loop goes on by a decision about that stop."""

    def test_a_pause_by_hand_needs_none(self, story):
        story.open().give(PauseLoop(by=HUMAN)).resume()

        assert story.loop.phase is LoopPhase.ACTIVE

    def test_nor_does_it_take_one(self, story):
        story.open().give(PauseLoop(by=HUMAN))
        made = story.judge_stop(StopTrigger.BUDGET_EXHAUSTED)

        for named in (UNKNOWN_DECISION, made):
            with pytest.raises(DecisionScopeMismatch, match="was paused by hand"):
                story.resume(named)

    def test_a_decision_made_since_lets_it_go_on(self, story):
        story.open().stop(StopTrigger.BUDGET_EXHAUSTED)
        decided = story.judge_stop(StopTrigger.BUDGET_EXHAUSTED)

        story.resume(decided)

        assert story.log[-1] == LoopResumed(
            loop_id=LOOP_1,
            decision_id=decided,
            answers={StopTrigger.BUDGET_EXHAUSTED: decided},
        )
        assert story.loop.phase is LoopPhase.ACTIVE
        assert story.loop.stops == {}

    def test_without_one_it_does_not(self, story):
        story.open().stop(StopTrigger.BUDGET_EXHAUSTED)
        story.judge_stop(StopTrigger.BUDGET_EXHAUSTED)

        with pytest.raises(DecisionRequired) as required:
            story.resume()

        assert str(required.value) == (
            f"BUDGET_EXHAUSTED stopped {LOOP_1}. "
            "Record a human decision for this trigger and name it."
        )

    def test_a_decision_made_before_the_stop_is_none(self, story):
        story.open()
        early = story.judge_stop(StopTrigger.BUDGET_EXHAUSTED)
        story.stop(StopTrigger.BUDGET_EXHAUSTED)

        with pytest.raises(
            DecisionScopeMismatch, match="was made before BUDGET_EXHAUSTED"
        ):
            story.resume(early)

    def test_a_decision_counts_for_one_stop_only(self, story):
        story.open().stop(StopTrigger.BUDGET_EXHAUSTED)
        used = story.judge_stop(StopTrigger.BUDGET_EXHAUSTED)
        story.resume(used).stop(StopTrigger.BUDGET_EXHAUSTED)

        with pytest.raises(DecisionScopeMismatch, match="was used before"):
            story.resume(used)

    def test_a_decision_about_another_trigger_is_none(self, story):
        story.open().stop(StopTrigger.BUDGET_EXHAUSTED)
        other = story.judge_stop(StopTrigger.REPEATED_FAILURE)

        with pytest.raises(
            DecisionScopeMismatch, match="is about REPEATED_FAILURE, and BUDGET"
        ):
            story.resume(other)

    def test_a_decision_that_nobody_made_is_none(self, story):
        story.open().stop(StopTrigger.BUDGET_EXHAUSTED)

        with pytest.raises(DecisionScopeMismatch, match="no decision whose scope"):
            story.resume(UNKNOWN_DECISION)

    def test_a_rejection_is_none(self, story):
        story.open().stop(StopTrigger.BUDGET_EXHAUSTED)
        no = story.judge_stop(StopTrigger.BUDGET_EXHAUSTED, DecisionKind.REJECTED)

        with pytest.raises(DecisionScopeMismatch, match="is REJECTED, which does not"):
            story.resume(no)

    def test_every_open_stop_needs_its_own(self, story):
        story.open()
        story.stop(StopTrigger.BUDGET_EXHAUSTED).stop(StopTrigger.REPEATED_FAILURE)
        first = story.judge_stop(StopTrigger.BUDGET_EXHAUSTED)

        with pytest.raises(DecisionRequired, match=r"^REPEATED_FAILURE stopped"):
            story.resume(first)

        story.judge_stop(StopTrigger.REPEATED_FAILURE)
        assert story.resume(first).loop.phase is LoopPhase.ACTIVE

    def test_no_decision_lifts_a_condition_that_stands(self, story):
        story.open().stop(StopTrigger.ORACLE_GAP)
        decided = story.judge_stop(StopTrigger.ORACLE_GAP)
        command = ResumeLoop(
            by=HUMAN,
            now=NOON,
            decision_id=decided,
            standing=frozenset({IntegrityCondition.ORACLE_GAP}),
        )

        with pytest.raises(IntegrityUnresolved) as unresolved:
            story.give(command)

        assert unresolved.value.conditions == ("ORACLE_GAP",)
        assert "ORACLE_GAP stands against" in str(unresolved.value)

    def test_a_pause_by_hand_is_lifted_whatever_stands(self, story):
        story.open().give(PauseLoop(by=HUMAN))
        command = replace(RESUME, standing=frozenset({IntegrityCondition.ORACLE_GAP}))

        assert story.give(command).loop.phase is LoopPhase.ACTIVE


class TestUpdates:
    """SPEC 4.1, C-TB-1: a goal changes, a bound rises, and a human raises it."""

    def test_both_at_once(self, story):
        story.open().give(
            UpdateLoop(by=HUMAN, goal="more", budgets=BudgetChange(max_iterations=9))
        )

        assert story.log[-1] == LoopUpdated(
            loop_id=LOOP_1, goal="more", budgets=Budgets(max_iterations=9)
        )
        assert (story.loop.goal, story.loop.budgets.max_iterations) == ("more", 9)

    def test_what_is_not_changed_is_not_recorded(self, story):
        story.open().give(
            UpdateLoop(by=HUMAN, goal="more", budgets=BudgetChange(max_iterations=5))
        )

        assert story.log[-1] == LoopUpdated(loop_id=LOOP_1, goal="more", budgets=None)

    @pytest.mark.parametrize(
        "command",
        [
            UpdateLoop(by=HUMAN),
            UpdateLoop(by=HUMAN, goal="a goal"),
            UpdateLoop(by=HUMAN, budgets=BudgetChange(max_iterations=5)),
        ],
        ids=["empty", "same goal", "same bound"],
    )
    def test_one_that_changes_nothing_is_refused(self, story, command):
        loop = story.open().loop

        with pytest.raises(MalformedInput, match="a new goal, or a higher bound"):
            decide(loop, command)

    @pytest.mark.parametrize("goal", ["", " "], ids=repr)
    def test_a_goal_that_says_nothing_is_refused(self, story, goal):
        with pytest.raises(MalformedInput, match="what the loop is to reach"):
            decide(story.open().loop, UpdateLoop(by=HUMAN, goal=goal))

    def test_a_decrease_is_refused(self, story):
        command = UpdateLoop(by=HUMAN, budgets=BudgetChange(max_iterations=4))

        with pytest.raises(BudgetDecreased):
            decide(story.open().loop, command)

    def test_the_system_changes_a_goal(self, story):
        assert decide(story.open().loop, UpdateLoop(by=SYSTEM, goal="more"))

    @pytest.mark.parametrize("by", [SYSTEM, BYSTANDER], ids=str)
    def test_it_raises_no_bound_nor_does_just_any_human(self, story, by):
        command = UpdateLoop(by=by, budgets=BudgetChange(max_iterations=9))

        with pytest.raises(AuthorityRequired, match="raising a bound needs"):
            decide(story.open().loop, command)

    @pytest.mark.parametrize("role", sorted(BUDGET_ROLES))
    def test_one_who_decides_about_budgets_does(self, story, role):
        eve = Actor(ActorKind.HUMAN, "oidc_sub:issuer:eve", frozenset({role}))

        assert decide(
            story.open().loop,
            UpdateLoop(by=eve, budgets=BudgetChange(max_oracle_runs=26)),
        )


class TestWorkSurface:
    """SPEC 4.1, 6.4: staged work stands on an active surface, then and later."""

    def test_a_loop_is_its_own_work_unit_if_none_is_named(self, story):
        assert story.create().loop.work_unit == LOOP_1

    def test_one_that_is_named_needs_a_surface(self):
        command = replace(CREATE, work_unit=WORK_UNIT)

        with pytest.raises(WorkSurfaceMissing, match="WU-7 has no active work surface"):
            decide(None, command)

    def test_with_one_it_is_bound_to_it(self):
        command = replace(CREATE, work_unit=WORK_UNIT, work_surface_id=SURFACE)

        created = only(decide(None, command))

        assert (created.work_unit, created.work_surface_id) == (WORK_UNIT, SURFACE)
        assert created.refs[1] == work_surface_ref(SURFACE, RefRelation.DEPENDS_ON)

    def test_an_iteration_stands_on_the_surface_that_is_active_now(self, staged):
        started = only(
            decide(staged.loop, replace(START, work_surface_id=OTHER_SURFACE))
        )

        assert started.work_surface_id == OTHER_SURFACE

    def test_without_one_it_does_not_start_and_the_loop_stops(self, staged):
        with pytest.raises(WorkSurfaceMissing) as missing:
            decide(staged.loop, START)

        stopped = only(stop_for(staged.loop, missing.value))
        assert stopped.trigger is StopTrigger.WORK_SURFACE_MISSING
        assert stopped.recommended_portal is Portal.GOVERNANCE

    def test_the_iteration_that_is_open_comes_first(self, staged):
        """An early call stops no loop that is at work."""
        staged.record(decide(staged.loop, replace(START, work_surface_id=SURFACE)))

        with pytest.raises(IterationInProgress):
            decide(staged.loop, START)


class TestEarlyCalls:
    """SPEC 16.6: what comes too early, or too late, stops nothing."""

    def test_the_last_iteration_is_open(self, story):
        story.open(Budgets(max_iterations=1)).iterate()

        with pytest.raises(IterationInProgress) as early:
            decide(story.loop, START)

        assert stop_for(story.loop, early.value) == ()

    @pytest.mark.parametrize("trigger", StopTrigger)
    def test_a_loop_that_is_not_active_yet_does_not_stop(self, story, trigger):
        assert stop(story.create().loop, trigger, condition="too early") == ()

    def test_a_stop_of_the_loop_itself_names_the_loop_alone(self, story):
        stopped = only(
            stop(story.open().loop, StopTrigger.NO_ELIGIBLE_WORK, condition="why")
        )

        assert stopped.refs == (loop_ref(LOOP_1),)

    def test_a_stop_names_what_gave_offence(self, judged):
        stopped = only(
            stop(
                judged.loop,
                StopTrigger.ORACLE_GAP,
                condition="why",
                run_id=judged.run.run_id,
                candidate_id=judged.candidate.candidate_id,
                evidence=judged.reading.content_hash,
            )
        )

        assert stopped.refs == (
            loop_ref(LOOP_1),
            run_ref(judged.run.run_id),
            candidate_ref(judged.candidate.candidate_id, RefRelation.ABOUT),
            bundle_ref(judged.reading.content_hash, RefRelation.ABOUT),
        )


class TestWhatLiftsAStop:
    """SPEC 6.4, 6.9: beside the decision, what the trigger asks for."""

    def exhausted(self, story: Story) -> DecisionId:
        story.open(Budgets(max_iterations=1)).iterate().complete()
        with pytest.raises(BudgetExhausted) as refused:
            story.iterate()
        story.record(stop_for(story.loop, refused.value))
        return story.judge_stop(StopTrigger.BUDGET_EXHAUSTED)

    def test_a_bound_that_was_not_raised_stays_exhausted(self, story):
        decided = self.exhausted(story)

        with pytest.raises(BudgetExhausted, match="max_iterations is 1 and 1 are used"):
            story.resume(decided)

    def test_another_bound_does_not_help(self, story):
        decided = self.exhausted(story)
        story.give(UpdateLoop(by=HUMAN, budgets=BudgetChange(max_oracle_runs=99)))

        with pytest.raises(BudgetExhausted):
            story.resume(decided)

    def test_once_it_is_raised_the_loop_goes_on(self, story):
        decided = self.exhausted(story)
        story.give(UpdateLoop(by=HUMAN, budgets=BudgetChange(max_iterations=2)))

        assert story.resume(decided).iterate().iteration.sequence == 2

    def test_a_stop_that_names_no_bound_looks_at_all_of_them(self, story):
        story.open(Budgets(max_iterations=1)).iterate().complete()
        story.stop(StopTrigger.BUDGET_EXHAUSTED)

        with pytest.raises(BudgetExhausted, match="max_iterations"):
            story.resume(story.judge_stop(StopTrigger.BUDGET_EXHAUSTED))

    @pytest.mark.parametrize(
        "trigger",
        [
            StopTrigger.WORK_SURFACE_MISSING,
            StopTrigger.STAGE_UNKNOWN,
            StopTrigger.SEMANTIC_PROFILE_MISSING,
        ],
    )
    def test_what_needs_a_cure_waits_for_it(self, story, trigger):
        story.open().stop(trigger)
        decided = story.judge_stop(trigger)

        with pytest.raises(StopUncured, match="a decision alone does not suffice"):
            story.resume(decided)

        story.cured = frozenset({trigger})
        assert story.resume(decided).loop.phase is LoopPhase.ACTIVE

    def test_the_cure_of_another_is_none(self, story):
        story.open().stop(StopTrigger.STAGE_UNKNOWN)
        story.cured = frozenset({StopTrigger.WORK_SURFACE_MISSING})

        with pytest.raises(StopUncured) as uncured:
            story.resume(story.judge_stop(StopTrigger.STAGE_UNKNOWN))

        assert uncured.value.triggers == ("STAGE_UNKNOWN",)

    @pytest.mark.parametrize(
        "trigger", [StopTrigger.NO_ELIGIBLE_WORK, StopTrigger.REPEATED_FAILURE]
    )
    def test_for_the_rest_a_decision_suffices(self, story, trigger):
        story.open().stop(trigger)

        assert story.resume(story.judge_stop(trigger)).loop.stops == {}

    def test_a_later_refusal_takes_the_go_ahead_back(self, story):
        story.open().stop(StopTrigger.NO_ELIGIBLE_WORK)
        yes = story.judge_stop(StopTrigger.NO_ELIGIBLE_WORK)
        story.judge_stop(StopTrigger.NO_ELIGIBLE_WORK, DecisionKind.REJECTED)

        with pytest.raises(
            DecisionScopeMismatch, match="was taken back by a later one"
        ):
            story.resume(yes)

    def test_a_decision_about_no_trigger_is_none(self, story):
        story.open().stop(StopTrigger.NO_ELIGIBLE_WORK)
        made = RecordDecision(
            by=HUMAN,
            decision_id=UNKNOWN_DECISION,
            trigger=None,
            scope=DecisionScope(loop_id=LOOP_1),
            decision="Proceed",
            kind=None,
            rationale="because",
        )
        story.record(decide_about(made))

        with pytest.raises(DecisionScopeMismatch, match="is about no trigger"):
            story.resume(UNKNOWN_DECISION)

    def test_nor_is_one_about_something_else_in_the_loop(self, judged):
        judged.stop(StopTrigger.NO_ELIGIBLE_WORK)
        made = RecordDecision(
            by=HUMAN,
            decision_id=UNKNOWN_DECISION,
            trigger=StopTrigger.NO_ELIGIBLE_WORK,
            scope=DecisionScope(candidate_id=judged.candidate.candidate_id),
            decision="Proceed",
            kind=None,
            rationale="because",
        )
        judged.record(decide_about(made))

        with pytest.raises(DecisionScopeMismatch, match=f"whose scope is {LOOP_1}"):
            judged.resume(UNKNOWN_DECISION)

    def test_every_stop_is_told_its_decision(self, story):
        story.open().stop(StopTrigger.NO_ELIGIBLE_WORK).stop(
            StopTrigger.REPEATED_FAILURE
        )
        first = story.judge_stop(StopTrigger.REPEATED_FAILURE)
        second = story.judge_stop(StopTrigger.NO_ELIGIBLE_WORK)
        latest = story.judge_stop(StopTrigger.NO_ELIGIBLE_WORK)

        story.resume(first)

        assert story.log[-1].answers == {
            StopTrigger.NO_ELIGIBLE_WORK: latest,
            StopTrigger.REPEATED_FAILURE: first,
        }
        assert {each.id for each in story.log[-1].refs} == {first, latest}
        assert second not in story.log[-1].answers.values()


class TestFolding:
    """C-EVT-7: the state is what the events make it."""

    def test_a_loop_is_opened_once(self, story):
        story.create()

        with pytest.raises(AssertionError, match="LoopCreated opens a loop"):
            evolve(story.loop, story.log[0])

    def test_nothing_comes_before_its_opening(self):
        with pytest.raises(AssertionError, match="follows LoopCreated"):
            evolve(None, LoopActivated(loop_id=LOOP_1, activated_at=NOON))

    def test_the_log_alone_gives_the_state(self, story):
        story.open().iterate().complete(IterationOutcome.FAILURE)
        story.stop(StopTrigger.ORACLE_GAP).judge_stop(StopTrigger.ORACLE_GAP)

        assert fold(story.log) == story.dossier
