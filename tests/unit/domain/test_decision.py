"""Decisions (C-DEC-1, C-TB-1, SPEC 5.5)."""

from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.decision import (
    GO_AHEAD,
    REFUSING,
    DecisionKind,
    DecisionRecorded,
    DecisionScope,
    RecordDecision,
    decide,
    which_way,
)
from sr_core.domain.errors import AuthorityRequired, MalformedInput
from sr_core.domain.ids import CandidateId, DecisionId, IterationId, RunId
from sr_core.domain.integrity import BUDGET_ROLES, PORTAL_ROLE, Portal, StopTrigger
from sr_core.domain.ref_builders import (
    bundle_ref,
    candidate_ref,
    iteration_ref,
    loop_ref,
    run_ref,
)
from sr_core.domain.refs import RefRelation
from sr_core.testing import (
    AGENT,
    BYSTANDER,
    DIRECTIVE,
    HUMAN,
    LOOP_1,
    SOME_HASH,
    SYSTEM,
    ulid,
)

DECIDE = RecordDecision(
    by=HUMAN,
    decision_id=DecisionId(f"dec_{ulid(1)}"),
    trigger=StopTrigger.ORACLE_GAP,
    scope=DecisionScope(loop_id=LOOP_1),
    decision="Proceed: the oracle is mended",
    kind=None,
    rationale="the oracle is mended",
)


def human(*roles: str) -> Actor:
    return Actor(ActorKind.HUMAN, "oidc_sub:issuer:eve", frozenset(roles))


class TestWhoDecides:
    """C-TB-1, SPEC 6.4, 7.1: a human with a role of the portal."""

    def test_it_is_recorded_as_it_was_made(self):
        events = decide(DECIDE)

        assert events == (
            DecisionRecorded(
                decision_id=DECIDE.decision_id,
                trigger=StopTrigger.ORACLE_GAP,
                scope=DecisionScope(loop_id=LOOP_1),
                decision="Proceed: the oracle is mended",
                kind=DecisionKind.PROCEED,
                rationale="the oracle is mended",
                subject_refs=(),
                evidence_refs=(),
                exceptions_acknowledged=(),
                is_precedent=False,
                applicability=None,
                refs=(loop_ref(LOOP_1),),
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
            (StopTrigger.STAGE_UNKNOWN, Portal.GOVERNANCE, Portal.EXCEPTION),
            (StopTrigger.BUDGET_EXHAUSTED, Portal.EXCEPTION, Portal.GOVERNANCE),
            (StopTrigger.REPEATED_FAILURE, Portal.EXCEPTION, Portal.RELEASE),
        ],
    )
    def test_the_role_is_that_of_the_triggers_portal(self, trigger, portal, other):
        command = replace(DECIDE, trigger=trigger)

        assert decide(replace(command, by=human(PORTAL_ROLE[portal])))
        with pytest.raises(AuthorityRequired, match=PORTAL_ROLE[portal]):
            decide(replace(command, by=human(PORTAL_ROLE[other])))

    @pytest.mark.parametrize("role", sorted(BUDGET_ROLES))
    def test_a_budget_has_roles_of_its_own(self, role):
        command = replace(DECIDE, trigger=StopTrigger.BUDGET_EXHAUSTED, by=human(role))

        assert decide(command)
        assert decide(
            replace(command, trigger=None, kind=DecisionKind.BUDGET_ESCALATION)
        )

    def test_they_decide_about_nothing_else(self):
        by = human("BudgetApprover")

        with pytest.raises(AuthorityRequired, match="ExceptionReviewer"):
            decide(replace(DECIDE, trigger=StopTrigger.REPEATED_FAILURE, by=by))

    @pytest.mark.parametrize(
        ("kind", "portal", "other"),
        [
            (DecisionKind.RELEASE_HOLD, Portal.RELEASE, Portal.EXCEPTION),
            (
                DecisionKind.GOVERNANCE_CHANGE_REJECTION,
                Portal.GOVERNANCE,
                Portal.RELEASE,
            ),
            (DecisionKind.STOP_TRIGGER_RECOVERY, Portal.EXCEPTION, Portal.RELEASE),
        ],
    )
    def test_without_a_trigger_the_role_is_that_of_the_kind(self, kind, portal, other):
        command = replace(DECIDE, trigger=None, kind=kind, decision="As its kind says")

        assert decide(replace(command, by=human(PORTAL_ROLE[portal])))
        with pytest.raises(AuthorityRequired):
            decide(replace(command, by=human(PORTAL_ROLE[other])))

    @pytest.mark.parametrize("portal", Portal)
    def test_a_request_is_turned_down_at_any_portal(self, portal):
        command = replace(DECIDE, trigger=None, decision="Rejected")

        (made,) = decide(replace(command, by=human(PORTAL_ROLE[portal])))

        assert made.kind is DecisionKind.REJECTED

    def test_a_kind_that_the_triggers_portal_does_not_know_is_refused(self):
        command = replace(DECIDE, kind=DecisionKind.BUDGET_ESCALATION)

        with pytest.raises(MalformedInput, match="GovernanceChangePortal knows, where"):
            decide(command)

    @pytest.mark.parametrize("rationale", ["", " \n"], ids=repr)
    def test_it_says_why(self, rationale):
        with pytest.raises(MalformedInput, match="why it was so decided"):
            decide(replace(DECIDE, rationale=rationale))


class TestWhichWay:
    """C-DEC-1: which way it goes is said, and never guessed."""

    @pytest.mark.parametrize("word", sorted(GO_AHEAD))
    def test_a_word_that_goes_ahead_does(self, word):
        assert which_way(f"{word.lower()} with it", None) is DecisionKind.PROCEED

    @pytest.mark.parametrize("word", sorted(REFUSING))
    def test_a_word_that_refuses_does(self, word):
        assert which_way(f"{word} that", None) is DecisionKind.REJECTED

    @pytest.mark.parametrize("text", ["Do not resume", "DO NOT", "Don\u2019t go on"])
    def test_so_do_two_words(self, text):
        assert which_way(text, None) is DecisionKind.REJECTED

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "  ",
            "Perhaps",
            "It depends",
            "Do it",
            "Resume is not allowed",
            "1. PROCEEDS",
        ],
        ids=repr,
    )
    def test_what_is_on_neither_list_is_not_guessed_at(self, text):
        with pytest.raises(MalformedInput, match="`kind`, one of BUDGET_ESCALATION"):
            which_way(text, None)

    @pytest.mark.parametrize("kind", DecisionKind)
    def test_a_kind_says_it_by_itself(self, kind):
        assert which_way("as weighed", kind) is kind

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("Reject it", DecisionKind.PROCEED),
            ("Do not resume", DecisionKind.STOP_TRIGGER_RECOVERY),
            ("Approved", DecisionKind.REJECTED),
            ("Proceed", DecisionKind.RELEASE_HOLD),
            (" ", DecisionKind.PROCEED),
        ],
    )
    def test_a_text_that_says_the_reverse_is_refused(self, text, kind):
        with pytest.raises(MalformedInput, match=f"the same as kind {kind}"):
            which_way(text, kind)

    def test_no_word_is_on_both_lists(self):
        assert GO_AHEAD.isdisjoint(REFUSING)

    def test_kinds_go_one_way_or_the_other(self):
        assert {each for each in DecisionKind if not each.goes_on} == {
            DecisionKind.REJECTED,
            DecisionKind.GOVERNANCE_CHANGE_REJECTION,
            DecisionKind.RELEASE_HOLD,
        }


class TestScope:
    """SPEC 5.5: a decision is about something, and about nothing beyond it."""

    def test_an_empty_one_is_refused(self):
        with pytest.raises(
            MalformedInput, match="at least one of loop_id, iteration_id"
        ):
            DecisionScope()

    def test_its_refs_name_all_that_it_is_about(self):
        candidate = CandidateId(f"{SOME_HASH}|cand_{ulid(2)}")
        iteration, run = IterationId(f"iter_{ulid(3)}"), RunId(f"run_{ulid(4)}")
        scope = DecisionScope(
            loop_id=LOOP_1, iteration_id=iteration, candidate_id=candidate, run_id=run
        )
        looked_up = (iteration_ref(iteration, RefRelation.RELATES_TO),)

        (made,) = decide(
            replace(
                DECIDE,
                scope=scope,
                subjects=(DIRECTIVE,),
                evidence=(SOME_HASH,),
                looked_up=looked_up,
            )
        )

        assert made.refs == (
            loop_ref(LOOP_1),
            iteration_ref(iteration, RefRelation.IN_SCOPE_OF),
            candidate_ref(candidate, RefRelation.AFFECTS),
            run_ref(run, RefRelation.AFFECTS),
            DIRECTIVE,
            bundle_ref(SOME_HASH, RefRelation.SUPPORTED_BY),
            *looked_up,
        )

    def test_without_a_loop_no_loop_is_named(self):
        run = RunId(f"run_{ulid(4)}")

        (made,) = decide(replace(DECIDE, scope=DecisionScope(run_id=run)))

        assert made.refs == (run_ref(run, RefRelation.AFFECTS),)
