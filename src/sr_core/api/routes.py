"""Every router below ``/api/v1``: one a subject."""

from __future__ import annotations

from typing import Final

from litestar import Router

from sr_core.api import (
    candidates,
    definitions,
    intakes,
    loops,
    portals,
    templates,
)

ROUTERS: Final[tuple[Router, ...]] = (
    definitions.router,
    intakes.router,
    templates.router,
    loops.router,
    candidates.router,
    portals.router,
)
