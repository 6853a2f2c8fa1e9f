"""Every router below ``/api/v1``: one a subject."""

from __future__ import annotations

from typing import Final

from litestar import Router

from sr_core.api import candidates, loops, portals

ROUTERS: Final[tuple[Router, ...]] = (
    loops.router,
    candidates.router,
    portals.router,
)
