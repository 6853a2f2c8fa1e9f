"""Governed exceptions (SPEC 5.5, 6.5): parse, give, answer."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, human_with
from sr_core.api.bodies.exceptions import (
    NewException,
    NewWaiver,
    Resolution,
    ScopeBody,
)
from sr_core.api.bodies.refs import as_ref, as_refs
from sr_core.api.views.base import accept, show_one, show_page
from sr_core.api.views.exceptions import (
    ExceptionAccepted,
    ExceptionPage,
    ExceptionView,
)
from sr_core.application.exceptions import Exceptions, Wanted
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.errors import MalformedInput
from sr_core.domain.exception_scope import (
    ExceptionKind,
    ExceptionScope,
    guess_kind,
)
from sr_core.domain.exception_terms import (
    DeferralTerms,
    DeviationTerms,
    Terms,
    WaiverTerms,
)
from sr_core.domain.governed_exception import ExceptionPhase
from sr_core.domain.ids import (
    OracleId,
    parse_candidate_id,
    parse_exception_id,
    parse_loop_id,
    parse_run_id,
    parse_suite_id,
)
from sr_core.domain.refs import parse_content_hash

T = TypeVar("T")
OfKind = Annotated[ExceptionKind | None, QueryParameter(name="kind")]
InPhase = Annotated[ExceptionPhase | None, QueryParameter(name="status")]
OfLoop = Annotated[str | None, QueryParameter(name="loop_id", max_length=512)]
OfCandidate = Annotated[str | None, QueryParameter(name="candidate_id", max_length=512)]
REVIEWER: Final = human_with("ExceptionReviewer")

_WAIVER: Final = frozenset(
    {
        "oracle_id",
        "oracle_suite_id",
        "oracle_suite_hash",
        "run_ids",
        "gate_id",
        "risk",
        "mitigation",
        "resolution_criteria",
    }
)
_DEVIATION: Final = frozenset(
    {"requirement_ref", "risk", "mitigation", "resolution_criteria"}
)
_DEFERRAL: Final = frozenset(
    {"subject_ref", "target_date", "target_deliverable", "compensating_controls"}
)
_OWN: Final = {
    ExceptionKind.WAIVER: _WAIVER,
    ExceptionKind.DEVIATION: _DEVIATION,
    ExceptionKind.DEFERRAL: _DEFERRAL,
}
assert _OWN.keys() == set(ExceptionKind), "every kind says which fields are its own"


@post("/exceptions", authority=REVIEWER)
async def create_exception(
    data: JSONBody[NewException],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> ExceptionAccepted:
    """Draw up a deviation, a deferral or a waiver."""
    return await _created(data, platform, asked)


@post("/exceptions/waivers", authority=REVIEWER)
async def create_waiver(
    data: JSONBody[NewWaiver],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> ExceptionAccepted:
    """Draw up a waiver of an oracle's failure; the same as an exception of that kind."""
    same = NewException(kind=ExceptionKind.WAIVER, **msgspec.structs.asdict(data))
    return await _created(same, platform, asked)


@get("/exceptions", authority=ANYONE)
async def exceptions(
    platform: NamedDependency[Platform],
    kind: OfKind = None,
    status: InPhase = None,
    loop_id: OfLoop = None,
    candidate_id: OfCandidate = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> ExceptionPage:
    """List exceptions, oldest first."""
    return await show_page(
        platform.rows,
        "exceptions",
        {
            "kind": kind,
            "status": status,
            "loop_id": loop_id,
            "candidate_id": candidate_id,
        },
        (limit, offset),
        ExceptionView,
        ExceptionPage,
    )


@get("/exceptions/{exception_id:str}", authority=ANYONE)
async def exception(
    exception_id: FromPath[str], platform: NamedDependency[Platform]
) -> ExceptionView:
    """Return one exception."""
    key = {"exception_id": str(parse_exception_id(exception_id))}
    return await show_one(
        platform.rows, "exceptions", key, ExceptionView, named="exception"
    )


@post("/exceptions/{exception_id:str}/activate", status_code=200, authority=REVIEWER)
async def activate_exception(
    exception_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> ExceptionAccepted:
    """Bring an exception into force."""
    identifier = parse_exception_id(exception_id)
    events = await Exceptions(platform=platform).activate(identifier, asked)
    return accept(
        ExceptionAccepted,
        events,
        asked,
        exception_id=identifier,
        status=ExceptionPhase.ACTIVE,
    )


@post("/exceptions/{exception_id:str}/resolve", status_code=200, authority=REVIEWER)
async def resolve_exception(
    exception_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Resolution | None] = None,
) -> ExceptionAccepted:
    """Lift an exception."""
    identifier = parse_exception_id(exception_id)
    notes = data.resolution_notes if data else None
    events = await Exceptions(platform=platform).resolve(identifier, notes, asked)
    return accept(
        ExceptionAccepted,
        events,
        asked,
        exception_id=identifier,
        status=ExceptionPhase.RESOLVED,
    )


async def _created(
    data: NewException, platform: Platform, asked: Asked
) -> ExceptionAccepted:
    _refuse_strangers(data)
    wanted = Wanted(
        scope=_scope(data.scope),
        rationale=data.rationale,
        target_description=data.target_description,
        expires_at=data.expires_at,
        applies_to=data.applies_to,
        terms=_terms(data),
    )
    exception_id, events = await Exceptions(platform=platform).create(wanted, asked)
    return accept(
        ExceptionAccepted,
        events,
        asked,
        exception_id=exception_id,
        status=ExceptionPhase.CREATED,
    )


def _scope(body: ScopeBody) -> ExceptionScope:
    loop_id = parse_loop_id(body.loop_id) if body.loop_id else None
    candidate_id = parse_candidate_id(body.candidate_id) if body.candidate_id else None
    return ExceptionScope(
        scope_kind=body.scope_kind
        or guess_kind(
            candidate_id=candidate_id, loop_id=loop_id, baseline_id=body.baseline_id
        ),
        loop_id=loop_id,
        candidate_id=candidate_id,
        oracle_id=OracleId(body.oracle_id) if body.oracle_id else None,
        baseline_id=body.baseline_id,
        work_unit_id=body.work_unit_id,
        artifact_refs=as_refs(body.artifact_refs),
    )


def _terms(data: NewException) -> Terms:
    match data.kind:
        case ExceptionKind.WAIVER:
            return WaiverTerms(
                target=_given(data.oracle_id or data.scope.oracle_id, "oracle_id"),
                gate_id=_given(data.gate_id, "gate_id"),
                risk=_given(data.risk, "risk"),
                mitigation=_given(data.mitigation, "mitigation"),
                resolution_criteria=_given(
                    data.resolution_criteria, "resolution_criteria"
                ),
                suite_id=parse_suite_id(data.oracle_suite_id)
                if data.oracle_suite_id
                else None,
                suite_hash=parse_content_hash(data.oracle_suite_hash)
                if data.oracle_suite_hash
                else None,
                run_ids=tuple(parse_run_id(each) for each in data.run_ids or ()),
            )
        case ExceptionKind.DEVIATION:
            return DeviationTerms(
                requirement_ref=_given(data.requirement_ref, "requirement_ref"),
                risk=_given(data.risk, "risk"),
                mitigation=_given(data.mitigation, "mitigation"),
                resolution_criteria=_given(
                    data.resolution_criteria, "resolution_criteria"
                ),
            )
        case ExceptionKind.DEFERRAL:
            return DeferralTerms(
                subject_ref=as_ref(_given(data.subject_ref, "subject_ref")),
                compensating_controls=_given(
                    data.compensating_controls, "compensating_controls"
                ),
                target_date=data.target_date,
                target_deliverable=data.target_deliverable,
            )


def _refuse_strangers(data: NewException) -> None:
    """Raise `MalformedInput` if a field of another kind is given."""
    every = frozenset[str]().union(*_OWN.values())
    for name in sorted(every - _OWN[data.kind]):
        if getattr(data, name) is not None:
            raise MalformedInput(
                field=name,
                found=name,
                expected=f"the fields of a {data.kind} alone: "
                f"{', '.join(sorted(_OWN[data.kind]))}",
            )


def _given(value: T | None, field: str) -> T:
    if value is None:
        raise MalformedInput(
            field=field,
            found=None,
            expected=f"the {field} that this kind of exception owes",
        )
    return value


router = Router(
    path="",
    tags=["exceptions"],
    route_handlers=[
        create_exception,
        create_waiver,
        exceptions,
        exception,
        activate_exception,
        resolve_exception,
    ],
)
