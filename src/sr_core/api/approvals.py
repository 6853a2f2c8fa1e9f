"""Approvals (SPEC 5.5): parse, give, answer."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, human_with
from sr_core.api.bodies.approvals import AttestationsBody, NewApproval
from sr_core.api.bodies.refs import as_refs
from sr_core.api.views.approvals import ApprovalAccepted, ApprovalPage, ApprovalView
from sr_core.api.views.base import accept, show_one, show_page
from sr_core.application.approvals import Approvals, Said
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.approval import Attestations
from sr_core.domain.ids import parse_approval_id, parse_exception_id
from sr_core.domain.integrity import Portal
from sr_core.domain.portal import ALL_ROLES, PORTALS
from sr_core.domain.refs import parse_content_hash

AtPortal = Annotated[Portal | None, QueryParameter(name="portal_id")]
About = Annotated[str | None, QueryParameter(name="candidate_id", max_length=512)]
APPROVER: Final = human_with(*sorted(ALL_ROLES))
"""A human with a role of some portal; which one it takes depends on the request."""


@post("/approvals", authority=APPROVER)
async def approve(
    data: JSONBody[NewApproval],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> ApprovalAccepted:
    """Record what a human says at a portal; all evidence is read anew."""
    said = Said(
        portal=data.portal_id,
        decision=data.decision,
        subjects=as_refs(data.subject_refs),
        evidence=tuple(parse_content_hash(each) for each in data.evidence_refs),
        exceptions_acknowledged=tuple(
            parse_exception_id(each) for each in data.exceptions_acknowledged
        ),
        request_type=data.request_type,
        rationale=data.rationale,
        attestations=_attestations(data.attestations),
    )
    approval_id, events = await Approvals(platform=platform).record(said, asked)
    return accept(
        ApprovalAccepted,
        events,
        asked,
        approval_id=approval_id,
        portal_id=data.portal_id,
        request_type=data.request_type or PORTALS[data.portal_id].default_request,
        decision=data.decision,
    )


@get("/approvals", authority=ANYONE)
async def approvals(
    platform: NamedDependency[Platform],
    portal_id: AtPortal = None,
    candidate_id: About = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> ApprovalPage:
    """List approvals, oldest first."""
    return await show_page(
        platform.rows,
        "approvals",
        {"portal_id": portal_id, "candidate_id": candidate_id},
        (limit, offset),
        ApprovalView,
        ApprovalPage,
    )


@get("/approvals/{approval_id:str}", authority=ANYONE)
async def approval(
    approval_id: FromPath[str], platform: NamedDependency[Platform]
) -> ApprovalView:
    """Return one approval."""
    key = {"approval_id": str(parse_approval_id(approval_id))}
    return await show_one(
        platform.rows, "approvals", key, ApprovalView, named="approval"
    )


def _attestations(body: AttestationsBody | None) -> Attestations | None:
    if body is None:
        return None
    return Attestations(
        verification_reviewed=body.verification_reviewed,
        validation_assessed=body.validation_assessed,
        exceptions_understood=body.exceptions_understood,
        assessment_note_refs=tuple(body.assessment_note_refs),
    )


router = Router(
    path="", tags=["approvals"], route_handlers=[approve, approvals, approval]
)
