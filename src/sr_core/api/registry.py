"""Portals and gates (SPEC 7.1, 7.2): what is seeded, for whoever asks."""

from __future__ import annotations

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE
from sr_core.api.views.approvals import ApprovalPage, ApprovalView
from sr_core.api.views.base import show_page
from sr_core.api.views.portals import (
    GateList,
    PortalList,
    PortalView,
    gate_view,
    portal_view,
)
from sr_core.application.platform import Platform
from sr_core.domain.errors import NotFound
from sr_core.domain.gates import GATES
from sr_core.domain.integrity import Portal
from sr_core.domain.portal import PORTALS


@get("/portals", authority=ANYONE, sync_to_thread=False)
def portals() -> PortalList:
    """List the portals; there are no others than these."""
    found = [portal_view(each) for each in PORTALS.values()]
    return PortalList(portals=found, total=len(found))


@get("/portals/{portal_id:str}", authority=ANYONE, sync_to_thread=False)
def portal(portal_id: FromPath[str]) -> PortalView:
    """Return one portal."""
    return portal_view(PORTALS[_seeded(portal_id)])


@get("/portals/{portal_id:str}/approvals", authority=ANYONE)
async def approvals_at(
    portal_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> ApprovalPage:
    """List the approvals that were given at one portal, oldest first."""
    return await show_page(
        platform.rows,
        "approvals",
        {"portal_id": _seeded(portal_id)},
        (limit, offset),
        ApprovalView,
        ApprovalPage,
    )


@get("/gates", authority=ANYONE, sync_to_thread=False)
def gates() -> GateList:
    """List the gates, with what stops the line at each and where it is answered."""
    found = [gate_view(each) for each in GATES.values()]
    return GateList(gates=found, total=len(found))


def _seeded(text: str) -> Portal:
    if text not in set(Portal):
        raise NotFound(kind="portal", identifier=text)
    return Portal(text)


router = Router(
    path="",
    tags=["portals"],
    route_handlers=[portals, portal, approvals_at, gates],
)
