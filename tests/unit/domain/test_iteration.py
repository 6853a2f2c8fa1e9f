"""The iteration's end (SPEC 4.2, C-LOOP-2)."""

import pytest

from sr_core.domain.actors import Actor
from sr_core.domain.errors import AuthorityRequired, TransitionRefused
from sr_core.domain.iteration import (
    CompleteIteration,
    IterationCompleted,
    IterationOutcome,
    IterationPhase,
    decide,
)
from sr_core.testing import AGENT, HUMAN, LOOP_1, SYSTEM


def complete(by: Actor) -> CompleteIteration:
    return CompleteIteration(by=by, outcome=IterationOutcome.FAILURE, summary="broke")


class TestTheEnd:
    """C-LOOP-2: it is ended once, by whoever works, with a summary."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM], ids=str)
    def test_the_worker_or_the_system_ends_it(self, story, by):
        iteration = story.open().iterate().iteration

        events = decide(iteration, complete(by))

        assert events == (
            IterationCompleted(
                iteration_id=iteration.iteration_id,
                loop_id=LOOP_1,
                outcome=IterationOutcome.FAILURE,
                summary="broke",
            ),
        )

    def test_a_human_does_not(self, story):
        iteration = story.open().iterate().iteration

        with pytest.raises(AuthorityRequired, match="its worker or the SYSTEM"):
            decide(iteration, complete(HUMAN))

    def test_nobody_ends_it_twice(self, story):
        iteration = story.open().iterate().complete().iteration

        assert iteration.phase is IterationPhase.COMPLETED
        with pytest.raises(TransitionRefused) as refused:
            decide(iteration, complete(AGENT))
        assert str(refused.value) == (
            f"{iteration.iteration_id} is COMPLETED, which refuses CompleteIteration. "
            "From COMPLETED it allows nothing."
        )
