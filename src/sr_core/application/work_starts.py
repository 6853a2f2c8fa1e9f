"""Start work on a surface: its loop, and one iteration after the other.

A start is a way of several steps, each recorded by itself. It can be asked for again
whatever happened in between: each step is taken only where it is still due, and the loop
has a name that follows from the surface, so two who start at once open the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sr_core.application.intakes import Intakes
from sr_core.application.loops import Loops
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.application.surfaces import active_surface, require_sound
from sr_core.application.work_surfaces import WorkSurfaces
from sr_core.domain import loop, work_surface
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import (
    IterationInProgress,
    NotFound,
    Refused,
    TransitionRefused,
)
from sr_core.domain.events import Ruling
from sr_core.domain.governed_manifest import DIRECTIVE_ID
from sr_core.domain.ids import IterationId, LoopId, WorkSurfaceId, parse_loop_id
from sr_core.domain.loop import Budgets, LoopPhase
from sr_core.domain.ref_builders import governed_artifact_ref
from sr_core.domain.refs import Ref, RefRelation, hash_bytes
from sr_core.domain.work_errors import LoopNotActive, NoLoop
from sr_core.domain.work_unit import WorkSurface
from sr_core.ports.event_store import NewEvent

Recorded = tuple[NewEvent, ...]

STARTER: Final = Actor(ActorKind.SYSTEM, "svc:sr-core:work-surface-start")
"""Who starts the iterations of work surfaces; nobody else may (C-CTX-2)."""

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The work as it goes on; `recorded` is what this very start added."""

    loop_id: LoopId
    iteration_id: IterationId
    already_started: bool
    recorded: Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class NextIteration:
    """One more iteration of a surface's loop."""

    loop_id: LoopId
    iteration_id: IterationId
    number: int
    recorded: Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStarts:
    """The ways in which work on surfaces begins and goes on."""

    platform: Platform

    async def start(
        self,
        work_surface_id: WorkSurfaceId,
        asked: Asked,
        *,
        goal: str | None = None,
        budgets: Budgets | None = None,
        directive: Ref | None = None,
    ) -> Started:
        """See that the surface has an active loop with an iteration.

        The loop is opened and activated as the caller, the iteration is started as the
        system. `goal` and `budgets` are those of a loop that is opened.

        Raises:
            WorkSurfaceNotActive: the surface is completed or archived.
            LoopNotActive: its loop was paused.

        """
        work_surface.authorise(asked.by, "StartWorkSurface")
        surface = await self._active(work_surface_id)
        loop_id, opened = await self._loop(
            surface, asked, goal=goal, budgets=budgets, directive=directive
        )
        activated = await self._activated(loop_id, asked)
        known = await self._dossier(loop_id)
        if known.iterations:
            return _already(loop_id, known, recorded=(*opened, *activated))
        try:
            iteration_id, begun = await Loops(platform=self.platform).start_iteration(
                loop_id, _as_starter(asked)
            )
        except IterationInProgress:
            after = await self._dossier(loop_id)  # someone else started it meanwhile
            return _already(loop_id, after, recorded=(*opened, *activated))
        return Started(
            loop_id=loop_id,
            iteration_id=iteration_id,
            already_started=False,
            recorded=(*opened, *activated, *begun),
        )

    async def iterate(
        self, work_surface_id: WorkSurfaceId, asked: Asked
    ) -> NextIteration:
        """Begin the next iteration of the surface's loop (SPEC 5.6, in this order).

        Raises:
            WorkSurfaceNotActive, NoLoop, LoopNotActive: there is nothing to go on with.
            StageUnknown, SemanticProfileMissing: the stage cannot be judged.
            IterationInProgress: the latest one has not ended; nothing is stopped by that.
            BudgetExhausted: a bound is used up.

        """
        work_surface.authorise(asked.by, "StartIteration")
        surface = await self._active(work_surface_id)
        loop_id = await self.loop_of(work_surface_id)
        known = await self._dossier(loop_id)
        phase = known.the_loop().phase
        if phase is not LoopPhase.ACTIVE:
            raise LoopNotActive(loop_id=loop_id, phase=phase)
        await self._require_sound(surface, loop_id, asked)
        iteration_id, recorded = await Loops(platform=self.platform).start_iteration(
            loop_id, _as_starter(asked)
        )
        after = await self._dossier(loop_id)
        return NextIteration(
            loop_id=loop_id,
            iteration_id=iteration_id,
            number=after.iteration(iteration_id).sequence,
            recorded=recorded,
        )

    async def context(self, work_surface_id: WorkSurfaceId) -> tuple[Ref, ...]:
        """Return what the next iteration would start from (SPEC 8.1)."""
        await self._active(work_surface_id)
        loop_id = await self.loop_of(work_surface_id)
        return await Loops(platform=self.platform).context(loop_id)

    async def loop_of(self, work_surface_id: WorkSurfaceId) -> LoopId:
        """Return the loop that works on the surface, or the latest that did.

        Raises:
            NoLoop: none was ever opened.

        """
        known = await self._loops(work_surface_id)
        if not known:
            raise NoLoop(work_surface_id=work_surface_id)
        going = [each for each, state in known if state != LoopPhase.CLOSED]
        return going[-1] if going else known[-1][0]

    async def _active(self, work_surface_id: WorkSurfaceId) -> WorkSurface:
        surface = await WorkSurfaces(platform=self.platform).known(work_surface_id)
        return work_surface.require_active(surface)

    async def _loop(
        self,
        surface: WorkSurface,
        asked: Asked,
        *,
        goal: str | None,
        budgets: Budgets | None,
        directive: Ref | None,
    ) -> tuple[LoopId, Recorded]:
        """Return the surface's loop, opened now if there is none that goes on."""
        known = await self._loops(surface.work_surface_id)
        going = [each for each, state in known if state != LoopPhase.CLOSED]
        if going:
            return going[-1], ()
        loop_id = nth_loop(surface.work_surface_id, len(known))
        intake = await Intakes(platform=self.platform).known(surface.intake_ref.id)
        try:
            return await Loops(platform=self.platform).create(
                asked,
                goal=goal or intake.content.objective,
                budgets=budgets or Budgets(),
                directive=directive or self._directive(),
                work_unit=surface.work_unit_id,
                loop_id=loop_id,
            )
        except TransitionRefused:
            return loop_id, ()  # someone else opened it meanwhile

    async def _activated(self, loop_id: LoopId, asked: Asked) -> Recorded:
        """Let iterations start, if they may not yet.

        Raises:
            LoopNotActive: the loop is paused, or was closed meanwhile.

        """
        recorded: Recorded = ()
        known = await self._dossier(loop_id)
        if known.the_loop().phase is LoopPhase.CREATED:
            try:
                recorded = await Loops(platform=self.platform).activate(loop_id, asked)
            except TransitionRefused:
                recorded = ()  # someone else activated it meanwhile, or it was closed
            known = await self._dossier(loop_id)
        phase = known.the_loop().phase
        if phase is not LoopPhase.ACTIVE:
            raise LoopNotActive(loop_id=loop_id, phase=phase)
        return recorded

    async def _require_sound(
        self, surface: WorkSurface, loop_id: LoopId, asked: Asked
    ) -> None:
        """Raise, and stop the loop, if the surface's stage cannot carry work."""
        found = await active_surface(self.platform, surface.work_unit_id)
        assert found is not None, "the surface is active"

        async def rule(dossier: Dossier) -> Ruling:
            try:
                await require_sound(self.platform, found)
            except Refused as refusal:
                stop = loop.stop_for(dossier.the_loop(), refusal)
                return Ruling(events=stop, refusal=refusal)
            return Ruling()

        await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    def _directive(self) -> Ref:
        """Return the directive that the process was started with, pinned in full."""
        entry = self.platform.governed.entry(DIRECTIVE_ID)
        if entry is None:
            raise NotFound(kind="governed artifact", identifier=DIRECTIVE_ID)
        return governed_artifact_ref(
            entry.doc_id,
            RefRelation.DEPENDS_ON,
            content_hash=entry.content_hash,
            version=entry.version,
            type_key=entry.type_key,
        )

    async def _loops(
        self, work_surface_id: WorkSurfaceId
    ) -> tuple[tuple[LoopId, str], ...]:
        """Return the surface's loops and their states, oldest first."""
        where = {"work_surface_id": work_surface_id}
        found = await self.platform.rows.rows("loops", where)
        return tuple(
            (parse_loop_id(str(row["loop_id"])), str(row["state"]))
            for row in found.rows
        )

    async def _dossier(self, loop_id: LoopId) -> Dossier:
        return await self.platform.recorder.state(loop_case(loop_id))


def nth_loop(work_surface_id: WorkSurfaceId, number: int) -> LoopId:
    """Return the name of the loop that is opened after `number` others of the surface.

    The first is named like the surface; the time in each name is that of the surface.
    """
    ulid = work_surface_id.removeprefix("ws:")
    if number:
        digest = hash_bytes(f"{ulid} {number}".encode()).removeprefix("sha256:")
        drawn = bytes.fromhex(digest)[: len(ulid) - _TIME_CHARS]
        letters = (_DIGITS[each % len(_DIGITS)] for each in drawn)
        ulid = ulid[:_TIME_CHARS] + "".join(letters)
    return parse_loop_id(f"loop_{ulid}")


def _as_starter(asked: Asked) -> Asked:
    return Asked(by=STARTER, correlation_id=asked.correlation_id)


def _already(loop_id: LoopId, known: Dossier, *, recorded: Recorded) -> Started:
    return Started(
        loop_id=loop_id,
        iteration_id=next(iter(known.iterations)),
        already_started=True,
        recorded=recorded,
    )
