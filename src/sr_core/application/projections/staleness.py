"""The rows of staleness markers: one for each dependent that a marker makes stale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.domain.graph import Node
from sr_core.domain.refs import RefKind
from sr_core.domain.staleness import (
    NodeMarkedStale,
    ReEvaluationTriggered,
    StalenessEvent,
    StalenessResolved,
)
from sr_core.ports.read_model import InsertRow, RowChange, UpdateRows

TABLE = "graph.stale_nodes"


def changes(event: StalenessEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes."""
    match event:
        case NodeMarkedStale():
            return (*_marked(event, on), *_candidates(event.dependents, is_stale=True))
        case ReEvaluationTriggered():
            return (_re_evaluated(event, on),)
        case StalenessResolved():
            return (
                *_resolved(event, on),
                *_candidates(event.no_longer_stale, is_stale=False),
            )
        case _:
            assert_never(event)


def _marked(event: NodeMarkedStale, on: Occasion) -> Iterator[RowChange]:
    for each in event.dependents:
        yield InsertRow(
            table=TABLE,
            row={
                "stale_id": event.stale_id,
                "root_kind": event.root.kind,
                "root_id": event.root.id,
                "dependent_kind": each.kind,
                "dependent_id": each.id,
                "reason_code": event.reason_code,
                "reason_detail": event.reason_detail,
                "caused_by": event.caused_by,
                "caused_at": event.caused_at,
                "marked_at": on.at,
                **by_columns("marked", on),
                "re_evaluation": None,
                "recommended_portal": None,
                "resolved_at": None,
                "resolution_kind": None,
                "resolution_event_id": None,
            },
        )


def _re_evaluated(event: ReEvaluationTriggered, _: Occasion) -> UpdateRows:
    return UpdateRows(
        table=TABLE,
        where=_of(event.stale_id, event.triggered_for),
        values={
            "re_evaluation": event.action,
            "recommended_portal": event.triggered_portal_id,
        },
    )


def _resolved(event: StalenessResolved, on: Occasion) -> Iterator[RowChange]:
    for each in event.dependents:
        yield UpdateRows(
            table=TABLE,
            where=_of(event.stale_id, each),
            values={
                "resolved_at": on.at,
                "resolution_kind": event.resolution_kind,
                "resolution_event_id": on.event_id,
            },
        )


def _candidates(nodes: Iterable[Node], *, is_stale: bool) -> Iterator[RowChange]:
    for each in nodes:
        if each.kind is RefKind.CANDIDATE:
            yield UpdateRows(
                table="candidates",
                where={"candidate_id": each.id},
                values={"has_unresolved_staleness": is_stale},
                may_match_none=True,  # a ref may name a candidate of another platform
            )


def _of(stale_id: str, dependent: Node) -> dict[str, str]:
    return {
        "stale_id": stale_id,
        "dependent_kind": dependent.kind,
        "dependent_id": dependent.id,
    }
