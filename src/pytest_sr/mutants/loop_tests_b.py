"""Bugs that the later tests of the loops' plan have to notice (tests 11 to 19)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.application import context as contexts
from sr_core.application import handing_in, loops, recorder, work_starts
from sr_core.application.context import exceptions, staged
from sr_core.application.platform import Platform
from sr_core.application.projections import graph as edges
from sr_core.application.work_surfaces import WorkSurfaces
from sr_core.domain import candidate, loop, work_surface
from sr_core.domain import context as rules
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.budget import Budgets
from sr_core.domain.evidence import Flaw, ManifestDefect
from sr_core.domain.governed_exception import ExceptionResolved
from sr_core.domain.ids import StageId, SuiteId, WorkSurfaceId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import Iteration, IterationOutcome, IterationPhase
from sr_core.domain.loop import LoopCreated, LoopPhase
from sr_core.domain.procedure_template import ProcedureTemplate
from sr_core.domain.refs import ContentHash, RefRelation
from sr_core.domain.stage_gate import PinnedSuite
from sr_core.domain.stops import Stops
from sr_core.ports.read_model import InsertRow


@mutant("loop.stops-again")
def loop_stops_again() -> tuple[Patch, ...]:
    """Every refused start stops the loop once more, as if it were not stopped yet."""
    real = inside(loop, "stop")
    allowed = dict(inside(loop, "_ALLOWED"))
    allowed[LoopPhase.PAUSED] |= {loop.StartIteration}

    def stop(known: loop.Loop, *what: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(replace(known, stopped=Stops()), *what, **named)

    return (
        Patch(owner=loop, name="stop", value=stop),
        Patch(owner=loop, name="_ALLOWED", value=allowed),
    )


@mutant("loop.stops-too-early")
def loop_stops_too_early() -> tuple[Patch, ...]:
    """The last iteration that a bound allows is refused."""
    real = inside(loop, "require_left")

    def require_left(budgets: Budgets, *what: Any) -> None:  # noqa: ANN401 - passed on as it comes
        fewer = replace(budgets, max_iterations=budgets.max_iterations - 1)
        real(fewer, *what)

    return (Patch(owner=loop, name="require_left", value=require_left),)


@mutant("loop.fails-too-early")
def loop_fails_too_early() -> tuple[Patch, ...]:
    """Two failures in a row stop a loop."""
    return (Patch(owner=loop, name="FAILURES_MAX", value=2),)


@mutant("loop.forgets-surface")
def loop_forgets_surface() -> tuple[Patch, ...]:
    """A loop does not refer to the work surface that it works on."""
    refs = property(lambda created: (created.directive_ref,))
    return (Patch(owner=LoopCreated, name="refs", value=refs),)


@mutant("loop.asks-no-surface")
def loop_asks_no_surface() -> tuple[Patch, ...]:
    """A loop over staged work is opened and goes on without a work surface."""
    opening, starting = inside(loop, "_create"), inside(loop, "_start_iteration")

    def create(known: Any, command: loop.CreateLoop) -> Any:  # noqa: ANN401 - passed on as it comes
        is_bound = command.work_surface_id is not None
        return opening(known, command if is_bound else replace(command, work_unit=None))

    def start(known: loop.Loop, command: loop.StartIteration) -> Any:  # noqa: ANN401 - passed on as it comes
        return starting(replace(known, work_surface_id=None), command)

    return (
        Patch(owner=loop, name="_create", value=create),
        Patch(owner=loop, name="_start_iteration", value=start),
    )


@mutant("surface.cured-by-word")
def surface_cured_by_word() -> tuple[Patch, ...]:
    """A stop that is to be cured counts as cured, whatever is there."""

    async def cured(_: Platform, known: loop.Loop) -> frozenset[StopTrigger]:
        return frozenset(known.stops)

    return (Patch(owner=loops, name="cured", value=cured),)


@mutant("surface.never-cured")
def surface_never_cured() -> tuple[Patch, ...]:
    """A stop that is to be cured never counts as cured."""

    async def cured(*_: object) -> frozenset[StopTrigger]:
        return frozenset()

    return (Patch(owner=loops, name="cured", value=cured),)


@mutant("surface.needs-no-judge")
def surface_needs_no_judge() -> tuple[Patch, ...]:
    """Whether anything can judge the stage, nobody asks before an iteration starts."""

    async def allow(*_: object) -> None:
        return None

    return (
        Patch(owner=loops, name="require_sound", value=allow),
        Patch(owner=work_starts, name="require_sound", value=allow),
    )


@mutant("surface.binds-the-unjudged")
def surface_binds_the_unjudged() -> tuple[Patch, ...]:
    """A stage is entered although a suite of it is not registered."""

    def pin(
        template: ProcedureTemplate,
        stage_id: StageId,
        registered: Mapping[SuiteId, ContentHash],
        **_: object,
    ) -> tuple[PinnedSuite, ...]:
        return tuple(
            PinnedSuite(suite_id=each, suite_hash=registered[each])
            for each in template.stage(stage_id).required_oracle_suites
            if each in registered
        )

    return (Patch(owner=work_surface, name="pin", value=pin),)


@mutant("stage.unknown-is-the-current")
def stage_unknown_is_the_current() -> tuple[Patch, ...]:
    """Whoever names a stage that there is not means the one that work is in."""
    real = inside(WorkSurfaces, "complete_stage")

    async def complete_stage(
        self: Any,  # noqa: ANN401 - a service with inner parts
        surface_id: WorkSurfaceId,
        stage_id: StageId,
        *what: object,
        **how: object,
    ) -> object:
        surface = await self.known(surface_id)
        meant = stage_id if stage_id in surface.stages else surface.current_stage_id
        return await real(self, surface_id, meant, *what, **how)

    return (Patch(owner=WorkSurfaces, name="complete_stage", value=complete_stage),)


@mutant("surface.starts-as-the-caller")
def surface_starts_as_the_caller() -> tuple[Patch, ...]:
    """Whoever starts work on a surface starts its iterations in their own name."""
    return (Patch(owner=work_starts, name="_as_starter", value=lambda asked: asked),)


@mutant("surface.follows-the-newest")
def surface_follows_the_newest() -> tuple[Patch, ...]:
    """A work surface goes by the newest version of its procedure, not by the bound one."""

    async def template_of(self: Any, surface: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        book = inside(WorkSurfaces, "_book").fget(self)
        return await book.template(surface.template_ref.id)

    return (Patch(owner=WorkSurfaces, name="template_of", value=template_of),)


@mutant("context.drops-binding")
def context_drops_binding() -> tuple[Patch, ...]:
    """An iteration names neither intake nor procedure, and is let go without."""
    dropped = {staged.intake, staged.template}
    left = tuple(each for each in contexts.LOOKUPS if each not in dropped)
    return (
        Patch(owner=contexts, name="LOOKUPS", value=left),
        Patch(owner=rules, name="_problems", value=lambda *_: ()),
    )


@mutant("context.minds-any-exception")
def context_minds_any_exception() -> tuple[Patch, ...]:
    """An iteration starts from the active exceptions of every loop, unchecked."""
    return (
        Patch(owner=exceptions, name="_is_in_force", value=lambda *_: True),
        Patch(owner=rules, name="_problems", value=lambda *_: ()),
    )


@mutant("evidence.partly-refused")
def evidence_partly_refused() -> tuple[Patch, ...]:
    """Evidence that has not all results is not taken in, so that nobody sees the gap."""
    real = inside(handing_in, "misjudged")

    def misjudged(manifest: Any, suite: Any) -> tuple[Flaw, ...]:  # noqa: ANN401 - passed on as it comes
        judged = {each.oracle_id for each in manifest.results}
        absent = [
            each.oracle_id for each in suite.oracles if each.oracle_id not in judged
        ]
        defect = ManifestDefect.FIELD_MISSING
        return (*real(manifest, suite), *(Flaw(defect=defect, why=it) for it in absent))

    return (Patch(owner=handing_in, name="misjudged", value=misjudged),)


@mutant("iteration.guesses-outcomes")
def iteration_guesses_outcomes() -> tuple[Patch, ...]:
    """An outcome that there is none of is taken for the nearest."""

    def missing(kind: type[Enum], value: object) -> Enum | None:
        is_near = kind is IterationOutcome and value == "FAILED"
        return IterationOutcome.FAILURE if is_near else None

    return (Patch(owner=Enum, name="_missing_", value=classmethod(missing)),)


@mutant("candidate.at-any-time")
def candidate_at_any_time() -> tuple[Patch, ...]:
    """An iteration that has ended still takes candidates."""
    real = inside(candidate, "decide")

    def decide(known: loop.Loop, made_in: Iteration, command: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(known, replace(made_in, phase=IterationPhase.STARTED), command)

    return (Patch(owner=candidate, name="decide", value=decide),)


@mutant("graph.forgets-scopes")
def graph_forgets_scopes() -> tuple[Patch, ...]:
    """Nothing is known to be in the scope of anything."""
    real = inside(edges, "refs_of")

    def refs_of(event: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return tuple(
            each for each in real(event) if each.rel is not RefRelation.IN_SCOPE_OF
        )

    return (Patch(owner=edges, name="refs_of", value=refs_of),)


@mutant("recorder.knows-humans-only")
def recorder_knows_humans_only() -> tuple[Patch, ...]:
    """Whoever acts, a human is recorded."""
    real = inside(recorder, "seal")

    def seal(event: Any, with_: Any, changes: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        by = Actor(ActorKind.HUMAN, with_.by.actor_id)
        return real(event, replace(with_, by=by), changes)

    return (Patch(owner=recorder, name="seal", value=seal),)


@mutant("candidate.runs-of-all")
def candidate_runs_of_all() -> tuple[Patch, ...]:
    """Under a candidate the runs of every candidate are listed."""
    from sr_core.api import candidates  # noqa: PLC0415 - slow to load, and wanted here alone

    real: Callable[..., Any] = inside(candidates, "show_page")

    async def show_page(
        rows: object, table: str, key: object, *how: object, **named: object
    ) -> object:
        asked = {} if table == "runs" else key
        return await real(rows, table, asked, *how, **named)

    return (Patch(owner=candidates, name="show_page", value=show_page),)


@mutant("projector.drops-resolution")
def projector_drops_resolution() -> tuple[Patch, ...]:
    """The read model does not learn that an exception was lifted."""
    real = inside(recorder, "changes_of")

    def changes_of(event: Any, on: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return () if isinstance(event, ExceptionResolved) else real(event, on)

    return (Patch(owner=recorder, name="changes_of", value=changes_of),)


@mutant("projector.misfiles-candidates")
def projector_misfiles_candidates() -> tuple[Patch, ...]:
    """The read model files every candidate under the iteration of the first."""
    first: dict[str, Any] = {}

    def as_the_first(row: Mapping[str, Any]) -> Mapping[str, Any]:
        name = "produced_by_iteration_id"
        first.setdefault(name, row[name])
        return first

    return _misfiling("candidates", as_the_first)


@mutant("projector.misfiles-loops")
def projector_misfiles_loops() -> tuple[Patch, ...]:
    """The read model files every loop under a work unit that nobody knows."""
    return _misfiling("loops", lambda _: {"work_unit": "WU-NOBODYS"})


@mutant("projector.misfiles-runs")
def projector_misfiles_runs() -> tuple[Patch, ...]:
    """The read model files every run under the candidate of the first."""
    first: dict[str, Any] = {}

    def as_the_first(row: Mapping[str, Any]) -> Mapping[str, Any]:
        first.setdefault("candidate_id", row["candidate_id"])
        return first

    return _misfiling("runs", as_the_first)


def _misfiling(
    table: str, instead: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> tuple[Patch, ...]:
    """Return the patch by which rows of the table hold something else as well."""
    real = inside(recorder, "changes_of")

    def changed(change: Any) -> Any:  # noqa: ANN401 - any change of any table
        if not isinstance(change, InsertRow) or change.table != table:
            return change
        return replace(change, row={**change.row, **instead(change.row)})

    def changes_of(event: Any, on: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return tuple(changed(each) for each in real(event, on))

    return (Patch(owner=recorder, name="changes_of", value=changes_of),)
