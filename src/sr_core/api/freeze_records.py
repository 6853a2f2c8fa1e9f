"""Freeze records (SPEC 5.5): parse, give, answer."""

from __future__ import annotations

from typing import Annotated, TypeVar

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, human_with
from sr_core.api.bodies.freeze_records import FrozenVerificationBody, NewFreeze
from sr_core.api.views.base import accept, shown
from sr_core.api.views.freeze_records import FreezeAccepted, FreezePage, FreezeView
from sr_core.application.freezes import Freezes
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.freeze import Declared, FrozenArtifact, FrozenException
from sr_core.domain.ids import (
    parse_approval_id,
    parse_candidate_id,
    parse_exception_id,
    parse_freeze_id,
    parse_suite_id,
)
from sr_core.domain.refs import parse_content_hash
from sr_core.ports.read_model import Row

T = TypeVar("T")
About = Annotated[str | None, QueryParameter(name="candidate_id", max_length=512)]


@post("/freeze-records", authority=human_with("ReleaseApprover"))
async def freeze(
    data: JSONBody[NewFreeze],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> FreezeAccepted:
    """Fix a candidate as shippable; what it rests on is computed here."""
    candidate_id = parse_candidate_id(data.candidate_id)
    freeze_id, events = await Freezes(platform=platform).create(
        candidate_id,
        parse_approval_id(data.release_approval_id),
        baseline_id=data.baseline_id,
        declared=_declared(data),
        asked=asked,
    )
    return accept(
        FreezeAccepted, events, asked, freeze_id=freeze_id, candidate_id=candidate_id
    )


@get("/freeze-records", authority=ANYONE)
async def freeze_records(
    platform: NamedDependency[Platform],
    candidate_id: About = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> FreezePage:
    """List freeze records, oldest first."""
    where = {} if candidate_id is None else {"candidate_id": candidate_id}
    return await _page(platform, where, (limit, offset))


@get("/freeze-records/{freeze_id:str}", authority=ANYONE)
async def freeze_record(
    freeze_id: FromPath[str], platform: NamedDependency[Platform]
) -> FreezeView:
    """Return one freeze record."""
    key = {"freeze_id": parse_freeze_id(freeze_id)}
    row = await platform.rows.row("freeze_records", key)
    if row is None:
        raise NotFound(kind="freeze record", identifier=freeze_id)
    return _view(row)


@get("/candidates/{candidate_id:str}/freeze-records", authority=ANYONE)
async def freeze_records_of(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> FreezePage:
    """List the freeze records of one candidate, oldest first."""
    key = {"candidate_id": parse_candidate_id(candidate_id)}
    if await platform.rows.row("candidates", key) is None:
        raise NotFound(kind="candidate", identifier=candidate_id)
    return await _page(platform, key, (limit, offset))


async def _page(platform: Platform, where: Row, page: tuple[int, int]) -> FreezePage:
    limit, offset = page
    found = await platform.rows.rows(
        "freeze_records", where, limit=limit, offset=offset
    )
    return FreezePage(
        freeze_records=[_view(each) for each in found.rows],
        total=found.total,
        limit=limit,
        offset=offset,
    )


def _view(row: Row) -> FreezeView:
    frozen_by = {
        "actor_kind": row["frozen_by_kind"],
        "actor_id": row["frozen_by_id"],
    }
    return shown(row, FreezeView, frozen_by=frozen_by)


def _declared(data: NewFreeze) -> Declared:
    """Return what the caller says of the freeze, wherever it says it."""
    nested = data.verification or FrozenVerificationBody()
    suite_id = _once("oracle_suite_id", data.oracle_suite_id, nested.oracle_suite_id)
    suite_hash = _once(
        "oracle_suite_hash", data.oracle_suite_hash, nested.oracle_suite_hash
    )
    evidence = _once(
        "evidence_bundle_refs", data.evidence_bundle_refs, nested.evidence_bundle_refs
    )
    waivers = _once("waiver_refs", data.waiver_refs, nested.waiver_refs)
    return Declared(
        verification_mode=_once(
            "verification_mode", data.verification_mode, nested.mode
        ),
        oracle_suite_id=None if suite_id is None else parse_suite_id(suite_id),
        oracle_suite_hash=None
        if suite_hash is None
        else parse_content_hash(suite_hash),
        evidence_bundle_refs=None
        if evidence is None
        else tuple(parse_content_hash(each) for each in evidence),
        waiver_refs=None
        if waivers is None
        else tuple(parse_exception_id(each) for each in waivers),
        artifact_manifest=None
        if data.artifact_manifest is None
        else tuple(
            FrozenArtifact(
                artifact_id=each.artifact_id,
                content_hash=parse_content_hash(each.content_hash),
                version=each.version,
            )
            for each in data.artifact_manifest
        ),
        active_exceptions=None
        if data.active_exceptions is None
        else tuple(
            FrozenException(
                exception_id=parse_exception_id(each.exception_id),
                kind=each.kind,
                status=each.status,
            )
            for each in data.active_exceptions
        ),
    )


def _once(field: str, flat: T | None, nested: T | None) -> T | None:
    """Return what is said of a field in either place, or raise if the two differ."""
    if flat is not None and nested is not None and flat != nested:
        raise MalformedInput(
            field=field,
            found=f"{flat!r}, and {nested!r} under verification",
            expected="it once, or the same twice",
        )
    return nested if flat is None else flat


router = Router(
    path="",
    tags=["freeze records"],
    route_handlers=[freeze, freeze_records, freeze_record, freeze_records_of],
)
