"""What falls due by time alone: the governor does it, whoever's loops there are."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

import pytest

from sr_core.application.governor import CHORES, Governor
from sr_core.application.recorder import Asked
from sr_core.domain.exception_scope import ExceptionScope, ScopeKind
from sr_core.testing import BUILD, PLATFORM, SYSTEM, fails

pytestmark = pytest.mark.anyio

BY_SYSTEM = Asked(by=SYSTEM)
WORK_UNIT = ExceptionScope(scope_kind=ScopeKind.TIME_BOXED, work_unit_id="WU-1")


async def look(journey, **changes) -> None:
    """Have the governor look at everything, two hours later."""
    journey.stage.clock.skip(timedelta(hours=2))
    given = {"chores": CHORES, **changes}
    await Governor(platform=journey.stage.platform, **given).evaluate_all(BY_SYSTEM)


async def phase(journey) -> object:
    row = await journey.row("exceptions", exception_id=journey.exception_id)
    return row["status"]


@pytest.fixture
async def waived(journey):
    """A candidate that is verified by a waiver."""
    journey.runner.scripts = {BUILD: fails}
    await journey.open()
    await journey.judge()
    await journey.waive()
    row = await journey.row("candidates", candidate_id=journey.candidate_id)
    assert row["verification_status"] == "VERIFIED_WITH_EXCEPTIONS"
    return journey


class TestExceptions:
    """SPEC 4.5: an exception ends by itself, and what it carried falls with it."""

    async def test_its_end_is_recorded_though_nobody_asks_for_it(self, waived):
        await look(waived)

        assert await phase(waived) == "EXPIRED"
        row = await waived.row("candidates", candidate_id=waived.candidate_id)
        assert row["verification_status"] == "UNVERIFIED"
        (ended,) = [
            each
            for each in await waived.recorded()
            if type(each.event).__name__ == "ExceptionExpired"
        ]
        assert ended.by == PLATFORM

    async def test_so_is_that_of_one_that_no_loop_governs(self, journey):
        await journey.deviate(WORK_UNIT)

        await look(journey)

        assert await phase(journey) == "EXPIRED"

    async def test_before_it_nothing_is(self, waived):
        governor = Governor(platform=waived.stage.platform, chores=CHORES)

        await governor.evaluate_all(BY_SYSTEM)

        assert await phase(waived) == "ACTIVE"

    async def test_a_dry_run_records_nothing(self, waived):
        await look(waived, is_dry_run=True)

        assert await phase(waived) == "ACTIVE"

    async def test_without_the_chore_it_is_left_as_it_was(self, waived):
        await look(waived, chores=MappingProxyType({}))

        assert await phase(waived) == "ACTIVE"
