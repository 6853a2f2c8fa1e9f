"""Governed exceptions; so far the waiver, which covers one failure of one oracle.

    CREATED --activate--> ACTIVE --resolve--> RESOLVED

A waiver covers an explicit FAIL of a required oracle and nothing else: no integrity
condition, no missing result, no missing evidence (C-EXC-3, C-EXC-4, C-OR-7).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput, NonWaivable, TransitionRefused
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import (
    CandidateId,
    ExceptionId,
    OracleId,
    RunId,
    SuiteId,
    parse_oracle_id,
)
from sr_core.domain.integrity import (
    PORTAL_ROLE,
    IntegrityCondition,
    Portal,
    StopTrigger,
)
from sr_core.domain.ref_builders import candidate_ref, run_ref, waiver_refs
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.run import Run

_NEVER: Final = frozenset(IntegrityCondition) | frozenset(StopTrigger)


class ExceptionPhase(StrEnum):
    """Where an exception stands (SPEC 4.5)."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWaiver:
    """Ask that a failure of an oracle be accepted for one candidate, for a time."""

    by: Actor
    exception_id: ExceptionId
    candidate_id: CandidateId
    target: str
    """The oracle whose failure is to be accepted."""
    rationale: str
    expires_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverCreated:
    """A waiver was drawn up."""

    exception_id: ExceptionId
    candidate_id: CandidateId
    oracle_id: OracleId
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    run_id: RunId
    scope: str
    rationale: str
    expires_at: datetime

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (
            candidate_ref(self.candidate_id, RefRelation.AFFECTS),
            run_ref(self.run_id),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionActivated:
    """An exception came into force."""

    exception_id: ExceptionId

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return waiver_refs((self.exception_id,), RefRelation.ABOUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionResolved:
    """An exception was lifted."""

    exception_id: ExceptionId

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return waiver_refs((self.exception_id,), RefRelation.ABOUT)


ExceptionEvent: TypeAlias = WaiverCreated | ExceptionActivated | ExceptionResolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """What the events so far say of one waiver."""

    exception_id: ExceptionId
    candidate_id: CandidateId
    oracle_id: OracleId
    suite_id: SuiteId
    run_id: RunId
    expires_at: datetime
    phase: ExceptionPhase = ExceptionPhase.CREATED

    def covers(self, run: Run, oracle_id: OracleId, *, now: datetime) -> bool:
        """Whether the failure of `oracle_id` in this very run is accepted at `now`."""
        return (
            self.phase is ExceptionPhase.ACTIVE
            and (self.run_id, self.oracle_id) == (run.run_id, oracle_id)
            and now < self.expires_at
        )


def create(
    run: Run | None, required: Collection[OracleId], command: CreateWaiver
) -> tuple[WaiverCreated, ...]:
    """Return the waiver; `run` is the candidate's latest run that named the oracle.

    `required` are the oracles whose word decides in that run's suite.

    Raises:
        AuthorityRequired: no human, or one without the role.
        NonWaivable: the target is no explicit failure of a required oracle.
        MalformedInput: no rationale, or an expiry that is past.

    """
    _authorise(command.by, "creating a waiver")
    if command.target in _NEVER:
        raise NonWaivable(target=command.target, why="it is an integrity condition")
    oracle_id = parse_oracle_id(command.target)
    run = _failed(run, required, oracle_id)
    if not command.rationale.strip():
        raise MalformedInput(
            field="rationale", found=command.rationale, expected="why it is acceptable"
        )
    if command.expires_at <= command.now:
        raise MalformedInput(
            field="expires_at",
            found=command.expires_at.isoformat(),
            expected="a time in the future",
        )
    return (
        WaiverCreated(
            exception_id=command.exception_id,
            candidate_id=command.candidate_id,
            oracle_id=oracle_id,
            oracle_suite_id=run.suite_id,
            oracle_suite_hash=run.suite_hash,
            run_id=run.run_id,
            scope="per-candidate",
            rationale=command.rationale,
            expires_at=command.expires_at,
        ),
    )


def activate(
    waiver: Waiver, run: Run | None, required: Collection[OracleId], by: Actor
) -> tuple[ExceptionActivated]:
    """Bring the waiver into force, if what it covers still is an explicit failure.

    Raises:
        AuthorityRequired: no human, or one without the role.
        TransitionRefused: it is not CREATED.
        NonWaivable: the oracle's failure is no longer there.

    """
    _authorise(by, "activating a waiver")
    _require_phase(waiver, ExceptionPhase.CREATED, "ActivateException")
    judged = _failed(run, required, waiver.oracle_id)
    if judged.run_id != waiver.run_id:
        raise NonWaivable(
            target=waiver.oracle_id,
            why=f"{judged.run_id} has judged since {waiver.run_id}, which it is about",
        )
    return (ExceptionActivated(exception_id=waiver.exception_id),)


def resolve(waiver: Waiver, by: Actor) -> tuple[ExceptionResolved]:
    """Lift the waiver.

    Raises:
        AuthorityRequired: no human, or one without the role.
        TransitionRefused: it is not ACTIVE.

    """
    _authorise(by, "resolving a waiver")
    _require_phase(waiver, ExceptionPhase.ACTIVE, "ResolveException")
    return (ExceptionResolved(exception_id=waiver.exception_id),)


def evolve(waiver: Waiver | None, event: ExceptionEvent) -> Waiver:
    """Fold one event into the state."""
    if isinstance(event, WaiverCreated):
        assert waiver is None, "WaiverCreated opens a waiver"
        return Waiver(
            exception_id=event.exception_id,
            candidate_id=event.candidate_id,
            oracle_id=event.oracle_id,
            suite_id=event.oracle_suite_id,
            run_id=event.run_id,
            expires_at=event.expires_at,
        )
    assert waiver is not None, "every other event follows WaiverCreated"
    phase = (
        ExceptionPhase.ACTIVE
        if isinstance(event, ExceptionActivated)
        else ExceptionPhase.RESOLVED
    )
    return replace(waiver, phase=phase)


def _authorise(by: Actor, action: str) -> None:
    by.require(ActorKind.HUMAN, action=action)
    by.require_role(PORTAL_ROLE[Portal.EXCEPTION], action=action)


def _failed(
    run: Run | None, required: Collection[OracleId], oracle_id: OracleId
) -> Run:
    """Return `run`, which must hold an explicit failure of the oracle (C-EXC-4)."""
    if run is None:
        raise NonWaivable(target=oracle_id, why="no run has judged by it")
    if oracle_id not in required:
        raise NonWaivable(target=oracle_id, why="its word does not decide")
    status = run.results.get(oracle_id)
    if status is not ResultStatus.FAIL:
        said = status or "no result"
        raise NonWaivable(target=oracle_id, why=f"{run.run_id} has {said}, not FAIL")
    return run


def _require_phase(waiver: Waiver, phase: ExceptionPhase, attempted: str) -> None:
    if waiver.phase is not phase:
        raise TransitionRefused(
            subject=waiver.exception_id,
            phase=waiver.phase,
            attempted=attempted,
            allowed=(),
        )
