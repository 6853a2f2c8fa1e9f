"""Staleness markers: set once for a cause, answered by what is newer (C-EVT-6)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.domain.actors import Actor
from sr_core.domain.errors import (
    AuthorityRequired,
    NotFound,
    ResolutionUnfit,
    TransitionRefused,
)
from sr_core.domain.graph import Node, Reached
from sr_core.domain.ids import StaleId
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.domain.staleness import (
    DEPENDENTS_MAX,
    Answer,
    Impact,
    MarkStale,
    NodeMarkedStale,
    ReEvaluation,
    ReEvaluationTriggered,
    ResolutionKind,
    ResolveStaleness,
    Staleness,
    StaleReason,
    fold,
    groups,
    mark,
    resolve,
)
from sr_core.testing import (
    AGENT,
    DIRECTIVE,
    HUMAN,
    LOOP_1,
    SOME_HASH,
    SYSTEM,
    build_mark,
    ulid,
)

CANDIDATE = Node(
    kind=RefKind.CANDIDATE,
    id=f"{SOME_HASH}|cand_{ulid(1)}",
    meta={"content_hash": SOME_HASH},
)
LOOP = Node(kind=RefKind.LOOP, id=LOOP_1)
FREEZE = Node(kind=RefKind.FREEZE, id=f"freeze_{ulid(1)}")
SUITE = Node(
    kind=RefKind.ORACLE_SUITE,
    id="suite:A",
    meta={"content_hash": SOME_HASH, "suite_hash": SOME_HASH},
)
STALE_1 = StaleId(f"stale_{ulid(1)}")
STALE_2 = StaleId(f"stale_{ulid(2)}")


def ref(kind: RefKind, identifier: str = "x") -> Ref:
    return Ref(
        kind=kind,
        id=identifier,
        rel=RefRelation.ABOUT,
        meta={"content_hash": SOME_HASH},
    )


def marked_by(state: Staleness, command: MarkStale) -> NodeMarkedStale:
    """The marker that the command sets, and first of all."""
    marked, *_ = mark(state, command)
    assert isinstance(marked, NodeMarkedStale)
    return marked


def newer(
    kind: RefKind = RefKind.RUN, *about: Node, refusal: str | None = None
) -> Answer:
    return Answer(ref=ref(kind), is_newer=True, about=frozenset(about), refusal=refusal)


def by_run(*answers: Answer, by: Actor = SYSTEM, **more: Any) -> ResolveStaleness:
    return _command(ResolutionKind.MECHANICAL, answers, by, more)


def by_decision(
    *answers: Answer, by: Actor = HUMAN, **more: object
) -> ResolveStaleness:
    return _command(ResolutionKind.DECISION, answers, by, more)


def _command(
    kind: ResolutionKind, answers: tuple[Answer, ...], by: Actor, more: dict[str, Any]
) -> ResolveStaleness:
    known = {"stale_id": STALE_1, **more}
    return ResolveStaleness(by=by, kind=kind, answers=answers, **known)


@pytest.fixture
def stale() -> Staleness:
    """A candidate that is stale."""
    return fold(mark(Staleness(), build_mark(CANDIDATE)))


class TestMarking:
    """SPEC 2.3: one event with all dependents, and one for each to be looked at again."""

    def test_the_marker_names_root_reason_and_dependents(self):
        marked = marked_by(Staleness(), build_mark(CANDIDATE, LOOP, by=AGENT))

        assert marked.stale_id == STALE_1
        assert marked.root.id == DIRECTIVE.id
        assert marked.reason_code is StaleReason.MANUAL_MARK
        assert marked.dependents == (CANDIDATE, LOOP)

    def test_its_refs_are_the_root_and_what_is_stale(self):
        marked = marked_by(Staleness(), build_mark(CANDIDATE))

        assert [(each.kind, each.rel) for each in marked.refs] == [
            (RefKind.GOVERNED_ARTIFACT, RefRelation.ROOT_CAUSE),
            (RefKind.CANDIDATE, RefRelation.STALE),
        ]

    def test_what_no_hash_pins_yet_is_marked_without_a_ref(self):
        draft = Node(kind=RefKind.INTAKE, id="intake:1")

        marked, again = mark(Staleness(), build_mark(draft))

        assert marked_by(Staleness(), build_mark(draft)).dependents == (draft,)
        assert [each.rel for each in marked.refs] == [RefRelation.ROOT_CAUSE]
        assert again.refs == ()

    def test_every_dependent_is_looked_at_again(self):
        _, *again = mark(Staleness(), build_mark(CANDIDATE, LOOP))

        assert [each.refs[0].id for each in again] == [CANDIDATE.id, LOOP.id]

    def test_what_one_event_caused_is_marked_once(self):
        cause = build_mark(CANDIDATE, caused_by="evt_1")
        before = fold(mark(Staleness(), cause))

        assert mark(before, cause) == ()

    def test_what_a_crash_left_out_is_marked_later(self):
        before = fold(mark(Staleness(), build_mark(CANDIDATE, caused_by="evt_1")))

        marked = marked_by(before, build_mark(CANDIDATE, LOOP, caused_by="evt_1"))

        assert marked.dependents == (LOOP,)

    def test_another_event_marks_again(self):
        before = fold(mark(Staleness(), build_mark(CANDIDATE, caused_by="evt_1")))

        assert mark(before, build_mark(CANDIDATE, caused_by="evt_2"))

    def test_another_root_of_the_same_event_marks_again(self):
        before = fold(mark(Staleness(), build_mark(CANDIDATE, caused_by="evt_1")))

        assert mark(before, build_mark(CANDIDATE, caused_by="evt_1", root=SUITE))

    def test_a_hand_may_mark_as_often_as_it_likes(self, stale):
        assert mark(stale, build_mark(CANDIDATE, stale_id=STALE_2))


class TestReEvaluation:
    """C-EVT-6: the oracles look again at what they alone can answer, else a human."""

    def looked_at(self, dependent: Node, **how: Any) -> ReEvaluationTriggered:
        _, again = mark(Staleness(), build_mark(dependent, **how))
        assert isinstance(again, ReEvaluationTriggered)
        return again

    @pytest.mark.parametrize(
        "reason", [StaleReason.ORACLE_SUITE_REBASED, StaleReason.DEPENDENCY_STALE]
    )
    def test_a_candidate_after_its_suite_changed_goes_to_the_oracles(self, reason):
        again = self.looked_at(CANDIDATE, root=SUITE, reason=reason)

        assert again.action is ReEvaluation.START_LOOP
        assert again.triggered_portal_id is None

    @pytest.mark.parametrize(
        ("dependent", "how"),
        [
            (LOOP, {"root": SUITE, "reason": StaleReason.ORACLE_SUITE_REBASED}),
            (CANDIDATE, {"root": SUITE}),
            (CANDIDATE, {"reason": StaleReason.GOVERNED_ARTIFACT_CHANGED}),
        ],
        ids=["a loop", "marked by hand", "a document changed"],
    )
    def test_all_else_goes_to_a_human(self, dependent, how):
        again = self.looked_at(dependent, **how)

        assert again.action is ReEvaluation.REQUEST_PORTAL_REVIEW
        assert again.triggered_portal_id == "GovernanceChangePortal"

    def test_a_freeze_goes_to_the_portal_of_releases(self):
        assert self.looked_at(FREEZE).triggered_portal_id == "ReleaseApprovalPortal"


class TestGroups:
    """SPEC 12.4: direct dependents have the root's reason, transitive ones their own."""

    def reached(self, *depths: int) -> Impact:
        return Impact(
            root=SUITE,
            reason=StaleReason.ORACLE_SUITE_REBASED,
            reached=tuple(
                Reached(node=Node(kind=RefKind.LOOP, id=f"loop_{n:04d}"), depth=depth)
                for n, depth in enumerate(depths)
            ),
        )

    def test_they_have_a_marker_each(self):
        assert [(why, len(nodes)) for why, nodes in groups(self.reached(2, 1, 3))] == [
            (StaleReason.ORACLE_SUITE_REBASED, 1),
            (StaleReason.DEPENDENCY_STALE, 2),
        ]

    def test_a_root_that_is_marked_itself_is_no_transitive_one(self):
        assert [why for why, _ in groups(self.reached(0))] == [
            StaleReason.ORACLE_SUITE_REBASED
        ]

    def test_where_nothing_is_reached_nothing_is_marked(self):
        assert groups(self.reached()) == ()

    def test_a_marker_names_no_more_than_it_may(self):
        found = groups(self.reached(*[1] * (DEPENDENTS_MAX + 1)))

        assert [len(nodes) for _, nodes in found] == [DEPENDENTS_MAX, 1]


class TestMechanical:
    """SPEC 2.3: the system points at a run that is newer than the marker."""

    def test_a_newer_run_about_the_node_resolves(self, stale):
        (resolved,) = resolve(stale, by_run(newer(RefKind.RUN, CANDIDATE)))

        assert resolved.dependents == (CANDIDATE,)
        assert resolved.no_longer_stale == (CANDIDATE,)
        assert fold([resolved], stale).stale() == frozenset()

    def test_its_evidence_does_as_well(self, stale):
        answer = newer(RefKind.EVIDENCE_BUNDLE, CANDIDATE)

        assert resolve(stale, by_run(answer))

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=["human", "agent"])
    def test_nobody_else_may(self, stale, by):
        with pytest.raises(AuthorityRequired, match="SYSTEM"):
            resolve(stale, by_run(newer(RefKind.RUN, CANDIDATE), by=by))

    def test_an_older_run_does_not(self, stale):
        old = Answer(ref=ref(RefKind.RUN), is_newer=False, about=frozenset({CANDIDATE}))

        with pytest.raises(ResolutionUnfit, match="older than the marker"):
            resolve(stale, by_run(old))

    def test_a_run_about_another_does_not(self, stale):
        with pytest.raises(ResolutionUnfit, match="none of the runs given is about"):
            resolve(stale, by_run(newer(RefKind.RUN, FREEZE)))

    def test_a_run_that_is_not_recorded_does_not(self, stale):
        answer = newer(RefKind.RUN, CANDIDATE, refusal="is not recorded")

        with pytest.raises(ResolutionUnfit, match="is not recorded"):
            resolve(stale, by_run(answer))

    @pytest.mark.parametrize("kind", [RefKind.DECISION, RefKind.LOOP])
    def test_nothing_but_a_run_or_its_evidence_does(self, stale, kind):
        with pytest.raises(ResolutionUnfit, match="EvidenceBundle or Run"):
            resolve(stale, by_run(newer(kind, CANDIDATE)))

    def test_nothing_at_all_does_not(self, stale):
        with pytest.raises(ResolutionUnfit, match="none is given"):
            resolve(stale, by_run())

    def test_every_dependent_needs_one(self):
        both = fold(mark(Staleness(), build_mark(CANDIDATE, LOOP)))

        with pytest.raises(ResolutionUnfit, match="Loop"):
            resolve(both, by_run(newer(RefKind.RUN, CANDIDATE)))

    def test_some_of_the_dependents_may_be_answered_alone(self):
        both = fold(mark(Staleness(), build_mark(CANDIDATE, LOOP)))

        (resolved,) = resolve(
            both,
            by_run(newer(RefKind.RUN, CANDIDATE), dependents=frozenset({CANDIDATE})),
        )

        assert fold([resolved], both).stale() == {LOOP}


class TestDecision:
    """SPEC 2.3: a human points at a decision or an approval newer than the marker."""

    @pytest.mark.parametrize("kind", [RefKind.DECISION, RefKind.APPROVAL])
    def test_a_newer_word_resolves(self, stale, kind):
        (resolved,) = resolve(stale, by_decision(newer(kind), note="weighed"))

        assert resolved.resolution_note == "weighed"
        assert [each.rel for each in resolved.resolution_refs] == [
            RefRelation.SUPPORTED_BY
        ]

    @pytest.mark.parametrize("by", [SYSTEM, AGENT], ids=["system", "agent"])
    def test_nobody_else_may(self, stale, by):
        with pytest.raises(AuthorityRequired, match="HUMAN"):
            resolve(stale, by_decision(newer(RefKind.DECISION), by=by))

    def test_without_one_it_is_refused(self, stale):
        with pytest.raises(ResolutionUnfit, match="Approval or Decision"):
            resolve(stale, by_decision(newer(RefKind.RUN, CANDIDATE)))

    def test_an_older_one_does_not(self, stale):
        old = Answer(ref=ref(RefKind.DECISION), is_newer=False)

        with pytest.raises(ResolutionUnfit, match="older"):
            resolve(stale, by_decision(old))

    def test_one_that_says_no_does_not(self, stale):
        answer = newer(RefKind.APPROVAL, refusal="says REJECTED")

        with pytest.raises(ResolutionUnfit, match="says REJECTED"):
            resolve(stale, by_decision(answer))


class TestMarkers:
    """SPEC 12.1: a node is stale as long as one of its markers is open."""

    def test_the_other_marker_still_holds(self, stale):
        twice = fold(mark(stale, build_mark(CANDIDATE, stale_id=STALE_2)), stale)

        (first,) = resolve(twice, by_decision(newer(RefKind.DECISION)))

        assert first.no_longer_stale == ()
        assert fold([first], twice).stale() == {CANDIDATE}

    def test_of_an_unknown_one_nothing_is_resolved(self, stale):
        with pytest.raises(NotFound, match="No staleness marker"):
            resolve(stale, by_decision(newer(RefKind.DECISION), stale_id=STALE_2))

    def test_a_dependent_that_it_does_not_name_is_not_resolved(self, stale):
        with pytest.raises(NotFound, match="No dependent of"):
            resolve(
                stale,
                by_decision(newer(RefKind.DECISION), dependents=frozenset({LOOP})),
            )

    def test_it_is_resolved_once(self, stale):
        command = by_decision(newer(RefKind.DECISION))
        after = fold(resolve(stale, command), stale)

        with pytest.raises(TransitionRefused, match="RESOLVED"):
            resolve(after, command)

    def test_the_refusal_says_what_is_left(self):
        both = fold(mark(Staleness(), build_mark(CANDIDATE, LOOP)))
        command = by_decision(
            newer(RefKind.DECISION), dependents=frozenset({CANDIDATE})
        )
        after = fold(resolve(both, command), both)

        with pytest.raises(TransitionRefused, match=f"allows .*{LOOP_1}"):
            resolve(after, command)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["evt_1", "evt_2", None]),
            st.sets(st.sampled_from([CANDIDATE, LOOP, FREEZE]), min_size=1),
        ),
        max_size=12,
    )
)
def test_whatever_was_marked_can_be_resolved_to_the_last(marks):
    """C-EVT-7: what is decided folds; resolving all leaves nothing stale."""
    state = Staleness()
    for number, (cause, nodes) in enumerate(marks, start=1):
        command = build_mark(
            *sorted(nodes, key=str),
            stale_id=StaleId(f"stale_{ulid(number)}"),
            caused_by=cause,
        )
        state = fold(mark(state, command), state)
    assert state.stale() == frozenset().union(*(nodes for _, nodes in marks))

    cleared: set[Node] = set()
    for stale_id in state.markers:
        answer = by_decision(newer(RefKind.DECISION), stale_id=stale_id)
        resolved = resolve(state, answer)
        state = fold(resolved, state)
        assert cleared.isdisjoint(resolved[0].no_longer_stale)
        cleared |= set(resolved[0].no_longer_stale)

    assert state.stale() == frozenset()
    assert cleared == frozenset().union(*(nodes for _, nodes in marks))
