"""The one way into the log (SPEC 1.6.3): decide over what is there, or decide anew."""

import pytest

from sr_core.application.recorder import ATTEMPTS_MAX
from sr_core.codec.envelope import opened
from sr_core.domain.errors import TransitionRefused
from sr_core.domain.events import stream_of
from sr_core.ports.errors import VersionConflict
from sr_core.testing import NOON

pytestmark = pytest.mark.anyio


class TestConflicts:
    """SPEC 1.6.3: whoever comes second reads again and decides anew."""

    @pytest.mark.parametrize("conflicts", range(1, ATTEMPTS_MAX))
    async def test_it_is_tried_again_over_the_new_state(self, journey, conflicts):
        await journey.create()
        journey.stage.log.conflicts = conflicts

        await journey.activate()

        assert await journey.types() == ["LoopCreated", "LoopActivated"]
        assert journey.stage.log.conflicts == 0

    async def test_a_boundary_that_stays_crowded_is_given_up(self, journey):
        await journey.create()
        journey.stage.log.conflicts = ATTEMPTS_MAX

        with pytest.raises(VersionConflict, match="Read it again"):
            await journey.activate()

        assert await journey.types() == ["LoopCreated"]
        assert journey.stage.log.conflicts == 0

    async def test_what_was_given_up_can_be_asked_for_again(self, journey):
        await journey.create()
        journey.stage.log.conflicts = ATTEMPTS_MAX
        with pytest.raises(VersionConflict):
            await journey.activate()

        await journey.activate()

        assert await journey.types() == ["LoopCreated", "LoopActivated"]


class TestWhatIsRecorded:
    """SPEC 2.1: identifiers, order, cause."""

    async def test_a_refused_command_leaves_no_trace(self, journey):
        await journey.create()

        with pytest.raises(TransitionRefused):
            await journey.pause()

        assert await journey.types() == ["LoopCreated"]

    async def test_positions_have_no_gap(self, journey):
        await journey.open()
        await journey.judge()

        recorded = await journey.recorded()

        stored = await journey.stage.log.read(after=0, limit=100)
        assert [each.position for each in stored] == [*range(1, len(stored) + 1)]
        assert {each.position for each in recorded} < {each.position for each in stored}

    async def test_each_stream_is_numbered_from_one(self, journey):
        await journey.open()
        await journey.judge()
        await journey.verify()

        seen: dict[str, list[int]] = {}
        for each in await journey.stage.log.read(after=0, limit=100):
            seen.setdefault(each.stream_id, []).append(each.stream_seq)

        assert all(
            numbers == [*range(1, len(numbers) + 1)] for numbers in seen.values()
        )
        assert len(seen) == 6

    async def test_every_event_lies_in_the_stream_that_it_is_about(self, journey):
        await journey.open()
        await journey.judge()

        stored = await journey.stage.log.read(after=0, limit=100)
        events = [opened(each).event for each in stored]

        assert [each.stream_id for each in stored] == [
            stream_of(each) for each in events
        ]

    async def test_of_what_is_recorded_together_the_first_is_the_cause(self, journey):
        await journey.open()
        await journey.judge()

        stored = await journey.stage.log.read(after=0, limit=100)
        first, evidence, completed, next_batch = stored[-4:]

        assert first.event_type == "OracleExecutionCompleted"
        assert completed.event_type == "RunCompleted"
        for each in (first, next_batch):
            assert b'"causation_id":null' in each.envelope
        for each in (evidence, completed):
            assert f'"causation_id":"{first.event_id}"'.encode() in each.envelope

    async def test_time_does_not_run_backwards(self, journey):
        await journey.open()

        times = [each.occurred_at for each in await journey.recorded()]

        assert times == sorted(times)
        assert times[0] >= NOON
