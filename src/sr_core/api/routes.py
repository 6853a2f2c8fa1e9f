"""Every router below ``/api/v1``: one a subject."""

from __future__ import annotations

from typing import Final

from litestar import Router

from sr_core.api import (
    candidates,
    decisions,
    evidence,
    iterations,
    loops,
    oracles,
    portals,
    runs,
)

ROUTERS: Final[tuple[Router, ...]] = (
    loops.router,
    iterations.router,
    decisions.router,
    candidates.router,
    runs.router,
    evidence.router,
    oracles.router,
    portals.router,
)
