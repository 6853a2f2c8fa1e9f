"""Portals (SPEC 7.1, C-TB-4): three places, each with its requests and roles."""

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import AuthorityRequired, MalformedInput
from sr_core.domain.integrity import Portal
from sr_core.domain.portal import (
    ALL_ROLES,
    PORTAL_OF,
    PORTALS,
    RequestType,
    require_at,
    rule_for,
)

ROLES = {
    RequestType.BUDGET_ESCALATION: "BudgetApprover",
    RequestType.DEFERRAL: "ExceptionReviewer",
    RequestType.DEVIATION: "ExceptionReviewer",
    RequestType.ENG_ACCEPT: "EngineeringApprover",
    RequestType.RELEASE_APPROVAL: "ReleaseApprover",
    RequestType.RELEASE_HOLD: "ReleaseApprover",
    RequestType.STOP_TRIGGER_RECOVERY: "ExceptionReviewer",
    RequestType.WAIVER_ORACLE_FAIL: "ExceptionReviewer",
}


class TestRegistry:
    """There are three, and each says what it takes and what it never does."""

    @pytest.mark.parametrize("portal", Portal)
    def test_each_is_whole(self, portal):
        definition = PORTALS[portal]

        assert definition.default_request in definition.requests
        assert definition.roles <= ALL_ROLES
        assert all(
            (
                definition.preconditions,
                definition.evidence_review_checklist,
                definition.outputs,
                definition.must_never,
            )
        )

    @pytest.mark.parametrize("request_type", RequestType)
    def test_each_request_is_answered_at_one_portal(self, request_type):
        takers = [each for each in Portal if request_type in PORTALS[each].requests]

        assert takers == [PORTAL_OF[request_type]]

    @pytest.mark.parametrize("request_type", RequestType)
    def test_each_request_has_its_role(self, request_type):
        rule = rule_for(PORTAL_OF[request_type], request_type)

        assert rule.roles == {ROLES.get(request_type, "GovernanceSteward")}

    def test_another_portal_does_not_take_it(self):
        with pytest.raises(
            MalformedInput, match="one that GovernanceChangePortal takes"
        ):
            rule_for(Portal.GOVERNANCE, RequestType.RELEASE_APPROVAL)


class TestAuthority:
    """C-TB-1: a human with one of the request's roles."""

    def test_one_of_its_roles_is_enough(self):
        by = Actor(ActorKind.HUMAN, "oidc_sub:a:b", frozenset({"BudgetApprover"}))

        require_at(by, RequestType.BUDGET_ESCALATION, action="raising a budget")

    def test_every_other_role_is_not(self):
        by = Actor(ActorKind.HUMAN, "oidc_sub:a:b", ALL_ROLES - {"EngineeringApprover"})

        with pytest.raises(AuthorityRequired, match="role 'EngineeringApprover'"):
            require_at(by, RequestType.ENG_ACCEPT, action="accepting work")

    @pytest.mark.parametrize("kind", [ActorKind.AGENT, ActorKind.SYSTEM])
    def test_no_role_makes_a_human(self, kind):
        with pytest.raises(AuthorityRequired, match="kind HUMAN"):
            require_at(
                Actor(kind, "a", ALL_ROLES), RequestType.ENG_ACCEPT, action="accepting"
            )
