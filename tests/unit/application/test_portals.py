"""Approvals and freezes in use (SPEC 5.5, C-TB-3, C-SHIP-1): whatever they rest on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sr_core.application.approvals import Approvals, Said
from sr_core.application.recorder import Asked
from sr_core.codec.envelope import Seal, seal
from sr_core.domain.approval import (
    ApprovalDecision,
    ApprovalRecorded,
    Attestations,
    StageSubject,
)
from sr_core.domain.errors import (
    ApprovalUnfit,
    AuthorityRequired,
    IntegrityUnresolved,
    MalformedInput,
    NotFound,
    SelfApproval,
)
from sr_core.domain.exception_scope import ExceptionKind, ExceptionScope, ScopeKind
from sr_core.domain.freeze import Declared, FrozenException
from sr_core.domain.ids import ApprovalId, ExceptionId, RunId
from sr_core.domain.integrity import Portal
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.portal import RequestType
from sr_core.domain.ref_builders import (
    approval_ref,
    bundle_ref,
    candidate_ref,
    loop_ref,
    run_ref,
)
from sr_core.domain.refs import Ref, RefKind, RefRelation, hash_bytes
from sr_core.domain.verification import VerificationMode
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import BEGINNING, Batch, StreamId
from sr_core.ports.read_model import Page, ReadModel, Row
from sr_core.testing import (
    BUILD,
    BYSTANDER,
    DIRECTIVE,
    GOVERNED,
    HUMAN,
    NOON,
    SOME_HASH,
    build_notes,
    fails,
    passes,
    says_nothing,
    ulid,
)

pytestmark = pytest.mark.anyio

ABOUT = RefRelation.ABOUT
ACCEPT = {"portal": Portal.EXCEPTION, "request_type": RequestType.ENG_ACCEPT}
SURFACE_ID = f"ws:{ulid(7)}"
STAGE = Ref(
    kind=RefKind.PROCEDURE_STAGE,
    id="stage:DRAFT",
    rel=ABOUT,
    meta={"work_surface_id": SURFACE_ID},
)
DOCUMENT = replace(DIRECTIVE, rel=ABOUT)


class Speechless:
    """A read model that gives no answer about exceptions."""

    def __init__(self, rows: ReadModel) -> None:
        self._rows = rows

    async def row(self, table: str, key: Row) -> Row | None:
        return await self._rows.row(table, key)

    async def rows(
        self, table: str, where: Row, *, limit: int = 200, offset: int = 0
    ) -> Page:
        if table == "exceptions":
            raise Unavailable(system="the read model", deadline_s=1)
        return await self._rows.rows(table, where, limit=limit, offset=offset)


async def judged(journey: Any) -> Any:
    await journey.open()
    await journey.judge()
    return journey


async def verified(journey: Any) -> Any:
    await judged(journey)
    await journey.verify()
    return journey


async def bind_surface(journey: Any) -> None:
    """Put an event of a work surface into the history of a work unit."""
    event = build_notes()[-1]
    sealed = seal(
        event,
        Seal(
            event_id=journey.stage.ids.fresh("evt"),
            stream_seq=1,
            by=HUMAN,
            occurred_at=NOON,
            correlation_id=None,
            causation_id=None,
        ),
        (),
    )
    of_surface = replace(sealed, stream_id=StreamId(SURFACE_ID))
    batch = Batch(
        boundary=StreamId("wu:WU-1"), expected=BEGINNING, events=(of_surface,)
    )
    await journey.stage.log.append(batch)


async def latest(journey: Any) -> ApprovalRecorded:
    """The approval that was recorded last."""
    events = [each.event for each in await journey.recorded()]
    return [each for each in events if isinstance(each, ApprovalRecorded)][-1]


class TestRelease:
    """C-SHIP-1: a human other than the maker, over evidence that is there."""

    async def test_the_row_says_what_was_said(self, journey):
        await verified(journey)
        attestations = Attestations(
            verification_reviewed=True,
            validation_assessed=True,
            exceptions_understood=True,
        )

        await journey.approve(attestations=attestations)

        row = await journey.row("approvals", approval_id=journey.approval_id)
        assert row["candidate_id"] == journey.candidate_id
        assert row["request_type"] == "RELEASE_APPROVAL"
        assert row["attestations"]["validation_assessed"] is True
        assert [each["kind"] for each in row["subject_refs"]] == ["Candidate"]

    async def test_a_note_that_is_attested_is_recorded(self, journey):
        await verified(journey)
        attestations = Attestations(
            verification_reviewed=True,
            validation_assessed=True,
            exceptions_understood=True,
            assessment_note_refs=(f"rec_{ulid(99)}",),
        )

        with pytest.raises(NotFound, match="No record"):
            await journey.approve(attestations=attestations)

    async def test_who_made_the_candidate_does_not_release_it(self, journey):
        await journey.open()
        journey.candidate_id, _ = await journey.candidates.register(
            journey.iteration_id, {"a": b"1"}, declared=None, asked=Asked(by=HUMAN)
        )
        await journey.judge()
        await journey.verify()

        with pytest.raises(SelfApproval):
            await journey.approve()

        await journey.approve(said=ApprovalDecision.REJECTED)

    async def test_a_bystander_is_refused_before_anything_is_read(self, journey):
        await verified(journey)
        said = Said(
            portal=Portal.RELEASE,
            decision=ApprovalDecision.APPROVED,
            subjects=(candidate_ref(journey.candidate_id, ABOUT),),
            evidence=(),
            exceptions_acknowledged=(),
        )
        journey.stage.evidence_bytes.lose(journey.stage.evidence_bytes.keys()[-1])

        with pytest.raises(AuthorityRequired):
            await journey.approvals.record(said, Asked(by=BYSTANDER))

        assert "EvidenceMissingDetected" not in await journey.types()

    async def test_evidence_that_nobody_recorded_is_none(self, journey):
        await verified(journey)

        with pytest.raises(EvidenceMissing, match="cannot be retrieved"):
            await journey.approve(evidence=(SOME_HASH,))

    async def test_an_exception_that_nobody_recorded_is_none(self, journey):
        await verified(journey)

        with pytest.raises(MalformedInput, match="exceptions that are recorded"):
            await journey.approve(ExceptionId(f"exc_{ulid(99)}"))

    async def test_a_deviation_of_the_loop_has_to_be_acknowledged(self, journey):
        await verified(journey)
        await journey.deviate()

        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            await journey.approve()
        await journey.approve(journey.exception_id)

    async def test_so_has_one_of_its_work_unit_that_no_loop_governs(self, journey):
        await verified(journey)
        scope = ExceptionScope(
            scope_kind=ScopeKind.TIME_BOXED, work_unit_id=str(journey.loop_id)
        )
        await journey.deviate(scope)

        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            await journey.approve()
        await journey.approve(journey.exception_id)

    async def test_one_that_is_over_is_not_acknowledged(self, journey):
        await verified(journey)
        await journey.deviate()
        await journey.resolve()

        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            await journey.approve(journey.exception_id)

    async def test_a_subject_is_one_that_is_recorded(self, journey):
        await verified(journey)
        stranger = run_ref(RunId(f"run_{ulid(99)}"), ABOUT)
        subjects = (candidate_ref(journey.candidate_id, ABOUT), stranger)

        with pytest.raises(NotFound, match="No Run"):
            await journey.approve(subjects=subjects)

    async def test_subjects_are_of_one_loop(self, journey):
        await verified(journey)
        first = journey.loop_id
        await journey.create()
        subjects = (loop_ref(first, ABOUT), loop_ref(journey.loop_id, ABOUT))

        with pytest.raises(MalformedInput, match="subjects of one loop"):
            await journey.approve(subjects=subjects, **ACCEPT)

    async def test_bundles_may_be_subjects_if_they_are_recorded(self, journey):
        await verified(journey)
        evidence = bundle_ref(await journey.evidence(), ABOUT)
        candidate = candidate_ref(journey.candidate_id, ABOUT)

        await journey.approve(subjects=(candidate, evidence))

        strange = bundle_ref(SOME_HASH, ABOUT)
        with pytest.raises(NotFound, match="No EvidenceBundle"):
            await journey.approve(subjects=(candidate, strange))


class TestEvidence:
    """C-EVID-6: what is cited is read, whatever is said on its strength."""

    async def test_an_older_bundle_that_is_cited_is_read_too(self, journey):
        await judged(journey)
        older = await journey.evidence()
        key = journey.stage.evidence_bytes.keys()[-1]
        await journey.judge()
        await journey.verify()
        journey.stage.evidence_bytes.lose(key)

        with pytest.raises(EvidenceMissing):
            await journey.approve(evidence=(older, await journey.evidence()))

        assert (await journey.types())[-2:] == [
            "EvidenceMissingDetected",
            "StopTriggered",
        ]

    async def test_that_it_is_missing_is_recorded_once(self, journey):
        await judged(journey)
        older = await journey.evidence()
        key = journey.stage.evidence_bytes.keys()[-1]
        await journey.judge()
        await journey.verify()
        journey.stage.evidence_bytes.lose(key)

        for _ in range(2):
            with pytest.raises(EvidenceMissing):
                await journey.approve(evidence=(older,))

        assert (await journey.types()).count("EvidenceMissingDetected") == 1

    async def test_a_no_that_cites_what_is_gone_is_refused(self, journey):
        await verified(journey)
        journey.stage.evidence_bytes.lose(journey.stage.evidence_bytes.keys()[-1])

        with pytest.raises(EvidenceMissing):
            await journey.approve(said=ApprovalDecision.REJECTED)

    async def test_one_that_cites_nothing_is_heard(self, journey):
        await verified(journey)
        journey.stage.evidence_bytes.lose(journey.stage.evidence_bytes.keys()[-1])

        await journey.approve(said=ApprovalDecision.REJECTED, evidence=())

        assert (await latest(journey)).decision is ApprovalDecision.REJECTED

    async def test_a_candidate_with_a_condition_is_turned_down_all_the_same(
        self, journey
    ):
        journey.runner.scripts[BUILD] = says_nothing
        await judged(journey)

        with pytest.raises(IntegrityUnresolved):
            await journey.approve(**ACCEPT)
        await journey.approve(said=ApprovalDecision.REJECTED)

    async def test_an_attachment_is_never_evidence(self, journey):
        await verified(journey)

        async def pieces():
            yield b"a proof, says the agent"

        kept, _ = await journey.attachments.add(
            pieces(),
            filename="proof.txt",
            media_type="text/plain",
            asked=Asked(by=HUMAN),
        )
        assert kept.content_hash == hash_bytes(b"a proof, says the agent")

        with pytest.raises(MalformedInput, match="an attachment, which is never"):
            await journey.approve(evidence=(kept.content_hash,))


class TestAcceptance:
    """SPEC 7.1: work is accepted at the exception portal, verified or not."""

    async def test_a_candidate_is_accepted_in_its_loops_history(self, journey):
        await judged(journey)

        await journey.approve(**ACCEPT)

        assert (await latest(journey)).portal_id is Portal.EXCEPTION

    async def test_a_loop_as_a_whole_may_be_the_subject(self, journey):
        await judged(journey)

        await journey.approve(
            portal=Portal.EXCEPTION,
            request_type=RequestType.BUDGET_ESCALATION,
            subjects=(loop_ref(journey.loop_id, ABOUT),),
        )

        row = await journey.row("approvals", approval_id=journey.approval_id)
        assert row["candidate_id"] is None

    async def test_that_bars_nothing_less_while_a_condition_stands(self, journey):
        journey.runner.scripts[BUILD] = says_nothing
        await judged(journey)

        with pytest.raises(IntegrityUnresolved):
            await journey.approve(
                subjects=(loop_ref(journey.loop_id, ABOUT),), **ACCEPT
            )


class TestStages:
    """SPEC 4.6, 7.1: the acceptance of a stage stands in its work unit's history."""

    async def test_it_is_recorded_there(self, journey):
        await judged(journey)
        await bind_surface(journey)

        await journey.approve(subjects=(STAGE,), **ACCEPT)

        history = await journey.stage.log.history(StreamId("wu:WU-1"))
        assert history.events[-1].event_type == "ApprovalRecorded"
        stage = StageSubject(work_surface_id=SURFACE_ID, stage_id="stage:DRAFT")
        assert (await latest(journey)).accepts(stage)
        row = await journey.row("approvals", approval_id=journey.approval_id)
        assert (row["work_surface_id"], row["stage_id"]) == (SURFACE_ID, "stage:DRAFT")

    async def test_of_a_surface_that_is_not_there_there_is_none(self, journey):
        await judged(journey)

        with pytest.raises(NotFound, match="No ProcedureStage"):
            await journey.approve(subjects=(STAGE,), **ACCEPT)

    async def test_a_stage_says_whose_it_is(self, journey):
        await judged(journey)

        with pytest.raises(MalformedInput, match="the work surface whose stage it is"):
            await journey.approve(subjects=(replace(STAGE, meta={}),), **ACCEPT)

    async def test_evidence_that_is_gone_is_recorded_where_it_belongs(self, journey):
        await judged(journey)
        await bind_surface(journey)
        journey.stage.evidence_bytes.lose(journey.stage.evidence_bytes.keys()[-1])

        with pytest.raises(EvidenceMissing):
            await journey.approve(subjects=(STAGE,), **ACCEPT)

        assert "ApprovalRecorded" not in await journey.types()
        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["last_stop_trigger"] == "EVIDENCE_MISSING"

    async def test_a_condition_against_what_is_cited_bars_it(self, journey):
        journey.runner.scripts[BUILD] = says_nothing
        await judged(journey)
        await bind_surface(journey)

        with pytest.raises(IntegrityUnresolved, match="ORACLE_GAP"):
            await journey.approve(subjects=(STAGE,), **ACCEPT)

    async def test_an_exception_of_the_work_is_acknowledged(self, journey):
        await judged(journey)
        await bind_surface(journey)
        await journey.deviate()

        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            await journey.approve(subjects=(STAGE,), **ACCEPT)
        await journey.approve(journey.exception_id, subjects=(STAGE,), **ACCEPT)


class TestGovernance:
    """C-TB-4: a change of what governs has a history of its own."""

    async def test_it_may_rest_on_no_evidence(self, journey):
        await journey.approve(
            portal=Portal.GOVERNANCE, subjects=(DOCUMENT,), evidence=()
        )

        stream = StreamId(f"appr:{journey.approval_id}")
        assert await journey.stage.log.boundary_of(stream) == stream

    async def test_exceptions_to_the_document_are_acknowledged(self, journey):
        scope = ExceptionScope(
            scope_kind=ScopeKind.TIME_BOXED, artifact_refs=(DIRECTIVE,)
        )
        await journey.deviate(scope)
        change = {"portal": Portal.GOVERNANCE, "subjects": (DOCUMENT,), "evidence": ()}

        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            await journey.approve(**change)
        await journey.approve(journey.exception_id, **change)

    async def test_an_approval_of_an_approval_stands_alone_too(self, journey):
        await journey.approve(
            portal=Portal.GOVERNANCE, subjects=(DOCUMENT,), evidence=()
        )
        first = approval_ref(journey.approval_id, ABOUT)

        await journey.approve(portal=Portal.GOVERNANCE, subjects=(first,), evidence=())


class TestFreeze:
    """C-SHIP-1: what is frozen is computed; what the caller says has to be that."""

    async def test_it_lists_files_and_governed_artifacts(self, journey):
        await verified(journey)
        await journey.approve()
        await journey.freeze()

        row = await journey.row("freeze_records", freeze_id=journey.freeze_id)
        file, *governed = [
            (each["artifact_id"], each["version"]) for each in row["artifact_manifest"]
        ]
        assert file == ("src/a.py", None)
        assert sorted(governed) == sorted(
            (each.doc_id, each.version) for each in GOVERNED.artifacts
        )
        assert row["verification_mode"] == "STRICT"
        assert row["evidence_bundle_refs"] == [await journey.evidence()]

    async def test_what_the_caller_expects_has_to_be_so(self, journey):
        await verified(journey)
        await journey.approve()

        with pytest.raises(MalformedInput, match="verification_mode"):
            await journey.freeze(
                Declared(verification_mode=VerificationMode.WITH_EXCEPTIONS)
            )
        await journey.freeze(
            Declared(verification_mode=VerificationMode.STRICT, active_exceptions=())
        )

    async def test_an_exception_that_came_after_the_approval_bars_it(self, journey):
        await verified(journey)
        await journey.approve()
        await journey.deviate()

        with pytest.raises(ApprovalUnfit, match="does not acknowledge exc_"):
            await journey.freeze()

    async def test_one_that_was_acknowledged_is_listed(self, journey):
        await verified(journey)
        await journey.deviate()
        await journey.approve(journey.exception_id)
        expected = FrozenException(
            exception_id=journey.exception_id, kind=ExceptionKind.DEVIATION
        )

        await journey.freeze(Declared(active_exceptions=(expected,)))

        row = await journey.row("freeze_records", freeze_id=journey.freeze_id)
        assert row["active_exceptions"][0]["kind"] == "DEVIATION"

    async def test_one_that_ended_meanwhile_is_not(self, journey):
        await verified(journey)
        await journey.deviate()
        await journey.approve(journey.exception_id)
        journey.stage.clock.skip(timedelta(hours=2))

        await journey.freeze()

        row = await journey.row("freeze_records", freeze_id=journey.freeze_id)
        assert row["active_exceptions"] == []
        assert "ExceptionExpired" in await journey.types()

    async def test_an_exception_to_the_baseline_counts(self, journey):
        await verified(journey)
        await journey.approve()
        scope = ExceptionScope(
            scope_kind=ScopeKind.PER_BASELINE, baseline_id="baseline:1"
        )
        await journey.deviate(scope)

        with pytest.raises(ApprovalUnfit, match="does not acknowledge exc_"):
            await journey.freeze()
        await journey.approve(journey.exception_id)
        await journey.freeze()

    async def test_without_an_answer_about_exceptions_nothing_is_approved(
        self, journey
    ):
        await verified(journey)
        platform = replace(
            journey.stage.platform, rows=Speechless(journey.stage.platform.rows)
        )
        said = Said(
            portal=Portal.RELEASE,
            decision=ApprovalDecision.APPROVED,
            subjects=(candidate_ref(journey.candidate_id, ABOUT),),
            evidence=(await journey.evidence(),),
            exceptions_acknowledged=(),
        )

        with pytest.raises(Unavailable):
            await Approvals(platform=platform).record(said, Asked(by=HUMAN))

        assert "ApprovalRecorded" not in await journey.types()

    async def test_an_approval_that_nobody_gave_is_not_found(self, journey):
        await verified(journey)
        journey.approval_id = ApprovalId(f"appr_{ulid(99)}")

        with pytest.raises(NotFound, match="No approval"):
            await journey.freeze()

    @pytest.mark.parametrize("about", ["another candidate", "a document"])
    async def test_one_of_another_history_is_about_something_else(self, journey, about):
        await verified(journey)
        if about == "a document":
            await journey.approve(
                portal=Portal.GOVERNANCE, subjects=(DOCUMENT,), evidence=()
            )
        else:
            await journey.approve()
            await journey.create()
            await journey.activate()
            await journey.iterate()
            await journey.make()
            await journey.judge()
            await journey.verify()

        with pytest.raises(ApprovalUnfit, match="is about"):
            await journey.freeze()

    async def test_with_a_waiver_the_mode_says_so(self, journey):
        journey.runner.scripts[BUILD] = fails
        await judged(journey)
        await journey.waive()
        await journey.approve(journey.exception_id)
        await journey.freeze()

        row = await journey.row("freeze_records", freeze_id=journey.freeze_id)
        assert row["verification_mode"] == "WITH_EXCEPTIONS"
        assert row["waiver_refs"] == [journey.exception_id]
        journey.runner.scripts[BUILD] = passes
