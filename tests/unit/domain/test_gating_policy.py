"""The gating policy's hooks (SPEC 6.8)."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest

from sr_core.domain.errors import HookPending, MalformedInput
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.gating_facts import facts_of
from sr_core.domain.gating_policy import (
    ANSWERED_BY,
    HYBRID_POLICY,
    GateFacts,
    GateFinding,
    GateMode,
    GateTrigger,
    GatingPolicy,
    Hook,
    HookRule,
    NoteType,
    evaluate,
    parse_policy,
    require,
)
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.iteration import CompleteIteration, IterationOutcome
from sr_core.domain.iteration_summary import (
    IterationSummary,
    OpenRisk,
    Outcomes,
    RiskSeverity,
)
from sr_core.domain.loop import Budgets
from sr_core.testing import AGENT, BUILD, LOOP_1, Story

EVALUATION = Hook.EVALUATION_ON_VERIFICATION
DUE = GateFacts(due=frozenset({EVALUATION}))


def policy(mode: GateMode, *triggers: GateTrigger) -> GatingPolicy:
    rule = HookRule(mode=mode, triggers=frozenset(triggers))
    return GatingPolicy(hooks=dict.fromkeys(Hook, rule))


def facts(
    *, fired: Collection[GateTrigger] = (), answered: Collection[Hook] = ()
) -> GateFacts:
    return replace(DUE, fired=frozenset(fired), answered=frozenset(answered))


class TestModes:
    """How firmly a hook holds."""

    def test_soft_goes_on_and_tells_what_is_missing(self):
        fired = facts(fired=frozenset(GateTrigger))

        assert evaluate(policy(GateMode.SOFT, *GateTrigger), fired) == GateFinding(
            pending=(EVALUATION,)
        )

    def test_hard_holds(self):
        found = evaluate(policy(GateMode.HARD), DUE)

        assert found.holding == (EVALUATION,)
        assert not found.may_proceed

    @pytest.mark.parametrize("trigger", GateTrigger)
    def test_hybrid_is_soft_until_its_trigger_fires(self, trigger):
        hybrid = policy(GateMode.HYBRID, trigger)
        others = frozenset(GateTrigger) - {trigger}

        assert evaluate(hybrid, DUE).pending == (EVALUATION,)
        assert evaluate(hybrid, facts(fired=others)).may_proceed
        assert not evaluate(hybrid, facts(fired=frozenset({trigger}))).may_proceed

    @pytest.mark.parametrize("mode", GateMode)
    def test_a_hook_that_is_answered_holds_nothing(self, mode):
        answered = facts(fired=frozenset(GateTrigger), answered=frozenset({EVALUATION}))

        assert evaluate(policy(mode, *GateTrigger), answered) == GateFinding()

    @pytest.mark.parametrize("mode", GateMode)
    def test_nor_does_one_that_is_not_due(self, mode):
        nothing = GateFacts(due=frozenset(), fired=frozenset(GateTrigger))

        assert evaluate(policy(mode, *GateTrigger), nothing) == GateFinding()

    def test_the_answer_to_another_hook_is_none(self):
        other = facts(answered=frozenset({Hook.PLAN_REVIEW}))

        assert not evaluate(policy(GateMode.HARD), other).may_proceed

    def test_a_policy_that_leaves_a_hook_out_is_none(self):
        with pytest.raises(
            MalformedInput, match="no assessment_on_validation, closeout"
        ):
            GatingPolicy(hooks={Hook.PLAN_REVIEW: HookRule(), EVALUATION: HookRule()})


HOOKS = dict.fromkeys((each.value for each in Hook), "soft")


def governed(mode: str, *triggers: str) -> GatingPolicy:
    """The policy of a governed document, with that mode for verified candidates."""
    hooks = {**HOOKS, "evaluation_on_verification": mode}
    return parse_policy({"hooks": hooks, "triggers": [*triggers]})


class TestGoverned:
    """A definition in a governed document says how each hook holds."""

    @pytest.mark.parametrize("mode", GateMode)
    def test_each_mode_is_one(self, mode):
        assert governed(mode).hooks[EVALUATION] == HookRule(mode=mode)

    @pytest.mark.parametrize("other", sorted(set(Hook) - {EVALUATION}))
    def test_each_hook_has_its_own(self, other):
        assert governed("hard").hooks[other].mode is GateMode.SOFT

    @pytest.mark.parametrize("trigger", GateTrigger)
    def test_any_of_its_triggers_makes_a_hybrid_hook_hard(self, trigger):
        others = frozenset(GateTrigger) - {trigger}
        told = governed("hybrid", trigger)

        assert evaluate(told, facts(fired={trigger})).holding == (EVALUATION,)
        assert evaluate(told, facts(fired=others)).may_proceed

    def test_a_soft_hook_waits_for_nobody(self):
        assert evaluate(
            governed("soft", *GateTrigger), facts(fired=frozenset(GateTrigger))
        ).may_proceed

    def test_a_hard_one_holds_only_once_it_is_due(self):
        nothing = GateFacts(due=frozenset(), fired=frozenset(GateTrigger))

        assert evaluate(governed("hard"), nothing) == GateFinding()

    @pytest.mark.parametrize(
        ("definition", "found"),
        [
            ({}, "hooks: found None"),
            ({"hooks": [], "triggers": []}, "hooks: found"),
            ({"hooks": {}, "triggers": []}, "hooks: found"),
            ({"hooks": {**HOOKS, "lunch": "soft"}, "triggers": []}, "hooks: found"),
            (
                {"hooks": {**HOOKS, "closeout": "strict"}, "triggers": []},
                "mode of a hook: found 'strict'",
            ),
            (
                {"hooks": {**HOOKS, "closeout": None}, "triggers": []},
                "mode of a hook: found None",
            ),
            (
                {"hooks": {**HOOKS, "closeout": ["soft"]}, "triggers": []},
                r"mode of a hook: found \['soft'\]",
            ),
            ({"hooks": HOOKS}, "triggers: found None"),
            ({"hooks": HOOKS, "triggers": "OPEN_RISK_HIGH"}, "triggers: found"),
            ({"hooks": HOOKS, "triggers": ["OPEN_RISK"]}, "triggers: found"),
            ({"hooks": HOOKS, "triggers": [["OPEN_RISK_HIGH"]]}, "triggers: found"),
            (
                {"hooks": HOOKS, "triggers": [], "switch": "off"},
                "gating policy: found 'switch'",
            ),
        ],
    )
    def test_what_it_cannot_say_is_refused(self, definition, found):
        with pytest.raises(MalformedInput, match=found):
            parse_policy(definition)


class TestRefusal:
    """What holds the loop back is named, with what would answer it."""

    def test_it_names_the_hook_and_the_note(self):
        with pytest.raises(HookPending) as held:
            require(LOOP_1, policy(GateMode.HARD), DUE)

        assert str(held.value) == (
            f"The gating policy holds {LOOP_1}: no record answers "
            "evaluation_on_verification (record.evaluation_note). "
            "Have a human record the note that the hook asks for."
        )
        assert held.value.hooks == (
            "evaluation_on_verification (record.evaluation_note)",
        )

    def test_what_does_not_hold_is_returned(self):
        assert require(LOOP_1, policy(GateMode.SOFT), DUE) == (EVALUATION,)


def due(story: Story) -> frozenset[Hook]:
    return facts_of(story.dossier, notes=(), now=story.now).due


def fired(story: Story) -> frozenset[GateTrigger]:
    return facts_of(story.dossier, notes=(), now=story.now).fired


def leave_risk(story: Story, severity: RiskSeverity) -> None:
    summary = IterationSummary(
        iteration_id=story.iteration.iteration_id,
        loop_id=LOOP_1,
        intent="look",
        outcomes=Outcomes(oracle_results=(), stop_triggers_fired=()),
        open_risks=(OpenRisk(severity=severity, description="it may break"),),
    )
    story.give_iteration(
        CompleteIteration(by=AGENT, outcome=IterationOutcome.SUCCESS, summary=summary)
    )


class TestFacts:
    """What a loop's own history says to the policy."""

    def test_the_plan_is_reviewed_before_the_first_iteration(self, story):
        assert due(story.open()) == {Hook.PLAN_REVIEW}
        assert due(story.iterate()) == frozenset()

    def test_a_verified_candidate_is_evaluated(self, judged):
        assert due(judged) == frozenset()
        assert due(judged.verify()) == {EVALUATION}

    def test_a_released_one_is_assessed_and_the_loop_closed_out(self, verified):
        verified.approve().freeze()

        assert due(verified) == {
            EVALUATION,
            Hook.ASSESSMENT_ON_VALIDATION,
            Hook.CLOSEOUT,
        }
        assert GateTrigger.CLOSEOUT_PENDING in fired(verified)

    def test_at_first_nothing_has_happened(self, story):
        assert fired(story.open()) == frozenset()

    def test_a_waiver_in_force_fires_as_long_as_it_is(self, story):
        story.open().iterate().register().judge({BUILD: ResultStatus.FAIL}).waive()

        assert fired(story) == {GateTrigger.EXCEPTIONS_ACTIVE}
        story.now += timedelta(hours=2)
        assert fired(story) == frozenset()

    @pytest.mark.parametrize(
        ("severity", "fires"),
        [
            (RiskSeverity.LOW, False),
            (RiskSeverity.MEDIUM, False),
            (RiskSeverity.HIGH, True),
            (RiskSeverity.CRITICAL, True),
        ],
    )
    def test_a_grave_risk_fires(self, story, severity, fires):
        leave_risk(story.open().iterate(), severity)

        assert (GateTrigger.OPEN_RISK_HIGH in fired(story)) is fires

    def test_until_an_iteration_leaves_none(self, story):
        leave_risk(story.open().iterate(), RiskSeverity.HIGH)
        story.iterate().complete()

        assert fired(story) == frozenset()

    def test_repeated_failure_fires_until_the_next_iteration(self, story):
        story.open(Budgets(max_iterations=9))
        for _ in range(3):
            story.iterate().complete(IterationOutcome.FAILURE)
        story.resume(story.judge_stop(StopTrigger.REPEATED_FAILURE))

        assert fired(story) == {GateTrigger.REPEATED_FAILURE}
        assert fired(story.iterate()) == frozenset()

    def test_a_bound_that_is_nearly_used_up_fires(self, story):
        story.open(Budgets(max_iterations=5))
        for _ in range(3):
            story.iterate().complete()
        assert fired(story) == frozenset()

        assert fired(story.iterate()) == {GateTrigger.BUDGET_NEAR_EXHAUSTED}

    def test_so_do_the_hours(self, story):
        story.open().now += timedelta(hours=13)

        assert fired(story) == {GateTrigger.BUDGET_NEAR_EXHAUSTED}

    def test_a_change_of_governance_fires(self, verified):
        verified.approve(portal=Portal.GOVERNANCE)

        assert fired(verified) == {GateTrigger.GOVERNANCE_TOUCH}

    def test_notes_answer_the_hooks_that_ask_for_them(self, story):
        notes = facts_of(
            story.open().dossier, notes={NoteType.EVALUATION}, now=story.now
        )

        assert notes.answered == {EVALUATION}
        assert ANSWERED_BY[EVALUATION] is NoteType.EVALUATION

    def test_by_default_a_hook_waits_and_does_not_hold(self, verified):
        found = facts_of(verified.dossier, notes=(), now=verified.now)

        assert require(LOOP_1, HYBRID_POLICY, found) == (EVALUATION,)
