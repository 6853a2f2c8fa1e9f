"""Changes become markers; open markers stand in the way of a release (C-EVT-6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from sr_core.adapters.memory.followers import MemoryFollowers
from sr_core.application import reactions
from sr_core.application.known import Kept
from sr_core.application.projections import Occasion
from sr_core.application.projections.graph import linked
from sr_core.application.reactions import Reactions
from sr_core.application.recorder import Asked, Happened
from sr_core.application.staleness import Marked, Stale
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import (
    AuthorityRequired,
    NotFound,
    ResolutionUnfit,
    UnresolvedStaleness,
)
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.governed_exception import ExceptionActivated
from sr_core.domain.graph import Node
from sr_core.domain.ids import ExceptionId, StaleId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.oracle_suite import OracleSuiteRebased, OracleSuiteUpdated
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.domain.shippable import Reason
from sr_core.domain.staleness import ReEvaluation, ResolutionKind, StaleReason
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import NewEvent, Position, StreamId
from sr_core.testing import (
    AGENT,
    BUILD,
    CORE,
    DIRECTIVE,
    HUMAN,
    LOOP_1,
    NOON,
    PLATFORM,
    SYSTEM,
    build_document,
    build_governed,
    build_suite,
    fails,
    passes,
    ulid,
    with_longer_timeouts,
)

pytestmark = pytest.mark.anyio

DOCUMENT = Node(kind=RefKind.GOVERNED_ARTIFACT, id=DIRECTIVE.id)
SUITE = Node(kind=RefKind.ORACLE_SUITE, id=CORE)
BY_HUMAN, BY_SYSTEM, BY_AGENT = (Asked(by=each) for each in (HUMAN, SYSTEM, AGENT))


@dataclass
class Staled:
    """A journey, and a hand on what becomes stale on it."""

    journey: Any

    @property
    def stale(self) -> Stale:
        return Stale(platform=self.journey.stage.platform)

    @property
    def candidate(self) -> Node:
        return Node(kind=RefKind.CANDIDATE, id=self.journey.candidate_id)

    async def mark(
        self, root: Node = DOCUMENT, *, by: Asked = BY_HUMAN, **how: Any
    ) -> Marked:
        told = {"detail": "", "depth_max": 5, "includes_root": False, **how}
        return await self.stale.mark(root, StaleReason.MANUAL_MARK, asked=by, **told)

    async def decide(self, stale_id: StaleId, *refs: Ref, **how: Any) -> None:
        await self._resolve(stale_id, ResolutionKind.DECISION, refs, BY_HUMAN, how)

    async def rerun(self, stale_id: StaleId, *refs: Ref, **how: Any) -> None:
        await self._resolve(stale_id, ResolutionKind.MECHANICAL, refs, BY_SYSTEM, how)

    async def _resolve(self, stale_id, kind, refs, by, how) -> None:
        told = {"note": "", "dependents": None, "asked": by, **how}
        await self.stale.resolve(stale_id, kind, refs, **told)

    async def decision(self) -> Ref:
        """A decision that is recorded now."""
        await self.journey.decide(StopTrigger.REPEATED_FAILURE)
        return self.ref(RefKind.DECISION, self.journey.decision_id)

    def ref(self, kind: RefKind, identifier: str, **meta: str) -> Ref:
        return Ref(kind=kind, id=identifier, rel=RefRelation.ABOUT, meta=meta)

    @property
    def run(self) -> Ref:
        return self.ref(RefKind.RUN, self.journey.run_id)

    async def is_stale(self, *nodes: Node) -> bool:
        markers = await self.journey.stage.graph.markers(nodes or (self.candidate,))
        return bool(markers)

    async def markers(self) -> list[dict[str, Any]]:
        page = await self.journey.stage.rows.rows("graph.stale_nodes", {}, limit=1000)
        return [dict(each) for each in page.rows]

    async def change_suite(self) -> Happened:
        """Rebase the suite that has judged, and return that event."""
        await self.journey.rebase()
        return await self.last(OracleSuiteRebased)

    async def last(self, kind: type) -> Happened:
        """The last event of that kind."""
        told = await self.journey.recorded()
        last = [each for each in told if isinstance(each.event, kind)][-1]
        return Happened(
            event=last.event, event_id=last.event_id, position=last.position
        )


def anew(staled: Staled) -> Reactions:
    """The reactions as another process has them, which does not know how far they are."""
    there: Reactions = staled.journey.stage.reactions
    recorder = replace(there.recorder, kept=Kept())
    return replace(there, recorder=recorder, followers=MemoryFollowers())


@pytest.fixture
async def released(journey: Any) -> Staled:
    """A candidate that ships."""
    await journey.open()
    await journey.judge()
    await journey.verify()
    await journey.approve()
    await journey.freeze()
    assert (await journey.shippable()).is_shippable
    return Staled(journey)


@pytest.fixture
async def verified(journey: Any) -> Staled:
    await journey.open()
    await journey.judge()
    await journey.verify()
    return Staled(journey)


class TestMarkingByHand:
    """SPEC 5.6: whoever marks a root makes stale what depends on it, and not the root."""

    @pytest.mark.parametrize("by", [BY_HUMAN, BY_SYSTEM, BY_AGENT])
    async def test_a_document_reaches_the_candidate_through_its_iteration(
        self, verified, by
    ):
        marked = await verified.mark(by=by)

        assert {(each.kind, each.id) for each in marked.dependents} == {
            (RefKind.LOOP, verified.journey.loop_id),
            (RefKind.ITERATION, verified.journey.iteration_id),
            (RefKind.CANDIDATE, verified.journey.candidate_id),
        }
        assert await verified.is_stale()
        assert not await verified.is_stale(DOCUMENT)

    async def test_what_is_reached_through_others_has_a_marker_of_its_own(
        self, verified
    ):
        direct, transitive = (await verified.mark()).stale_ids

        told = {
            (each["stale_id"], each["reason_code"], each["dependent_kind"])
            for each in await verified.markers()
        }
        assert told == {
            (direct, StaleReason.MANUAL_MARK, RefKind.LOOP),
            (direct, StaleReason.MANUAL_MARK, RefKind.ITERATION),
            (transitive, StaleReason.DEPENDENCY_STALE, RefKind.CANDIDATE),
        }

    async def test_the_identifiers_are_those_of_the_events(self, verified):
        marked = await verified.mark()

        recorded = [
            each.event.stale_id
            for each in await verified.journey.recorded()
            if type(each.event).__name__ == "NodeMarkedStale"
        ]
        assert tuple(recorded) == marked.stale_ids

    async def test_it_goes_no_deeper_than_asked(self, verified):
        await verified.mark(depth_max=1)

        assert not await verified.is_stale()

    async def test_a_root_without_dependents_marks_nothing(self, verified):
        before = await verified.journey.types()

        marked = await verified.mark(verified.candidate)

        assert (marked.stale_ids, marked.dependents, marked.events) == ((), (), ())
        assert await verified.journey.types() == before

    async def test_the_root_itself_is_stale_only_if_that_is_asked_for(self, verified):
        await verified.mark(verified.candidate, includes_root=True)

        assert await verified.is_stale()

    async def test_of_what_nothing_names_nothing_is_marked(self, verified):
        with pytest.raises(NotFound, match="No node Loop"):
            await verified.mark(Node(kind=RefKind.LOOP, id=LOOP_1[:-1] + "9"))

    async def test_evidence_does_not_carry_it_on(self, released):
        """G-GRAPH-SEMANTICS: an approval is supported by evidence, and not stale."""
        evidence = await released.journey.evidence()
        bundle = Node(kind=RefKind.EVIDENCE_BUNDLE, id=evidence)

        assert (await released.mark(bundle)).dependents == ()


class TestRelease:
    """SPEC 4.4, G-FREEZE-READY: what is stale does not ship."""

    async def test_a_stale_candidate_does_not_ship(self, released):
        await released.mark()

        ready = await released.journey.shippable()

        assert ready.reasons == (Reason.UNRESOLVED_STALENESS,)
        assert ready.has_unresolved_staleness

    async def test_nor_does_one_whose_suite_is(self, released):
        await released.mark(SUITE, includes_root=True, depth_max=1)
        own = await released.markers()
        for each in own:
            node = Node(kind=each["dependent_kind"], id=each["dependent_id"])
            if node != SUITE:
                await released.decide(
                    each["stale_id"],
                    await released.decision(),
                    dependents=frozenset({node}),
                )
        assert not await released.is_stale()

        ready = await released.journey.shippable()

        assert Reason.UNRESOLVED_STALENESS in ready.reasons

    async def test_it_is_not_frozen_either(self, verified):
        await verified.journey.approve()
        await verified.mark()

        with pytest.raises(UnresolvedStaleness, match="stale: Candidate"):
            await verified.journey.freeze()

        assert "FreezeRecordCreated" not in await verified.journey.types()

    async def test_an_earlier_freeze_that_is_stale_bars_no_new_one(self, released):
        """What the new freeze names is judged, not what the old one named."""
        freeze = Node(kind=RefKind.FREEZE, id=released.journey.freeze_id)
        await released.mark(freeze, includes_root=True)
        assert not (await released.journey.shippable()).is_shippable

        await released.journey.freeze()

        assert (await released.journey.shippable()).is_shippable

    async def test_once_all_is_answered_it_ships_again(self, released):
        for stale_id in (await released.mark()).stale_ids:
            await released.decide(stale_id, await released.decision())

        assert (await released.journey.shippable()).is_shippable

    async def test_as_long_as_one_marker_is_open_it_does_not(self, released):
        first = await released.mark()
        await released.mark()
        for stale_id in first.stale_ids:
            await released.decide(stale_id, await released.decision())

        assert not (await released.journey.shippable()).is_shippable

    async def test_the_row_of_the_candidate_says_so(self, released):
        async def told() -> object:
            key = {"candidate_id": released.journey.candidate_id}
            row = await released.journey.row("candidates", **key)
            return row["has_unresolved_staleness"]

        first, second = await released.mark(), await released.mark()
        seen = [await told()]
        for stale_id in (*first.stale_ids, *second.stale_ids):
            await released.decide(stale_id, await released.decision())
            seen.append(await told())

        assert seen == [True, True, True, True, False]


class TestMechanical:
    """SPEC 2.3: a run that began after the marker answers it, and nothing older."""

    @pytest.fixture
    async def stale(self, verified: Staled) -> tuple[Staled, StaleId]:
        _, transitive = (await verified.mark()).stale_ids
        return verified, transitive

    async def test_a_new_run_of_the_candidate_does(self, stale):
        staled, stale_id = stale
        await staled.journey.judge()

        await staled.rerun(stale_id, staled.run)

        assert not await staled.is_stale()

    async def test_so_does_its_evidence(self, stale):
        staled, stale_id = stale
        await staled.journey.judge()
        evidence = await staled.journey.evidence()
        bundle = staled.ref(RefKind.EVIDENCE_BUNDLE, evidence, content_hash=evidence)

        await staled.rerun(stale_id, bundle)

        assert not await staled.is_stale()

    async def test_the_run_from_before_does_not(self, stale):
        staled, stale_id = stale

        with pytest.raises(ResolutionUnfit, match="older than the marker"):
            await staled.rerun(stale_id, staled.run)

    async def test_one_that_was_never_recorded_does_not(self, stale):
        staled, stale_id = stale
        nobody = staled.ref(RefKind.RUN, "run_" + LOOP_1.removeprefix("loop_"))

        with pytest.raises(ResolutionUnfit, match="is not recorded"):
            await staled.rerun(stale_id, nobody)

    async def test_one_that_failed_to_judge_does_not(self, stale):
        staled, stale_id = stale

        async def broken(*_: object) -> None:
            raise Unavailable(system="the sandbox", deadline_s=1)

        staled.journey.runner.run = broken
        with pytest.raises(Unavailable):
            await staled.journey.judge()
        runs = await staled.journey.stage.rows.rows("runs", {})
        failed = str(runs.rows[-1]["run_id"])

        with pytest.raises(ResolutionUnfit, match="has left no evidence"):
            await staled.rerun(stale_id, staled.ref(RefKind.RUN, failed))

    async def test_a_run_of_another_candidate_does_not(self, stale):
        staled, stale_id = stale
        await staled.journey.make({"b.py": b"b = 1\n"})
        await staled.journey.judge()

        with pytest.raises(ResolutionUnfit, match="none of the runs given is about"):
            await staled.rerun(stale_id, staled.run)

    async def test_a_run_answers_for_the_earlier_runs_too(self, verified):
        marked = await verified.mark(SUITE)
        judged = [
            each for each in marked.dependents if each.kind is not RefKind.ITERATION
        ]
        assert {each.kind for each in judged} == {RefKind.RUN, RefKind.CANDIDATE}
        await verified.journey.judge()

        await verified.rerun(
            marked.stale_ids[0], verified.run, dependents=frozenset(judged)
        )

        assert not await verified.is_stale(*judged)

    async def test_what_no_run_is_about_is_left_to_a_human(self, verified):
        marked = await verified.mark(SUITE)
        await verified.journey.judge()

        with pytest.raises(ResolutionUnfit, match="Iteration"):
            await verified.rerun(marked.stale_ids[0], verified.run)

    async def test_a_human_does_not_say_so(self, stale):
        staled, stale_id = stale
        await staled.journey.judge()

        with pytest.raises(AuthorityRequired):
            await staled.rerun(stale_id, staled.run, asked=BY_HUMAN)


class TestDecision:
    """SPEC 2.3: a human's later word answers it."""

    async def test_a_decision_from_before_does_not(self, verified):
        before = await verified.decision()
        first, _ = (await verified.mark()).stale_ids

        with pytest.raises(ResolutionUnfit, match="older"):
            await verified.decide(first, before)

    async def test_one_that_was_never_recorded_does_not(self, verified):
        first, _ = (await verified.mark()).stale_ids
        nobody = verified.ref(RefKind.DECISION, "dec_" + LOOP_1.removeprefix("loop_"))

        with pytest.raises(ResolutionUnfit, match="is not recorded"):
            await verified.decide(first, nobody)

    async def test_an_approval_does(self, verified):
        first, _ = (await verified.mark()).stale_ids
        await verified.journey.approve()
        approval = verified.ref(RefKind.APPROVAL, verified.journey.approval_id)

        await verified.decide(first, approval)

        loop = Node(kind=RefKind.LOOP, id=verified.journey.loop_id)
        assert not await verified.is_stale(loop)

    async def test_a_rejection_does_not(self, verified):
        first, _ = (await verified.mark()).stale_ids
        await verified.journey.approve(said=ApprovalDecision.REJECTED)
        approval = verified.ref(RefKind.APPROVAL, verified.journey.approval_id)

        with pytest.raises(ResolutionUnfit, match="says REJECTED"):
            await verified.decide(first, approval)

    async def test_what_else_is_named_has_to_be_there(self, verified):
        first, _ = (await verified.mark()).stale_ids
        ghost = verified.ref(RefKind.LOOP, LOOP_1[:-1] + "9")

        with pytest.raises(NotFound, match="No Loop"):
            await verified.decide(first, await verified.decision(), ghost)

    async def test_what_else_is_named_and_there_is_kept(self, verified):
        first, _ = (await verified.mark()).stale_ids
        loop = verified.ref(RefKind.LOOP, verified.journey.loop_id)

        await verified.decide(first, await verified.decision(), loop)

        resolved = (await verified.journey.recorded())[-1].event
        assert [each.kind for each in resolved.resolution_refs] == [
            RefKind.DECISION,
            RefKind.LOOP,
        ]

    async def test_of_an_unknown_marker_nothing_is_resolved(self, verified):
        nobody = StaleId("stale_" + LOOP_1.removeprefix("loop_"))

        with pytest.raises(NotFound, match="staleness marker"):
            await verified.decide(nobody, await verified.decision())


class TestReactions:
    """SPEC 12.4: a change marks what pinned what was before, by itself and once."""

    async def test_a_changed_suite_makes_stale_what_it_judged(self, released):
        await released.change_suite()

        assert await released.is_stale()
        ready = await released.journey.shippable()
        assert Reason.UNRESOLVED_STALENESS in ready.reasons

    async def test_the_marker_says_what_caused_it_and_is_the_platforms(self, released):
        cause = await released.change_suite()

        routed = {}
        for each in await released.markers():
            assert each["caused_by"] == cause.event_id
            assert each["caused_at"] == cause.position
            assert each["reason_code"] == StaleReason.ORACLE_SUITE_REBASED
            assert each["marked_by_id"] == PLATFORM.actor_id
            routed[each["dependent_kind"]] = each["re_evaluation"]
        assert routed == {
            RefKind.CANDIDATE: ReEvaluation.START_LOOP,
            RefKind.RUN: ReEvaluation.START_LOOP,
            RefKind.FREEZE: ReEvaluation.REQUEST_PORTAL_REVIEW,
            RefKind.ITERATION: ReEvaluation.REQUEST_PORTAL_REVIEW,
        }

    async def test_answering_it_again_marks_nothing_more(self, released):
        cause = await released.change_suite()
        before = await released.markers()

        read = await anew(released).catch_up()

        assert read > 0
        assert await released.markers() == before
        assert cause.event_id in {each["caused_by"] for each in before}

    async def test_what_a_crash_kept_back_is_healed(self, released, monkeypatch):
        causes = reactions.CAUSES
        monkeypatch.setattr(reactions, "CAUSES", {})
        await released.change_suite()
        assert not await released.is_stale()
        monkeypatch.setattr(reactions, "CAUSES", causes)

        ready = await released.journey.shippable()

        assert ready.has_unresolved_staleness
        assert await released.is_stale()

    async def test_healing_twice_marks_once(self, released, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(reactions, "CAUSES", {})
            await released.change_suite()
        assert await released.markers() == []

        read = await released.journey.stage.reactions.catch_up()
        marked = await released.markers()
        again = await released.journey.stage.reactions.catch_up()

        assert (read, again) == (1, 0)
        assert len(marked) == 4
        assert await released.markers() == marked

    async def test_what_was_judged_by_the_new_one_is_not_marked_late(
        self, released, monkeypatch
    ):
        """The impact of a change is that of the graph as it was then."""
        causes = reactions.CAUSES
        monkeypatch.setattr(reactions, "CAUSES", {})
        await released.change_suite()
        released.journey.runner.scripts = {BUILD: passes}
        await released.journey.judge()
        await released.journey.verify()
        monkeypatch.setattr(reactions, "CAUSES", causes)

        await released.journey.stage.reactions.catch_up()

        run = Node(kind=RefKind.RUN, id=released.journey.run_id)
        assert not await released.is_stale(run)
        (through,) = await released.journey.stage.graph.markers([released.candidate])
        assert through.reason is StaleReason.DEPENDENCY_STALE  # by its iteration
        await released.rerun(
            through.stale_id, released.run, dependents=frozenset({released.candidate})
        )
        assert not await released.is_stale()

    async def test_an_update_before_anything_is_judged_does_too(self, journey):
        """What its context pinned is not what will judge it."""
        await journey.open()
        before = await journey.row("oracle_suites", suite_id=CORE)
        staled = Staled(journey)

        await journey.suites.update(with_longer_timeouts(build_suite()), BY_HUMAN)

        cause = await staled.last(OracleSuiteUpdated)
        assert isinstance(cause.event, OracleSuiteUpdated)
        assert cause.event.previous_hash == before["suite_hash"]
        told = await staled.markers()
        assert {each["dependent_kind"] for each in told} == {
            RefKind.CANDIDATE,
            RefKind.ITERATION,
        }
        assert {each["caused_by"] for each in told} == {cause.event_id}

    async def test_a_document_in_effect_anew_does_too(self, released):
        """GovernedArtifactVersionRecorded, as the start of a process records it."""
        changed = build_governed(SR_SPEC=build_document("SR-SPEC", version="1.1.0"))

        await released.journey.stage.restart(changed)

        told = await released.markers()
        assert {each["root_id"] for each in told} == {"SR-SPEC"}
        assert {each["dependent_kind"] for each in told} >= {
            RefKind.CANDIDATE,
            RefKind.FREEZE,
            RefKind.ITERATION,
        }
        reasons = {each["reason_code"] for each in told}
        assert StaleReason.GOVERNED_ARTIFACT_CHANGED in reasons
        ready = await released.journey.shippable()
        assert Reason.UNRESOLVED_STALENESS in ready.reasons

    async def test_a_first_registration_makes_nothing_stale(self, released):
        assert await released.markers() == []

    async def test_a_draft_makes_nothing_stale(self, released):
        @dataclass(frozen=True)
        class Draft:
            is_current: bool = False
            in_effect: bool = False

        find = reactions.CAUSES["GovernedArtifactVersionRecorded"]

        draft: Any = Draft()
        assert await find(released.journey.stage.graph, draft, Position(99)) == ()

    async def test_a_failure_to_mark_fails_the_command_and_is_healed(
        self, released, monkeypatch
    ):
        async def silent(*_: object, **__: object) -> None:
            raise Unavailable(system="Postgres", deadline_s=1)

        with monkeypatch.context() as patched:
            patched.setattr(released.journey.stage.graph, "dependents", silent)
            with pytest.raises(Unavailable):
                await released.change_suite()
        assert (await released.journey.types())[-1] == "OracleSuiteRebased"

        await released.journey.stage.reactions.catch_up()

        assert await released.is_stale()


class TestInheritance:
    """SPEC 12.4: a document that changed reaches candidates that come after, too."""

    async def test_a_candidate_of_a_stale_iteration_is_stale(self, verified):
        marked = await verified.mark()

        await verified.journey.make({"later.py": b"x = 1\n"})

        assert await verified.is_stale()
        last = (await verified.markers())[-1]
        assert last["root_id"] == DIRECTIVE.id
        assert last["reason_code"] == StaleReason.DEPENDENCY_STALE
        assert last["stale_id"] not in marked.stale_ids

    async def test_after_the_iteration_was_answered_it_is_not(self, verified):
        for stale_id in (await verified.mark()).stale_ids:
            await verified.decide(stale_id, await verified.decision())

        await verified.journey.make({"later.py": b"x = 1\n"})

        assert not await verified.is_stale()

    async def test_what_was_answered_does_not_come_back(self, verified):
        marked = await verified.mark()
        await verified.journey.make({"later.py": b"x = 1\n"})
        last = (await verified.markers())[-1]["stale_id"]
        await verified.decide(last, await verified.decision())
        assert marked.stale_ids

        await verified.journey.stage.reactions.catch_up()

        assert not await verified.is_stale()

    async def test_a_marker_that_came_later_is_not_inherited(self, verified):
        """It marks the candidate itself; inheriting it would mark it twice."""
        await verified.journey.make({"later.py": b"x = 1\n"})
        await verified.mark()
        before = await verified.markers()

        await verified.journey.stage.reactions.catch_up()

        assert await verified.markers() == before


class TestExceptions:
    """SPEC 4.5: an exception that comes into force makes stale what was frozen without."""

    async def test_before_a_freeze_nothing_is_stale(self, journey):
        journey.runner.scripts = {BUILD: fails}
        await journey.open()
        await journey.judge()

        await journey.waive()

        assert await Staled(journey).markers() == []

    async def test_a_frozen_candidate_is(self, journey):
        journey.runner.scripts = {BUILD: fails}
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()
        await journey.approve(journey.exception_id)
        await journey.freeze()
        assert (await journey.shippable()).is_shippable
        await journey.draw_up_waiver()

        await journey.bring_into_force()

        staled = Staled(journey)
        assert {
            (each["root_id"], each["reason_code"], each["dependent_kind"])
            for each in await staled.markers()
        } == {
            (journey.exception_id, StaleReason.EXCEPTION_ACTIVATED, kind)
            for kind in (RefKind.FREEZE, RefKind.CANDIDATE)
        }
        assert not (await journey.shippable()).is_shippable

    async def test_what_depends_on_an_artifact_in_its_scope_is(self, journey):
        waiver = Node(kind=RefKind.WAIVER, id=f"exc_{ulid(1)}")
        affects = replace(DIRECTIVE, rel=RefRelation.AFFECTS)
        other = Ref(kind=RefKind.LOOP, id=LOOP_1, rel=RefRelation.AFFECTS)
        loop = Node(kind=RefKind.LOOP, id=LOOP_1)
        on_it = Node(kind=RefKind.ITERATION, id=f"iter_{ulid(1)}")
        through = Ref(kind=RefKind.ITERATION, id=on_it.id, rel=RefRelation.DEPENDS_ON)
        on = Occasion(event_id="evt_1", by=HUMAN, at=NOON)
        told = NewEvent(
            event_id="evt_1",
            stream_id=StreamId("a"),
            stream_kind="LOOP",
            stream_seq=1,
            event_type="Told",
            by=HUMAN,
            occurred_at=NOON,
            correlation_id=None,
            envelope=b"{}",
            envelope_hash=hash_bytes(b"{}"),
            changes=(
                *linked(waiver, [affects, other], on),
                *linked(on_it, [DIRECTIVE], on),
                *linked(loop, [through], on),
            ),
        )
        journey.stage.rows.apply([(Position(1), told)])
        event = ExceptionActivated(
            exception_id=ExceptionId(waiver.id), kind=ExceptionKind.WAIVER
        )

        (impact,) = await reactions.CAUSES["ExceptionActivated"](
            journey.stage.graph, event, Position(2)
        )

        assert impact.root == waiver
        assert {each.node: each.depth for each in impact.reached} == {on_it: 1, loop: 2}
