"""How an exception is drawn up: what each kind must say, and what none may touch.

Everything is checked before anything is recorded: that a human with the role asks, that
no integrity condition is meant, that the scope is bounded and the end in the future, and
the fields that the kind owes (C-EXC-3, C-EXC-4, SPEC 6.5).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from sr_core.domain import gates
from sr_core.domain.actors import Actor
from sr_core.domain.errors import MalformedInput, NonWaivable
from sr_core.domain.exception_scope import ExceptionKind, ExceptionScope
from sr_core.domain.governed_exception import (
    REQUEST_OF,
    DeferralCreated,
    DeviationCreated,
    ExceptionCreated,
    WaiverCreated,
    require_clean,
    require_failed,
)
from sr_core.domain.ids import (
    ExceptionId,
    OracleId,
    RunId,
    SuiteId,
    parse_oracle_id,
)
from sr_core.domain.integrity import IntegrityCondition, StopTrigger
from sr_core.domain.portal import require_at
from sr_core.domain.refs import ContentHash, Ref
from sr_core.domain.run import Run

_CONDITIONS: Final = frozenset(IntegrityCondition) | {StopTrigger.INTEGRITY_VIOLATION}
_NEVER: Final = _CONDITIONS | frozenset(StopTrigger)
"""What no waiver may name: conditions, and whatever else stops a loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverTerms:
    """What a waiver says beside what all exceptions say.

    Suite and runs may be left to the rule, which takes the latest run of the candidate;
    what is given has to agree with it.
    """

    target: str
    """The oracle whose failure is to be accepted."""
    gate_id: str
    risk: str
    mitigation: str
    resolution_criteria: str
    suite_id: SuiteId | None = None
    suite_hash: ContentHash | None = None
    run_ids: tuple[RunId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationTerms:
    """What a deviation says beside what all exceptions say."""

    requirement_ref: str
    risk: str
    mitigation: str
    resolution_criteria: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferralTerms:
    """What a deferral says beside what all exceptions say."""

    subject_ref: Ref
    compensating_controls: str
    target_date: datetime | None = None
    target_deliverable: str | None = None


Terms: TypeAlias = WaiverTerms | DeviationTerms | DeferralTerms

KIND_OF: Final[Mapping[type[Terms], ExceptionKind]] = {
    WaiverTerms: ExceptionKind.WAIVER,
    DeviationTerms: ExceptionKind.DEVIATION,
    DeferralTerms: ExceptionKind.DEFERRAL,
}
assert set(KIND_OF.values()) == set(ExceptionKind), "every kind has its terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateException:
    """Draw up an exception."""

    by: Actor
    exception_id: ExceptionId
    scope: ExceptionScope
    rationale: str
    target_description: str
    expires_at: datetime
    now: datetime
    terms: Terms
    applies_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the log says of the scope of an exception.

    `runs` are the latest ones that judged by a waiver's oracle, one for each candidate
    that it concerns; `required` the oracles whose word decides there.
    """

    runs: Sequence[Run | None] = ()
    required: Collection[OracleId] = ()
    standing: frozenset[IntegrityCondition] = frozenset()


def create(
    command: CreateException, seen: Circumstances
) -> tuple[WaiverCreated | DeviationCreated | DeferralCreated]:
    """Return the exception as drawn up.

    Raises:
        AuthorityRequired: no human, or one without the role.
        NonWaivable: it is about an integrity condition, or a waiver is about anything
            but an explicit failure of a required oracle, at a gate that allows waivers.
        IntegrityUnresolved: an integrity condition stands in its scope.
        MalformedInput: something that its kind owes is missing or empty.

    """
    kind = KIND_OF[type(command.terms)]
    require_at(command.by, REQUEST_OF[kind], action="creating an exception")
    _refuse_conditions(command)
    said = _common(command)
    match command.terms:
        case WaiverTerms() as terms:
            made: WaiverCreated | DeviationCreated | DeferralCreated = _waiver(
                said, terms, seen
            )
        case DeviationTerms() as terms:
            made = _deviation(said, terms)
        case DeferralTerms() as terms:
            made = _deferral(said, terms, now=command.now)
        case _:
            assert_never(command.terms)
    require_clean(kind, f"the scope of the {kind.lower()}", seen.standing)
    return (made,)


def named_condition(text: str) -> str | None:
    """Return the integrity condition that `text` names, however it is spelled."""
    words = re.sub(r"[\s_-]+", "_", text.upper())
    for each in sorted(_CONDITIONS):
        if re.search(rf"(?<![A-Z0-9]){each}(?![A-Z0-9])", words):
            return each
    return None


def _refuse_conditions(command: CreateException) -> None:
    """Raise `NonWaivable` if any field that says what it is about names a condition."""
    terms = command.terms
    about = (
        command.target_description,
        command.applies_to or "",
        command.scope.oracle_id or "",
        terms.target if isinstance(terms, WaiverTerms) else "",
        terms.requirement_ref if isinstance(terms, DeviationTerms) else "",
        terms.subject_ref.id if isinstance(terms, DeferralTerms) else "",
    )
    for text in about:
        if condition := named_condition(text):
            raise NonWaivable(target=condition, why="it is an integrity condition")


def _common(command: CreateException) -> ExceptionCreated:
    _require_text("rationale", command.rationale, "why it is acceptable")
    _require_text(
        "target_description", command.target_description, "what it is about, in words"
    )
    if command.expires_at <= command.now:
        raise MalformedInput(
            field="expires_at",
            found=command.expires_at.isoformat(),
            expected="a time in the future",
        )
    if command.scope.oracle_id is not None:
        parse_oracle_id(command.scope.oracle_id)
    return ExceptionCreated(
        exception_id=command.exception_id,
        scope=command.scope,
        rationale=command.rationale,
        target_description=command.target_description,
        expires_at=command.expires_at,
        applies_to=command.applies_to,
    )


def _waiver(
    said: ExceptionCreated, terms: WaiverTerms, seen: Circumstances
) -> WaiverCreated:
    if terms.target in _NEVER:
        raise NonWaivable(target=terms.target, why="it is no oracle's failure")
    oracle_id = parse_oracle_id(terms.target)
    if said.scope.oracle_id not in {None, oracle_id}:
        raise MalformedInput(
            field="scope.oracle_id", found=said.scope.oracle_id, expected=oracle_id
        )
    if said.scope.candidate_id is None and said.scope.loop_id is None:
        raise MalformedInput(
            field="scope",
            found=said.scope.scope_kind.value,
            expected="the candidate_id or loop_id that the waiver is bounded by",
        )
    gate = gates.require_waivable(terms.gate_id)
    runs = _failed_runs(terms, oracle_id, seen)
    first = runs[0]
    name = oracle_id.removeprefix("oracle:")
    applies_to = f"ORACLE_FAIL:{name}"
    _require_same("applies_to", said.applies_to, applies_to)
    return WaiverCreated(
        exception_id=said.exception_id,
        scope=replace(said.scope, oracle_id=oracle_id),
        rationale=said.rationale,
        target_description=said.target_description,
        expires_at=said.expires_at,
        applies_to=applies_to,
        oracle_id=oracle_id,
        oracle_suite_id=first.suite_id,
        oracle_suite_hash=first.suite_hash,
        run_ids=tuple(each.run_id for each in runs),
        gate_id=gate.gate_id,
        risk=_require_text("risk", terms.risk, "what may come of it"),
        mitigation=_require_text("mitigation", terms.mitigation, "what is done for it"),
        resolution_criteria=_require_text(
            "resolution_criteria", terms.resolution_criteria, "when it is over"
        ),
    )


def _failed_runs(
    terms: WaiverTerms, oracle_id: OracleId, seen: Circumstances
) -> tuple[Run, ...]:
    """Return the runs to be covered, each with an explicit failure, all of one suite."""
    if not seen.runs:
        raise MalformedInput(
            field="run_ids", found=[], expected="the runs whose failure is accepted"
        )
    runs = tuple(require_failed(each, seen.required, oracle_id) for each in seen.runs)
    latest = {each.run_id for each in runs}
    if terms.run_ids and set(terms.run_ids) != latest:
        raise NonWaivable(
            target=", ".join(sorted(terms.run_ids)),
            why=f"{', '.join(sorted(latest))} judged latest",
        )
    suites = {each.suite_hash for each in runs}
    if len(suites) > 1:
        raise MalformedInput(
            field="run_ids", found=sorted(latest), expected="runs of one suite"
        )
    _require_same("oracle_suite_id", terms.suite_id, runs[0].suite_id)
    _require_same("oracle_suite_hash", terms.suite_hash, runs[0].suite_hash)
    return runs


def _deviation(said: ExceptionCreated, terms: DeviationTerms) -> DeviationCreated:
    return DeviationCreated(
        exception_id=said.exception_id,
        scope=said.scope,
        rationale=said.rationale,
        target_description=said.target_description,
        expires_at=said.expires_at,
        applies_to=said.applies_to,
        requirement_ref=_require_text(
            "requirement_ref", terms.requirement_ref, "the requirement departed from"
        ),
        risk=_require_text("risk", terms.risk, "what may come of it"),
        mitigation=_require_text("mitigation", terms.mitigation, "what is done for it"),
        resolution_criteria=_require_text(
            "resolution_criteria", terms.resolution_criteria, "when it is over"
        ),
    )


def _deferral(
    said: ExceptionCreated, terms: DeferralTerms, *, now: datetime
) -> DeferralCreated:
    if terms.target_date is None and not (terms.target_deliverable or "").strip():
        raise MalformedInput(
            field="target_date",
            found=None,
            expected="a target_date or a target_deliverable to which it is put off",
        )
    if terms.target_date is not None and terms.target_date <= now:
        raise MalformedInput(
            field="target_date",
            found=terms.target_date.isoformat(),
            expected="a time in the future",
        )
    return DeferralCreated(
        exception_id=said.exception_id,
        scope=said.scope,
        rationale=said.rationale,
        target_description=said.target_description,
        expires_at=said.expires_at,
        applies_to=said.applies_to,
        subject_ref=terms.subject_ref,
        target_date=terms.target_date,
        target_deliverable=terms.target_deliverable,
        compensating_controls=_require_text(
            "compensating_controls",
            terms.compensating_controls,
            "what holds in the meantime",
        ),
    )


def _require_text(field: str, text: str, expected: str) -> str:
    if not text.strip():
        raise MalformedInput(field=field, found=text, expected=expected)
    return text


def _require_same(field: str, given: str | None, computed: str) -> None:
    if given is not None and given != computed:
        raise MalformedInput(field=field, found=given, expected=computed)
