"""Approvals: what a human says at a portal, every piece of evidence read anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sr_core.application.citations import candidates_of, missing_among
from sr_core.application.in_force import (
    active_for_baselines,
    active_outside,
    kinds_of,
)
from sr_core.application.known import Case
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.application.subjects import governing
from sr_core.application.verification import Verification
from sr_core.codec.envelope import opened
from sr_core.domain import approval
from sr_core.domain import dossier as dossiers
from sr_core.domain.actors import Actor
from sr_core.domain.approval import (
    ApprovalDecision,
    Attestations,
    RecordApproval,
    Reviewed,
    candidate_of,
)
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import NotFound, SrError
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.exception_scope import ExceptionKind, Place
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    ExceptionId,
    LoopId,
    parse_approval_id,
    parse_loop_id,
    parse_record_id,
)
from sr_core.domain.integrity import IntegrityCondition, Portal
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.portal import RequestType, rule_for
from sr_core.domain.refs import ContentHash, Ref
from sr_core.ports.event_store import NewEvent, StreamId

Recorded = tuple[NewEvent, ...]
Events = tuple[DomainEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An approval as somebody gives it."""

    portal: Portal
    decision: ApprovalDecision
    subjects: tuple[Ref, ...]
    evidence: tuple[ContentHash, ...]
    exceptions_acknowledged: tuple[ExceptionId, ...]
    request_type: RequestType | None = None
    rationale: str | None = None
    attestations: Attestations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The approvals of one log."""

    platform: Platform

    async def record(self, said: Said, asked: Asked) -> tuple[ApprovalId, Recorded]:
        """Record what a human says, in the history that governs the subjects.

        Raises:
            EvidenceMissing: evidence that is cited, or that the subject rests on, cannot
                be read intact; that is recorded.

        """
        command = RecordApproval(
            by=asked.by,
            approval_id=parse_approval_id(self.platform.ids.fresh("appr")),
            portal=said.portal,
            decision=said.decision,
            subjects=said.subjects,
            evidence=said.evidence,
            exceptions_acknowledged=said.exceptions_acknowledged,
            request_type=said.request_type,
            rationale=said.rationale,
            attestations=said.attestations,
        )
        approval.authorise(command)
        await self._require_notes(said.attestations)
        cited = await candidates_of(self.platform, command.evidence)
        boundary = await governing(self.platform, command.subjects)
        if boundary is not None and boundary.startswith("loop:"):
            loop_id = parse_loop_id(boundary.removeprefix("loop:"))
            recorded = await self._in_loop(loop_id, command, asked)
        else:
            recorded = await self._elsewhere(boundary, command, cited, asked)
        return command.approval_id, recorded

    async def _in_loop(
        self, loop_id: LoopId, command: RecordApproval, asked: Asked
    ) -> Recorded:
        candidate_id = candidate_of(command.subjects)

        async def rule(dossier: Dossier) -> Ruling:
            gate = await self._gate(dossier, command)
            if gate.refusal is not None and _is_barred(command, gate.refusal):
                return gate
            after = dossiers.fold(gate.events, dossier)
            place = Place(
                loop_id=loop_id,
                work_unit_id=dossier.work_unit_id,
                candidate_id=candidate_id,
            )
            active = {
                **after.active_exceptions(place, now=self.platform.clock.now()),
                **await active_outside(self.platform, place),
            }
            seen = Reviewed(
                recorded=_evidence(after, candidate_id),
                active=active,
                known=await self._known(command, active),
                optional=await active_for_baselines(self.platform),
                standing=_standing(after, candidate_id),
                candidate=after.candidate(candidate_id) if candidate_id else None,
                made_by=await self._maker(loop_id, candidate_id),
            )
            return _ruled(command, seen, gate.events)

        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def _elsewhere(
        self,
        boundary: StreamId | None,
        command: RecordApproval,
        cited: Mapping[ContentHash, CandidateId],
        asked: Asked,
    ) -> Recorded:
        """Record an approval that no loop governs; its evidence belongs to some."""

        async def rule(_: Events) -> Ruling:
            place = Place(
                work_unit_id=_work_unit(boundary),
                artifact_ids=frozenset(each.id for each in command.subjects),
            )
            active = dict(await active_outside(self.platform, place))
            standing: frozenset[IntegrityCondition] = frozenset()
            for candidate_id in sorted(set(cited.values())):
                dossier = await self._read_anew(candidate_id, command, asked)
                within = Place(
                    loop_id=dossier.the_loop().loop_id,
                    work_unit_id=place.work_unit_id,
                    candidate_id=candidate_id,
                )
                now = self.platform.clock.now()
                active |= dossier.active_exceptions(within, now=now)
                standing |= dossier.standing_against(candidate_id)
            seen = Reviewed(
                recorded=cited.keys(),
                active=active,
                known=await self._known(command, active),
                standing=standing,
            )
            return _ruled(command, seen, ())

        own = StreamId(stream_name("appr", command.approval_id))
        case: Case[Events] = Case(boundary=boundary or own, fold=_all_events)
        return await self.platform.recorder.record(case, rule, asked)

    async def _gate(self, dossier: Dossier, command: RecordApproval) -> Ruling:
        """Return what a fresh look at the subject's and the cited evidence finds."""
        candidate_id = candidate_of(command.subjects)
        verification = Verification(platform=self.platform)
        if candidate_id is None:
            gate = Ruling(events=await verification.lapses(dossier))
        else:
            gate = await verification.gate(dossier, candidate_id)
        if gate.refusal is not None:
            return gate
        after = dossiers.fold(gate.events, dossier)
        lost = await missing_among(self.platform, after, command.evidence)
        return Ruling(events=(*gate.events, *lost.events), refusal=lost.refusal)

    async def _read_anew(
        self, candidate_id: CandidateId, command: RecordApproval, asked: Asked
    ) -> Dossier:
        """Return the candidate's dossier, its cited evidence having been read.

        Raises:
            EvidenceMissing: some of it cannot be read intact, which its loop records.

        """
        case = await self.platform.candidate_case(candidate_id)

        async def rule(dossier: Dossier) -> Ruling:
            return await missing_among(self.platform, dossier, command.evidence)

        await self.platform.recorder.record(case, rule, asked)
        return await self.platform.recorder.state(case)

    async def _known(
        self, command: RecordApproval, active: Mapping[ExceptionId, ExceptionKind]
    ) -> Mapping[ExceptionId, ExceptionKind]:
        """Return those acknowledged that are recorded anywhere, with their kinds."""
        strangers = set(command.exceptions_acknowledged) - active.keys()
        return {**active, **await kinds_of(self.platform, sorted(strangers))}

    async def _maker(
        self, loop_id: LoopId, candidate_id: CandidateId | None
    ) -> Actor | None:
        """Return who registered the candidate: the actor of its first event."""
        if candidate_id is None:
            return None
        history = await self.platform.recorder.store.history(
            loop_case(loop_id).boundary
        )
        stream = stream_name("cand", candidate_id)
        first = next(each for each in history.events if each.stream_id == stream)
        return opened(first).by

    async def _require_notes(self, attestations: Attestations | None) -> None:
        for text in attestations.assessment_note_refs if attestations else ():
            key = {"record_id": parse_record_id(text)}
            if await self.platform.rows.row("human_judgment_records", key) is None:
                raise NotFound(kind="record", identifier=text)


def _ruled(command: RecordApproval, seen: Reviewed, before: Events) -> Ruling:
    """Return the approval after what was found `before` it, which stays recorded."""
    try:
        approved = approval.decide(command, seen)
    except SrError as refusal:
        return Ruling(events=before, refusal=refusal)
    return Ruling(events=(*before, *approved))


def _is_barred(command: RecordApproval, refusal: SrError) -> bool:
    """Whether what the gate found bars this approval.

    A yes is barred by all that its request says; a no may be said of anything, but not
    on the strength of evidence that cannot be read.
    """
    if command.decision is ApprovalDecision.APPROVED:
        is_missing = isinstance(refusal, EvidenceMissing)
        return is_missing or rule_for(command.portal, command.request).bars_integrity
    return isinstance(refusal, EvidenceMissing) and bool(command.evidence)


def _evidence(
    dossier: Dossier, candidate_id: CandidateId | None
) -> tuple[ContentHash, ...]:
    """Return the bundles that may be cited: the candidate's, or all of the loop."""
    return tuple(
        run.evidence
        for run in dossier.runs.values()
        if run.evidence is not None and candidate_id in {None, run.candidate_id}
    )


def _standing(
    dossier: Dossier, candidate_id: CandidateId | None
) -> frozenset[IntegrityCondition]:
    if candidate_id is None:
        return dossier.standing()
    return dossier.standing_against(candidate_id)


def _work_unit(boundary: StreamId | None) -> str | None:
    if boundary is None or not boundary.startswith("wu:"):
        return None
    return boundary.removeprefix("wu:")


def _all_events(events: Iterable[DomainEvent], onto: Events | None) -> Events:
    return (*(onto or ()), *events)
