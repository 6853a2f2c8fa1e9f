"""Whatever is asked, in whatever order: only what the rules allow comes of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from sr_core.domain.budget import Bound, BudgetChange
from sr_core.domain.decision import DecisionKind, DecisionRecorded
from sr_core.domain.dossier import fold
from sr_core.domain.errors import MalformedInput, Refused, TransitionRefused
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import DecisionId, IterationId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import (
    BeginIteration,
    FailIteration,
    IterationBegun,
    IterationCommand,
    IterationCompleted,
    IterationEvent,
    IterationFailed,
    IterationOutcome,
    IterationPhase,
    IterationStarted,
    IterationSummaryRecorded,
)
from sr_core.domain.loop import (
    ActivateLoop,
    Budgets,
    CloseLoop,
    Loop,
    LoopPaused,
    LoopPhase,
    LoopResumed,
    LoopUpdated,
    PauseLoop,
    StopTriggered,
    UpdateLoop,
    stop_for,
)
from sr_core.domain.run import Execution, RunCompleted, RunPhase
from sr_core.domain.verification import MODE_OF, CandidateVerificationComputed
from sr_core.testing import (
    AGENT,
    BUILD,
    HUMAN,
    SBOM,
    SYSTEM,
    Story,
    with_longer_timeouts,
)

Act = Callable[[Story], object]

BUDGETS = Budgets(max_iterations=3, max_oracle_runs=3, max_wallclock_hours=2)
LIMITS = Budgets(max_iterations=5, max_oracle_runs=3, max_wallclock_hours=4)
BEGIN = BeginIteration(by=AGENT)
FAIL = FailIteration(by=SYSTEM, reason="its worker is gone")
ALLOWED = {
    LoopPhase.CREATED: "ActivateLoop, CloseLoop, UpdateLoop",
    LoopPhase.ACTIVE: "CloseLoop, PauseLoop, StartIteration, UpdateLoop",
    LoopPhase.PAUSED: "CloseLoop, ResumeLoop, UpdateLoop",
    LoopPhase.CLOSED: "nothing",
}


def resume(story: Story) -> None:
    known = [name for each in story.loop.stops.values() for name in each.decisions]
    story.resume(known[0] if known else None)


def resume_by_any(story: Story) -> None:
    made = [
        each.decision_id for each in story.log if isinstance(each, DecisionRecorded)
    ]
    story.resume(next((each for each in made if each), DecisionId("dec_none")))


def raise_by_one(story: Story) -> UpdateLoop:
    """Raise one bound, as far as `LIMITS` lets it."""
    budgets = story.loop.budgets
    more = min(budgets.max_iterations + 1, LIMITS.max_iterations)
    hours = min(budgets.max_wallclock_hours + 1, LIMITS.max_wallclock_hours)
    change = BudgetChange(max_iterations=more, max_wallclock_hours=hours)
    return UpdateLoop(by=HUMAN, budgets=change)


def sleep(story: Story) -> None:
    story.now += timedelta(minutes=40)


def mend(story: Story) -> None:
    story.cured = frozenset(StopTrigger)


def giving(command: IterationCommand) -> Act:
    return lambda story: story.give_iteration(command)


def with_iteration(act: Act) -> Act:
    return lambda story: act(story) if story.dossier.iterations else None


def with_candidate(act: Act) -> Act:
    return lambda story: act(story) if story.dossier.candidates else None


def with_run(act: Act) -> Act:
    return lambda story: act(story) if story.dossier.runs else None


def with_evidence(act: Act) -> Act:
    return lambda story: (
        act(story) if story.dossier.runs and story.run.evidence else None
    )


acts: st.SearchStrategy[Act] = st.one_of(
    st.sampled_from(
        [
            lambda story: story.create(BUDGETS),
            lambda story: story.give(ActivateLoop(by=HUMAN, now=story.now)),
            lambda story: story.give(PauseLoop(by=HUMAN)),
            resume,
            resume_by_any,
            lambda story: story.iterate(),
            lambda story: story.iterate(),
            with_iteration(lambda story: story.complete(IterationOutcome.FAILURE)),
            with_iteration(lambda story: story.complete(IterationOutcome.SUCCESS)),
            with_iteration(lambda story: story.give_iteration(BEGIN)),
            with_iteration(lambda story: story.give_iteration(FAIL)),
            with_iteration(lambda story: story.register()),
            lambda story: story.give(raise_by_one(story)),
            lambda story: story.give(UpdateLoop(by=SYSTEM, goal="another")),
            sleep,
            mend,
            with_candidate(lambda story: story.begin_run()),
            with_candidate(lambda story: story.judge()),
            with_candidate(lambda story: story.judge({BUILD: None})),
            with_candidate(lambda story: story.judge({SBOM: ResultStatus.FAIL})),
            with_candidate(lambda story: story.verify()),
            with_candidate(lambda story: story.record(story.gate().events)),
            with_candidate(lambda story: story.begin_run(Execution.EXTERNAL)),
            with_candidate(lambda story: story.judge({BUILD: ResultStatus.FAIL})),
            with_candidate(lambda story: story.record(story.recomputed().events)),
            with_run(lambda story: story.begin_execution()),
            with_run(lambda story: story.leave()),
            with_run(lambda story: story.complete_run()),
            with_run(lambda story: story.fail_run()),
            with_evidence(lambda story: story.associate()),
            with_evidence(lambda story: story.lose_evidence()),
            lambda story: story.rebase(with_longer_timeouts(story.suite.definition)),
        ]
    ),
    st.builds(
        lambda trigger, kind: lambda story: story.judge_stop(trigger, kind),
        st.sampled_from(StopTrigger),
        st.sampled_from(DecisionKind),
    ),
    st.builds(
        lambda trigger: lambda story: story.stop(trigger), st.sampled_from(StopTrigger)
    ),
)
CLOSE: Act = lambda story: story.give(CloseLoop(by=HUMAN))  # noqa: E731 - an act like those above


histories = st.integers(0, 30).flatmap(
    lambda length: st.lists(acts, min_size=length, max_size=length)
)
"""Histories of every length; left to itself, Hypothesis hardly goes far."""


def attempt(story: Story, act: Act) -> Refused | None:
    """Do it, and record what a refusal is worth."""
    try:
        act(story)
    except MalformedInput:
        return None  # an update that changes nothing
    except Refused as refusal:
        story.record(stop_for(story.loop, refusal))
        return refusal
    return None


def told(acts: list[Act]) -> Story:
    story = Story().create(BUDGETS)
    for act in acts:
        attempt(story, act)
    return story


@given(histories)
def test_whatever_is_decided_can_be_replayed(acts: list[Act]) -> None:
    """C-EVT-7: the log alone gives the state, however it came about."""
    story = told(acts)

    assert fold(story.log) == story.dossier


@given(histories)
def test_no_bound_is_passed(acts: list[Act]) -> None:
    """C-LOOP-1: what is counted stays within the budget, and is counted right."""
    story = told(acts)

    loop, dossier = story.loop, story.dossier
    assert (
        loop.iterations_started
        == len(dossier.iterations)
        <= loop.budgets.max_iterations
    )
    assert loop.runs_started == len(dossier.runs) <= BUDGETS.max_oracle_runs


@given(histories)
def test_at_most_one_iteration_is_open(acts: list[Act]) -> None:
    """C-LOOP-2: and the loop knows which."""
    story = told(acts)

    is_open = [
        each.iteration_id
        for each in story.dossier.iterations.values()
        if each.phase.is_open
    ]
    assert is_open == [each for each in [story.loop.open_iteration] if each]


@given(histories)
def test_it_is_paused_by_a_stop_or_by_hand_and_by_nothing_else(
    acts: list[Act],
) -> None:
    """C-LOOP-3: an open stop and a loop that goes on are never seen together."""
    story = told(acts)

    held = False
    for event in story.log:
        held = isinstance(event, LoopPaused | StopTriggered) or (
            held and not isinstance(event, LoopResumed)
        )
    assert (story.loop.phase is LoopPhase.PAUSED) is held
    assert held or not story.loop.stops


@given(histories)
def test_a_trigger_fires_once_while_it_is_open(acts: list[Act]) -> None:
    """C-LOOP-3: between two resumptions each trigger is recorded at most once."""
    story = told(acts)

    open_now: set[StopTrigger] = set()
    for event in story.log:
        if isinstance(event, LoopResumed):
            open_now.clear()
        if isinstance(event, StopTriggered):
            assert event.trigger not in open_now
            open_now.add(event.trigger)
    assert open_now == set(story.loop.stops)


@given(histories)
def test_a_run_that_ended_stays_as_it_ended(acts: list[Act]) -> None:
    """SPEC 4.2: what was completed has its evidence, and its outcome is computed."""
    story = told(acts)

    ended = {
        each.run_id: each.outcome
        for each in story.log
        if isinstance(each, RunCompleted)
    }
    for each in story.dossier.runs.values():
        assert (each.phase is RunPhase.COMPLETED) is (each.run_id in ended)
        if each.run_id in ended:
            assert each.evidence is not None
            assert ended[each.run_id] is each.outcome


@given(histories)
def test_what_is_in_doubt_is_never_verified(acts: list[Act]) -> None:
    """C-OR-7: any integrity condition, and the candidate is UNVERIFIED."""
    story = told(acts)

    for event in story.log:
        if isinstance(event, CandidateVerificationComputed):
            assert not (
                event.integrity_conditions and event.verification_status.is_verified
            )
            assert event.verification_mode is MODE_OF[event.verification_status]


@settings(max_examples=50)
@given(histories, histories)
def test_closed_is_the_end(before: list[Act], after: list[Act]) -> None:
    """SPEC 4.1: nothing changes the phase of a closed loop, or starts anything in it."""
    story = told(before)
    attempt(story, CLOSE)
    closed = story.loop

    for act in after:
        attempt(story, act)

    def told_of(loop: Loop) -> tuple[object, ...]:
        return loop.phase, loop.iterations_started, loop.runs_started, set(loop.stops)

    assert closed.phase is LoopPhase.CLOSED
    assert told_of(story.loop) == told_of(closed)


@given(histories)
def test_a_refused_transition_names_the_state_and_what_it_allows(
    acts: list[Act],
) -> None:
    """SPEC 4: and a refusal changes nothing, but for a stop that it makes."""
    story = Story().create(BUDGETS)
    for act in [*acts, CLOSE, CLOSE]:
        before = story.dossier
        refusal = attempt(story, act)
        if not isinstance(refusal, TransitionRefused):
            continue
        assert story.dossier == before
        assert f"is {refusal.phase}, which refuses" in str(refusal)
        assert f"From {refusal.phase} it allows " in str(refusal)
        if refusal.subject == story.loop.loop_id and "StartRun" not in str(refusal):
            assert refusal.phase == story.loop.phase
            assert str(refusal).endswith(f"it allows {ALLOWED[story.loop.phase]}.")


NEXT = {
    IterationPhase.STARTED: {"IterationBegun", "IterationCompleted", "IterationFailed"},
    IterationPhase.RUNNING: {"IterationCompleted", "IterationFailed"},
    IterationPhase.COMPLETED: {"IterationSummaryRecorded"},
    IterationPhase.FAILED: set(),
}


@given(histories)
def test_an_iteration_goes_its_way_and_no_other(acts: list[Act]) -> None:
    """SPEC 4.2: begun or not, ended once; a summary is left by whoever ended it well."""
    story = told(acts)

    phases: dict[IterationId, IterationPhase] = {}
    for event in story.log:
        if isinstance(event, IterationStarted):
            assert event.iteration_id not in phases
            phases[event.iteration_id] = IterationPhase.STARTED
        elif isinstance(event, get_args(IterationEvent)):
            assert type(event).__name__ in NEXT[phases[event.iteration_id]]
            phases[event.iteration_id] = PHASE_AFTER[type(event)]
    for identifier, phase in phases.items():
        iteration = story.dossier.iterations[identifier]
        assert iteration.phase is phase
        assert (iteration.summary is not None) is (phase is IterationPhase.COMPLETED)


PHASE_AFTER = {
    IterationBegun: IterationPhase.RUNNING,
    IterationCompleted: IterationPhase.COMPLETED,
    IterationSummaryRecorded: IterationPhase.COMPLETED,
    IterationFailed: IterationPhase.FAILED,
}


@given(histories)
def test_an_iteration_refuses_by_name_of_what_it_allows(acts: list[Act]) -> None:
    """SPEC 4: whatever the iteration's phase, the refusal says what is left to do."""
    story = told(acts)
    if not story.dossier.iterations:
        return
    phase = story.iteration.phase
    allowed = "CompleteIteration, FailIteration" if phase.is_open else "nothing"
    for command in (BEGIN, FAIL):
        before = story.dossier
        refusal = attempt(story, giving(command))
        if refusal is None:
            return
        assert story.dossier == before
        assert str(refusal) == (
            f"{story.iteration.iteration_id} is {phase}, which refuses "
            f"{type(command).__name__}. From {phase} it allows {allowed}."
        )


@given(histories)
def test_a_bound_never_falls(acts: list[Act]) -> None:
    """SPEC 4.1: and every resumption after a stop names the decisions that answer it."""
    story = told(acts)

    before = BUDGETS
    open_now: set[StopTrigger] = set()
    spent: set[DecisionId] = set()
    for event in story.log:
        if isinstance(event, LoopUpdated) and event.budgets is not None:
            assert all(event.budgets.limit(b) >= before.limit(b) for b in Bound)
            before = event.budgets
        if isinstance(event, StopTriggered):
            open_now.add(event.trigger)
        if isinstance(event, LoopResumed):
            assert set(event.answers) == open_now
            assert spent.isdisjoint(event.answers.values())
            spent.update(event.answers.values())
            open_now.clear()
