"""Loops and iterations through the use cases (SPEC 5.2, 6.4, 6.6, 6.8, 6.9)."""

from datetime import timedelta

import pytest

from sr_core.application.loops import Loops
from sr_core.application.platform import loop_case
from sr_core.application.recorder import Asked
from sr_core.domain.errors import (
    AuthorityRequired,
    BudgetExhausted,
    ContextInadmissible,
    HookPending,
    IterationInProgress,
    MalformedInput,
    SemanticProfileMissing,
    StageUnknown,
    StopUncured,
    TransitionRefused,
    WorkSurfaceMissing,
)
from sr_core.domain.gating_policy import Hook
from sr_core.domain.ids import WorkUnitId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import (
    BeginIteration,
    FailIteration,
    IterationOutcome,
    IterationStarted,
)
from sr_core.domain.iteration_summary import (
    IterationSummary,
    OpenRisk,
    Outcomes,
    RiskSeverity,
)
from sr_core.domain.loop import Budgets
from sr_core.domain.record import Note, RecordType
from sr_core.domain.ref_builders import candidate_ref, iteration_ref, loop_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.testing import (
    AGENT,
    BUILD,
    CORE,
    DIRECTIVE,
    HUMAN,
    SOME_HASH,
    SYSTEM,
    build_document,
    build_governed,
    build_suite,
    fails,
    passes,
    register,
    ulid,
)

pytestmark = pytest.mark.anyio

UNIT = WorkUnitId("WU-7")
SURFACE = f"ws:{ulid(1)}"
SURFACE_2 = f"ws:{ulid(2)}"
BOOKKEEPING = {"position", "last_event_id", "last_global_seq"}
BY_SYSTEM = Asked(by=SYSTEM)
BOUND = {"suite_id": CORE, "suite_hash": register(build_suite()).suite_hash}


class TestStagedWork:
    """SPEC 4.1, 6.4: a loop over staged work needs its surface, at every start."""

    async def test_without_a_surface_no_loop_is_opened(self, journey):
        with pytest.raises(WorkSurfaceMissing):
            await journey.create_staged()

        assert "LoopCreated" not in await journey.types()

    async def test_one_that_is_not_active_is_none(self, journey):
        journey.lay_surface(status="archived")

        with pytest.raises(WorkSurfaceMissing):
            await journey.create_staged()

    async def test_with_one_the_loop_and_its_iterations_are_bound_to_it(self, journey):
        journey.lay_surface()
        await journey.create_staged()
        await journey.iterate()

        loop = await journey.row("loops", loop_id=journey.loop_id)
        row = await journey.row("iterations", iteration_id=journey.iteration_id)
        assert (loop["work_unit"], loop["work_surface_id"]) == (UNIT, SURFACE)
        assert row["work_surface_id"] == SURFACE

    @pytest.mark.parametrize(
        ("refusal", "changes"),
        [
            (StageUnknown, {"current_stage_id": "stage:OTHER"}),
            (SemanticProfileMissing, {"current_oracle_suites": []}),
            (
                SemanticProfileMissing,
                {"current_oracle_suites": [{**BOUND, "suite_hash": SOME_HASH}]},
            ),
            (
                SemanticProfileMissing,
                {"current_oracle_suites": [BOUND, {**BOUND, "suite_id": "suite:NONE"}]},
            ),
        ],
        ids=["stage", "no suite", "another hash", "one of two unregistered"],
    )
    async def test_a_surface_that_cannot_carry_work_stops_the_loop_once(
        self, journey, refusal, changes
    ):
        journey.lay_surface(**changes)
        await journey.create_staged()

        with pytest.raises(refusal):
            await journey.iterate()
        with pytest.raises(TransitionRefused, match="PAUSED"):
            await journey.iterate()

        assert (await journey.types())[-1] == "StopTriggered"
        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["last_stop_trigger"] == refusal.code
        assert loop["last_recommended_portal"] == "GovernanceChangePortal"

    async def test_while_it_is_so_no_decision_lifts_the_stop(self, journey):
        journey.lay_surface(current_stage_id="stage:OTHER")
        await journey.create_staged()
        with pytest.raises(StageUnknown):
            await journey.iterate()
        await journey.decide(StopTrigger.STAGE_UNKNOWN)

        with pytest.raises(StopUncured):
            await journey.resume()

    async def test_once_it_is_mended_the_decision_does(self, journey):
        suite = {"current_oracle_suites": [BOUND]}
        journey_row = {"work_surface_id": SURFACE, **suite}
        journey.lay_surface(current_oracle_suites=[])
        await journey.create_staged()
        with pytest.raises(SemanticProfileMissing):
            await journey.iterate()
        await journey.decide(StopTrigger.SEMANTIC_PROFILE_MISSING)

        journey.change("work_surfaces", {"work_surface_id": SURFACE}, **journey_row)
        await journey.resume()

        await journey.iterate()
        assert (await journey.types())[-1] == "IterationStarted"

    async def test_work_goes_on_upon_the_surface_that_is_bound_anew(self, journey):
        journey.lay_surface()
        await journey.create_staged()
        bound = await journey.row("work_surfaces", work_surface_id=SURFACE)
        told = {k: v for k, v in bound.items() if k not in BOOKKEEPING}
        journey.change("work_surfaces", {"work_surface_id": SURFACE}, status="archived")
        journey.lay("work_surfaces", **{**told, "work_surface_id": SURFACE_2})
        journey.lay(
            "work_surface_stage_history",
            work_surface_id=SURFACE_2,
            stage_id=bound["current_stage_id"],
            status="entered",
            iteration_count=0,
        )
        await journey.iterate()

        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["work_surface_id"] == SURFACE_2
        state = await journey.stage.platform.recorder.state(loop_case(journey.loop_id))
        assert state.the_loop().work_surface_id == SURFACE_2

    async def test_a_surface_that_went_away_is_no_cure(self, journey):
        journey.lay_surface()
        await journey.create_staged()
        journey.change("work_surfaces", {"work_surface_id": SURFACE}, status="archived")
        with pytest.raises(WorkSurfaceMissing):
            await journey.iterate()
        await journey.decide(StopTrigger.WORK_SURFACE_MISSING)

        with pytest.raises(StopUncured, match="WORK_SURFACE_MISSING"):
            await journey.resume()

    async def test_an_early_call_stops_no_loop_that_is_at_work(self, journey):
        """SPEC 16.6: in progress comes before everything that stops."""
        journey.lay_surface()
        await journey.create_staged()
        await journey.iterate()
        journey.change("work_surfaces", {"work_surface_id": SURFACE}, status="archived")

        with pytest.raises(IterationInProgress):
            await journey.iterate()

        assert "StopTriggered" not in await journey.types()

    async def test_who_may_not_start_stops_nothing(self, journey):
        journey.lay_surface(current_stage_id="stage:OTHER")
        await journey.create_staged()

        with pytest.raises(AuthorityRequired):
            await journey.loops.start(journey.loop_id, Asked(by=AGENT))

        assert "StopTriggered" not in await journey.types()


class TestStart:
    """SPEC 5.2: what a start is asked for with."""

    async def test_a_work_unit_that_is_named_is_the_loops_own(self, journey):
        journey.lay_surface()
        await journey.create_staged()

        with pytest.raises(MalformedInput, match="WU-7, which loop_"):
            await journey.loops.start(
                journey.loop_id, BY_SYSTEM, work_unit=WorkUnitId("WU-8")
            )
        assert await journey.loops.start(journey.loop_id, BY_SYSTEM, work_unit=UNIT)

    async def test_refs_that_are_asked_for_add_nothing(self, journey):
        await journey.register_suite()
        await journey.create()
        await journey.activate()
        expected = await journey.loops.context(journey.loop_id)

        await journey.loops.start(journey.loop_id, BY_SYSTEM, refs=(DIRECTIVE,))

        started = (await journey.recorded())[-1].event
        assert isinstance(started, IterationStarted)
        assert started.refs == expected
        assert DIRECTIVE in expected

    async def test_one_that_is_no_input_starts_nothing(self, journey):
        await journey.register_suite()
        await journey.create()
        await journey.activate()
        ghost = Ref(
            kind=RefKind.ITERATION, id=f"iter_{ulid(5)}", rel=RefRelation.DEPENDS_ON
        )

        with pytest.raises(ContextInadmissible, match=f"{ghost.id}, asked for"):
            await journey.loops.start(
                journey.loop_id, BY_SYSTEM, refs=(DIRECTIVE, ghost)
            )

        assert "IterationStarted" not in await journey.types()

    @pytest.mark.parametrize("is_staged", [False, True])
    async def test_it_names_its_agents_and_its_policy(self, journey, is_staged):
        """SPEC 8.1: whoever is at work, and whose notes are wanted, is pinned."""
        if is_staged:
            journey.lay_surface()
            await journey.create_staged()
        else:
            await journey.register_suite()
            await journey.create()
            await journey.activate()

        await journey.iterate()

        started = (await journey.recorded())[-1].event
        supporting = {
            each.meta["type_key"]: each.id
            for each in started.refs
            if each.rel is RefRelation.SUPPORTED_BY
        }
        assert supporting == {
            "config.agent_definition": "SR-AGENT",
            "config.gating_policy": "SR-GATING-POLICY",
        }


class TestLapses:
    """SPEC 4.5: what has ended is on record before it is left out of account."""

    @pytest.fixture
    async def waived(self, journey):
        """A candidate that is verified by a waiver, which has ended since."""
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()
        await journey.complete()
        journey.stage.clock.skip(timedelta(hours=2))
        return journey

    async def test_an_end_is_recorded_before_the_start(self, waived):
        before = len(await waived.recorded())

        await waived.iterate()

        expired, computed, *stops, started = (await waived.recorded())[before:]
        assert type(expired.event).__name__ == "ExceptionExpired"
        assert expired.event.exception_id == waived.exception_id
        assert type(computed.event).__name__ == "CandidateVerificationComputed"
        assert stops == []
        assert isinstance(started.event, IterationStarted)
        assert waived.exception_id not in {each.id for each in started.event.refs}
        row = await waived.row("exceptions", exception_id=waived.exception_id)
        assert row["status"] == "EXPIRED"

    async def test_it_is_recorded_once(self, waived):
        await waived.iterate()
        await waived.complete()
        await waived.iterate()

        assert (await waived.types()).count("ExceptionExpired") == 1

    async def test_a_start_that_is_refused_records_it_too(self, waived):
        await waived.pause()

        with pytest.raises(TransitionRefused):
            await waived.iterate()

        assert "ExceptionExpired" in await waived.types()

    async def test_who_may_not_start_has_nothing_recorded(self, waived):
        before = await waived.types()

        with pytest.raises(AuthorityRequired):
            await waived.loops.start(waived.loop_id, Asked(by=AGENT))

        assert await waived.types() == before


class TestBounds:
    """C-LOOP-1: one rule for iterations and runs, and a raise that is one."""

    async def test_past_its_hours_a_loop_starts_nothing_and_stops_once(self, journey):
        await journey.open(Budgets(max_wallclock_hours=1))
        journey.stage.clock.skip(timedelta(hours=1))

        for _ in range(2):
            with pytest.raises((BudgetExhausted, TransitionRefused)):
                await journey.judge()

        assert (await journey.types()).count("StopTriggered") == 1
        stop = await journey.row("loop_stop_triggers", loop_id=journey.loop_id)
        assert stop["bound"] == "max_wallclock_hours"

    async def test_they_are_looked_at_when_a_run_ends(self, journey):
        await journey.open(Budgets(max_wallclock_hours=1))

        def slow(oracle, files):
            journey.stage.clock.skip(timedelta(hours=1))
            return passes(oracle, files)

        journey.runner.scripts[BUILD] = slow
        await journey.judge()

        types = await journey.types()
        ended = types.index("RunCompleted")
        assert types[ended + 1] == "StopTriggered"

    async def test_a_stop_by_a_bound_is_lifted_by_a_raise_and_a_decision(self, journey):
        await journey.open(Budgets(max_iterations=1))
        await journey.complete()
        with pytest.raises(BudgetExhausted):
            await journey.iterate()
        await journey.decide(StopTrigger.BUDGET_EXHAUSTED)
        with pytest.raises(BudgetExhausted, match="max_iterations is 1"):
            await journey.resume()

        await journey.raise_bound(max_iterations=2)
        await journey.resume()
        await journey.iterate()

        stop = await journey.row("loop_stop_triggers", loop_id=journey.loop_id)
        assert stop["decision_id"] == journey.decision_id
        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["budgets"]["max_iterations"] == 2

    async def test_an_early_call_uses_nothing_up(self, journey):
        await journey.open(Budgets(max_iterations=1))

        with pytest.raises(IterationInProgress):
            await journey.iterate()

        assert "StopTriggered" not in await journey.types()


class TestIterations:
    """SPEC 4.2, 8.5: begun, failed, completed with a summary that the log bears out."""

    async def test_one_is_begun_and_its_row_says_so(self, journey):
        await journey.open()

        await journey.give_iteration(BeginIteration(by=AGENT))

        row = await journey.row("iterations", iteration_id=journey.iteration_id)
        assert row["state"] == "RUNNING"
        assert row["begun_at"] is not None

    async def test_three_that_fail_stop_the_loop_too(self, journey):
        await journey.open()
        for turn in range(3):
            if turn:
                await journey.iterate()
            await journey.give_iteration(FailIteration(by=SYSTEM, reason="no worker"))

        assert (await journey.types())[-2:] == ["IterationFailed", "StopTriggered"]
        row = await journey.row("iterations", iteration_id=journey.iteration_id)
        assert (row["state"], row["failure_reason"]) == ("FAILED", "no worker")

    async def test_text_alone_is_filled_from_the_log(self, journey):
        await journey.open()
        await journey.judge()
        await journey.complete()

        row = await journey.row("iterations", iteration_id=journey.iteration_id)
        summary = row["summary"]
        assert summary["intent"] == "done"
        assert summary["candidates_produced"] == [journey.candidate_id]
        assert summary["runs_executed"] == [journey.run_id]
        (result,) = summary["outcomes"]["oracle_results"]
        assert result["status"] == "PASS"

    async def test_a_claim_that_the_log_does_not_bear_out_ends_nothing(self, journey):
        await journey.open()
        lie = IterationSummary(
            iteration_id=journey.iteration_id,
            loop_id=journey.loop_id,
            intent="pass",
            outcomes=Outcomes(
                oracle_results=(), stop_triggers_fired=(StopTrigger.ORACLE_GAP,)
            ),
        )

        with pytest.raises(MalformedInput, match="stop_triggers_fired"):
            await journey.loops.complete_iteration(
                journey.iteration_id,
                outcome=IterationOutcome.SUCCESS,
                summary=lie,
                asked=Asked(by=AGENT),
            )

        assert "IterationCompleted" not in await journey.types()

    async def test_its_events_have_one_actor(self, journey):
        await journey.open()
        await journey.complete()

        completed, summary = (await journey.recorded())[-2:]
        assert completed.by == summary.by == AGENT


class TestGating:
    """SPEC 6.8: a note that is missing is told, or holds the loop."""

    async def govern(self, journey, mode: str, trigger: str) -> None:
        """Have the policy of that mode and trigger, for verified candidates."""
        policy = build_document("SR-GATING-POLICY", mode=mode).replace(
            b"EXCEPTIONS_ACTIVE", trigger.encode()
        )
        await journey.stage.restart(build_governed(SR_GATING_POLICY=policy))
        journey.loops = Loops(platform=journey.stage.platform)

    async def note(self, journey, kind: RecordType, subject: Ref) -> str:
        note = Note(
            record_type=kind,
            subject_refs=(subject,),
            evidence_refs=(),
            content="I looked into it",
        )
        written, _ = await journey.records.create(note, Asked(by=HUMAN))
        return str(written.record_id)

    async def test_what_is_pending_is_told(self, journey):
        await journey.register_suite()
        await journey.create()
        await journey.activate()

        started = await journey.loops.start(journey.loop_id, BY_SYSTEM)

        assert started.pending_hooks == (Hook.PLAN_REVIEW,)

    async def verified(self, journey) -> None:
        """A verified candidate, and a grave risk that its iteration left open."""
        await journey.open()
        await journey.judge()
        await journey.verify()
        risky = IterationSummary(
            iteration_id=journey.iteration_id,
            loop_id=journey.loop_id,
            intent="try",
            outcomes=Outcomes(oracle_results=(), stop_triggers_fired=()),
            open_risks=(
                OpenRisk(severity=RiskSeverity.CRITICAL, description="it leaks"),
            ),
        )
        await journey.loops.complete_iteration(
            journey.iteration_id,
            outcome=IterationOutcome.SUCCESS,
            summary=risky,
            asked=Asked(by=AGENT),
        )

    async def held(self, journey) -> None:
        await self.verified(journey)
        await self.govern(journey, "hybrid", "OPEN_RISK_HIGH")

    async def test_a_trigger_makes_the_hook_hold(self, journey):
        await self.held(journey)

        with pytest.raises(HookPending, match="evaluation_on_verification"):
            await journey.iterate()

        assert (await journey.types())[-1] == "IterationSummaryRecorded"

    @pytest.mark.parametrize(
        ("mode", "trigger"),
        [("hybrid", "GOVERNANCE_TOUCH"), ("soft", "OPEN_RISK_HIGH")],
    )
    async def test_where_none_fired_it_is_told_alone(self, journey, mode, trigger):
        await self.verified(journey)
        await self.govern(journey, mode, trigger)

        started = await journey.loops.start(journey.loop_id, BY_SYSTEM)

        assert started.pending_hooks == (Hook.EVALUATION_ON_VERIFICATION,)

    async def test_a_hard_hook_needs_no_trigger(self, journey):
        await self.verified(journey)
        await self.govern(journey, "hard", "GOVERNANCE_TOUCH")

        with pytest.raises(HookPending, match=r"record\.evaluation_note"):
            await journey.iterate()

    @pytest.mark.parametrize(
        ("subject", "ref"),
        [
            ("loop_id", loop_ref),
            ("candidate_id", candidate_ref),
            ("iteration_id", iteration_ref),
        ],
    )
    async def test_a_note_about_its_work_lets_it_go_on(self, journey, subject, ref):
        await self.held(journey)
        about = ref(getattr(journey, subject), RefRelation.ABOUT)
        written = await self.note(journey, RecordType.EVALUATION_NOTE, about)

        await journey.iterate()

        started = (await journey.recorded())[-1].event
        assert isinstance(started, IterationStarted)
        assert written in {each.id for each in started.refs}

    async def test_a_note_of_another_kind_does_not(self, journey):
        await self.held(journey)
        about = loop_ref(journey.loop_id, RefRelation.ABOUT)
        await self.note(journey, RecordType.ASSESSMENT_NOTE, about)

        with pytest.raises(HookPending):
            await journey.iterate()

    async def test_nor_does_one_about_another_loop(self, journey):
        await journey.create()
        other = journey.loop_id
        await self.held(journey)
        about = loop_ref(other, RefRelation.ABOUT)
        await self.note(journey, RecordType.EVALUATION_NOTE, about)

        with pytest.raises(HookPending):
            await journey.iterate()

    async def test_every_note_is_looked_at(self, journey):
        """The one that answers may be on any page."""
        await self.held(journey)
        for _ in range(201):
            journey.lay(
                "human_judgment_records",
                record_id=journey.stage.ids.fresh("rec"),
                record_type="record.evaluation_note",
                subject_refs=[{"kind": "Loop", "id": "another", "rel": "about"}],
            )
        about = loop_ref(journey.loop_id, RefRelation.ABOUT)
        await self.note(journey, RecordType.EVALUATION_NOTE, about)

        await journey.iterate()

        assert (await journey.types())[-1] == "IterationStarted"
