"""Every router below ``/api/v1``: one a subject."""

from __future__ import annotations

from typing import Final

from litestar import Router

from sr_core.api import (
    candidates,
    decisions,
    definitions,
    intakes,
    iterations,
    loops,
    plans,
    portals,
    templates,
    work_starts,
    work_surfaces,
)

ROUTERS: Final[tuple[Router, ...]] = (
    definitions.router,
    intakes.router,
    templates.router,
    work_surfaces.router,
    work_starts.router,
    loops.router,
    iterations.router,
    decisions.router,
    candidates.router,
    portals.router,
    plans.router,
)
