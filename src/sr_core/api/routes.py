"""Every router below ``/api/v1``: one a subject."""

from __future__ import annotations

from typing import Final

from litestar import Router

from sr_core.api import (
    approvals,
    attachments,
    candidates,
    exceptions,
    freeze_records,
    loops,
    portals,
    records,
    registry,
)

ROUTERS: Final[tuple[Router, ...]] = (
    loops.router,
    candidates.router,
    portals.router,
    registry.router,
    approvals.router,
    exceptions.router,
    freeze_records.router,
    records.router,
    attachments.router,
)
