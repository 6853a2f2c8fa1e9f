"""Exceptions in use (SPEC 4.5, 6.5, TEST-16): drawn up, in force, lifted, ended."""

from datetime import timedelta
from typing import Any

import pytest

from sr_core.application.in_force import active_outside
from sr_core.application.recorder import Asked
from sr_core.domain.errors import (
    IntegrityUnresolved,
    MalformedInput,
    NonWaivable,
    NotFound,
    TransitionRefused,
)
from sr_core.domain.exception_scope import ExceptionScope, Place, ScopeKind
from sr_core.domain.exception_terms import DeferralTerms, WaiverTerms
from sr_core.domain.ids import ExceptionId, LoopId
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.testing import (
    BUILD,
    DIRECTIVE,
    PLATFORM,
    fails,
    passes,
    says_nothing,
    ulid,
)

pytestmark = pytest.mark.anyio

STRANGER = ExceptionId(f"exc_{ulid(999)}")
WORK_UNIT = ExceptionScope(scope_kind=ScopeKind.TIME_BOXED, work_unit_id="WU-1")
DEFERRAL = DeferralTerms(
    subject_ref=DIRECTIVE, compensating_controls="watched", target_deliverable="D-35"
)
THE_PLATFORM = Asked(by=PLATFORM)


async def failed(journey: Any) -> Any:
    """A candidate on which a required oracle failed."""
    journey.runner.scripts[BUILD] = fails
    await journey.open()
    await journey.judge()
    return journey


async def status(journey: Any) -> tuple[str, str]:
    """How the exception and the candidate's verification stand."""
    exception = await journey.row("exceptions", exception_id=journey.exception_id)
    candidate = await journey.row("candidates", candidate_id=journey.candidate_id)
    return exception["status"], candidate["verification_status"]


class TestDeviation:
    """TEST-16: a deviation of a loop shows while it is in force."""

    async def test_it_shows_and_is_gone_once_it_is_lifted(self, journey):
        await journey.open()
        await journey.deviate()
        row = await journey.row("exceptions", exception_id=journey.exception_id)
        assert (row["kind"], row["status"]) == ("DEVIATION", "ACTIVE")
        assert (row["scope_kind"], row["loop_id"]) == ("per-loop", journey.loop_id)

        await journey.resolve()

        row = await journey.row("exceptions", exception_id=journey.exception_id)
        assert (row["status"], row["resolution_notes"]) == ("RESOLVED", "mended")

    async def test_the_dossier_has_it_for_whoever_compiles_a_context(self, journey):
        await journey.open()
        await journey.deviate()

        case = await journey.stage.platform.candidate_case(journey.candidate_id)
        dossier = await journey.stage.platform.recorder.state(case)

        known = dossier.exception(journey.exception_id)
        assert known.is_in_force(journey.stage.clock.now())

    async def test_it_verifies_nothing(self, journey):
        await failed(journey)
        before = await journey.types()
        await journey.deviate()
        await journey.resolve()

        assert (await journey.types())[len(before) :] == [
            "DeviationCreated",
            "ExceptionActivated",
            "ExceptionResolved",
        ]

    async def test_of_a_loop_that_is_not_there_it_is_none(self, journey):
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_LOOP, loop_id=LoopId(f"loop_{ulid(9)}")
        )

        with pytest.raises(NotFound, match="No loop"):
            await journey.draw_up_deviation(scope)

    async def test_candidate_and_loop_belong_together(self, journey):
        await journey.open()
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_CANDIDATE,
            candidate_id=journey.candidate_id,
            loop_id=LoopId(f"loop_{ulid(9)}"),
        )

        with pytest.raises(MalformedInput, match=r"scope\.loop_id"):
            await journey.draw_up_deviation(scope)

    async def test_both_may_be_named(self, journey):
        await journey.open()
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_CANDIDATE,
            candidate_id=journey.candidate_id,
            loop_id=journey.loop_id,
        )

        await journey.deviate(scope)

        assert (await status(journey))[0] == "ACTIVE"


class TestOutsideOfLoops:
    """One that no loop governs has a history of its own."""

    async def test_it_comes_and_goes_like_any_other(self, journey):
        await journey.deviate(WORK_UNIT)
        now = journey.stage.clock.now()
        place = Place(work_unit_id="WU-1")
        elsewhere = Place(work_unit_id="WU-2")

        assert await active_outside(journey.stage.platform, place) == {
            journey.exception_id: "DEVIATION"
        }
        assert not await active_outside(journey.stage.platform, elsewhere)
        assert not await journey.exceptions.expire_due(now, THE_PLATFORM)
        await journey.resolve()
        assert not await active_outside(journey.stage.platform, place)

    async def test_its_end_is_noted(self, journey):
        await journey.deviate(WORK_UNIT)
        journey.stage.clock.skip(timedelta(hours=2))
        now = journey.stage.clock.now()
        assert not await active_outside(
            journey.stage.platform, Place(work_unit_id="WU-1")
        )

        noted = await journey.exceptions.expire_due(now, THE_PLATFORM)

        assert noted == (journey.exception_id,)
        row = await journey.row("exceptions", exception_id=journey.exception_id)
        assert row["status"] == "EXPIRED"

    async def test_once_it_has_ended_it_is_not_lifted(self, journey):
        await journey.deviate(WORK_UNIT)
        journey.stage.clock.skip(timedelta(hours=2))

        with pytest.raises(TransitionRefused, match="is EXPIRED"):
            await journey.resolve()

        assert (await journey.types())[-1] == "ExceptionExpired"

    async def test_those_of_loops_are_not_among_them(self, journey):
        await journey.open()
        await journey.deviate()
        place = Place(loop_id=journey.loop_id)

        assert not await active_outside(journey.stage.platform, place)

    async def test_a_waiver_is_never_one(self, journey):
        terms = WaiverTerms(
            target=BUILD,
            gate_id="G-VERIFIED-STRICT",
            risk="low",
            mitigation="watched",
            resolution_criteria="mended",
        )

        with pytest.raises(MalformedInput, match="candidate_id or loop_id"):
            await journey.draw_up(terms, WORK_UNIT)

    async def test_all_of_them_are_looked_at_however_many_there_are(self, journey):
        for _ in range(201):
            await journey.deviate(WORK_UNIT)

        found = await active_outside(journey.stage.platform, Place(work_unit_id="WU-1"))

        assert len(found) == 201


class TestWaiver:
    """SPEC 4.3: what a waiver covers is verified again when it comes and goes."""

    async def test_it_lifts_the_candidate_while_it_is_in_force(self, journey):
        await failed(journey)
        await journey.verify()
        await journey.waive()
        assert await status(journey) == ("ACTIVE", "VERIFIED_WITH_EXCEPTIONS")

        await journey.resolve()

        assert await status(journey) == ("RESOLVED", "UNVERIFIED")

    async def test_one_that_never_came_into_force_changes_nothing(self, journey):
        await failed(journey)
        await journey.draw_up_waiver()
        await journey.resolve()

        assert (await journey.types())[-1] == "ExceptionResolved"

    async def test_its_end_takes_the_verification_with_it(self, journey):
        await failed(journey)
        await journey.waive()
        journey.stage.clock.skip(timedelta(hours=2))

        noted = await journey.exceptions.expire_due(
            journey.stage.clock.now(), THE_PLATFORM
        )

        assert noted == (journey.exception_id,)
        assert await status(journey) == ("EXPIRED", "UNVERIFIED")
        ended = (await journey.recorded())[-2]
        assert type(ended.event).__name__ == "ExceptionExpired"
        assert ended.by == PLATFORM

    async def test_its_end_is_noted_once(self, journey):
        await failed(journey)
        await journey.waive()
        journey.stage.clock.skip(timedelta(hours=2))
        now = journey.stage.clock.now()
        await journey.exceptions.expire_due(now, THE_PLATFORM)

        assert not await journey.exceptions.expire_due(now, THE_PLATFORM)

    async def test_whoever_looks_first_notes_it(self, journey):
        await failed(journey)
        await journey.waive()
        journey.stage.clock.skip(timedelta(hours=2))

        await journey.shippable()

        assert await status(journey) == ("EXPIRED", "UNVERIFIED")

    async def test_another_candidates_gate_notes_it_too(self, journey):
        await failed(journey)
        await journey.waive()
        waived = journey.candidate_id
        await journey.make({"b": b"other"})
        await journey.judge()
        journey.stage.clock.skip(timedelta(hours=2))

        await journey.shippable()

        row = await journey.row("candidates", candidate_id=waived)
        assert row["verification_status"] == "UNVERIFIED"

    async def test_lifting_what_has_ended_notes_the_end_and_is_refused(self, journey):
        await failed(journey)
        await journey.waive()
        journey.stage.clock.skip(timedelta(hours=2))

        with pytest.raises(TransitionRefused, match="is EXPIRED"):
            await journey.resolve()

        assert await status(journey) == ("EXPIRED", "UNVERIFIED")

    async def test_without_its_evidence_it_does_not_come_into_force(self, journey):
        await failed(journey)
        await journey.draw_up_waiver()
        journey.stage.evidence_bytes.lose(journey.stage.evidence_bytes.keys()[-1])

        with pytest.raises(EvidenceMissing):
            await journey.bring_into_force()

        assert await status(journey) == ("CREATED", "UNVERIFIED")
        assert "EvidenceMissingDetected" in await journey.types()

    async def test_a_later_run_has_to_fail_too(self, journey):
        await failed(journey)
        await journey.draw_up_waiver()
        journey.runner.scripts[BUILD] = passes
        await journey.judge()

        with pytest.raises(NonWaivable, match="has PASS, not FAIL"):
            await journey.bring_into_force()

    async def test_of_a_loop_it_covers_the_runs_that_it_names(self, journey):
        await failed(journey)
        terms = WaiverTerms(
            target=BUILD,
            gate_id="G-VERIFIED-STRICT",
            risk="low",
            mitigation="watched",
            resolution_criteria="mended",
            run_ids=(journey.run_id,),
        )
        scope = ExceptionScope(scope_kind=ScopeKind.PER_LOOP, loop_id=journey.loop_id)

        await journey.draw_up(terms, scope)

        row = await journey.row("exceptions", exception_id=journey.exception_id)
        assert row["details"]["run_ids"] == [journey.run_id]

    async def test_runs_are_of_the_candidate_that_the_scope_names(self, journey):
        await failed(journey)
        strange = journey.run_id
        await journey.make({"b": b"other"})
        await journey.judge()
        terms = WaiverTerms(
            target=BUILD,
            gate_id="G-VERIFIED-STRICT",
            risk="low",
            mitigation="watched",
            resolution_criteria="mended",
            run_ids=(strange,),
        )
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_CANDIDATE, candidate_id=journey.candidate_id
        )

        with pytest.raises(MalformedInput, match="which the scope names"):
            await journey.draw_up(terms, scope)


class TestIntegrity:
    """C-OR-7: while a condition stands in its scope, neither waiver nor deferral."""

    async def test_a_deferral_is_refused(self, journey):
        journey.runner.scripts[BUILD] = says_nothing
        await journey.open()
        await journey.judge()
        scope = ExceptionScope(scope_kind=ScopeKind.PER_LOOP, loop_id=journey.loop_id)

        with pytest.raises(IntegrityUnresolved, match="ORACLE_GAP"):
            await journey.draw_up(DEFERRAL, scope)

    async def test_one_drawn_up_before_does_not_come_into_force(self, journey):
        await journey.open()
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_CANDIDATE, candidate_id=journey.candidate_id
        )
        await journey.draw_up(DEFERRAL, scope)
        journey.runner.scripts[BUILD] = says_nothing
        await journey.judge()

        with pytest.raises(IntegrityUnresolved, match="ORACLE_GAP"):
            await journey.bring_into_force()

    async def test_a_deviation_is_another_matter(self, journey):
        journey.runner.scripts[BUILD] = says_nothing
        await journey.open()
        await journey.judge()

        await journey.deviate()

        assert (await status(journey))[0] == "ACTIVE"


class TestUnknown:
    """What nobody recorded is not found."""

    async def test_by_whoever_brings_it_into_force(self, journey):
        journey.exception_id = STRANGER

        with pytest.raises(NotFound, match="No exception"):
            await journey.bring_into_force()

    async def test_by_whoever_lifts_it(self, journey):
        journey.exception_id = STRANGER

        with pytest.raises(NotFound, match="No exception"):
            await journey.resolve()
