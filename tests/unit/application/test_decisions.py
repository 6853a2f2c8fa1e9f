"""Decisions through the use case: what they name is found first (SPEC 5.5, C-DEC-1)."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.application.recorder import Asked
from sr_core.domain.decision import DecisionKind, DecisionScope, RecordDecision
from sr_core.domain.errors import AuthorityRequired, MalformedInput, NotFound
from sr_core.domain.ids import (
    CandidateId,
    DecisionId,
    ExceptionId,
    IterationId,
    LoopId,
    RunId,
    SuiteId,
    WorkSurfaceId,
    WorkUnitId,
)
from sr_core.domain.integrity import StopTrigger
from sr_core.ports.event_store import StreamId
from sr_core.testing import AGENT, BUILD, CORE, HUMAN, SOME_HASH, fails, ulid

pytestmark = pytest.mark.anyio

UNIT = DecisionScope(work_unit_id=WorkUnitId("WU-7"))


def command(journey, scope: DecisionScope = UNIT, **changes: Any) -> RecordDecision:
    made = RecordDecision(
        by=HUMAN,
        decision_id=DecisionId(journey.stage.ids.fresh("dec")),
        trigger=None,
        scope=scope,
        decision="Proceed",
        kind=None,
        rationale="as weighed",
    )
    return replace(made, **changes)


async def record(journey, scope: DecisionScope = UNIT, **changes: Any) -> DecisionId:
    made = command(journey, scope, **changes)
    await journey.decisions.record(made, Asked(by=made.by))
    return made.decision_id


async def boundary(journey, decision_id: DecisionId) -> str:
    found = await journey.stage.log.boundary_of(StreamId(f"dec:{decision_id}"))
    return str(found)


class TestWhereItLives:
    """ADR 0002: in its loop's history, or in one of its own."""

    async def test_about_a_loop_or_what_is_in_it(self, journey):
        await journey.open()
        await journey.judge()
        for scope in (
            DecisionScope(loop_id=journey.loop_id),
            DecisionScope(iteration_id=journey.iteration_id),
            DecisionScope(candidate_id=journey.candidate_id),
            DecisionScope(run_id=journey.run_id),
        ):
            made = await record(journey, scope)

            assert await boundary(journey, made) == f"loop:{journey.loop_id}"

    async def test_about_anything_else(self, journey):
        made = await record(journey)

        assert await boundary(journey, made) == f"dec:{made}"
        row = await journey.row("decisions", decision_id=made)
        assert row["loop_id"] is None
        assert row["scope"]["work_unit_id"] == "WU-7"
        assert row["kind"] == DecisionKind.PROCEED

    async def test_one_that_reaches_into_two_loops_is_refused(self, journey):
        await journey.open()
        first = journey.iteration_id
        await journey.create()

        with pytest.raises(MalformedInput, match="what one loop governs"):
            await record(
                journey, DecisionScope(loop_id=journey.loop_id, iteration_id=first)
            )


class TestWhatItNames:
    """C-DEC-1: nothing is decided about what nobody recorded."""

    @pytest.mark.parametrize(
        ("scope", "kind"),
        [
            (DecisionScope(loop_id=LoopId(f"loop_{ulid(999)}")), "loop"),
            (DecisionScope(iteration_id=IterationId(f"iter_{ulid(999)}")), "iteration"),
            (
                DecisionScope(
                    candidate_id=CandidateId(f"{SOME_HASH}|cand_{ulid(999)}")
                ),
                "candidate",
            ),
            (DecisionScope(run_id=RunId(f"run_{ulid(999)}")), "run"),
            (DecisionScope(oracle_suite_id=SuiteId("suite:NONE")), "oracle suite"),
            (
                DecisionScope(work_surface_id=WorkSurfaceId(f"ws:{ulid(999)}")),
                "work surface",
            ),
            (DecisionScope(exception_id=ExceptionId(f"exc_{ulid(999)}")), "exception"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_a_scope_that_is_not_recorded(self, journey, scope, kind):
        with pytest.raises(NotFound, match=f"No {kind} "):
            await record(journey, scope)

        assert await journey.types() == []

    async def test_evidence_that_is_not_recorded(self, journey):
        with pytest.raises(NotFound, match="No evidence bundle"):
            await record(journey, evidence=(SOME_HASH,))

    async def test_an_exception_that_does_not_exist(self, journey):
        with pytest.raises(MalformedInput, match="exceptions_acknowledged"):
            await record(
                journey, exceptions_acknowledged=(ExceptionId(f"exc_{ulid(999)}"),)
            )

    async def test_what_is_recorded_becomes_refs(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.draw_up_waiver()
        journey.lay("work_surfaces", work_surface_id=f"ws:{ulid(1)}")
        scope = DecisionScope(
            oracle_suite_id=CORE,
            work_surface_id=WorkSurfaceId(f"ws:{ulid(1)}"),
            exception_id=journey.exception_id,
        )
        evidence = await journey.evidence()

        made = await record(
            journey,
            scope,
            evidence=(evidence,),
            exceptions_acknowledged=(journey.exception_id,),
        )

        row = await journey.row("decisions", decision_id=made)
        assert [(each["kind"], each["id"], each["rel"]) for each in row["refs"]] == [
            ("EvidenceBundle", evidence, "supported_by"),
            ("OracleSuite", CORE, "affects"),
            ("WorkSurface", f"ws:{ulid(1)}", "affects"),
            ("Waiver", journey.exception_id, "affects"),
            ("Waiver", journey.exception_id, "acknowledges"),
        ]
        assert row["exceptions_acknowledged"] == [journey.exception_id]


class TestOrder:
    """C-TB-1: who may not decide learns nothing of what is recorded."""

    async def test_authority_comes_first(self, journey):
        unknown = DecisionScope(loop_id=LoopId(f"loop_{ulid(999)}"))

        with pytest.raises(AuthorityRequired):
            await record(journey, unknown, by=AGENT)

    async def test_a_text_that_says_nothing_comes_next(self, journey):
        unknown = DecisionScope(loop_id=LoopId(f"loop_{ulid(999)}"))

        with pytest.raises(MalformedInput, match="`kind`"):
            await record(journey, unknown, decision="Perhaps")

    async def test_a_decision_about_a_stop_names_its_trigger(self, journey):
        await journey.open()

        made = await record(
            journey,
            DecisionScope(loop_id=journey.loop_id),
            trigger=StopTrigger.NO_ELIGIBLE_WORK,
        )

        row = await journey.row("decisions", decision_id=made)
        assert (row["trigger"], row["loop_id"]) == ("NO_ELIGIBLE_WORK", journey.loop_id)
