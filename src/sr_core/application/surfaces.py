"""The work surface that a loop stands on, as the read model has it (SPEC 6.4).

A loop over staged work needs an active surface, at a stage that its procedure has, whose
suites are registered as they were bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sr_core.application.platform import Platform
from sr_core.codec.canonical import restored
from sr_core.domain.errors import SemanticProfileMissing, StageUnknown
from sr_core.domain.ids import (
    WorkSurfaceId,
    WorkUnitId,
    parse_suite_id,
    parse_work_surface_id,
)
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.loop import Loop

_CURABLE: Final = frozenset(
    {
        StopTrigger.WORK_SURFACE_MISSING,
        StopTrigger.STAGE_UNKNOWN,
        StopTrigger.SEMANTIC_PROFILE_MISSING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSuite:
    """A suite of the current stage, pinned by its hash."""

    suite_id: str
    suite_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """An active work surface: where it stands, and what its stage asks for."""

    work_surface_id: WorkSurfaceId
    current_stage_id: str
    stages: frozenset[str]
    suites: tuple[BoundSuite, ...]


async def active_surface(platform: Platform, work_unit: WorkUnitId) -> Surface | None:
    """Return the active surface of the work unit; a loop that is its own has none."""
    if work_unit.startswith("loop_"):
        return None
    key = {"work_unit_id": work_unit, "status": "active"}
    row = await platform.rows.row("work_surfaces", key)
    if row is None:
        return None
    stages = row["stage_status"]
    assert isinstance(stages, Mapping), "stages stand by their identifiers"
    return Surface(
        work_surface_id=parse_work_surface_id(str(row["work_surface_id"])),
        current_stage_id=str(row["current_stage_id"]),
        stages=frozenset(stages),
        suites=restored(
            tuple[BoundSuite, ...],
            row["current_oracle_suites"],
            what="work_surfaces.current_oracle_suites",
        ),
    )


async def require_sound(platform: Platform, surface: Surface) -> None:
    """Raise `StageUnknown` or `SemanticProfileMissing` if the surface cannot carry work.

    A stage without a suite has nothing that could judge what is done in it.
    """
    named = (surface.work_surface_id, surface.current_stage_id)
    if surface.current_stage_id not in surface.stages:
        raise StageUnknown(work_surface_id=named[0], stage_id=named[1])
    registered = [await _is_registered(platform, each) for each in surface.suites]
    if not registered or not all(registered):
        raise SemanticProfileMissing(work_surface_id=named[0], stage_id=named[1])


async def cured(platform: Platform, loop: Loop) -> frozenset[StopTrigger]:
    """Return the open stops of the loop whose cause was a work surface, and is gone."""
    stopped = _CURABLE & loop.stops.keys()
    if not stopped:
        return frozenset()
    surface = await active_surface(platform, loop.work_unit)
    if surface is None:
        return frozenset()
    try:
        await require_sound(platform, surface)
    except (StageUnknown, SemanticProfileMissing):
        return frozenset()
    return frozenset(stopped)


async def _is_registered(platform: Platform, bound: BoundSuite) -> bool:
    suite = await platform.suite(parse_suite_id(bound.suite_id))
    return suite is not None and suite.suite_hash == bound.suite_hash
