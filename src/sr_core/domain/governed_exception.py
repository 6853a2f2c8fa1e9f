"""Governed exceptions: a rule set aside, within bounds, for a time, by a human.

    CREATED --activate--> ACTIVE --resolve--> RESOLVED
       |                    +--- its end ---> EXPIRED
       +------resolve------------------------> RESOLVED

A deviation departs from a requirement, a deferral puts something off, a waiver accepts
an explicit FAIL of a required oracle. None of them covers an integrity condition, a
missing result or missing evidence (C-EXC-1 to C-EXC-5, C-OR-7, SPEC 4.5, 6.5).

How one is drawn up stands in `sr_core.domain.exception_terms`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor
from sr_core.domain.errors import IntegrityUnresolved, NonWaivable, TransitionRefused
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.exception_scope import ExceptionKind, ExceptionScope, Place
from sr_core.domain.ids import ExceptionId, GateId, OracleId, RunId, SuiteId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.portal import RequestType, require_at
from sr_core.domain.ref_builders import exception_ref, run_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.run import Run

REQUEST_OF: Final[Mapping[ExceptionKind, RequestType]] = {
    ExceptionKind.DEVIATION: RequestType.DEVIATION,
    ExceptionKind.DEFERRAL: RequestType.DEFERRAL,
    ExceptionKind.WAIVER: RequestType.WAIVER_ORACLE_FAIL,
}
"""What is asked at the exception portal for each kind."""
assert REQUEST_OF.keys() == set(ExceptionKind), "every kind is asked for somewhere"

BARRED_BY_INTEGRITY: Final = frozenset({ExceptionKind.WAIVER, ExceptionKind.DEFERRAL})
"""Kinds that are refused while an integrity condition stands in their scope."""


class ExceptionPhase(StrEnum):
    """Where an exception stands (SPEC 4.5)."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    RESOLVED = "RESOLVED"
    EXPIRED = "EXPIRED"


_ALLOWED: Final[Mapping[ExceptionPhase, frozenset[str]]] = {
    ExceptionPhase.CREATED: frozenset({"ActivateException", "ResolveException"}),
    ExceptionPhase.ACTIVE: frozenset({"ResolveException"}),
    ExceptionPhase.RESOLVED: frozenset(),
    ExceptionPhase.EXPIRED: frozenset(),
}
assert _ALLOWED.keys() == set(ExceptionPhase), "every phase says what it allows"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateException:
    """Bring an exception into force."""

    by: Actor
    now: datetime
    standing: frozenset[IntegrityCondition]
    """What stands in its scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveException:
    """Lift an exception, or drop one that never came into force."""

    by: Actor
    resolution_notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionCreated:
    """What every kind of exception says when it is drawn up."""

    exception_id: ExceptionId
    scope: ExceptionScope
    rationale: str
    target_description: str
    expires_at: datetime
    applies_to: str | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it affects (SPEC 2.3)."""
        return self.scope.refs


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverCreated(ExceptionCreated):
    """A waiver was drawn up: of one oracle's failure, in these runs, at this gate."""

    oracle_id: OracleId
    oracle_suite_id: SuiteId
    oracle_suite_hash: ContentHash
    run_ids: tuple[RunId, ...]
    gate_id: GateId
    risk: str
    mitigation: str
    resolution_criteria: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it affects, and the runs that it is about (SPEC 2.3)."""
        return (*self.scope.refs, *(run_ref(each) for each in self.run_ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationCreated(ExceptionCreated):
    """A deviation was drawn up: a requirement is departed from."""

    requirement_ref: str
    risk: str
    mitigation: str
    resolution_criteria: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferralCreated(ExceptionCreated):
    """A deferral was drawn up: something is put off to a date or a deliverable."""

    subject_ref: Ref
    target_date: datetime | None
    target_deliverable: str | None
    compensating_controls: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it affects, with what is put off (SPEC 2.3)."""
        return (*self.scope.refs, replace(self.subject_ref, rel=RefRelation.AFFECTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionActivated:
    """An exception came into force."""

    exception_id: ExceptionId
    kind: ExceptionKind

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about (SPEC 2.3)."""
        return _about(self.exception_id, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionResolved:
    """An exception was lifted."""

    exception_id: ExceptionId
    kind: ExceptionKind
    resolution_notes: str | None = None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about (SPEC 2.3)."""
        return _about(self.exception_id, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionExpired:
    """An exception in force came to its end, which the platform noticed."""

    exception_id: ExceptionId
    kind: ExceptionKind
    expired_at: datetime

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about (SPEC 2.3)."""
        return _about(self.exception_id, self.kind)


ExceptionEvent: TypeAlias = (
    WaiverCreated
    | DeviationCreated
    | DeferralCreated
    | ExceptionActivated
    | ExceptionResolved
    | ExceptionExpired
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverCover:
    """What a waiver covers: one oracle's FAIL, by this suite, in these runs."""

    oracle_id: OracleId
    suite_hash: ContentHash
    run_ids: frozenset[RunId]


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernedException:
    """What the events so far say of one exception; `cover` is a waiver's alone."""

    exception_id: ExceptionId
    kind: ExceptionKind
    scope: ExceptionScope
    expires_at: datetime
    applies_to: str | None
    cover: WaiverCover | None = None
    phase: ExceptionPhase = ExceptionPhase.CREATED

    def is_in_force(self, now: datetime) -> bool:
        """Whether it counts at `now`: its end alone takes that away, noted or not."""
        return self.phase is ExceptionPhase.ACTIVE and now < self.expires_at

    def covers(self, run: Run, oracle_id: OracleId, *, now: datetime) -> bool:
        """Whether the failure of `oracle_id` in this very run is accepted at `now`."""
        cover = self.cover
        if cover is None or not self.is_in_force(now):
            return False
        is_named = run.run_id in cover.run_ids and oracle_id == cover.oracle_id
        place = Place(loop_id=run.loop_id, candidate_id=run.candidate_id)
        return (
            is_named
            and run.suite_hash == cover.suite_hash
            and self.scope.reaches(place)
        )


def activate(
    exception: GovernedException,
    command: ActivateException,
    *,
    runs: Sequence[Run | None] = (),
    required: Collection[OracleId] = (),
) -> tuple[ExceptionActivated]:
    """Bring the exception into force, if what it is about still is as it was.

    `runs` are the latest ones that judged what a waiver covers, `required` the oracles
    whose word decides there.

    Raises:
        AuthorityRequired: no human, or one without the role.
        TransitionRefused: it is not CREATED, or its end has passed.
        NonWaivable: the failure that a waiver is about is no longer there.
        IntegrityUnresolved: an integrity condition stands in its scope.

    """
    require_at(command.by, REQUEST_OF[exception.kind], action="activating an exception")
    _require_allowed(exception, "ActivateException")
    if command.now >= exception.expires_at:
        raise TransitionRefused(
            subject=exception.exception_id,
            phase=f"past its end, {exception.expires_at.isoformat()},",
            attempted="ActivateException",
            allowed={"ResolveException"},
        )
    if exception.cover is not None:
        require_same_failures(exception.cover, runs, required)
    require_clean(exception.kind, exception.exception_id, command.standing)
    return (
        ExceptionActivated(exception_id=exception.exception_id, kind=exception.kind),
    )


def resolve(
    exception: GovernedException, command: ResolveException
) -> tuple[ExceptionResolved]:
    """Lift the exception.

    Raises:
        AuthorityRequired: no human, or one without the role.
        TransitionRefused: it is over already.

    """
    require_at(command.by, REQUEST_OF[exception.kind], action="resolving an exception")
    _require_allowed(exception, "ResolveException")
    return (
        ExceptionResolved(
            exception_id=exception.exception_id,
            kind=exception.kind,
            resolution_notes=command.resolution_notes,
        ),
    )


def lapsed(
    exceptions: Iterable[GovernedException], *, now: datetime
) -> tuple[ExceptionExpired, ...]:
    """Return the end of each exception that is in force by the log, and past its end."""
    return tuple(
        ExceptionExpired(
            exception_id=each.exception_id, kind=each.kind, expired_at=each.expires_at
        )
        for each in exceptions
        if each.phase is ExceptionPhase.ACTIVE and now >= each.expires_at
    )


def evolve(
    exception: GovernedException | None, event: ExceptionEvent
) -> GovernedException:
    """Fold one event into the state."""
    match event:
        case WaiverCreated():
            cover = WaiverCover(
                oracle_id=event.oracle_id,
                suite_hash=event.oracle_suite_hash,
                run_ids=frozenset(event.run_ids),
            )
            return replace(_opened(exception, event, ExceptionKind.WAIVER), cover=cover)
        case DeviationCreated():
            return _opened(exception, event, ExceptionKind.DEVIATION)
        case DeferralCreated():
            return _opened(exception, event, ExceptionKind.DEFERRAL)
        case ExceptionActivated():
            return _moved(exception, ExceptionPhase.ACTIVE)
        case ExceptionResolved():
            return _moved(exception, ExceptionPhase.RESOLVED)
        case ExceptionExpired():
            return _moved(exception, ExceptionPhase.EXPIRED)
        case _:
            assert_never(event)


def require_failed(
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


def require_same_failures(
    cover: WaiverCover, runs: Sequence[Run | None], required: Collection[OracleId]
) -> None:
    """Raise `NonWaivable` unless the latest runs are the very ones that are covered."""
    assert runs, "a waiver names the runs that it covers"
    for each in runs:
        judged = require_failed(each, required, cover.oracle_id)
        if judged.run_id not in cover.run_ids:
            named = ", ".join(sorted(cover.run_ids))
            raise NonWaivable(
                target=cover.oracle_id,
                why=f"{judged.run_id} has judged since {named}, which it is about",
            )


def require_clean(
    kind: ExceptionKind, subject: str, standing: Collection[IntegrityCondition]
) -> None:
    """Raise `IntegrityUnresolved` if a condition stands that bars this kind (C-OR-7)."""
    if standing and kind in BARRED_BY_INTEGRITY:
        raise IntegrityUnresolved(subject=subject, conditions=standing)


def _opened(
    exception: GovernedException | None, event: ExceptionCreated, kind: ExceptionKind
) -> GovernedException:
    assert exception is None, "an exception is drawn up once"
    return GovernedException(
        exception_id=event.exception_id,
        kind=kind,
        scope=event.scope,
        expires_at=event.expires_at,
        applies_to=event.applies_to,
    )


def _moved(
    exception: GovernedException | None, phase: ExceptionPhase
) -> GovernedException:
    assert exception is not None, "every other event follows the drawing up"
    return replace(exception, phase=phase)


def _about(exception_id: ExceptionId, kind: ExceptionKind) -> tuple[Ref, ...]:
    return (exception_ref(exception_id, RefRelation.ABOUT, kind=kind.ref_kind),)


def _require_allowed(exception: GovernedException, attempted: str) -> None:
    allowed = _ALLOWED[exception.phase]
    if attempted not in allowed:
        raise TransitionRefused(
            subject=exception.exception_id,
            phase=exception.phase,
            attempted=attempted,
            allowed=allowed,
        )
