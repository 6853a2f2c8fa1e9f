"""What the platform does about a change by itself: it marks what rests on it as stale.

    event recorded ──▶ follow ──▶ impact of the change ──▶ markers in gov:staleness
                                        ▲
    log after the last handled ──▶ catch_up

`follow` answers what a command has just recorded. Should the process die in between,
`catch_up` finds the cause in the log; gates and workers call it. Both may answer the same
event: the rule marks what it caused once (`sr_core.domain.staleness`). An impact is that
of the graph as it was at the cause, so that answering late marks the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sr_core.application.projections.graph import subject_node
from sr_core.application.recorder import Asked, Case, Happened, Recorder
from sr_core.codec.envelope import opened
from sr_core.domain import staleness
from sr_core.domain.candidate import CandidateMaterialized
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.graph import Node, Reached, pinned_by
from sr_core.domain.ids import StaleId, parse_stale_id
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.domain.staleness import (
    Impact,
    MarkStale,
    Staleness,
    StalenessEvent,
    StaleReason,
)
from sr_core.ports.event_store import NewEvent, Position, StoredEvent, StreamId
from sr_core.ports.followers import Followers
from sr_core.ports.graph import Graph

PROPAGATION_DEPTH: Final = 10
"""Over how many edges a change is followed (SPEC 12.4)."""
FOLLOWER: Final = "reactions"
BATCH: Final = 500
"""How many events `catch_up` reads at a time."""

Recorded = tuple[NewEvent, ...]


def _fold(events: Iterable[DomainEvent], onto: Staleness | None) -> Staleness:
    return staleness.fold(map(_own, events), onto)


def _own(event: DomainEvent) -> StalenessEvent:
    assert isinstance(event, StalenessEvent), "markers have a boundary of their own"
    return event


STALENESS_CASE: Final[Case[Staleness]] = Case(
    boundary=StreamId("gov:staleness"), fold=_fold
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """Answers changes. Its recorder has no followers: a marker is no cause of markers."""

    recorder: Recorder
    graph: Graph
    followers: Followers

    async def follow(self, happened: Sequence[Happened]) -> None:
        """Answer those of the events that change what others rest on.

        Raises:
            Unavailable: no answer in time; what is not marked yet, `catch_up` marks.

        """
        for each in happened:
            await self._answer(each)

    async def catch_up(self) -> int:
        """Answer what no one has answered so far, and return how many events were read.

        Raises:
            Unavailable: no answer in time; call it again.

        """
        count = 0
        position = await self.followers.position(FOLLOWER)
        while batch := await self.recorder.store.read(after=position, limit=BATCH):
            for stored in batch:
                if stored.event_type in CAUSES:
                    await self._answer(_happened(stored))
            count += len(batch)
            position = batch[-1].position
            await self.followers.advance(FOLLOWER, position)
        return count

    async def mark(
        self, impact: Impact, *, detail: str, asked: Asked, cause: Happened | None
    ) -> Mapping[StaleId, Recorded]:
        """Record the markers of one impact, and return the events of each."""
        recorded: dict[StaleId, Recorded] = {}
        for reason, dependents in staleness.groups(impact):
            command = MarkStale(
                by=asked.by,
                stale_id=parse_stale_id(self.recorder.ids.fresh("stale")),
                root=impact.root,
                reason=reason,
                detail=detail,
                dependents=dependents,
                caused_by=cause.event_id if cause else None,
                caused_at=cause.position if cause else None,
            )
            recorded[command.stale_id] = await self._mark_one(command, asked)
        return recorded

    async def _answer(self, cause: Happened) -> None:
        find = CAUSES.get(type(cause.event).__name__)
        if find is None:
            return
        asked = Asked(
            by=self.recorder.platform,
            correlation_id=cause.correlation_id,
            causation_id=cause.event_id,
        )
        for impact in await find(self.graph, cause.event, cause.position):
            detail = f"{type(cause.event).__name__} {cause.event_id}"
            await self.mark(impact, detail=detail, asked=asked, cause=cause)

    async def _mark_one(self, command: MarkStale, asked: Asked) -> Recorded:
        async def rule(state: Staleness) -> Ruling:
            return Ruling(events=staleness.mark(state, command))

        return await self.recorder.record(STALENESS_CASE, rule, asked)


Cause = Callable[[Graph, DomainEvent, Position], Awaitable[tuple[Impact, ...]]]
"""Finds what an event, recorded at that position, makes stale."""


def _changed(reason: StaleReason) -> Cause:
    """Return the cause that an event is which says what its subject is from now on."""

    async def find(
        graph: Graph, event: DomainEvent, position: Position
    ) -> tuple[Impact, ...]:
        if not _takes_effect(event):
            return ()
        root = subject_node(event)
        assert root is not None, f"{type(event).__name__} is about what it changes"
        reached = await graph.dependents(
            root,
            depth_max=PROPAGATION_DEPTH,
            not_pinning=pinned_by(root.meta),
            before=position,
        )
        return (Impact(root=root, reason=reason, reached=reached),)

    return find


def _takes_effect(event: DomainEvent) -> bool:
    """Whether others go by what `event` says from now on; a draft they do not."""
    said = [getattr(event, name, None) for name in ("is_current", "in_effect")]
    return any(said) or all(each is None for each in said)


async def _activated(
    graph: Graph, event: DomainEvent, position: Position
) -> tuple[Impact, ...]:
    """Return what an exception in force makes stale: what was claimed without it.

    A candidate that is frozen was so without this exception being acknowledged. What
    depends on an artifact that the exception affects rests on the artifact as it was.
    """
    root = subject_node(event)
    assert root is not None, "an exception's events are about it"
    reached: dict[Node, int] = {}
    for affected in await graph.targets(root, RefRelation.AFFECTS):
        if affected.kind is RefKind.CANDIDATE:
            for freeze in await graph.sources(affected, RefRelation.RELEASES):
                reached |= {freeze: 1, affected: 1}
        elif affected.kind is not RefKind.LOOP:
            walk = await graph.dependents(
                affected, depth_max=PROPAGATION_DEPTH, before=position
            )
            for each in walk:
                reached[each.node] = min(each.depth, reached.get(each.node, each.depth))
    found = tuple(Reached(node=node, depth=depth) for node, depth in reached.items())
    return (Impact(root=root, reason=StaleReason.EXCEPTION_ACTIVATED, reached=found),)


async def _brought_forth(
    graph: Graph, event: DomainEvent, position: Position
) -> tuple[Impact, ...]:
    """Return what a new candidate inherits: what made its iteration stale before."""
    assert isinstance(event, CandidateMaterialized), "the table says so"
    candidate = subject_node(event)
    assert candidate is not None, "a candidate's events are about it"
    iteration = Node(kind=RefKind.ITERATION, id=event.produced_by_iteration_id)
    markers = await graph.markers([iteration])
    roots = {each.root for each in markers if each.since < position}
    return tuple(
        [
            Impact(
                root=await graph.node(root) or root,
                reason=StaleReason.DEPENDENCY_STALE,
                reached=(Reached(node=candidate, depth=1),),
            )
            for root in sorted(roots, key=lambda node: node.key)
        ]
    )


CAUSES: Final[Mapping[str, Cause]] = {
    "CandidateMaterialized": _brought_forth,
    "ExceptionActivated": _activated,
    "GovernedArtifactVersionRecorded": _changed(StaleReason.GOVERNED_ARTIFACT_CHANGED),
    "OracleSuiteRebased": _changed(StaleReason.ORACLE_SUITE_REBASED),
    "OracleSuiteUpdated": _changed(StaleReason.ORACLE_SUITE_REBASED),
}
"""The events that make something stale, by name; all others change what nothing pins."""


def _happened(stored: StoredEvent) -> Happened:
    said = opened(stored)
    return Happened(
        event=said.event,
        event_id=said.event_id,
        position=Position(stored.position),
        correlation_id=said.correlation_id,
    )
