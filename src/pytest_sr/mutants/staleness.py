"""Bugs in the graph and in what is stale: walks, markers, resolutions, gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.adapters.postgres.graph import PostgresGraph
from sr_core.application import recorder, staleness
from sr_core.application.projections import graph as edges
from sr_core.application.projections import staleness as rows
from sr_core.domain import staleness as rules
from sr_core.domain.candidate import CandidateMaterialized
from sr_core.domain.graph import Reached
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.ports.read_model import EnsureRow


@mutant("graph.walks-provenance")
def graph_walks_provenance() -> tuple[Patch, ...]:
    """Evidence that supports something counts as what it depends on."""
    real = inside(PostgresGraph, "dependents")

    async def dependents(self: Any, root: Any, **how: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        walked = await real(self, root, **how)
        supported = await self.sources(root, RefRelation.SUPPORTED_BY)
        return (*walked, *(Reached(node=each, depth=1) for each in supported))

    return (Patch(owner=PostgresGraph, name="dependents", value=dependents),)


@mutant("graph.drops-one")
def graph_drops_one() -> tuple[Patch, ...]:
    """A walk comes to every dependent but candidates."""
    real = inside(PostgresGraph, "dependents")

    async def dependents(self: Any, root: Any, **how: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        walked = await real(self, root, **how)
        return tuple(each for each in walked if each.node.kind is not RefKind.CANDIDATE)

    return (Patch(owner=PostgresGraph, name="dependents", value=dependents),)


@mutant("graph.forgets-iterations")
def graph_forgets_iterations() -> tuple[Patch, ...]:
    """A candidate does not depend on the iteration that brought it forth."""
    real = inside(edges, "refs_of")

    def refs_of(event: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        refs = real(event)
        if isinstance(event, CandidateMaterialized):
            return tuple(each for each in refs if each.kind is not RefKind.ITERATION)
        return refs

    return (Patch(owner=edges, name="refs_of", value=refs_of),)


@mutant("staleness.row-without-event")
def staleness_row_without_event() -> tuple[Patch, ...]:
    """A marker has one row more than its event names."""

    def changes(event: Any, _: Any, made: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        if not isinstance(event, rules.NodeMarkedStale):
            return made
        (row, *_) = (each for each in made if each.table == rows.TABLE)
        extra = {**row.row, "dependent_id": "loop_OF_NOBODY"}
        key = ("stale_id", "dependent_kind", "dependent_id")
        return (*made, EnsureRow(table=rows.TABLE, row=extra, key=key))

    return _live_rows(changes)


@mutant("staleness.re-evaluates-nothing")
def staleness_re_evaluates_nothing() -> tuple[Patch, ...]:
    """Nobody is told to look at what is stale again."""
    real = inside(rules, "mark")

    def mark(*given: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(*given)[:1]

    return (Patch(owner=rules, name="mark", value=mark),)


@mutant("staleness.anyone-resolves")
def staleness_anyone_resolves() -> tuple[Patch, ...]:
    """A human says what a machine is to have found, and the reverse."""
    return (Patch(owner=rules, name="_authorise", value=lambda _: None),)


@mutant("staleness.any-answer-will-do")
def staleness_any_answer_will_do() -> tuple[Patch, ...]:
    """A marker is resolved by whatever is named, old or absent."""
    return (Patch(owner=rules, name="_unfit", value=lambda *_: ()),)


@mutant("staleness.never-resolves")
def staleness_never_resolves() -> tuple[Patch, ...]:
    """No answer is good enough for a marker."""

    def unfit(*_: object) -> tuple[str]:
        return ("is not answered by anything",)

    return (Patch(owner=rules, name="_unfit", value=unfit),)


@mutant("shippable.ignores-staleness")
def shippable_ignores_staleness() -> tuple[Patch, ...]:
    """What is stale ships all the same."""

    async def unresolved(*_: object) -> frozenset[object]:
        return frozenset()

    return (Patch(owner=staleness.Stale, name="unresolved", value=unresolved),)


@mutant("freeze.ignores-staleness")
def freeze_ignores_staleness() -> tuple[Patch, ...]:
    """What is stale can be frozen."""

    async def require_fresh(*_: object) -> None:
        return None

    return (Patch(owner=staleness.Stale, name="require_fresh", value=require_fresh),)


def _live_rows(change: Callable[[Any, Any, Any], Any]) -> tuple[Patch, ...]:
    """Change what is written with an event, and leave what a rebuild would write."""
    real = inside(recorder, "changes_of")

    def changes_of(event: Any, on: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return change(event, on, real(event, on))

    return (Patch(owner=recorder, name="changes_of", value=changes_of),)
