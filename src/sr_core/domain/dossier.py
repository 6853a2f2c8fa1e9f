"""The dossier: what the log says of one loop and of all that belongs to it.

It is folded from the loop's boundary, the one ordered history over which decisions about
the loop are taken (`sr_core.ports.event_store`). The rules that join several aggregates
stand here; each aggregate's own stand in its module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import TypeAlias, TypeVar

from sr_core.domain import candidate as candidates
from sr_core.domain import governed_exception, iteration, loop, run
from sr_core.domain.approval import ApprovalRecorded
from sr_core.domain.candidate import Candidate, CandidateMaterialized
from sr_core.domain.decision import DecisionRecorded
from sr_core.domain.errors import EvidenceMissing, IntegrityUnresolved, NotFound
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.freeze import FreezeRecordCreated
from sr_core.domain.governed_exception import (
    ExceptionActivated,
    ExceptionPhase,
    ExceptionResolved,
    Waiver,
    WaiverCreated,
)
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    ExceptionId,
    IterationId,
    OracleId,
    RunId,
    SuiteId,
)
from sr_core.domain.integrity import (
    TRIGGER_OF,
    IntegrityCondition,
    Portal,
)
from sr_core.domain.iteration import (
    Iteration,
    IterationBegun,
    IterationCompleted,
    IterationFailed,
    IterationStarted,
    IterationSummaryRecorded,
)
from sr_core.domain.loop import Loop
from sr_core.domain.profile import Profile
from sr_core.domain.refs import ContentHash
from sr_core.domain.run import (
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    Run,
    RunCompleted,
    RunFailed,
    RunPhase,
    RunStarted,
)
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    Finding,
    SuiteFacts,
    compute,
)

K = TypeVar("K")
V = TypeVar("V")

_LoopEvents: TypeAlias = loop.LoopEvent | DecisionRecorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One loop and what belongs to it, each part in the order in which it came."""

    loop: Loop | None = None
    iterations: Mapping[IterationId, Iteration] = field(default_factory=dict)
    candidates: Mapping[CandidateId, Candidate] = field(default_factory=dict)
    runs: Mapping[RunId, Run] = field(default_factory=dict)
    waivers: Mapping[ExceptionId, Waiver] = field(default_factory=dict)
    approvals: Mapping[ApprovalId, ApprovalRecorded] = field(default_factory=dict)
    freezes: Mapping[CandidateId, FreezeRecordCreated] = field(default_factory=dict)

    def the_loop(self) -> Loop:
        """Return the loop; anything recorded in its boundary comes after it."""
        assert self.loop is not None, "a loop's boundary opens with LoopCreated"
        return self.loop

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """Return the candidate, or raise `NotFound`."""
        return _known(self.candidates, candidate_id, "candidate")

    def iteration(self, iteration_id: IterationId) -> Iteration:
        """Return the iteration, or raise `NotFound`."""
        return _known(self.iterations, iteration_id, "iteration")

    def run(self, run_id: RunId) -> Run:
        """Return the run, or raise `NotFound`."""
        return _known(self.runs, run_id, "run")

    def waiver(self, exception_id: ExceptionId) -> Waiver:
        """Return the waiver, or raise `NotFound`."""
        return _known(self.waivers, exception_id, "exception")

    def approval(self, approval_id: ApprovalId) -> ApprovalRecorded:
        """Return the approval, or raise `NotFound`."""
        return _known(self.approvals, approval_id, "approval")

    def latest_run(self, candidate_id: CandidateId, suite_id: SuiteId) -> Run | None:
        """Return the latest completed run of the suite over the candidate."""
        return next(
            (
                each
                for each in reversed([*self.runs.values()])
                if (each.candidate_id, each.suite_id) == (candidate_id, suite_id)
                and each.phase is RunPhase.COMPLETED
            ),
            None,
        )

    def run_judging_by(
        self, candidate_id: CandidateId, oracle_id: OracleId
    ) -> Run | None:
        """Return the candidate's latest completed run that has the oracle's result."""
        return next(
            (
                each
                for each in reversed([*self.runs.values()])
                if each.candidate_id == candidate_id
                and each.phase is RunPhase.COMPLETED
                and oracle_id in each.results
            ),
            None,
        )

    def evidence_of(self, candidate_id: CandidateId) -> tuple[ContentHash, ...]:
        """Return the bundles recorded for the candidate."""
        return tuple(
            each.evidence
            for each in self.runs.values()
            if each.candidate_id == candidate_id and each.evidence is not None
        )

    def active_waivers(
        self, candidate_id: CandidateId, *, now: datetime
    ) -> tuple[ExceptionId, ...]:
        """Return the waivers in force for the candidate."""
        return tuple(
            each.exception_id
            for each in self.waivers.values()
            if each.candidate_id == candidate_id
            and each.phase is ExceptionPhase.ACTIVE
            and now < each.expires_at
        )

    def standing(self) -> frozenset[IntegrityCondition]:
        """Return the integrity conditions that stand against the loop's candidates."""
        conditions: frozenset[IntegrityCondition] = frozenset()
        for each in self.candidates.values():
            conditions |= self.standing_against(each.candidate_id)
        return conditions

    def standing_against(
        self, candidate_id: CandidateId
    ) -> frozenset[IntegrityCondition]:
        """Return what stands against the candidate: from its latest verification and runs.

        A later run of the same suite cures what an earlier one found, once the
        candidate has been verified by it.
        """
        candidate = self.candidate(candidate_id)
        conditions = candidate.standing
        for suite_id in {each.suite_id for each in self.runs.values()}:
            latest = self.latest_run(candidate_id, suite_id)
            if latest is not None:
                conditions |= latest.conditions
        return conditions


def fold(events: Iterable[DomainEvent], onto: Dossier | None = None) -> Dossier:
    """Return the dossier after `events`, in order."""
    return reduce(evolve, events, onto or Dossier())


def evolve(dossier: Dossier, event: DomainEvent) -> Dossier:
    """Fold one event into the dossier."""
    match event:
        case IterationStarted():
            started = iteration.started(event)
            return replace(
                dossier,
                loop=loop.evolve(dossier.loop, event),
                iterations=_with(dossier.iterations, event.iteration_id, started),
            )
        case (
            IterationBegun()
            | IterationCompleted()
            | IterationSummaryRecorded()
            | IterationFailed()
        ):
            moved_on = iteration.evolve(dossier.iterations[event.iteration_id], event)
            return replace(
                dossier,
                loop=loop.evolve(dossier.loop, event),
                iterations=_with(dossier.iterations, event.iteration_id, moved_on),
            )
        case CandidateMaterialized():
            made = candidates.materialised(event)
            return replace(
                dossier, candidates=_with(dossier.candidates, event.candidate_id, made)
            )
        case CandidateVerificationComputed() | EvidenceMissingDetected():
            known = dossier.candidates[event.candidate_id]
            judged = candidates.evolve(known, event)
            return replace(
                dossier,
                candidates=_with(dossier.candidates, event.candidate_id, judged),
            )
        case RunStarted():
            return replace(
                dossier,
                loop=loop.count_run(dossier.the_loop()),
                runs=_with(dossier.runs, event.run_id, run.evolve(None, event)),
            )
        case (
            EvidenceBundleRecorded()
            | IntegrityViolationDetected()
            | RunCompleted()
            | RunFailed()
        ):
            gone_on = run.evolve(dossier.runs[event.run_id], event)
            return replace(dossier, runs=_with(dossier.runs, event.run_id, gone_on))
        case WaiverCreated() | ExceptionActivated() | ExceptionResolved():
            before = dossier.waivers.get(event.exception_id)
            waiver = governed_exception.evolve(before, event)
            return replace(
                dossier, waivers=_with(dossier.waivers, event.exception_id, waiver)
            )
        case ApprovalRecorded():
            return replace(
                dossier, approvals=_with(dossier.approvals, event.approval_id, event)
            )
        case FreezeRecordCreated():
            return replace(
                dossier, freezes=_with(dossier.freezes, event.candidate_id, event)
            )
        case _:
            assert isinstance(event, _LoopEvents), "a suite has a boundary of its own"
            return replace(dossier, loop=loop.evolve(dossier.loop, event))


def verify(
    dossier: Dossier,
    candidate_id: CandidateId,
    facts: Sequence[SuiteFacts],
    *,
    profile: Profile,
    now: datetime,
) -> Ruling:
    """Return the verification of the candidate, and the stops that it makes (SPEC 6.1).

    The refusal is `EvidenceMissing` if evidence cannot be read: there was nothing to
    compute from, which is recorded like any other result.
    """
    candidate = dossier.candidate(candidate_id)
    finding = compute(
        facts,
        profile=profile,
        waivers=dossier.waivers.values(),
        known_missing=candidate.missing,
        now=now,
    )
    events: list[DomainEvent] = [
        *_newly_missing(candidate, facts),
        _computed(candidate, facts, finding, profile),
    ]
    for condition, why in finding.conditions.items():
        events += loop.stop(
            dossier.the_loop(),
            TRIGGER_OF[condition],
            condition=f"{condition}: {why}",
            candidate_id=candidate_id,
        )
    refusal = None
    if IntegrityCondition.EVIDENCE_MISSING in finding.conditions:
        refusal = EvidenceMissing(
            subject=candidate_id,
            evidence=[
                each.run.evidence for each in facts if each.run and each.run.evidence
            ],
        )
    return Ruling(events=tuple(events), refusal=refusal)


def gate(
    dossier: Dossier,
    candidate_id: CandidateId,
    facts: Sequence[SuiteFacts],
    *,
    profile: Profile,
    now: datetime,
) -> Ruling:
    """Return what a fresh look at the evidence changes, and whether it bars the way.

    It never lifts a candidate to verified: that is for a verification that was asked
    for. One that no suite has judged yet is left as it is: there is nothing to look at.
    """
    candidate = dossier.candidate(candidate_id)
    if all(each.run is None for each in facts):
        return Ruling()
    ruling = verify(dossier, candidate_id, facts, profile=profile, now=now)
    after = fold(ruling.events, dossier)
    changed = after.candidate(candidate_id) != candidate
    conditions = after.candidate(candidate_id).standing
    if not candidate.status.is_verified and not conditions:
        return Ruling()
    refusal = ruling.refusal
    if refusal is None and conditions:
        refusal = IntegrityUnresolved(subject=candidate_id, conditions=conditions)
    return Ruling(events=ruling.events if changed else (), refusal=refusal)


def _newly_missing(
    candidate: Candidate, facts: Sequence[SuiteFacts]
) -> Iterator[EvidenceMissingDetected]:
    for each in facts:
        run, reading = each.run, each.reading
        if run is None or reading is None or reading.is_intact:
            continue
        if reading.content_hash not in candidate.missing:
            yield EvidenceMissingDetected(
                candidate_id=candidate.candidate_id,
                run_id=run.run_id,
                content_hash=reading.content_hash,
                missing_parts={name: str(was) for name, was in reading.lost.items()},
                recommended_portal=Portal.GOVERNANCE,
            )


def _computed(
    candidate: Candidate,
    facts: Sequence[SuiteFacts],
    finding: Finding,
    profile: Profile,
) -> CandidateVerificationComputed:
    runs = [each.run for each in facts if each.run is not None]
    return CandidateVerificationComputed(
        candidate_id=candidate.candidate_id,
        verification_status=finding.status,
        verification_profile_id=profile.profile_id,
        verification_scope={"work_unit_id": candidate.loop_id},
        integrity_conditions=tuple(sorted(finding.conditions)),
        evidence_bundle_hashes=tuple(each.evidence for each in runs if each.evidence),
        oracle_suite_summaries={each.suite_id: each.suite_hash for each in runs},
        waiver_ids=tuple(sorted(set(finding.waived_by.values()))),
        waived_oracle_ids=tuple(sorted(finding.waived_by)),
        verification_basis={
            **{str(name): why for name, why in finding.conditions.items()},
            **{str(name): "FAIL" for name in sorted(finding.failed)},
        },
    )


def _known(things: Mapping[K, V], identifier: K, kind: str) -> V:
    if identifier in things:
        return things[identifier]
    raise NotFound(kind=kind, identifier=str(identifier))


def _with(things: Mapping[K, V], identifier: K, thing: V) -> Mapping[K, V]:
    return {**things, identifier: thing}
