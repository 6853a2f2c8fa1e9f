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
from itertools import takewhile
from typing import TypeAlias, TypeVar

from sr_core.domain import candidate as candidates
from sr_core.domain import governed_exception, iteration, loop, run
from sr_core.domain.approval import ApprovalRecorded
from sr_core.domain.candidate import Candidate, CandidateMaterialized
from sr_core.domain.decision import DecisionRecorded
from sr_core.domain.errors import IntegrityUnresolved, NotFound
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.exception_scope import ExceptionKind, Place
from sr_core.domain.freeze import FreezeRecordCreated
from sr_core.domain.governed_exception import (
    ExceptionEvent,
    GovernedException,
)
from sr_core.domain.governor import GovernorDecisionRecorded
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
    StopTrigger,
)
from sr_core.domain.iteration import (
    Iteration,
    IterationEvent,
    IterationStarted,
)
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.loop import Loop
from sr_core.domain.profile import Profile
from sr_core.domain.refs import ContentHash
from sr_core.domain.run import Run, RunPhase
from sr_core.domain.run_events import (
    RunEvent,
    RunStarted,
)
from sr_core.domain.verification import (
    EarlierRun,
    EvidenceMissingDetected,
    SuiteFacts,
    VerificationEvent,
    VerificationScope,
    compute,
    computed,
)
from sr_core.domain.violation import Violation

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
    exceptions: Mapping[ExceptionId, GovernedException] = field(default_factory=dict)
    approvals: Mapping[ApprovalId, ApprovalRecorded] = field(default_factory=dict)
    freezes: Mapping[CandidateId, FreezeRecordCreated] = field(default_factory=dict)
    governed: GovernorDecisionRecorded | None = None
    """What the governor concluded last."""

    def the_loop(self) -> Loop:
        """Return the loop; anything recorded in its boundary comes after it."""
        assert self.loop is not None, "a loop's boundary opens with LoopCreated"
        return self.loop

    @property
    def work_unit_id(self) -> str:
        """The work that the loop is about; a loop of no other work is its own."""
        return self.the_loop().work_unit

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """Return the candidate, or raise `NotFound`."""
        return _known(self.candidates, candidate_id, "candidate")

    def iteration(self, iteration_id: IterationId) -> Iteration:
        """Return the iteration, or raise `NotFound`."""
        return _known(self.iterations, iteration_id, "iteration")

    def run(self, run_id: RunId) -> Run:
        """Return the run, or raise `NotFound`."""
        return _known(self.runs, run_id, "run")

    @property
    def waivers(self) -> Mapping[ExceptionId, GovernedException]:
        """The exceptions that are waivers."""
        return {
            name: each
            for name, each in self.exceptions.items()
            if each.kind is ExceptionKind.WAIVER
        }

    def exception(self, exception_id: ExceptionId) -> GovernedException:
        """Return the exception, or raise `NotFound`."""
        return _known(self.exceptions, exception_id, "exception")

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

    def runs_like(
        self,
        run: Run,
        *,
        content_hash: ContentHash,
        environment_hash: ContentHash | None,
    ) -> tuple[EarlierRun, ...]:
        """Return the runs before `run` that had the same inputs (C-OR-5).

        The inputs are the candidate's bytes, the suite as defined, and where it ran.
        """
        inputs = (content_hash, run.suite_hash, environment_hash)
        before = takewhile(lambda it: it.run_id != run.run_id, self.runs.values())
        return tuple(
            EarlierRun(run_id=each.run_id, output_hashes=each.output_hashes)
            for each in before
            if inputs == (self._hash_of(each), each.suite_hash, each.environment_hash)
        )

    def _hash_of(self, run: Run) -> ContentHash:
        """Return the hash of the bytes that the run judges."""
        return self.candidates[run.candidate_id].content_hash

    def evidence_of(self, candidate_id: CandidateId) -> tuple[ContentHash, ...]:
        """Return the bundles recorded for the candidate."""
        return tuple(
            each.evidence
            for each in self.runs.values()
            if each.candidate_id == candidate_id and each.evidence is not None
        )

    def active_exceptions(
        self, place: Place, *, now: datetime
    ) -> Mapping[ExceptionId, ExceptionKind]:
        """Return the exceptions in force at `place`, each with its kind (C-EXC-2)."""
        return {
            name: each.kind
            for name, each in self.exceptions.items()
            if each.is_in_force(now) and each.scope.reaches(place)
        }

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
        candidate has been verified by it. Evidence that was found missing is cured by
        none that is found again, only by that of a later run (C-EVID-6).
        """
        candidate = self.candidate(candidate_id)
        conditions = candidate.standing
        for suite_id in {each.suite_id for each in self.runs.values()}:
            latest = self.latest_run(candidate_id, suite_id)
            if latest is not None:
                conditions |= latest.conditions
            if latest is not None and latest.evidence in candidate.missing:
                conditions |= {IntegrityCondition.EVIDENCE_MISSING}
        return conditions


def fold(events: Iterable[DomainEvent], onto: Dossier | None = None) -> Dossier:
    """Return the dossier after `events`, in order."""
    return reduce(evolve, events, onto or Dossier())


def evolve(dossier: Dossier, event: DomainEvent) -> Dossier:
    """Fold one event into the dossier."""
    match event:
        case _ if isinstance(event, IterationEvent):
            return _iterate(dossier, event)
        case CandidateMaterialized():
            made = candidates.materialised(event)
            known = _with(dossier.candidates, event.candidate_id, made)
            return replace(dossier, candidates=known)
        case _ if isinstance(event, VerificationEvent):
            judged = candidates.evolve(dossier.candidates[event.candidate_id], event)
            known = _with(dossier.candidates, event.candidate_id, judged)
            return replace(dossier, candidates=known)
        case _ if isinstance(event, RunEvent):
            return _run(dossier, event)
        case _ if isinstance(event, ExceptionEvent):
            before = dossier.exceptions.get(event.exception_id)
            after = governed_exception.evolve(before, event)
            excepted = _with(dossier.exceptions, event.exception_id, after)
            return replace(dossier, exceptions=excepted)
        case ApprovalRecorded():
            approved = _with(dossier.approvals, event.approval_id, event)
            return replace(dossier, approvals=approved)
        case GovernorDecisionRecorded():
            return replace(dossier, governed=event)
        case FreezeRecordCreated():
            frozen = _with(dossier.freezes, event.candidate_id, event)
            return replace(dossier, freezes=frozen)
        case _:
            assert isinstance(event, _LoopEvents), "a suite has a boundary of its own"
            return replace(dossier, loop=loop.evolve(dossier.loop, event))


def _iterate(dossier: Dossier, event: IterationEvent) -> Dossier:
    if isinstance(event, IterationStarted):
        after = iteration.started(event)
    else:
        after = iteration.evolve(dossier.iterations[event.iteration_id], event)
    return replace(
        dossier,
        loop=loop.evolve(dossier.loop, event),
        iterations=_with(dossier.iterations, event.iteration_id, after),
    )


def _run(dossier: Dossier, event: RunEvent) -> Dossier:
    after = run.evolve(dossier.runs.get(event.run_id), event)
    known = dossier.the_loop()
    counted = loop.count_run(known) if isinstance(event, RunStarted) else known
    runs = _with(dossier.runs, event.run_id, after)
    return replace(dossier, loop=counted, runs=runs)


def verify(
    dossier: Dossier,
    candidate_id: CandidateId,
    facts: Sequence[SuiteFacts],
    *,
    profile: Profile,
    scope: VerificationScope,
    now: datetime,
    because: str,
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
        computed(candidate_id, facts, finding, profile, scope, because=because),
    ]
    events += stops(dossier.the_loop(), finding.violations, candidate_id=candidate_id)
    refusal = None
    if IntegrityCondition.EVIDENCE_MISSING in finding.conditions:
        refusal = EvidenceMissing(
            subject=candidate_id,
            evidence=[
                each.run.evidence for each in facts if each.run and each.run.evidence
            ],
        )
    return Ruling(events=tuple(events), refusal=refusal)


def recompute(
    dossier: Dossier,
    candidate_id: CandidateId,
    facts: Sequence[SuiteFacts],
    *,
    profile: Profile,
    scope: VerificationScope,
    now: datetime,
    because: str,
) -> Ruling:
    """Return what something that happened changes in the candidate's verification.

    Nothing is recorded if all stays as it was. The refusal is that of `verify`; where
    nobody asked, it is passed over. A candidate that was never verified waits until
    every required suite has judged it: a suite that is still to run is no gap yet.
    """
    candidate = dossier.candidate(candidate_id)
    waits = any(each.run is None for each in facts)
    if candidate.rests_on is None and waits:
        return Ruling()
    ruling = verify(
        dossier,
        candidate_id,
        facts,
        profile=profile,
        scope=scope,
        now=now,
        because=because,
    )
    after = fold(ruling.events, dossier)
    changed = after.candidate(candidate_id) != candidate
    return replace(ruling, events=ruling.events if changed else ())


def stops(
    known: Loop,
    violations: Iterable[Violation],
    *,
    candidate_id: CandidateId,
    run_id: RunId | None = None,
    evidence: ContentHash | None = None,
) -> tuple[loop.LoopEvent, ...]:
    """Return the stops that violations make: one for each trigger, with the first why.

    Each names the candidate, and the run and its evidence where one of those offends.
    """
    first: dict[StopTrigger, Violation] = {}
    for each in violations:
        first.setdefault(TRIGGER_OF[each.condition_type], each)
    return tuple(
        event
        for trigger, why in sorted(first.items())
        for event in loop.stop(
            known,
            trigger,
            condition=str(why),
            run_id=run_id,
            candidate_id=candidate_id,
            evidence=evidence,
        )
    )


def gate(
    dossier: Dossier,
    candidate_id: CandidateId,
    facts: Sequence[SuiteFacts],
    *,
    profile: Profile,
    scope: VerificationScope,
    now: datetime,
) -> Ruling:
    """Return what a fresh look at the evidence changes, and whether it bars the way.

    It never lifts a candidate to verified: that is for a verification that was asked
    for. One that no suite has judged yet is left as it is: there is nothing to look at.
    """
    candidate = dossier.candidate(candidate_id)
    if all(each.run is None for each in facts):
        return Ruling()
    ruling = verify(
        dossier,
        candidate_id,
        facts,
        profile=profile,
        scope=scope,
        now=now,
        because="a gate looked at the evidence",
    )
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


def _known(things: Mapping[K, V], identifier: K, kind: str) -> V:
    if identifier in things:
        return things[identifier]
    raise NotFound(kind=kind, identifier=str(identifier))


def _with(things: Mapping[K, V], identifier: K, thing: V) -> Mapping[K, V]:
    return {**things, identifier: thing}
