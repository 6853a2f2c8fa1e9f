"""What the platform does about a change by itself: it marks what rests on it as stale.

    event recorded ──▶ follow ──▶ catch_up ──▶ impact of each change ──▶ markers
                                  ▲      └───▶ the follower's position moves along
                    gate ─────────┘

`catch_up` answers the causes past the follower's position, in the order of the log. A
command whose events are causes calls it once they are recorded; gates call it before they
look, since a command may have died in between. Where every command has answered, a gate
reads no cause.

Position p is recorded only when every cause up to p has been answered. It holds at the
beginning. Whoever records p has read the position before it, of which that was true; then
every cause from there to p, none of which can come later, because the order of the log is
that of commit (decision 0003); and has answered each of them, so that its markers are in
the log or it leaves none. Others who do the same at once may record theirs earlier or
later, and the greater one stands. Nothing else moves the position: a command that records
a cause after another one, which is not answered yet, answers that one too.

Two processes may answer the same cause: the rule marks what it caused once
(`sr_core.domain.staleness`). Within a process one catches up at a time, and who waited
finds nothing left to do. An impact is that of the graph as it was at the cause, so that
answering late marks the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sr_core.application.known import Case
from sr_core.application.projections.graph import subject_node
from sr_core.application.recorder import Asked, Happened, Recorder
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
BATCH: Final = 50
"""How many causes `catch_up` reads at a time, and answers before it says so."""

Recorded = tuple[NewEvent, ...]


def _fold(events: Iterable[DomainEvent], onto: Staleness | None) -> Staleness:
    return staleness.fold(map(_own, events), onto)


def _own(event: DomainEvent) -> StalenessEvent:
    assert isinstance(event, StalenessEvent), "markers have a boundary of their own"
    return event


STALENESS_CASE: Final[Case[Staleness]] = Case(
    boundary=StreamId("gov:staleness"), fold=_fold, is_kept=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """Answers changes. Its recorder has no followers: a marker is no cause of markers."""

    recorder: Recorder
    graph: Graph
    followers: Followers
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def follow(self, happened: Sequence[Happened]) -> None:
        """Answer the events, if any of them changes what others rest on.

        Raises:
            Unavailable: no answer in time; what is not marked yet, `catch_up` marks.

        """
        if any(type(each.event).__name__ in CAUSES for each in happened):
            await self.catch_up()

    async def catch_up(self) -> int:
        """Answer the causes that no one has answered, and return how many were read.

        Raises:
            Unavailable: no answer in time; call it again.

        """
        async with self._turn:
            count = 0
            position = await self.followers.position(FOLLOWER)
            while causes := await self.recorder.store.read(
                after=position, limit=BATCH, event_types=CAUSES
            ):
                for stored in causes:
                    await self._answer(_happened(stored))
                count += len(causes)
                position = causes[-1].position
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
        find = CAUSES[type(cause.event).__name__]
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
