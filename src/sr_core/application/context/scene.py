"""What the look-ups of a context work with, and what each of them brings back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from sr_core.application.governed import Governed
from sr_core.application.platform import Platform
from sr_core.domain.candidate import Candidate
from sr_core.domain.context import Category, Input
from sr_core.domain.dossier import Dossier
from sr_core.domain.governed_artifact import GovernedArtifacts
from sr_core.domain.ids import CandidateId
from sr_core.domain.loop import Loop
from sr_core.domain.work_unit import SurfacePhase
from sr_core.ports.read_model import ReadModel, Row

PAGE: Final = 200
"""How many rows are asked for at a time; all of them are asked for."""

Columns: TypeAlias = Mapping[str, Any]
"""A row whose columns the reader knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One loop at the moment when its next iteration is to start."""

    platform: Platform
    dossier: Dossier
    loop: Loop
    artifacts: GovernedArtifacts
    base: Candidate | None
    """The candidate that the iteration goes on from."""
    work_unit: str
    surface: Columns | None
    """The row of the work unit's active surface, if the work is staged."""
    surface_id: str | None
    """The surface that the loop was opened on."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The inputs of one category, and the names of those that have to be there."""

    category: Category
    inputs: tuple[Input, ...] = ()
    due: frozenset[str] = field(default_factory=frozenset)


Lookup: TypeAlias = Callable[[Scene], Awaitable[Gathered]]


async def set_scene(
    platform: Platform, dossier: Dossier, base: CandidateId | None
) -> Scene:
    """Return the scene; `base` is the candidate to go on from, or None for the latest."""
    loop = dossier.the_loop()
    return Scene(
        platform=platform,
        dossier=dossier,
        loop=loop,
        artifacts=await Governed(platform=platform).known(),
        base=_base(dossier, base),
        work_unit=loop.work_unit,
        surface=await _surface(platform.rows, loop),
        surface_id=loop.work_surface_id,
        now=platform.clock.now(),
    )


async def every_row(rows: ReadModel, table: str, where: Row) -> AsyncIterator[Columns]:
    """Yield every row that equals `where`, a page at a time.

    Raises:
        Unavailable: no answer in time.

    """
    seen, total = 0, 1
    while seen < total:
        page = await rows.rows(table, where, limit=PAGE, offset=seen)
        for row in page.rows:
            yield row
        seen, total = seen + PAGE, page.total


def _base(dossier: Dossier, named: CandidateId | None) -> Candidate | None:
    if named is not None:
        return dossier.candidate(named)
    made = tuple(dossier.candidates.values())
    return made[-1] if made else None


async def _surface(rows: ReadModel, loop: Loop) -> Columns | None:
    """Return the active surface of the work unit: the one that the iteration stands on."""
    if loop.work_surface_id is None:
        return None
    key: Row = {"work_unit_id": loop.work_unit, "status": SurfacePhase.ACTIVE}
    return await rows.row("work_surfaces", key)
