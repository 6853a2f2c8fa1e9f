"""The rows follow from the log, and from nothing else (C-EVT-7)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.application.projections import Occasion, changes_of
from sr_core.codec.envelope import opened
from sr_core.domain.errors import MalformedInput, Refused
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.loop import Budgets
from sr_core.ports.event_store import BEGINNING, NewEvent, StoredEvent
from sr_core.ports.read_model import InsertRow, Row
from sr_core.testing import (
    BUILD,
    NOON,
    PLATFORM,
    Script,
    build_full_story,
    fails,
    passes,
    says_nothing,
)
from sr_core.testing.plans import every_plan_event
from sr_core.testing.work import build_work_log

pytestmark = pytest.mark.anyio


Act: TypeAlias = Callable[[Any], Awaitable[object]]


def refolded(stored: Iterable[StoredEvent]) -> Mapping[str, tuple[Row, ...]]:
    """The rows that the log gives when all of it is applied anew."""
    model = MemoryReadModel()
    for each in stored:
        said = opened(each)
        on = Occasion(event_id=said.event_id, by=said.by, at=said.occurred_at)
        again = NewEvent(
            event_id=said.event_id,
            stream_id=each.stream_id,
            stream_kind="",
            stream_seq=each.stream_seq,
            event_type=each.event_type,
            by=said.by,
            occurred_at=said.occurred_at,
            correlation_id=said.correlation_id,
            envelope=each.envelope,
            envelope_hash=each.envelope_hash,
            changes=changes_of(said.event, on),
        )
        model.apply([(each.position, again)])
    return model.tables()


def lets(script: Script) -> Act:
    async def act(journey):
        journey.runner.scripts[BUILD] = script

    return act


def ends(outcome: IterationOutcome) -> Act:
    return lambda journey: journey.complete(outcome)


def decides(trigger: StopTrigger) -> Act:
    return lambda journey: journey.decide(trigger)


async def loses_evidence(journey):
    keys = journey.stage.evidence_bytes.keys()
    if keys:
        journey.stage.evidence_bytes.lose(keys[-1])


async def silenced(journey):
    """Have a silent oracle stop the loop."""
    journey.runner.scripts[BUILD] = says_nothing
    await journey.judge()


async def goes_on(journey):
    """Answer every stop, cure what stands, and let the loop go on."""
    loop = await journey.row("loops", loop_id=journey.loop_id)
    stops = await journey.stage.rows.rows(
        "loop_stop_triggers", {"loop_id": journey.loop_id, "resolved_at": None}
    )
    for each in stops.rows:
        await journey.decide(StopTrigger(each["trigger"]))
    if loop["requires_decision"]:
        journey.runner.scripts[BUILD] = passes
        await journey.judge()
        await journey.verify()
    await journey.resume()


ACTS: Mapping[str, Act] = {
    "iterate": lambda it: it.iterate(),
    "succeed": ends(IterationOutcome.SUCCESS),
    "fail": ends(IterationOutcome.FAILURE),
    "make": lambda it: it.make(),
    "judge": lambda it: it.judge(),
    "verify": lambda it: it.verify(),
    "draw up": lambda it: it.draw_up_waiver(),
    "waive": lambda it: it.waive(),
    "resolve": lambda it: it.resolve(),
    "approve": lambda it: it.approve(),
    "acknowledge": lambda it: it.approve(it.exception_id),
    "freeze": lambda it: it.freeze(),
    "shippable": lambda it: it.shippable(),
    "pause": lambda it: it.pause(),
    "resume": lambda it: it.resume(),
    "go on": goes_on,
    "be silenced": silenced,
    "decide on a gap": decides(StopTrigger.ORACLE_GAP),
    "decide on a loss": decides(StopTrigger.EVIDENCE_MISSING),
    "decide on a budget": decides(StopTrigger.BUDGET_EXHAUSTED),
    "let it pass": lets(passes),
    "let it fail": lets(fails),
    "let it be silent": lets(says_nothing),
    "lose evidence": loses_evidence,
}


NEEDS = {
    "resolve": "exception_id",
    "acknowledge": "exception_id",
    "approve": "run_id",
    "freeze": "approval_id",
}
"""What has to be there before an act can be about it."""


journeys = st.integers(0, 30).flatmap(
    lambda length: st.lists(
        st.sampled_from(sorted(ACTS)), min_size=length, max_size=length
    )
)
"""Journeys of every length; left to itself, Hypothesis hardly goes far."""


async def travelled(journey, acts: list[str]) -> Any:
    """The journey after those of the acts that the rules allow."""
    await journey.open(Budgets(max_iterations=3, max_oracle_runs=9))
    for act in acts:
        if hasattr(journey, NEEDS.get(act, "loop_id")):
            with suppress(Refused, MalformedInput):
                await ACTS[act](journey)
    return journey


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(journeys)
async def test_the_rows_are_a_fold_of_the_log(setting_out, acts):
    """C-EVT-7: however it came about, the log alone gives every row."""
    journey = await travelled(setting_out(), acts)

    stored = await journey.stage.log.read(after=BEGINNING, limit=100_000)

    assert refolded(stored) == journey.stage.rows.tables()


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(journeys)
async def test_the_rows_say_what_the_rules_know(setting_out, acts):
    """C-EVT-7: a loop's row and its folded state do not differ."""
    journey = await travelled(setting_out(), acts)

    case = await journey.stage.platform.candidate_case(journey.candidate_id)
    dossier = await journey.stage.platform.recorder.state(case)
    loop = dossier.the_loop()
    row = await journey.row("loops", loop_id=journey.loop_id)
    candidate = await journey.row("candidates", candidate_id=journey.candidate_id)
    known = dossier.candidate(journey.candidate_id)
    assert row["state"] == loop.phase
    assert row["iteration_count"] == loop.iterations_started
    assert row["run_count"] == loop.runs_started
    assert row["consecutive_failures"] == loop.failures_in_a_row
    assert row["requires_decision"] is bool(loop.stops)
    assert candidate["verification_status"] == known.status
    assert set(candidate["integrity_conditions"]) == known.standing


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_event_changes_a_row(name):
    """C-EVT-7: nothing that is recorded goes unseen."""
    story = build_full_story()
    events = [story.suite, *story.log, *build_work_log(), *every_plan_event()]
    event = next(each for each in events if type(each).__name__ == name)

    changes = changes_of(event, Occasion(event_id="evt_1", by=PLATFORM, at=NOON))

    assert changes
    created = name in {
        "ApprovalRecorded",
        "CandidateMaterialized",
        "DecisionRecorded",
        "EvidenceBundleRecorded",
        "FreezeRecordCreated",
        "GovernorDecisionRecorded",
        "IntakeCreated",
        "IntakeForked",
        "IntegrityViolationDetected",
        "IterationStarted",
        "LoopCreated",
        "OracleSuiteRegistered",
        "PlanInstanceRecorded",
        "RunStarted",
        "StageEntered",
        "StopTriggered",
        "WaiverCreated",
        "WorkSurfaceBound",
    }
    assert isinstance(changes[0], InsertRow) is created
