"""Staleness, told by giving commands to the rules: marked, and answered by a human."""

from __future__ import annotations

from sr_core.domain import staleness
from sr_core.domain.actors import Actor
from sr_core.domain.graph import Node
from sr_core.domain.ids import DecisionId, StaleId
from sr_core.domain.ref_builders import decision_ref
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.domain.staleness import (
    Answer,
    MarkStale,
    ResolutionKind,
    ResolveStaleness,
    StalenessEvent,
    StaleReason,
)
from sr_core.testing.documents import DIRECTIVE
from sr_core.testing.values import HUMAN, LOOP_1, ulid

STALE_1 = StaleId(f"stale_{ulid(1)}")


def build_mark(
    *dependents: Node,
    stale_id: StaleId = STALE_1,
    by: Actor = HUMAN,
    reason: StaleReason = StaleReason.MANUAL_MARK,
    root: Node | None = None,
    caused_by: str | None = None,
) -> MarkStale:
    """Return a mark of what rests on the directive, which is a loop if nothing is named."""
    directive = Node(kind=DIRECTIVE.kind, id=DIRECTIVE.id, meta=DIRECTIVE.meta)
    return MarkStale(
        by=by,
        stale_id=stale_id,
        root=root or directive,
        reason=reason,
        detail="as told",
        dependents=dependents or (Node(kind=RefKind.LOOP, id=LOOP_1),),
        caused_by=caused_by,
        caused_at=7 if caused_by else None,
    )


def build_staleness() -> tuple[StalenessEvent, ...]:
    """Return everything that happens to a marker: it is set, routed, and resolved."""
    marked = staleness.mark(staleness.Staleness(), build_mark())
    decided = decision_ref(DecisionId(f"dec_{ulid(1)}"), RefRelation.RELATES_TO)
    command = ResolveStaleness(
        by=HUMAN,
        stale_id=STALE_1,
        kind=ResolutionKind.DECISION,
        answers=(Answer(ref=decided, is_newer=True),),
    )
    return (*marked, *staleness.resolve(staleness.fold(marked), command))
