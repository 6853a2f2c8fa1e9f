"""The rows follow from the log, and from nothing else (C-EVT-7, C-ARCH-3)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.application.projections import Occasion, changes_of
from sr_core.application.reactions import STALENESS_CASE
from sr_core.application.recorder import Asked
from sr_core.application.staleness import Stale
from sr_core.codec.envelope import opened
from sr_core.domain.errors import MalformedInput, Refused
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.graph import Node, node_of
from sr_core.domain.ids import StaleId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import BeginIteration, FailIteration, IterationOutcome
from sr_core.domain.loop import Budgets
from sr_core.domain.ref_builders import decision_ref
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.domain.run import Associate
from sr_core.domain.staleness import ResolutionKind, StaleReason
from sr_core.ports.event_store import BEGINNING, NewEvent, StoredEvent
from sr_core.ports.read_model import InsertRow, Row
from sr_core.testing import (
    AGENT,
    BUILD,
    CORE,
    DIRECTIVE,
    HUMAN,
    NOON,
    PLATFORM,
    SYSTEM,
    Script,
    build_artifact_events,
    build_full_story,
    build_notes,
    build_staleness,
    build_suite_events,
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


async def sleeps(journey):
    journey.stage.clock.skip(timedelta(hours=5))


async def loses_evidence(journey):
    keys = journey.stage.evidence_bytes.keys()
    if keys:
        journey.stage.evidence_bytes.lose(keys[-1])


async def lets_time_pass(journey):
    journey.stage.clock.skip(timedelta(hours=2))


async def notes_what_ended(journey):
    now = journey.stage.clock.now()
    await journey.exceptions.expire_due(now, Asked(by=PLATFORM))


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


async def associates(journey):
    command = Associate(by=SYSTEM, candidate_id=journey.candidate_id)
    evidence, asked = await journey.evidence(), Asked(by=SYSTEM)
    await journey.runs.associate(evidence, journey.run_id, command, asked)


async def runs_elsewhere(journey):
    """Start a run that a runner elsewhere gives up."""
    asked = Asked(by=SYSTEM)
    run_id = await journey.runs.start(journey.candidate_id, CORE, asked)
    await journey.runs.fail(run_id, "it was too much", asked)


async def becomes_stale(journey):
    """Have what rests on the directive be stale, by hand."""
    await Stale(platform=journey.stage.platform).mark(
        node_of(DIRECTIVE),
        StaleReason.MANUAL_MARK,
        detail="as told",
        depth_max=5,
        includes_root=False,
        asked=Asked(by=HUMAN),
    )


async def is_answered(journey):
    """Answer the oldest open marker by a decision."""
    stale = Stale(platform=journey.stage.platform)
    page = await journey.stage.rows.rows(
        "graph.stale_nodes", {"resolved_at": None}, limit=1
    )
    for each in page.rows:
        await journey.decide(StopTrigger.REPEATED_FAILURE)
        decided = decision_ref(journey.decision_id, RefRelation.ABOUT)
        await stale.resolve(
            StaleId(str(each["stale_id"])),
            ResolutionKind.DECISION,
            [decided],
            note="",
            dependents=None,
            asked=Asked(by=HUMAN),
        )


ACTS: Mapping[str, Act] = {
    "become stale": becomes_stale,
    "be answered": is_answered,
    "iterate": lambda it: it.iterate(),
    "succeed": ends(IterationOutcome.SUCCESS),
    "fail": ends(IterationOutcome.FAILURE),
    "make": lambda it: it.make(),
    "judge": lambda it: it.judge(),
    "verify": lambda it: it.verify(),
    "draw up": lambda it: it.draw_up_waiver(),
    "waive": lambda it: it.waive(),
    "resolve": lambda it: it.resolve(),
    "deviate": lambda it: it.deviate(),
    "let time pass": lets_time_pass,
    "note what ended": notes_what_ended,
    "approve": lambda it: it.approve(),
    "acknowledge": lambda it: it.approve(it.exception_id),
    "freeze": lambda it: it.freeze(),
    "shippable": lambda it: it.shippable(),
    "rebase": lambda it: it.rebase(),
    "associate": associates,
    "run elsewhere": runs_elsewhere,
    "pause": lambda it: it.pause(),
    "resume": lambda it: it.resume(),
    "go on": goes_on,
    "be silenced": silenced,
    "decide on a gap": decides(StopTrigger.ORACLE_GAP),
    "decide on a loss": decides(StopTrigger.EVIDENCE_MISSING),
    "decide on a budget": decides(StopTrigger.BUDGET_EXHAUSTED),
    "begin": lambda it: it.give_iteration(BeginIteration(by=AGENT)),
    "give up": lambda it: it.give_iteration(FailIteration(by=SYSTEM, reason="gone")),
    "raise a bound": lambda it: it.raise_bound(max_iterations=4),
    "set a goal": lambda it: it.set_goal("another goal"),
    "sleep": sleeps,
    "let it pass": lets(passes),
    "let it fail": lets(fails),
    "let it be silent": lets(says_nothing),
    "lose evidence": loses_evidence,
}


NEEDS = {
    "deviate": "run_id",
    "resolve": "exception_id",
    "acknowledge": "exception_id",
    "approve": "run_id",
    "freeze": "approval_id",
    "associate": "run_id",
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
    key: dict[str, Any] = {"loop_id": journey.loop_id}
    iterations = await journey.stage.rows.rows("iterations", key)
    unanswered = {**key, "resolved_at": None}
    stops = await journey.stage.rows.rows("loop_stop_triggers", unanswered)
    answered = await journey.stage.rows.rows("loop_stop_triggers", key)
    assert row["state"] == loop.phase
    assert row["iteration_count"] == loop.iterations_started
    assert row["run_count"] == loop.runs_started
    assert row["consecutive_failures"] == loop.failures_in_a_row
    assert row["requires_decision"] is bool(loop.stops)
    assert row["goal"] == loop.goal
    assert row["budgets"]["max_iterations"] == loop.budgets.max_iterations
    assert {each["iteration_id"]: each["state"] for each in iterations.rows} == {
        name: each.phase for name, each in dossier.iterations.items()
    }
    assert {each["trigger"] for each in stops.rows} == loop.stops.keys()
    assert all(
        each.get("decision_id") for each in answered.rows if each.get("resolved_at")
    )
    assert candidate["verification_status"] == known.status
    assert set(candidate["integrity_conditions"]) == known.standing
    node = Node(kind=RefKind.CANDIDATE, id=journey.candidate_id)
    markers = await journey.stage.graph.markers([node])
    state = await journey.stage.platform.recorder.state(STALENESS_CASE)
    assert candidate["has_unresolved_staleness"] is bool(markers)
    assert (node in state.stale()) is bool(markers)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_event_changes_a_row(name):
    """C-EVT-7: nothing that is recorded goes unseen."""
    story = build_full_story()
    told = [
        *build_suite_events(),
        *build_artifact_events(),
        *story.log,
        *build_notes(),
        *build_staleness(),
        *build_work_log(),
        *every_plan_event(),
    ]
    event = next(each for each in told if type(each).__name__ == name)

    changes = changes_of(event, Occasion(event_id="evt_1", by=PLATFORM, at=NOON))

    assert changes
    created = name in {
        "ApprovalRecorded",
        "AttachmentRecorded",
        "CandidateMaterialized",
        "DecisionRecorded",
        "EvidenceAssociated",
        "DeferralCreated",
        "DeviationCreated",
        "EvidenceBundleRecorded",
        "FreezeRecordCreated",
        "GovernorDecisionRecorded",
        "IntakeCreated",
        "IntakeForked",
        "IntegrityViolationDetected",
        "IterationStarted",
        "LoopCreated",
        "NodeMarkedStale",
        "OracleSuiteRegistered",
        "RecordCreated",
        "PlanInstanceRecorded",
        "RestrictedEvidenceErased",
        "RestrictedEvidenceRead",
        "RestrictedEvidenceRedacted",
        "RunStarted",
        "StageEntered",
        "StopTriggered",
        "WaiverCreated",
        "WorkSurfaceBound",
    }
    assert isinstance(changes[0], InsertRow) is created
