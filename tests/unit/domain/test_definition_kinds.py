"""What each type of definition may hold (SPEC 5.6, 6.8, 7.1, 7.9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sr_core.codec.definitions import document, typed
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.definition_kinds import (
    AgentDefinition,
    BudgetConfig,
    EvidenceForm,
    ExceptionForm,
    ExpectedOutput,
    FreezeForm,
    GatingPolicy,
    Hook,
    HookMode,
    NoteForm,
    OracleDefinition,
    PortalDefinition,
    PortalPlaybook,
    SemanticAxis,
    SemanticProfile,
    SemanticRule,
    SemanticSetDefinition,
    StageBinding,
)
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import OracleId, ProfileId, StageId, SuiteId, WorkUnitId
from sr_core.domain.integrity import Portal
from sr_core.domain.procedure_template import OutputRole, RequiredOutput

SUITE = SuiteId("suite:SR-SUITE-SEMANTIC")
STAGE = StageId("stage:DRAFT")
OUTPUT = ExpectedOutput(path="reports/a.json", content_type="application/json")
AGENT = AgentDefinition(id="worker-1", name="Worker", actor_id="agent:lab:1")
PORTAL = PortalDefinition(
    portal_id=Portal.RELEASE,
    name="Release",
    description="Where releases are approved.",
    decisions=(ApprovalDecision.APPROVED, ApprovalDecision.REJECTED),
)
ORACLE = OracleDefinition(oracle_id=OracleId("oracle:build"), oracle_name="Build")
SEMANTIC_PROFILE = SemanticProfile(
    profile_id=ProfileId("profile:SEMANTIC"),
    name="Semantic",
    description="Drafts are measured.",
    stage_bindings=(StageBinding(stage_id=STAGE, oracle_suite_id=SUITE),),
)
BUDGET = BudgetConfig(max_iterations=5, max_oracle_runs=25, max_wallclock_hours=16)
POLICY = GatingPolicy(hooks={Hook.CLOSEOUT: HookMode.HARD})
PLAYBOOK = PortalPlaybook(portal_id=Portal.RELEASE, request_types=("RELEASE_HOLD",))
AXIS = SemanticAxis(axis_id="privacy_safe", name="Privacy", weight=1.0, required=True)
SEMANTIC_SET = SemanticSetDefinition(
    semantic_set_id="semantic_set:INTAKE",
    name="Intake",
    description="What an intake is measured against.",
    axes=(AXIS,),
    decision_rule=SemanticRule(
        rule_id="intake_v1", max_residual_norm=0.2, min_coverage=0.85
    ),
    applicable_stages=(STAGE,),
)
NOTE = NoteForm(prompts=("What was done?",))
PACKET = EvidenceForm(
    oracle_suite_id=SUITE,
    artifacts=(
        RequiredOutput(path="a", role=OutputRole.REPORT, media_type="text/plain"),
    ),
)
FREEZE = FreezeForm(
    baseline_id="baseline:1",
    artifact_ids=("SR-SPEC",),
    verification_profile_id=ProfileId("profile:STRICT-CORE"),
)
EXCEPTION = ExceptionForm(
    target_description="lint",
    rationale="a known false alarm",
    risk="low",
    mitigation="reviewed by hand",
    resolution_criteria="the linter is mended",
    days_until_expiry=14,
)
ALL = (
    AGENT,
    PORTAL,
    ORACLE,
    SEMANTIC_PROFILE,
    BUDGET,
    POLICY,
    PLAYBOOK,
    SEMANTIC_SET,
    NOTE,
    PACKET,
    FREEZE,
    EXCEPTION,
)


@pytest.mark.parametrize("definition", ALL, ids=lambda each: type(each).__name__)
def test_what_is_recorded_reads_back_the_same(definition):
    assert typed(type(definition), document(definition), what="it") == definition


@pytest.mark.parametrize(
    ("definition", "changes"),
    [
        (AGENT, {"id": ""}),
        (AGENT, {"actor_id": "a\nb"}),
        (AGENT, {"capabilities": ("",)}),
        (AGENT, {"current_work_unit_id": WorkUnitId("1")}),
        (AGENT, {"iterations_completed": -1}),
        (PORTAL, {"decisions": ()}),
        (PORTAL, {"decisions": (ApprovalDecision.APPROVED,) * 2}),
        (PORTAL, {"name": ""}),
        (PORTAL, {"description": ""}),
        (PORTAL, {"seeded": False}),
        (ORACLE, {"oracle_id": OracleId("build")}),
        (ORACLE, {"oracle_name": ""}),
        (ORACLE, {"description": ""}),
        (ORACLE, {"expected_outputs": (OUTPUT, OUTPUT)}),
        (OUTPUT, {"path": "../a"}),
        (OUTPUT, {"content_type": ""}),
        (SEMANTIC_PROFILE, {"stage_bindings": ()}),
        (SEMANTIC_PROFILE, {"stage_bindings": SEMANTIC_PROFILE.stage_bindings * 2}),
        (SEMANTIC_PROFILE, {"profile_id": ProfileId("SEMANTIC")}),
        (SEMANTIC_PROFILE.stage_bindings[0], {"stage_id": StageId("DRAFT")}),
        (SEMANTIC_PROFILE.stage_bindings[0], {"oracle_suite_id": SuiteId("X")}),
        (BUDGET, {"max_iterations": 0}),
        (BUDGET, {"max_wallclock_hours": 0}),
        (PLAYBOOK, {"request_types": ()}),
        (PLAYBOOK, {"outputs": ("",)}),
        (AXIS, {"weight": 0.0}),
        (AXIS, {"weight": float("nan")}),
        (AXIS, {"axis_id": ""}),
        (SEMANTIC_SET, {"semantic_set_id": "INTAKE"}),
        (SEMANTIC_SET, {"axes": ()}),
        (SEMANTIC_SET, {"axes": (AXIS, AXIS)}),
        (SEMANTIC_SET, {"applicable_stages": (StageId("DRAFT"),)}),
        (NOTE, {"prompts": ()}),
        (PACKET, {"artifacts": ()}),
        (FREEZE, {"verification_profile_id": ProfileId("STRICT-CORE")}),
        (FREEZE, {"baseline_id": ""}),
        (EXCEPTION, {"mitigation": " "}),
        (EXCEPTION, {"days_until_expiry": 0}),
    ],
    ids=lambda each: str(each)[:40] if isinstance(each, dict) else type(each).__name__,
)
def test_what_is_out_of_bounds_is_refused(definition, changes):
    with pytest.raises(MalformedInput):
        replace(definition, **changes)


def test_a_description_may_be_given():
    assert replace(ORACLE, description="compiles it").description == "compiles it"


def test_an_agent_may_be_at_work():
    busy = replace(AGENT, current_work_unit_id=WorkUnitId("WU-1"))

    assert busy.current_work_unit_id == "WU-1"


@pytest.mark.parametrize("portal", ["release-portal", "IntakeAcceptancePortal"])
def test_only_the_three_portals_can_be_defined(portal):
    """SPEC 7.1, appendix A 24."""
    content = {**document(PORTAL), "portal_id": portal}

    with pytest.raises(MalformedInput, match="portal_id"):
        typed(PortalDefinition, content, what="portal")
