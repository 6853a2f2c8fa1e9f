"""Staleness: what rests on something that has changed since, until someone answers it.

    a root changes ──▶ NodeMarkedStale ──▶ ReEvaluationTriggered     one for each dependent
                           │
                           └──▶ StalenessResolved    MECHANICAL: a newer run about the node
                                                     DECISION: a newer word of a human

A marker is an event with an identifier of its own; it names the root that changed and
the dependents that it makes stale. The root itself is not stale: it is what changed. A
node may have several markers, and is stale as long as one of them is open.

Clauses: C-EVT-6, SPEC 2.3 and 12.4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import NotFound, ResolutionUnfit, TransitionRefused
from sr_core.domain.graph import Node, Reached
from sr_core.domain.ids import LoopId, StaleId
from sr_core.domain.integrity import Portal
from sr_core.domain.refs import Ref, RefKind, RefRelation

DEPENDENTS_MAX: Final = 200
"""How many dependents one marker names; more of them get further markers."""


class StaleReason(StrEnum):
    """Why something is stale."""

    DEPENDENCY_STALE = "DEPENDENCY_STALE"
    EXCEPTION_ACTIVATED = "EXCEPTION_ACTIVATED"
    GOVERNED_ARTIFACT_CHANGED = "GOVERNED_ARTIFACT_CHANGED"
    MANUAL_MARK = "MANUAL_MARK"
    ORACLE_SUITE_REBASED = "ORACLE_SUITE_REBASED"


class ReEvaluation(StrEnum):
    """Who is to look again: the oracles, or a human at a portal."""

    REQUEST_PORTAL_REVIEW = "REQUEST_PORTAL_REVIEW"
    START_LOOP = "START_LOOP"


class ResolutionKind(StrEnum):
    """What answers a marker: a newer run, or a human's word."""

    DECISION = "DECISION"
    MECHANICAL = "MECHANICAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a change reached: the root, why it matters, and the nodes that rest on it."""

    root: Node
    reason: StaleReason
    reached: tuple[Reached, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkStale:
    """Set one marker: what rests on `root` is stale.

    `caused_by` is the event that changed the root, and `caused_at` its position: what it
    makes stale is marked once, however often it is answered. A mark by hand has none.
    """

    by: Actor
    stale_id: StaleId
    root: Node
    reason: StaleReason
    detail: str
    dependents: tuple[Node, ...]
    caused_by: str | None = None
    caused_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a resolution points at, as the log has it.

    `about` is what a run judged, and what was found of it before. `is_newer` compares
    with what the marker is about: a run has to have started after the change that caused
    it, or after a mark by hand. `refusal` is why the target answers nothing, such as that
    the run has not completed.
    """

    ref: Ref
    is_newer: bool
    about: frozenset[Node] = frozenset()
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveStaleness:
    """Answer a marker, for the dependents named, or for all of them that are open."""

    by: Actor
    stale_id: StaleId
    kind: ResolutionKind
    answers: tuple[Answer, ...]
    note: str = ""
    dependents: frozenset[Node] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMarkedStale:
    """Something changed, and the dependents rest on what it was before."""

    stale_id: StaleId
    root: Node
    reason_code: StaleReason
    reason_detail: str
    dependents: tuple[Node, ...]
    caused_by: str | None
    caused_at: int | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The root that changed, and what is stale for it (SPEC 2.3).

        A node that nothing has pinned by a hash yet, such as a draft, is in the payload
        alone: a ref without the hash would be none, and the marker has to be recorded.
        """
        return _root_and(self.root, self.dependents)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReEvaluationTriggered:
    """A stale node is to be looked at again."""

    stale_id: StaleId
    triggered_for: Node
    action: ReEvaluation
    triggered_loop_id: LoopId | None
    triggered_portal_id: Portal | None
    reason: StaleReason

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What is to be looked at again (SPEC 2.3)."""
        return _refs([self.triggered_for], RefRelation.AFFECTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StalenessResolved:
    """A marker was answered for some of its dependents.

    `no_longer_stale` are those of them that no other marker makes stale.
    """

    stale_id: StaleId
    root: Node
    resolution_kind: ResolutionKind
    resolution_note: str
    resolution_refs: tuple[Ref, ...]
    dependents: tuple[Node, ...]
    no_longer_stale: tuple[Node, ...]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The root, what was stale for it, and what answers that (SPEC 2.3)."""
        return (*_root_and(self.root, self.dependents), *self.resolution_refs)


StalenessEvent: TypeAlias = NodeMarkedStale | ReEvaluationTriggered | StalenessResolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What the events so far say of one marker; `open` are those still to be answered."""

    stale_id: StaleId
    root: Node
    reason: StaleReason
    dependents: tuple[Node, ...]
    open: frozenset[Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """All markers there were, and what was marked because of which event."""

    markers: Mapping[StaleId, Marker] = field(default_factory=dict)
    caused: Mapping[tuple[str, Node], frozenset[Node]] = field(default_factory=dict)

    def marker(self, stale_id: StaleId) -> Marker:
        """Return the marker, or raise `NotFound`."""
        if stale_id not in self.markers:
            raise NotFound(kind="staleness marker", identifier=stale_id)
        return self.markers[stale_id]

    def stale(self) -> frozenset[Node]:
        """Return every node that at least one open marker makes stale."""
        return frozenset().union(*(each.open for each in self.markers.values()))


def groups(impact: Impact) -> tuple[tuple[StaleReason, tuple[Node, ...]], ...]:
    """Return what is to be marked, a marker each, in the order of the walk.

    What depends on the root itself has the root's reason. What was reached through it
    has DEPENDENCY_STALE.
    """
    known = sorted(impact.reached, key=lambda each: (each.depth, each.node.key))
    parts = (
        (impact.reason, [each.node for each in known if each.depth <= 1]),
        (StaleReason.DEPENDENCY_STALE, [each.node for each in known if each.depth > 1]),
    )
    return tuple(
        (why, tuple(nodes[start : start + DEPENDENTS_MAX]))
        for why, nodes in parts
        for start in range(0, len(nodes), DEPENDENTS_MAX)
    )


def mark(state: Staleness, command: MarkStale) -> tuple[StalenessEvent, ...]:
    """Return the marker, and for each dependent who is to look again.

    Nothing is returned if the cause marked all of them before.
    """
    assert command.dependents, "a marker makes something stale"
    known = state.caused.get((command.caused_by or "", command.root), frozenset())
    fresh = tuple(each for each in command.dependents if each not in known)
    if not fresh:
        return ()
    marked = NodeMarkedStale(
        stale_id=command.stale_id,
        root=command.root,
        reason_code=command.reason,
        reason_detail=command.detail,
        dependents=fresh,
        caused_by=command.caused_by,
        caused_at=command.caused_at,
    )
    return (marked, *(_re_evaluation(marked, each) for each in fresh))


def resolve(
    state: Staleness, command: ResolveStaleness
) -> tuple[StalenessResolved, ...]:
    """Return the resolution of a marker.

    Raises:
        AuthorityRequired: MECHANICAL is for the system, DECISION for a human.
        NotFound: there is no such marker, or it does not name the dependent.
        TransitionRefused: it is answered already.
        ResolutionUnfit: what it points at does not answer it.

    """
    _authorise(command)
    marker = state.marker(command.stale_id)
    resolved = _asked_for(marker, command)
    for why in _unfit(command, resolved):
        raise ResolutionUnfit(stale_id=command.stale_id, why=why)
    elsewhere = frozenset().union(
        *(
            each.open
            for each in state.markers.values()
            if each.stale_id != marker.stale_id
        )
    )
    return (
        StalenessResolved(
            stale_id=marker.stale_id,
            root=marker.root,
            resolution_kind=command.kind,
            resolution_note=command.note,
            resolution_refs=tuple(_support(each.ref) for each in command.answers),
            dependents=resolved,
            no_longer_stale=tuple(each for each in resolved if each not in elsewhere),
        ),
    )


def fold(events: Iterable[StalenessEvent], onto: Staleness | None = None) -> Staleness:
    """Return the state after `events`, in order."""
    before = onto or Staleness()
    markers, caused = dict(before.markers), dict(before.caused)
    for event in events:
        match event:
            case NodeMarkedStale():
                markers[event.stale_id] = _opened(event)
                if event.caused_by is not None:
                    cause = (event.caused_by, event.root)
                    known = caused.get(cause, frozenset())
                    caused[cause] = known | frozenset(event.dependents)
            case StalenessResolved():
                marker = markers[event.stale_id]
                left = marker.open - frozenset(event.dependents)
                markers[event.stale_id] = replace(marker, open=left)
            case ReEvaluationTriggered():
                pass
            case _:
                assert_never(event)
    return Staleness(markers=markers, caused=caused)


def _opened(event: NodeMarkedStale) -> Marker:
    return Marker(
        stale_id=event.stale_id,
        root=event.root,
        reason=event.reason_code,
        dependents=event.dependents,
        open=frozenset(event.dependents),
    )


_JUDGED_BY_ORACLES: Final = frozenset(
    {RefKind.CANDIDATE, RefKind.EVIDENCE_BUNDLE, RefKind.RUN}
)
_PORTAL_OF_DEPENDENT: Final[Mapping[RefKind, Portal]] = {
    RefKind.FREEZE: Portal.RELEASE,
    RefKind.APPROVAL: Portal.RELEASE,
    RefKind.WAIVER: Portal.EXCEPTION,
    RefKind.DEVIATION: Portal.EXCEPTION,
    RefKind.DEFERRAL: Portal.EXCEPTION,
}


def _re_evaluation(marked: NodeMarkedStale, dependent: Node) -> ReEvaluationTriggered:
    """Return who is to look again at `dependent`.

    The oracles alone can answer for what they judged, and only if it is they that
    changed. All else asks for judgment.
    """
    is_for_oracles = (
        marked.root.kind is RefKind.ORACLE_SUITE
        and marked.reason_code is not StaleReason.MANUAL_MARK
        and dependent.kind in _JUDGED_BY_ORACLES
    )
    portal = _PORTAL_OF_DEPENDENT.get(dependent.kind, Portal.GOVERNANCE)
    return ReEvaluationTriggered(
        stale_id=marked.stale_id,
        triggered_for=dependent,
        action=(
            ReEvaluation.START_LOOP
            if is_for_oracles
            else ReEvaluation.REQUEST_PORTAL_REVIEW
        ),
        triggered_loop_id=None,
        triggered_portal_id=None if is_for_oracles else portal,
        reason=marked.reason_code,
    )


_AUTHORITY: Final[Mapping[ResolutionKind, ActorKind]] = {
    ResolutionKind.DECISION: ActorKind.HUMAN,
    ResolutionKind.MECHANICAL: ActorKind.SYSTEM,
}
_ANSWERS: Final[Mapping[ResolutionKind, frozenset[RefKind]]] = {
    ResolutionKind.DECISION: frozenset({RefKind.APPROVAL, RefKind.DECISION}),
    ResolutionKind.MECHANICAL: frozenset({RefKind.EVIDENCE_BUNDLE, RefKind.RUN}),
}


def _authorise(command: ResolveStaleness) -> None:
    kind = _AUTHORITY[command.kind]
    command.by.require(kind, action=f"resolving staleness by {command.kind}")


def _asked_for(marker: Marker, command: ResolveStaleness) -> tuple[Node, ...]:
    """Return the marker's open dependents that the command answers, in its order."""
    asked = marker.open if command.dependents is None else command.dependents
    for each in sorted(asked - frozenset(marker.dependents), key=lambda node: node.key):
        raise NotFound(
            kind=f"dependent of {marker.stale_id}", identifier=f"{each.kind} {each.id}"
        )
    if not asked or asked - marker.open:
        raise TransitionRefused(
            subject=marker.stale_id,
            phase="RESOLVED" if not marker.open else "RESOLVED for some of these",
            attempted="ResolveStaleness",
            allowed=sorted(f"ResolveStaleness of {each}" for each in marker.open),
        )
    return tuple(each for each in marker.dependents if each in asked)


def _unfit(command: ResolveStaleness, resolved: Collection[Node]) -> Iterable[str]:
    """Yield what keeps the answers from answering the marker for `resolved`."""
    wanted = _ANSWERS[command.kind]
    fitting = [each for each in command.answers if each.ref.kind in wanted]
    if not fitting:
        kinds = " or ".join(sorted(wanted))
        yield f"needs a ref to a {kinds} for {command.kind}, and none is given"
    for each in fitting:
        if each.refusal is not None:
            yield f"is not answered by {each.ref.id}, which {each.refusal}"
        elif not each.is_newer:
            yield f"is not answered by {each.ref.id}, which is older than the marker"
    if command.kind is ResolutionKind.MECHANICAL:
        about = frozenset().union(*(each.about for each in fitting))
        for node in resolved:
            if node not in about:
                yield f"makes {node} stale, which none of the runs given is about"


def _root_and(root: Node, dependents: Iterable[Node]) -> tuple[Ref, ...]:
    return (
        *_refs([root], RefRelation.ROOT_CAUSE),
        *_refs(dependents, RefRelation.STALE),
    )


def _refs(nodes: Iterable[Node], relation: RefRelation) -> tuple[Ref, ...]:
    return tuple(each.ref(relation) for each in nodes if each.is_pinned)


def _support(ref: Ref) -> Ref:
    """Return `ref` as what it is here, whatever the caller called it."""
    return replace(ref, rel=RefRelation.SUPPORTED_BY)
