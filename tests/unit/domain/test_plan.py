"""Plans: what they have to hold, what their hash covers, and who brings them about."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.plan import hash_plan, hash_policy
from sr_core.domain.errors import (
    AuthorityRequired,
    MalformedInput,
    PlanTaken,
    TransitionRefused,
)
from sr_core.domain.ids import PlanId, parse_plan_id
from sr_core.domain.integrity import Portal
from sr_core.domain.plan import (
    ActivatePlan,
    CancelPlan,
    CompletePlan,
    EdgeType,
    Plan,
    PlanActivated,
    PlanCancelled,
    PlanCommand,
    PlanCompleted,
    PlanEdge,
    PlanInstance,
    PlanInstanceRecorded,
    PlanPhase,
    RecordPlan,
    decide,
    evolve,
)
from sr_core.domain.refs import RefRelation, hash_bytes
from sr_core.testing import AGENT, BYSTANDER, DIRECTIVE, HUMAN, SYSTEM, ulid
from sr_core.testing.plans import (
    INTAKE_1,
    PLAN_1,
    SUPPORTING_DIRECTIVE,
    active_plan,
    build_activation,
    build_plan,
    build_unit,
    recorded_plan,
)

OTHER = PlanId(f"plan_{ulid(2)}")


def edge(unit: str, target: str, kind: EdgeType = EdgeType.DEPENDS_ON) -> PlanEdge:
    return PlanEdge(unit=unit, target=target, edge_type=kind)


class TestWhatAPlanHolds:
    """SPEC 4.8: what is not in order does not become a plan."""

    def test_at_least_one_unit(self):
        with pytest.raises(MalformedInput, match="work_units: found 0"):
            build_plan(units=())

    def test_each_unit_once(self):
        with pytest.raises(MalformedInput, match="each one once"):
            build_plan(units=("WU-a", "WU-a"))

    @pytest.mark.parametrize("ends", [("WU-a", "WU-x"), ("WU-x", "WU-a")])
    def test_no_edge_leads_out_of_it(self, ends):
        with pytest.raises(MalformedInput, match="WU-x"):
            replace(build_plan(), edges=(edge(*ends),))

    def test_each_edge_once(self):
        with pytest.raises(MalformedInput, match="each one once"):
            replace(build_plan(), edges=(edge("WU-a", "WU-b"), edge("WU-a", "WU-b")))

    @pytest.mark.parametrize(
        "ring",
        [("WU-a",), ("WU-a", "WU-b"), ("WU-a", "WU-b", "WU-c")],
        ids=len,
    )
    def test_no_unit_waits_for_itself_by_any_way(self, ring):
        waits = dict(zip(ring, [(each,) for each in (*ring[1:], ring[0])], strict=True))

        with pytest.raises(MalformedInput, match="waits for"):
            build_plan(units=("WU-a", "WU-b", "WU-c"), waits=waits)

    @pytest.mark.parametrize("kind", [EdgeType.INFORMS, EdgeType.CONSTRAINED_BY])
    def test_only_dependencies_make_a_ring(self, kind):
        plan = replace(
            build_plan(), edges=(edge("WU-a", "WU-b"), edge("WU-b", "WU-a", kind))
        )

        assert plan.dependencies == {
            "WU-a": frozenset({"WU-b"}),
            "WU-b": frozenset(),
        }

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("work_unit_id", "a"),
            ("work_unit_id", "WU-"),
            ("title", "  "),
            ("intake_id", "intake:lower"),
            ("intake_hash", "abc"),
            ("template_id", "RESEARCH-MEMO"),
        ],
    )
    def test_each_unit_is_whole(self, field, value):
        with pytest.raises(MalformedInput):
            replace(build_unit("WU-a"), **{field: value})

    @pytest.mark.parametrize(
        ("field", "value"), [("source_id", "brief"), ("source_hash", "sha256:1")]
    )
    def test_its_source_is_named_and_pinned(self, field, value):
        with pytest.raises(MalformedInput):
            replace(build_plan(), **{field: value})

    def test_a_unit_is_found_by_its_name(self):
        assert build_plan().unit("WU-b") == build_unit("WU-b")
        assert build_plan().unit("WU-x") is None


class TestHash:
    """SPEC 1.2: everything that binds, in whatever order it came."""

    def test_it_is_the_sum_of_what_binds_alone(self):
        plan = build_plan(waits={"WU-a": ("WU-b",)})

        assert hash_plan(replace(plan, rationale="another")) == hash_plan(plan)

    @given(st.permutations(["WU-a", "WU-b", "WU-c"]), st.permutations([0, 1, 2]))
    def test_order_is_nothing(self, units, edges):
        waits = [("WU-a", "WU-b"), ("WU-b", "WU-c"), ("WU-a", "WU-c")]
        plan = replace(
            build_plan(units=units), edges=tuple(edge(*waits[each]) for each in edges)
        )
        straight = replace(
            build_plan(units=("WU-a", "WU-b", "WU-c")),
            edges=tuple(edge(*each) for each in waits),
        )

        assert hash_plan(plan) == hash_plan(straight)

    @pytest.mark.parametrize(
        "change",
        [
            {"plan_id": OTHER},
            {"source_id": "source:other"},
            {"source_hash": hash_bytes(b"other")},
            {"edges": ()},
            {"edges": (edge("WU-a", "WU-b", EdgeType.INFORMS),)},
            {"edges": (edge("WU-b", "WU-a"),)},
        ],
    )
    def test_each_thing_in_the_plan_counts(self, change):
        plan = build_plan(waits={"WU-a": ("WU-b",)})

        assert hash_plan(replace(plan, **change)) != hash_plan(plan)

    @pytest.mark.parametrize(
        "change",
        [
            {"work_unit_id": "WU-c"},
            {"title": "another"},
            {"intake_id": f"intake:{ulid(9)}"},
            {"intake_hash": hash_bytes(b"other")},
            {"template_id": "proc:OTHER"},
            {"required_portals": (Portal.RELEASE,)},
        ],
    )
    def test_each_thing_in_a_unit_counts(self, change):
        plan = build_plan()
        changed = (replace(plan.units[0], **change), *plan.units[1:])

        assert hash_plan(replace(plan, units=changed)) != hash_plan(plan)

    def test_a_policy_names_the_plan_by_it(self):
        policy = build_activation(build_plan()).policy

        assert hash_policy(replace(policy, deferral_satisfies=False)) != hash_policy(
            policy
        )


class TestPhases:
    """SPEC 4.8: DRAFT, ACTIVE, and two ends."""

    def test_a_recorded_plan_is_a_draft(self):
        plan, event = recorded_plan(build_plan())

        assert isinstance(event, PlanInstanceRecorded)
        assert plan.phase is PlanPhase.DRAFT
        assert plan.plan_hash == hash_plan(build_plan())

    def test_activation_fixes_the_policy(self):
        plan, (_, event) = active_plan(build_plan())

        assert isinstance(event, PlanActivated)
        assert plan.phase is PlanPhase.ACTIVE
        assert plan.policy == event.policy
        assert event.policy_hash == hash_policy(event.policy)

    def test_an_active_plan_is_completed_by_the_system(self):
        plan, _ = active_plan(build_plan())

        (event,) = decide(plan, CompletePlan(by=SYSTEM))

        assert event == PlanCompleted(plan_id=PLAN_1, plan_hash=plan.plan_hash)
        assert evolve(plan, event).phase is PlanPhase.COMPLETED

    @pytest.mark.parametrize("is_active", [True, False])
    def test_any_plan_that_has_not_ended_can_be_given_up(self, is_active):
        plan = (active_plan if is_active else recorded_plan)(build_plan())[0]

        (event,) = decide(plan, CancelPlan(by=HUMAN, rationale="overtaken"))

        assert isinstance(event, PlanCancelled)
        assert evolve(plan, event).phase is PlanPhase.CANCELLED

    def test_it_is_given_up_for_a_reason(self):
        plan, _ = recorded_plan(build_plan())

        with pytest.raises(MalformedInput, match="why"):
            decide(plan, CancelPlan(by=HUMAN, rationale=" "))

    def test_it_is_recorded_once(self):
        plan, _ = recorded_plan(build_plan())
        again = RecordPlan(by=HUMAN, instance=build_plan(), plan_hash=plan.plan_hash)

        with pytest.raises(PlanTaken, match=PLAN_1):
            decide(plan, again)

    def test_a_unit_belongs_to_one_active_plan(self):
        plan, _ = recorded_plan(build_plan())

        with pytest.raises(PlanTaken, match=f"WU-b is held by {OTHER}"):
            decide(plan, build_activation(build_plan(), taken={"WU-b": OTHER}))

    @pytest.mark.parametrize(
        "change", [{"plan_id": OTHER}, {"plan_hash": hash_bytes(b"another plan")}]
    )
    def test_the_policy_is_of_this_very_plan(self, change):
        plan, _ = recorded_plan(build_plan())
        command = build_activation(build_plan())
        foreign = replace(command, policy=replace(command.policy, **change))

        with pytest.raises(MalformedInput, match="policy"):
            decide(plan, foreign)

    def test_the_policy_is_supported_by_a_directive(self):
        with pytest.raises(MalformedInput, match="GovernedArtifact supported_by"):
            replace(build_activation(build_plan()).policy, directive=DIRECTIVE)

    @pytest.mark.parametrize(
        ("phase", "allowed"),
        [
            (PlanPhase.DRAFT, {ActivatePlan, CancelPlan}),
            (PlanPhase.ACTIVE, {CancelPlan, CompletePlan}),
            (PlanPhase.BLOCKED, set()),
            (PlanPhase.COMPLETED, set()),
            (PlanPhase.CANCELLED, set()),
        ],
    )
    def test_each_phase_allows_what_it_says(self, phase, allowed):
        plan = replace(recorded_plan(build_plan())[0], phase=phase)
        commands: list[PlanCommand] = [
            build_activation(build_plan()),
            CancelPlan(by=HUMAN, rationale="overtaken"),
            CompletePlan(by=SYSTEM),
        ]

        for command in commands:
            if type(command) in allowed:
                assert decide(plan, command)
            else:
                with pytest.raises(TransitionRefused, match=phase):
                    decide(plan, command)

    def test_nothing_can_be_done_with_a_plan_that_is_not_there(self):
        with pytest.raises(TransitionRefused, match="RecordPlan"):
            decide(None, CompletePlan(by=SYSTEM))


class TestAuthority:
    """C-TB-1: a plan binds, so a human with the governance role makes it."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    @pytest.mark.parametrize("given", ["record", "activate", "cancel"])
    def test_nobody_else(self, by, given):
        instance = build_plan()
        plan: Plan | None = recorded_plan(instance)[0]
        command: PlanCommand
        if given == "record":
            plan, command = None, RecordPlan(by=by, instance=instance, plan_hash=HASH)
        elif given == "activate":
            command = replace(build_activation(instance), by=by)
        else:
            command = CancelPlan(by=by, rationale="because")

        with pytest.raises(AuthorityRequired):
            decide(plan, command)

    @pytest.mark.parametrize("by", [AGENT, HUMAN], ids=str)
    def test_nobody_claims_that_it_is_complete(self, by):
        plan, _ = active_plan(build_plan())

        with pytest.raises(AuthorityRequired, match="SYSTEM"):
            decide(plan, CompletePlan(by=by))


HASH = hash_plan(build_plan())


class TestRefs:
    def test_a_plan_depends_on_its_intakes(self):
        _, event = recorded_plan(build_plan())

        about, intake = event.refs

        assert (about.id, about.rel, about.meta["content_hash"]) == (
            PLAN_1,
            RefRelation.ABOUT,
            HASH,
        )
        assert (intake.id, intake.rel) == (INTAKE_1, RefRelation.DEPENDS_ON)

    def test_a_policy_is_supported_by_the_directive(self):
        _, (_, event) = active_plan(build_plan())

        assert SUPPORTING_DIRECTIVE in event.refs

    def test_its_ends_are_about_it(self):
        plan, _ = active_plan(build_plan())
        ends = [
            *decide(plan, CompletePlan(by=SYSTEM)),
            *decide(plan, CancelPlan(by=HUMAN, rationale="overtaken")),
        ]

        assert [each.refs[0].id for each in ends] == [PLAN_1, PLAN_1]


def test_an_identifier_is_of_its_form():
    assert parse_plan_id(PLAN_1) == PLAN_1
    with pytest.raises(MalformedInput):
        parse_plan_id("plan_1")


def test_the_builder_makes_a_plan():
    assert isinstance(build_plan(), PlanInstance)
