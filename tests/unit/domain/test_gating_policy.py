"""The gating policy (SPEC 6.8): which notes the next iteration waits for."""

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.gating_policy import Hook, Mode, Trigger, notes_due, parse_policy
from sr_core.domain.type_keys import ASSESSMENT_NOTE, EVALUATION_NOTE

HOOKS = dict.fromkeys((each.value for each in Hook), "soft")
VERIFIED = frozenset({Hook.EVALUATION_ON_VERIFICATION})


def policy(mode: str, *triggers: str):
    hooks = {**HOOKS, "evaluation_on_verification": mode}
    return parse_policy({"hooks": hooks, "triggers": [*triggers]})


class TestWhatIsDue:
    def test_a_soft_hook_waits_for_nobody(self):
        assert notes_due(policy("soft"), VERIFIED, frozenset(Trigger)) == frozenset()

    def test_a_hard_hook_waits(self):
        assert notes_due(policy("hard"), VERIFIED, frozenset()) == {EVALUATION_NOTE}

    def test_and_only_once_it_is_reached(self):
        assert notes_due(policy("hard"), frozenset(), frozenset(Trigger)) == frozenset()

    @pytest.mark.parametrize("trigger", Trigger)
    def test_a_hybrid_hook_waits_when_its_trigger_is_raised(self, trigger):
        hybrid = policy("hybrid", trigger)
        others = frozenset(Trigger) - {trigger}

        assert notes_due(hybrid, VERIFIED, frozenset({trigger})) == {EVALUATION_NOTE}
        assert notes_due(hybrid, VERIFIED, others) == frozenset()

    def test_each_hook_has_its_own_note(self):
        hooks = {**HOOKS, "assessment_on_validation": "hard"}
        strict = parse_policy({"hooks": hooks, "triggers": []})

        assert notes_due(strict, frozenset(Hook), frozenset()) == {ASSESSMENT_NOTE}

    def test_a_hook_without_a_note_holds_nothing_up(self):
        hooks = {**HOOKS, "plan_review": "hard", "closeout": "hard"}
        strict = parse_policy({"hooks": hooks, "triggers": []})

        assert notes_due(strict, frozenset(Hook), frozenset(Trigger)) == frozenset()


class TestReading:
    def test_each_mode_is_one(self):
        assert {
            policy(each).hooks[Hook.EVALUATION_ON_VERIFICATION] for each in Mode
        } == {*Mode}

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
            ({"hooks": HOOKS}, "triggers: found None"),
            ({"hooks": HOOKS, "triggers": "OPEN_RISK_HIGH"}, "triggers: found"),
            ({"hooks": HOOKS, "triggers": ["OPEN_RISK"]}, "triggers: found"),
            (
                {"hooks": HOOKS, "triggers": [], "switch": "off"},
                "gating policy: found 'switch'",
            ),
        ],
    )
    def test_what_it_cannot_say_is_refused(self, definition, found):
        with pytest.raises(MalformedInput, match=found):
            parse_policy(definition)
