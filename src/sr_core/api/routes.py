"""Every router below ``/api/v1``: one a subject."""

from __future__ import annotations

from typing import Final

from litestar import Router

from sr_core.api import (
    approvals,
    attachments,
    candidates,
    decisions,
    definitions,
    evidence,
    exceptions,
    freeze_records,
    governed_artifacts,
    intakes,
    iterations,
    loops,
    oracles,
    plans,
    records,
    redactions,
    references,
    registry,
    runs,
    staleness,
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
    runs.router,
    evidence.router,
    redactions.router,
    oracles.router,
    governed_artifacts.router,
    registry.router,
    approvals.router,
    exceptions.router,
    freeze_records.router,
    records.router,
    attachments.router,
    references.router,
    staleness.router,
    plans.router,
)
