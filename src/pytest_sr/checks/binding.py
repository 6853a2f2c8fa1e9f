"""Claims about what work is bound to, read from the log, the rows and the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from pytest_sr.checks.base import Finding, View, held, undecided, violated
from pytest_sr.history import Logged, Sample
from pytest_sr.registry import check

Pins: TypeAlias = Mapping[str, str]
"""What something is pinned to, by its name: its kind and identifier."""


@check("bound_alike")
def bound_alike(
    view: View, *, bound_alike: str, loop: str, iteration: str, stage: str
) -> Finding:
    """A surface, its loop and an iteration are about one intake, procedure and suites.

    Args:
        bound_alike: the work surface, such as ${bound.surface}
        loop: the loop that works on it
        iteration: one of the loop's iterations
        stage: the stage that the iteration was started in

    """
    if not view.samples:
        return undecided("the read model was not read in this part of the story")
    starts = _of(view, "IterationStarted", iteration_id=iteration)
    bound = _of(view, "WorkSurfaceBound", work_surface_id=bound_alike)
    entered = _of(view, "StageEntered", work_surface_id=bound_alike, stage_id=stage)
    created = _of(view, "LoopCreated", loop_id=loop)
    if not (len(starts) == len(bound) == len(entered) == len(created) == 1):
        return undecided(
            "the surface, its stage, the loop or the iteration never began"
        )
    (start,), (opened,) = starts, created
    wanted = {**_bound(bound[0]), **_judges(entered[0])}
    wrong = (
        *_other_surface(view.samples[-1], bound_alike, opened, start),
        *_unlike(wanted, start, stage),
        *_without_edges(view.samples[-1], iteration, wanted),
        *_other_rows(view.samples[-1], bound_alike, _bound(bound[0])),
    )
    if wrong:
        return violated("; ".join(wrong))
    return held(f"all are about {', '.join(sorted(wanted))}", position=start.position)


def _bound(event: Logged) -> Pins:
    said: Any = event.payload
    named = {"Intake": said["intake_ref"], "ProcedureTemplate": said["template_ref"]}
    return {
        f"{kind}/{each['id']}": each["content_hash"] for kind, each in named.items()
    }


def _judges(event: Logged) -> Pins:
    suites: Any = event.payload["oracle_suites"]
    return {f"OracleSuite/{each['suite_id']}": each["suite_hash"] for each in suites}


def _other_surface(
    sample: Sample, surface: str, opened: Logged, start: Logged
) -> Iterator[str]:
    """Yield who names another surface: the loop, its row, or the iteration."""
    row = sample.rows["loops"].get(str(opened.payload["loop_id"]), {})
    named = [each["id"] for each in opened.refs if each["kind"] == "WorkSurface"]
    if named != [surface]:
        yield f"the loop refers to the surfaces {named}"
    if row.get("work_surface_id") != surface:
        yield f"the loop's row names {row.get('work_surface_id')}"
    if start.payload["loop_id"] != opened.payload["loop_id"]:
        yield f"the iteration is of {start.payload['loop_id']}"
    if start.payload["work_surface_id"] != surface:
        yield f"the iteration names {start.payload['work_surface_id']}"


def _unlike(wanted: Pins, start: Logged, stage: str) -> Iterator[str]:
    """Yield how the refs that the iteration started from differ from what is bound."""
    kinds = {"Intake", "OracleSuite", "ProcedureTemplate"}
    refs = [each for each in start.refs if each["kind"] in kinds]
    found = [(_key(each), _meta(each).get("content_hash")) for each in refs]
    if sorted(found, key=str) != sorted(wanted.items(), key=str):
        yield f"the iteration started from {found}, not from {sorted(wanted.items())}"
    stages = [_meta(each).get("current_stage_id") for each in _templates(refs)]
    if stages != [stage]:
        yield f"the iteration started in {stages}, not in {stage}"


def _without_edges(sample: Sample, iteration: str, wanted: Pins) -> Iterator[str]:
    edges = {
        (row["src_id"], row["edge_type"], row["dst_id"])
        for row in sample.rows["graph.edges"].values()
    }
    for each in wanted:
        if (f"Iteration/{iteration}", "depends_on", each) not in edges:
            yield f"the graph has no edge from the iteration to {each}"


def _other_rows(sample: Sample, surface: str, bound: Pins) -> Iterator[str]:
    row = sample.rows["work_surfaces"].get(surface, {})
    found = {
        f"Intake/{row.get('intake_id')}": row.get("intake_content_hash"),
        f"ProcedureTemplate/{row.get('template_id')}": row.get("template_hash"),
    }
    if found != bound:
        yield f"the surface's row says {found}, its binding {dict(bound)}"


def _of(view: View, event_type: str, **fields: str) -> Sequence[Logged]:
    return [
        each
        for each in view.events
        if each.event_type == event_type
        and all(each.payload.get(name) == value for name, value in fields.items())
    ]


def _templates(refs: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (each for each in refs if each["kind"] == "ProcedureTemplate")


def _key(ref: Mapping[str, Any]) -> str:
    return f"{ref['kind']}/{ref['id']}"


def _meta(ref: Mapping[str, Any]) -> Mapping[str, Any]:
    return ref["meta"] if isinstance(ref["meta"], Mapping) else {}
