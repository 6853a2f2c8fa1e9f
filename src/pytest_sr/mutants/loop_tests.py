"""Bugs that the plan's loop tests have to notice: names, counts, what is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.mutants.context import context_is_not_checked
from pytest_sr.registry import mutant
from sr_core.adapters.system import UlidSource
from sr_core.api import loops as loops_api
from sr_core.application import context as contexts
from sr_core.application import loops, recorder, work_starts
from sr_core.application.context import notes, own, planned, staged
from sr_core.domain import ids, iteration, loop, refs
from sr_core.domain.budget import Bound, Budgets, Usage
from sr_core.domain.errors import BudgetExhausted, DecisionRequired
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.ports.read_model import InsertRow, UpdateRows, Value

_RENAMED = frozenset({"iter", "loop"})


@mutant("ids.in-any-form")
def ids_in_any_form() -> tuple[Patch, ...]:
    """Loops and iterations are named in small letters, and nobody minds."""
    fresh = inside(UlidSource, "fresh")
    nth = inside(work_starts, "nth_loop")

    def named(source: UlidSource, prefix: str) -> str:
        made: str = fresh(source, prefix)
        return made.lower() if prefix in _RENAMED else made

    def any_form(_: str, text: str, **__: object) -> str:
        return text

    return (
        Patch(owner=UlidSource, name="fresh", value=named),
        Patch(owner=ids, name="_checked", value=any_form),
        Patch(owner=work_starts, name="nth_loop", value=lambda *of: nth(*of).lower()),
    )


@mutant("loop.knows-better")
def loop_knows_better() -> tuple[Patch, ...]:
    """A loop is opened with a goal and bounds that nobody asked for."""
    return _created(lambda made: replace(made, goal="another", budgets=Budgets()))


@mutant("loop.forgets-its-directive")
def loop_forgets_its_directive() -> tuple[Patch, ...]:
    """A loop does not refer to the directive that it is opened under."""
    return (Patch(owner=loop.LoopCreated, name="refs", value=()),)


@mutant("loop.starts-nothing")
def loop_starts_nothing() -> tuple[Patch, ...]:
    """No phase allows that an iteration starts."""
    return _never(loop.StartIteration)


@mutant("loop.takes-no-edit")
def loop_takes_no_edit() -> tuple[Patch, ...]:
    """No phase allows that the goal or a bound is changed."""
    return _never(loop.UpdateLoop)


@mutant("loop.no-run-left")
def loop_no_run_left() -> tuple[Patch, ...]:
    """No loop has a run left, whatever its bound."""
    real = inside(loop, "require_left")

    def require_left(budgets: Budgets, used: Usage, *bounds: Bound) -> None:
        if Bound.ORACLE_RUNS in bounds:
            raise BudgetExhausted(bound=Bound.ORACLE_RUNS, limit=0, used=0)
        real(budgets, used, *bounds)

    return (Patch(owner=loop, name="require_left", value=require_left),)


@mutant("iteration.never-ends")
def iteration_never_ends() -> tuple[Patch, ...]:
    """No iteration is ever completed."""
    allowed = {
        phase: commands - {iteration.CompleteIteration}
        for phase, commands in inside(iteration, "_ALLOWED").items()
    }
    return (Patch(owner=iteration, name="_ALLOWED", value=allowed),)


@mutant("iteration.ends-twice")
def iteration_ends_twice() -> tuple[Patch, ...]:
    """An iteration that was completed is completed again."""
    allowed = dict(inside(iteration, "_ALLOWED"))
    again = frozenset({iteration.CompleteIteration})
    allowed[iteration.IterationPhase.COMPLETED] = again
    return (Patch(owner=iteration, name="_ALLOWED", value=allowed),)


@mutant("loop.resumes-only-by-decision")
def loop_resumes_only_by_decision() -> tuple[Patch, ...]:
    """A pause by hand is not lifted by hand."""
    real = inside(loop, "_resume")

    def resume(known: loop.Loop, command: loop.ResumeLoop) -> Any:  # noqa: ANN401 - passed on as it comes
        if command.decision_id is None:
            raise DecisionRequired(loop_id=known.loop_id, trigger="a human")
        return real(known, command)

    return (Patch(owner=loop, name="_resume", value=resume),)


@mutant("loop.never-closed")
def loop_never_closed() -> tuple[Patch, ...]:
    """A closed loop takes every command, as an active one does and a paused one."""
    allowed = dict(inside(loop, "_ALLOWED"))
    everything = frozenset[type[loop.LoopCommand]]().union(*allowed.values())
    allowed[loop.LoopPhase.CLOSED] = everything
    return (Patch(owner=loop, name="_ALLOWED", value=allowed),)


@mutant("loop.hours-stand-still")
def loop_hours_stand_still() -> tuple[Patch, ...]:
    """However long a loop runs, none of its hours are shown as used."""
    return (Patch(owner=loops_api, name="_hours", value=lambda *_: 0.0),)


@mutant("projector.counts-no-iterations")
def projector_counts_no_iterations() -> tuple[Patch, ...]:
    """The read model does not count the iterations of a loop."""
    return _uncounted("iteration_count")


@mutant("projector.counts-no-runs")
def projector_counts_no_runs() -> tuple[Patch, ...]:
    """The read model does not count the runs of a loop."""
    return _uncounted("run_count")


@mutant("projector.begins-active")
def projector_begins_active() -> tuple[Patch, ...]:
    """The read model takes a loop that was opened for one that is active."""
    return _inserted("loops", state=loop.LoopPhase.ACTIVE)


@mutant("projector.counts-from-one")
def projector_counts_from_one() -> tuple[Patch, ...]:
    """The read model counts the iterations of a loop from one."""
    return _inserted("loops", iteration_count=1)


@mutant("projector.mixes-up-work")
def projector_mixes_up_work() -> tuple[Patch, ...]:
    """The read model takes a loop for one about another work unit."""
    return _inserted("loops", work_unit="WU-9999")


@mutant("projector.confuses-stages")
def projector_confuses_stages() -> tuple[Patch, ...]:
    """The read model takes the first stage of a work surface for the last."""

    def last(values: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, "current_stage_id": "stage:FINAL"}

    def confused(change: object) -> object:
        if isinstance(change, InsertRow) and change.table == "work_surfaces":
            return replace(change, row=last(change.row))
        if isinstance(change, UpdateRows) and "current_stage_id" in change.values:
            return replace(change, values=last(change.values))
        return change

    return _rows(confused)


@mutant("projector.drops-titles")
def projector_drops_titles() -> tuple[Patch, ...]:
    """The read model does not learn how an intake is called."""
    return _inserted("intakes", title="untitled")


@mutant("context.drops-base")
def context_drops_base() -> tuple[Patch, ...]:
    """An iteration does not name the candidate that it goes on from."""
    return _without(own.base_candidate)


@mutant("context.drops-intake")
def context_drops_intake() -> tuple[Patch, ...]:
    """An iteration of staged work does not name its intake."""
    return _without(staged.intake)


@mutant("context.drops-template")
def context_drops_template() -> tuple[Patch, ...]:
    """An iteration of staged work does not name its procedure."""
    return _without(staged.template)


@mutant("context.drops-notes")
def context_drops_notes() -> tuple[Patch, ...]:
    """An iteration does not name what humans noted of the work."""
    return _without(notes.notes)


@mutant("context.drops-plan")
def context_drops_plan() -> tuple[Patch, ...]:
    """An iteration does not name the plan that its work is a part of."""
    return _without(planned.plan)


@mutant("context.drops-eligibility")
def context_drops_eligibility() -> tuple[Patch, ...]:
    """An iteration does not name how far its plan was."""
    return _without(planned.eligibility)


@mutant("context.any-plan")
def context_any_plan() -> tuple[Patch, ...]:
    """A plan counts as active before it is, and after it was given up."""
    return _inserted("plan_work_units", is_plan_active=True, only_inserts=False)


@mutant("projector.misfiles-plans")
def projector_misfiles_plans() -> tuple[Patch, ...]:
    """The read model has a plan under the hash of nothing."""
    return _inserted("plans", plan_hash=f"sha256:{'0' * 64}")


@mutant("context.invents-inputs")
def context_invents_inputs() -> tuple[Patch, ...]:
    """An iteration names what was never there: an iteration, a candidate, an exception."""
    zeros = f"sha256:{'0' * 64}"
    ulid = "0" * 26
    invented = (
        _input(RefKind.ITERATION, f"iter_{ulid}", content_hash=zeros),
        _input(RefKind.CANDIDATE, f"{zeros}|cand_{ulid}", content_hash=zeros),
        _input(RefKind.DEVIATION, f"exc_{ulid}"),
    )
    return _told(lambda found: (*found, *invented))


@mutant("context.names-another-loop")
def context_names_another_loop() -> tuple[Patch, ...]:
    """An iteration is put into a loop that there is not."""
    other = f"loop_{'0' * 26}"

    def misplaced(found: tuple[Ref, ...]) -> tuple[Ref, ...]:
        return tuple(
            replace(each, id=other) if each.kind is RefKind.LOOP else each
            for each in found
        )

    return _told(misplaced)


@mutant("context.forgets-bounds")
def context_forgets_bounds() -> tuple[Patch, ...]:
    """Every exception is said to hold for a day long past, whatever its own bounds."""
    past = "2001-01-01T00:00:00Z"

    def timeless(found: tuple[Ref, ...]) -> tuple[Ref, ...]:
        return tuple(
            replace(each, meta={**each.meta, "expires_at": past})
            if "expires_at" in each.meta
            else each
            for each in found
        )

    return _told(timeless)


@mutant("context.ill-formed")
def context_ill_formed() -> tuple[Patch, ...]:
    """Hashes have their prefix twice, versions two numbers, types no group."""
    unchecked = Patch(owner=refs, name="_FORMS", value={})

    def ill_formed(found: tuple[Ref, ...]) -> tuple[Ref, ...]:
        return tuple(replace(each, meta=_spoilt(each.meta)) for each in found)

    return (*_told(ill_formed), unchecked)


def _input(kind: RefKind, name: str, **meta: str) -> Ref:
    return Ref(kind=kind, id=name, rel=RefRelation.DEPENDS_ON, meta=meta)


def _told(changed: Callable[[tuple[Ref, ...]], tuple[Ref, ...]]) -> tuple[Patch, ...]:
    """Return the patch by which each context, once it was judged, is made another one."""
    real: Callable[..., Any] = inside(loops, "iteration_context")

    async def told(*arguments: object, **named: object) -> tuple[Ref, ...]:
        found: tuple[Ref, ...] = await real(*arguments, **named)
        return changed(found)

    return (Patch(owner=loops, name="iteration_context", value=told),)


def _spoilt(meta: Mapping[str, str]) -> dict[str, str]:
    """Return the meta with everything in a form that is near the right one."""
    spoil: dict[str, Callable[[str], str]] = {
        "content_hash": lambda said: f"sha256:{said}",
        "current_stage_id": lambda said: said.removeprefix("stage:"),
        "expires_at": lambda said: said[:10],
        "scope": str.upper,
        "suite_hash": lambda said: said.removeprefix("sha256:"),
        "type_key": lambda said: said.rpartition(".")[2],
        "version": lambda said: said.rpartition(".")[0],
    }
    return {name: spoil.get(name, str)(said) for name, said in meta.items()}


def _created(changed: Callable[[loop.LoopCreated], loop.LoopCreated]) -> tuple[Patch]:
    real = inside(loop, "_create")

    def create(known: loop.Loop | None, command: loop.CreateLoop) -> Any:  # noqa: ANN401 - passed on as it comes
        (made,) = real(known, command)
        return (changed(made),)

    return (Patch(owner=loop, name="_create", value=create),)


def _never(command: type[loop.LoopCommand]) -> tuple[Patch, ...]:
    """Return the patch by which no phase allows the command."""
    allowed = {
        phase: commands - {command}
        for phase, commands in inside(loop, "_ALLOWED").items()
    }
    return (Patch(owner=loop, name="_ALLOWED", value=allowed),)


def _inserted(
    table: str, *, only_inserts: bool = True, **values: Value
) -> tuple[Patch, ...]:
    """Return the patch by which each new row of the table holds these values.

    Unless `only_inserts`, no update of the row says otherwise.
    """

    def other(change: object) -> object:
        if isinstance(change, InsertRow) and change.table == table:
            return replace(change, row={**change.row, **values})
        if isinstance(change, UpdateRows) and change.table == table:
            kept = {} if only_inserts else values.keys() & change.values.keys()
            said = {name: values[name] for name in kept}
            return replace(change, values={**change.values, **said})
        return change

    return _rows(other)


def _uncounted(column: str) -> tuple[Patch, ...]:
    def uncounted(change: object) -> object:
        if isinstance(change, UpdateRows) and column in change.increments:
            left = {k: n for k, n in change.increments.items() if k != column}
            return replace(change, increments=left)
        return change

    return _rows(uncounted)


def _rows(changed: Callable[[object], object]) -> tuple[Patch, ...]:
    """Return the patch by which each change to the read model is made another one."""
    real = inside(recorder, "changes_of")

    def changes_of(event: Any, on: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return tuple(changed(each) for each in real(event, on))

    return (Patch(owner=recorder, name="changes_of", value=changes_of),)


def _without(dropped: object) -> tuple[Patch, ...]:
    """Return the patches by which nothing is looked up there, and nothing missed."""
    left = tuple(each for each in contexts.LOOKUPS if each is not dropped)
    assert len(left) < len(contexts.LOOKUPS), "what is dropped was there"
    return (
        Patch(owner=contexts, name="LOOKUPS", value=left),
        *context_is_not_checked(),
    )
