"""Decisions about a stop (C-DEC-1, C-TB-1)."""

from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.decision import (
    DecisionKind,
    DecisionRecorded,
    RecordDecision,
    decide,
)
from sr_core.domain.errors import AuthorityRequired, MalformedInput
from sr_core.domain.ids import DecisionId
from sr_core.domain.integrity import PORTAL_ROLE, Portal, StopTrigger
from sr_core.testing import AGENT, BYSTANDER, HUMAN, LOOP_1, SYSTEM, ulid

DECIDE = RecordDecision(
    by=HUMAN,
    decision_id=DecisionId(f"dec_{ulid(1)}"),
    loop_id=LOOP_1,
    trigger=StopTrigger.ORACLE_GAP,
    decision=DecisionKind.PROCEED,
    rationale="the oracle is mended",
)


def human(portal: Portal) -> Actor:
    return Actor(
        ActorKind.HUMAN, "oidc_sub:issuer:eve", frozenset({PORTAL_ROLE[portal]})
    )


class TestWhoDecides:
    """C-TB-1, SPEC 6.4: a human with the role of the trigger's portal."""

    @pytest.mark.parametrize("kind", DecisionKind)
    def test_it_is_recorded_as_it_was_made(self, kind):
        events = decide(replace(DECIDE, decision=kind))

        assert events == (
            DecisionRecorded(
                decision_id=DECIDE.decision_id,
                loop_id=LOOP_1,
                trigger=StopTrigger.ORACLE_GAP,
                decision=kind,
                rationale="the oracle is mended",
            ),
        )

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_nobody_else_decides(self, by):
        with pytest.raises(AuthorityRequired, match="recording a decision needs"):
            decide(replace(DECIDE, by=by))

    @pytest.mark.parametrize(
        ("trigger", "portal", "other"),
        [
            (StopTrigger.ORACLE_GAP, Portal.GOVERNANCE, Portal.EXCEPTION),
            (StopTrigger.BUDGET_EXHAUSTED, Portal.EXCEPTION, Portal.GOVERNANCE),
        ],
    )
    def test_the_role_is_that_of_the_triggers_portal(self, trigger, portal, other):
        command = replace(DECIDE, trigger=trigger)

        assert decide(replace(command, by=human(portal)))
        with pytest.raises(AuthorityRequired, match=PORTAL_ROLE[portal]):
            decide(replace(command, by=human(other)))

    @pytest.mark.parametrize("rationale", ["", " \n"], ids=repr)
    def test_it_says_why(self, rationale):
        with pytest.raises(MalformedInput, match="why it was so decided"):
            decide(replace(DECIDE, rationale=rationale))
