"""Staleness on request: mark by hand, answer markers, and say what is stale."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sr_core.application.platform import Platform
from sr_core.application.reactions import STALENESS_CASE, Recorded
from sr_core.application.recorder import Asked
from sr_core.domain import shippable, staleness
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import NotFound, UnresolvedStaleness
from sr_core.domain.events import Ruling
from sr_core.domain.graph import Node, Reached, node_of
from sr_core.domain.ids import CandidateId, StaleId
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.domain.run import RunPhase
from sr_core.domain.staleness import (
    Answer,
    Impact,
    ResolutionKind,
    ResolveStaleness,
    Staleness,
    StaleReason,
)
from sr_core.ports.event_store import BEGINNING
from sr_core.ports.read_model import Row

_TABLE: Final = "graph.stale_nodes"
_RUNS_MAX: Final = 10_000
_ANSWERS: Final[Mapping[RefKind, tuple[str, str]]] = {
    RefKind.APPROVAL: ("approvals", "approval_id"),
    RefKind.DECISION: ("decisions", "decision_id"),
    RefKind.EVIDENCE_BUNDLE: ("evidence_bundles", "content_hash"),
    RefKind.RUN: ("runs", "run_id"),
}
"""Where what may answer a marker is recorded: the table, and its key."""

_SAYS_NO: Final = frozenset({"REJECTED", "DEFERRED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What a mark by hand made stale, and under which markers."""

    stale_ids: tuple[StaleId, ...]
    dependents: tuple[Node, ...]
    events: Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """The markers of one log."""

    platform: Platform

    async def mark(
        self,
        root: Node,
        reason: StaleReason,
        *,
        detail: str,
        depth_max: int,
        includes_root: bool,
        asked: Asked,
    ) -> Marked:
        """Mark as stale what depends on `root`, which is so itself only if asked for.

        A root that nothing depends on leaves nothing to mark, and nothing is recorded.

        Raises:
            NotFound: nothing that is recorded names the root.

        """
        known = await self.platform.graph.node(root)
        if known is None:
            raise NotFound(kind="node", identifier=str(root))
        reached = await self.platform.graph.dependents(known, depth_max=depth_max)
        if includes_root:
            reached = (Reached(node=known, depth=0), *reached)
        impact = Impact(root=known, reason=reason, reached=reached)
        recorded = await self.platform.reactions.mark(
            impact, detail=detail, asked=asked, cause=None
        )
        return Marked(
            stale_ids=tuple(recorded),
            dependents=tuple(each.node for each in reached),
            events=tuple(event for each in recorded.values() for event in each),
        )

    async def resolve(
        self,
        stale_id: StaleId,
        kind: ResolutionKind,
        refs: Collection[Ref],
        *,
        note: str,
        dependents: frozenset[Node] | None,
        asked: Asked,
    ) -> Recorded:
        """Answer a marker with a newer run, or with a newer word of a human."""
        marker = await self.platform.rows.rows(_TABLE, {"stale_id": stale_id}, limit=1)
        since = _since(marker.rows[0]) if marker.rows else BEGINNING
        command = ResolveStaleness(
            by=asked.by,
            stale_id=stale_id,
            kind=kind,
            answers=tuple([await self._answer(each, since) for each in refs]),
            note=note,
            dependents=dependents,
        )

        async def rule(state: Staleness) -> Ruling:
            return Ruling(events=staleness.resolve(state, command))

        return await self.platform.recorder.record(STALENESS_CASE, rule, asked)

    async def completed(
        self, kind: RefKind, identifier: str, rel: RefRelation, meta: Mapping[str, str]
    ) -> Ref:
        """Return the ref; what its `meta` leaves out is what the log says of its target.

        Raises:
            MalformedInput: the log does not say it either.

        """
        known = await self.platform.graph.node(Node(kind=kind, id=identifier))
        said = known.meta if known else {}
        return Ref(kind=kind, id=identifier, rel=rel, meta={**said, **meta})

    async def unresolved(self, nodes: Collection[Node]) -> frozenset[Node]:
        """Return those of `nodes` that are stale, every change answered before.

        A gate asks this: a change whose markers a crash kept back is marked first.
        """
        await self.platform.reactions.catch_up()
        markers = await self.platform.graph.markers(nodes)
        return frozenset(each.dependent for each in markers)

    async def require_fresh(self, frozen: Dossier, candidate_id: CandidateId) -> None:
        """Raise `UnresolvedStaleness` if anything that the candidate rests on is stale.

        `frozen` already has the freeze record that is asked about: what is stale in an
        earlier one does not keep a new one from being made.
        """
        nodes = shippable.rests_on(frozen, candidate_id)
        if stale := await self.unresolved(nodes):
            raise UnresolvedStaleness(
                subject=candidate_id, stale=[str(each) for each in stale]
            )

    async def _answer(self, ref: Ref, since: int) -> Answer:
        """Return what the log has of `ref`; `since` is where the marker holds from."""
        table = _ANSWERS.get(ref.kind)
        if table is None:
            if await self.platform.graph.node(node_of(ref)) is None:
                raise NotFound(kind=ref.kind, identifier=ref.id)
            return Answer(ref=ref, is_newer=False)
        row = await self.platform.rows.row(table[0], {table[1]: ref.id})
        if row is not None and ref.kind is RefKind.EVIDENCE_BUNDLE:
            row = await self.platform.rows.row("runs", {"run_id": row["run_id"]})
        if row is None:
            return Answer(ref=ref, is_newer=False, refusal="is not recorded")
        return Answer(
            ref=ref,
            is_newer=_position(row) > since,
            about=await self._judged_by(row) if "run_id" in row else frozenset(),
            refusal=_refusal(row),
        )

    async def _judged_by(self, run: Row) -> frozenset[Node]:
        """Return the run's candidate, and what its suite found of it before."""
        same = {name: run[name] for name in ("candidate_id", "oracle_suite_id")}
        others = await self.platform.rows.rows("runs", same, limit=_RUNS_MAX)
        nodes = {Node(kind=RefKind.CANDIDATE, id=str(run["candidate_id"]))}
        for each in others.rows:
            if each["run_id"] == run["run_id"]:
                continue
            nodes.add(Node(kind=RefKind.RUN, id=str(each["run_id"])))
            if each.get("evidence_bundle_hash"):
                bundle = str(each["evidence_bundle_hash"])
                nodes.add(Node(kind=RefKind.EVIDENCE_BUNDLE, id=bundle))
        return frozenset(nodes)


def _refusal(row: Row) -> str | None:
    """Return why what the row records answers nothing, if so."""
    if "run_id" in row:
        is_done = row["state"] == RunPhase.COMPLETED and row.get("evidence_bundle_hash")
        return None if is_done else f"is {row['state']} and has left no evidence"
    said = {str(row.get(name)) for name in ("decision", "kind")}
    return f"says {', '.join(sorted(said & _SAYS_NO))}" if said & _SAYS_NO else None


def _since(marker: Row) -> int:
    """Return the position of what the marker is about: its cause, or itself."""
    caused_at = marker["caused_at"]
    return caused_at if isinstance(caused_at, int) else _position(marker)


def _position(row: Row) -> int:
    position = row["position"]
    assert isinstance(position, int), "every row has the position that made it"
    return position
