"""Notes of human judgement (SPEC 5.5): parse, give, answer. None of them binds."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, HUMAN
from sr_core.api.bodies.records import (
    NewAssessmentNote,
    NewEvaluationNote,
    NewInterventionNote,
    NewNote,
)
from sr_core.api.bodies.refs import as_refs
from sr_core.api.views.base import accept, show_one, show_page
from sr_core.api.views.records import RecordAccepted, RecordPage, RecordView
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.records import Records
from sr_core.domain.ids import parse_record_id
from sr_core.domain.record import Note, RecordType
from sr_core.domain.refs import parse_content_hash

OfType = Annotated[RecordType | None, QueryParameter(name="record_type")]


@post("/records/evaluation-notes", authority=HUMAN)
async def evaluate(
    data: JSONBody[NewEvaluationNote],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> RecordAccepted:
    """Write an evaluation note."""
    return await _written(RecordType.EVALUATION_NOTE, data, {}, platform, asked)


@post("/records/assessment-notes", authority=HUMAN)
async def assess(
    data: JSONBody[NewAssessmentNote],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> RecordAccepted:
    """Write an assessment note."""
    own = {"fitness_judgment": data.fitness_judgment, "context": data.context}
    return await _written(RecordType.ASSESSMENT_NOTE, data, own, platform, asked)


@post("/records/intervention-notes", authority=HUMAN)
async def intervene(
    data: JSONBody[NewInterventionNote],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> RecordAccepted:
    """Write an intervention note."""
    own = {"actions_taken": data.actions_taken, "impact": data.impact}
    return await _written(RecordType.INTERVENTION_NOTE, data, own, platform, asked)


@get("/records", authority=ANYONE)
async def records(
    platform: NamedDependency[Platform],
    record_type: OfType = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> RecordPage:
    """List notes, oldest first."""
    return await show_page(
        platform.rows,
        "human_judgment_records",
        {"record_type": record_type},
        (limit, offset),
        RecordView,
        RecordPage,
        under="records",
    )


@get("/records/{record_id:str}", authority=ANYONE)
async def record(
    record_id: FromPath[str], platform: NamedDependency[Platform]
) -> RecordView:
    """Return one note."""
    key = {"record_id": str(parse_record_id(record_id))}
    return await show_one(
        platform.rows, "human_judgment_records", key, RecordView, named="record"
    )


async def _written(
    record_type: RecordType,
    data: NewNote,
    own: dict[str, str | None],
    platform: Platform,
    asked: Asked,
) -> RecordAccepted:
    details = {
        "severity": data.severity,
        "recommendations": data.recommendations,
        **own,
    }
    note = Note(
        record_type=record_type,
        subject_refs=as_refs(data.subject_refs),
        evidence_refs=tuple(parse_content_hash(each) for each in data.evidence_refs),
        content=data.content,
        details={name: text for name, text in details.items() if text is not None},
    )
    written, events = await Records(platform=platform).create(
        note,
        asked,
        supersedes=parse_record_id(data.supersedes) if data.supersedes else None,
    )
    return accept(
        RecordAccepted,
        events,
        asked,
        record_id=written.record_id,
        record_type=record_type,
        content_hash=written.content_hash,
        is_binding=False,
    )


router = Router(
    path="",
    tags=["records"],
    route_handlers=[evaluate, assess, intervene, records, record],
)
