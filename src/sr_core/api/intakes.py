"""Intakes (SPEC 5.6): parse, give, answer."""

from __future__ import annotations

from litestar import Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from sr_core.api.authority import ANYONE, OPERATOR
from sr_core.api.bodies.intakes import IntakeEdit, NewIntake, Reason
from sr_core.api.views.base import accept, show_one, shown
from sr_core.api.views.intakes import IntakeAccepted, IntakePage, IntakeView
from sr_core.api.views.paging import PageNumber, PageSize, show_sheet
from sr_core.application.intakes import Intakes
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.canonical import plain
from sr_core.codec.definitions import typed
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.ids import IntakeId, parse_intake_id
from sr_core.domain.intake import IntakeChanges, IntakeContent, IntakePhase, WorkKind
from sr_core.domain.refs import parse_content_hash
from sr_core.ports.event_store import NewEvent


@post("/intakes", authority=ANYONE)
async def create(
    data: JSONBody[NewIntake],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IntakeAccepted:
    """Draft what is to be made."""
    content = typed(IntakeContent, plain(data), what="intake")
    intake_id, events = await Intakes(platform=platform).create(content, asked)
    return await _accepted(intake_id, events, platform, asked)


@get("/intakes", authority=ANYONE)
async def intakes(
    platform: NamedDependency[Platform],
    status: FromQuery[IntakePhase | None] = None,
    kind: FromQuery[WorkKind | None] = None,
    work_unit_id: FromQuery[str | None] = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> IntakePage:
    """List intakes, oldest first."""
    where = {"status": status, "kind": kind, "work_unit_id": work_unit_id}
    return await show_sheet(
        platform.rows, "intakes", {**where}, (page, page_size), IntakeView, IntakePage
    )


@get("/intakes/by-hash/{content_hash:str}", authority=ANYONE)
async def by_hash(
    content_hash: FromPath[str], platform: NamedDependency[Platform]
) -> IntakeView:
    """Return the intake with that content: the active one, or the latest that was."""
    sought = parse_content_hash(content_hash)
    where = {"content_hash": sought}
    active = await platform.rows.row("intakes", {**where, "status": IntakePhase.ACTIVE})
    if active is not None:
        return shown(active, IntakeView)
    found = await platform.rows.rows("intakes", where)
    if not found.rows:
        raise NotFound(kind="intake with the hash", identifier=sought)
    return shown(found.rows[-1], IntakeView)


@get("/intakes/{intake_id:str}", authority=ANYONE)
async def read(
    intake_id: FromPath[str], platform: NamedDependency[Platform]
) -> IntakeView:
    """Return one intake."""
    key = {"intake_id": str(parse_intake_id(intake_id))}
    return await show_one(platform.rows, "intakes", key, IntakeView, named="intake")


@put("/intakes/{intake_id:str}", authority=ANYONE)
async def update(
    intake_id: FromPath[str],
    data: JSONBody[IntakeEdit],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IntakeAccepted:
    """Edit a draft; one that is active is forked instead."""
    identifier = parse_intake_id(intake_id)
    given = plain(data)
    if not given:
        raise MalformedInput(field="body", found=given, expected="a field to change")
    changes = typed(IntakeChanges, given, what="intake")
    events = await Intakes(platform=platform).update(identifier, changes, asked)
    return await _accepted(identifier, events, platform, asked)


@post("/intakes/{intake_id:str}/activate", status_code=200, authority=OPERATOR)
async def activate(
    intake_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IntakeAccepted:
    """Fix the content under its hash, so that work can be bound to it."""
    identifier = parse_intake_id(intake_id)
    events = await Intakes(platform=platform).activate(identifier, asked)
    return await _accepted(identifier, events, platform, asked)


@post("/intakes/{intake_id:str}/archive", status_code=200, authority=OPERATOR)
async def archive(
    intake_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[Reason | None] = None,
) -> IntakeAccepted:
    """Take an active intake out of use, for good."""
    identifier = parse_intake_id(intake_id)
    reason = data.reason if data is not None else None
    events = await Intakes(platform=platform).archive(identifier, reason, asked)
    return await _accepted(identifier, events, platform, asked)


@post("/intakes/{intake_id:str}/fork", authority=ANYONE)
async def fork(
    intake_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> IntakeAccepted:
    """Draft the next version of an intake that is fixed."""
    source = parse_intake_id(intake_id)
    forked, events = await Intakes(platform=platform).fork(source, asked)
    return await _accepted(forked, events, platform, asked)


async def _accepted(
    intake_id: IntakeId,
    events: tuple[NewEvent, ...],
    platform: Platform,
    asked: Asked,
) -> IntakeAccepted:
    known = await Intakes(platform=platform).known(intake_id)
    return accept(
        IntakeAccepted,
        events,
        asked,
        intake_id=intake_id,
        status=known.phase,
        version=known.version,
        content_hash=known.content_hash,
        canonical_json_hash=known.content_hash,
        supersedes=known.supersedes,
    )


router = Router(
    path="",
    tags=["intakes"],
    route_handlers=[
        create,
        intakes,
        by_hash,
        read,
        update,
        activate,
        archive,
        fork,
    ],
)
