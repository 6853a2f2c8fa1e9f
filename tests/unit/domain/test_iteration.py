"""The iteration's phases (SPEC 4.2, C-LOOP-2)."""

from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor
from sr_core.domain.errors import AuthorityRequired, MalformedInput, TransitionRefused
from sr_core.domain.ids import IterationId
from sr_core.domain.iteration import (
    BeginIteration,
    CompleteIteration,
    FailIteration,
    Iteration,
    IterationBegun,
    IterationCommand,
    IterationCompleted,
    IterationFailed,
    IterationOutcome,
    IterationPhase,
    IterationSummaryRecorded,
    decide,
    evolve,
)
from sr_core.domain.ref_builders import iteration_ref, loop_ref
from sr_core.domain.refs import RefRelation
from sr_core.domain.summary_claims import told_by_the_log
from sr_core.testing import AGENT, HUMAN, LOOP_1, SYSTEM, Story, ulid

BEGIN = BeginIteration(by=AGENT)
FAIL = FailIteration(by=SYSTEM, reason="its worker is gone")


def complete(story: Story, by: Actor = AGENT) -> CompleteIteration:
    summary = told_by_the_log(story.dossier, story.iteration.iteration_id, "it broke")
    return CompleteIteration(by=by, outcome=IterationOutcome.FAILURE, summary=summary)


def in_phase(phase: IterationPhase) -> Story:
    """A story whose iteration came into `phase` by commands."""
    story = Story().open().iterate()
    if phase is IterationPhase.RUNNING:
        story.give_iteration(BEGIN)
    if phase is IterationPhase.COMPLETED:
        story.complete()
    if phase is IterationPhase.FAILED:
        story.give_iteration(FAIL)
    return story


def commands(story: Story) -> list[IterationCommand]:
    return [BEGIN, FAIL, complete(story)]


class TestPhases:
    """SPEC 4.2: each phase allows its own commands and names them."""

    @pytest.mark.parametrize("phase", [IterationPhase.STARTED, IterationPhase.RUNNING])
    def test_it_is_completed_whether_it_was_begun_or_not(self, phase):
        story = in_phase(phase)
        command = complete(story)

        events = decide(story.iteration, command)

        identifier = story.iteration.iteration_id
        assert events == (
            IterationCompleted(
                iteration_id=identifier,
                loop_id=LOOP_1,
                outcome=IterationOutcome.FAILURE,
            ),
            IterationSummaryRecorded(
                iteration_id=identifier, loop_id=LOOP_1, summary=command.summary
            ),
        )

    @pytest.mark.parametrize("phase", [IterationPhase.STARTED, IterationPhase.RUNNING])
    def test_it_fails_whether_it_was_begun_or_not(self, phase):
        story = in_phase(phase)

        story.give_iteration(FAIL)

        assert story.iteration.phase is IterationPhase.FAILED
        assert story.iteration.outcome is IterationOutcome.FAILURE
        assert story.iteration.summary is None
        assert story.loop.open_iteration is None
        assert story.loop.failures_in_a_row == 1

    def test_it_is_begun_once(self, story):
        story.open().iterate().give_iteration(BEGIN)

        assert story.iteration.phase is IterationPhase.RUNNING
        with pytest.raises(
            TransitionRefused, match="it allows CompleteIteration, Fail"
        ):
            decide(story.iteration, BEGIN)

    @pytest.mark.parametrize("phase", [IterationPhase.COMPLETED, IterationPhase.FAILED])
    def test_an_end_is_the_end(self, phase):
        story = in_phase(phase)

        assert not phase.is_open
        for command in commands(story):
            with pytest.raises(TransitionRefused) as refused:
                decide(story.iteration, command)
            assert str(refused.value) == (
                f"{story.iteration.iteration_id} is {phase}, which refuses "
                f"{type(command).__name__}. From {phase} it allows nothing."
            )

    def test_what_is_left_is_kept(self, story):
        story.open().iterate().complete()

        assert story.iteration.summary is not None
        assert story.iteration.summary.intent == "done"

    def test_each_event_says_what_it_is_about(self, story):
        story.open().iterate().give_iteration(BEGIN).complete()
        story.iterate().give_iteration(FAIL)

        kinds = (
            IterationBegun
            | IterationCompleted
            | IterationSummaryRecorded
            | IterationFailed
        )
        told = [each for each in story.log if isinstance(each, kinds)]
        assert len(told) == 4
        for each in told:
            about = iteration_ref(each.iteration_id, RefRelation.ABOUT)
            assert each.refs == (about, loop_ref(LOOP_1))

    def test_it_is_started_once(self, story):
        story.open().iterate()

        with pytest.raises(AssertionError, match="started once"):
            evolve(story.iteration, story.log[-1])


class TestAuthority:
    """SPEC 4.2, C-TB-1: the worker or the system works; nobody else."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM], ids=str)
    def test_the_worker_or_the_system_begins_and_ends_it(self, story, by):
        story.open().iterate()

        assert decide(story.iteration, replace(BEGIN, by=by))
        assert decide(story.iteration, complete(story, by))

    def test_a_human_does_not(self, story):
        story.open().iterate()

        for command in commands(story):
            with pytest.raises(AuthorityRequired):
                decide(story.iteration, replace(command, by=HUMAN))

    def test_an_agent_does_not_fail_it(self, story):
        iteration = story.open().iterate().iteration

        with pytest.raises(AuthorityRequired, match="needs an actor of kind SYSTEM"):
            decide(iteration, replace(FAIL, by=AGENT))

    def test_who_may_not_is_told_so_whatever_the_phase(self, story):
        iteration = story.open().iterate().complete().iteration

        with pytest.raises(AuthorityRequired):
            decide(iteration, replace(BEGIN, by=HUMAN))


class TestWhatIsSaid:
    """C-LOOP-2: what is left is about this iteration, and a failure has its reason."""

    def test_a_summary_is_of_this_iteration(self, story):
        story.open().iterate()
        command = complete(story)
        other = replace(command.summary, iteration_id=IterationId(f"iter_{ulid(77)}"))

        with pytest.raises(MalformedInput, match=story.iteration.iteration_id):
            decide(story.iteration, replace(command, summary=other))

    @pytest.mark.parametrize("reason", ["", " \n"], ids=repr)
    def test_a_failure_says_why(self, story, reason):
        iteration: Iteration = story.open().iterate().iteration

        with pytest.raises(MalformedInput, match="why it will not end"):
            decide(iteration, replace(FAIL, reason=reason))
