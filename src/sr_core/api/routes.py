"""Every router below ``/api/v1``: one a subject."""

from __future__ import annotations

from typing import Final

from litestar import Router

from sr_core.api import candidates, governed_artifacts, loops, portals

ROUTERS: Final[tuple[Router, ...]] = (
    loops.router,
    candidates.router,
    governed_artifacts.router,
    portals.router,
)
