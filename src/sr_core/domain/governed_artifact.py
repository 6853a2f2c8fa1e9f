"""Governed artifacts: every version of every governed document that was ever recorded.

Two things are said of a version, by different actors.

* *in effect*: a process was started with these bytes. The system records it, and the
  last one recorded is what iterations rest on.
* *current*: a human says that this is the version to go by. For a normative artifact
  that takes an approval at the governance change portal (C-META-2, C-TB-4).

A version is told apart by its bytes. Its number is what the author wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.artifact_metadata import ArtifactMetadata
from sr_core.domain.errors import (
    AuthorityRequired,
    GovernanceApprovalRequired,
    MalformedInput,
    VersionTaken,
)
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.domain.ids import ApprovalId
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.ref_builders import approval_ref, governed_artifact_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.type_keys import TypeKey

CHANGED: Final = "GOVERNED_ARTIFACT_CHANGED"
"""The reason for which what rests on an earlier version is stale (SPEC 12.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernedArtifactVersionRecorded:
    """A version of a governed artifact is known to the log."""

    artifact_id: str
    artifact_type: TypeKey
    title: str
    version: str
    content_hash: ContentHash
    status: str
    normative_status: str
    authority_kind: str
    governed_by: tuple[str, ...]
    tags: tuple[str, ...]
    supersedes: tuple[str, ...]
    """The hashes of the versions that it takes the place of."""
    is_current: bool
    """Whether a human says so now; one that a human said so of stays current."""
    in_effect: bool
    """Whether a process starts with it now; one that did stays in effect."""
    approval_id: ApprovalId | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about; and, where a human made it current, on whose word."""
        about = self.ref(RefRelation.ABOUT)
        if self.approval_id is None:
            return (about,)
        return (about, approval_ref(self.approval_id, RefRelation.APPROVED_BY))

    def ref(self, rel: RefRelation) -> Ref:
        """Return a ref to this version."""
        return governed_artifact_ref(
            self.artifact_id,
            rel,
            content_hash=self.content_hash,
            version=self.version,
            type_key=self.artifact_type,
        )


GovernedArtifactEvent: TypeAlias = GovernedArtifactVersionRecorded


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernanceApproval:
    """An approval that was looked up: where, what it says, and about which versions."""

    approval_id: ApprovalId
    portal: str
    decision: str
    subjects: frozenset[tuple[str, str]]
    """Identifier and content hash of each governed artifact that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterVersion:
    """Have a version recorded, and perhaps made current (SPEC 5.5)."""

    by: Actor
    metadata: ArtifactMetadata
    content_hash: ContentHash
    is_current: bool
    approval_id: ApprovalId | None = None
    approval: GovernanceApproval | None = None
    """The approval that `approval_id` names, as it was looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptManifest:
    """Record what a process was started with, as far as it is news."""

    by: Actor
    manifest: GovernedManifest


GovernedArtifactCommand: TypeAlias = RegisterVersion | AdoptManifest

_Versions: TypeAlias = Mapping[str, tuple[GovernedArtifactVersionRecorded, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernedArtifacts:
    """What the log says of all governed artifacts; each one's events in order."""

    recorded: _Versions = field(default_factory=dict)

    def version(
        self, artifact_id: str, content_hash: str
    ) -> GovernedArtifactVersionRecorded | None:
        """Return the version with these bytes, if it is recorded."""
        return next(
            (
                each
                for each in reversed(self.recorded.get(artifact_id, ()))
                if each.content_hash == content_hash
            ),
            None,
        )

    def in_effect(self, artifact_id: str) -> GovernedArtifactVersionRecorded | None:
        """Return the version that a process was last started with."""
        return self._last(artifact_id, "in_effect")

    def current(self, artifact_id: str) -> GovernedArtifactVersionRecorded | None:
        """Return the version that a human last made current."""
        return self._last(artifact_id, "is_current")

    def replaced(self) -> tuple[Ref, ...]:
        """Return every version that was in effect and has been replaced, oldest first.

        These are the roots that make stale what rests on them; the reason is `CHANGED`.
        """
        return tuple(
            before.ref(RefRelation.ROOT_CAUSE)
            for events in self.recorded.values()
            for before in _replaced(events)
        )

    def _last(
        self, artifact_id: str, said: str
    ) -> GovernedArtifactVersionRecorded | None:
        events = reversed(self.recorded.get(artifact_id, ()))
        return next((each for each in events if getattr(each, said)), None)


def fold(
    events: Iterable[GovernedArtifactEvent], onto: GovernedArtifacts | None = None
) -> GovernedArtifacts:
    """Return the artifacts after `events`, in order."""
    return reduce(evolve, events, onto or GovernedArtifacts())


def evolve(known: GovernedArtifacts, event: GovernedArtifactEvent) -> GovernedArtifacts:
    """Fold one event into the state. Never refuses: what is recorded has happened."""
    before = known.recorded.get(event.artifact_id, ())
    return replace(
        known, recorded={**known.recorded, event.artifact_id: (*before, event)}
    )


def decide(
    known: GovernedArtifacts, command: GovernedArtifactCommand
) -> tuple[GovernedArtifactEvent, ...]:
    """Return what `command` adds to the log; nothing, if a manifest holds no news.

    Raises:
        AuthorityRequired: an agent asks, or no steward makes a normative version current.
        GovernanceApprovalRequired: its approval is missing, or is another's.
        VersionTaken: the version is recorded already.
        MalformedInput: it takes the place of a version that nobody recorded, or an
            approval is named for what needs none.

    """
    match command:
        case AdoptManifest():
            return tuple(_news(known, command))
        case RegisterVersion():
            return _register(known, command)
        case _:
            assert_never(command)


def changed_roots(
    known: GovernedArtifacts, events: Iterable[GovernedArtifactEvent]
) -> tuple[Ref, ...]:
    """Return the versions whose place `events` take, in effect until now."""
    fresh = (each for each in events if each.in_effect)
    before = (known.in_effect(each.artifact_id) for each in fresh)
    return tuple(each.ref(RefRelation.ROOT_CAUSE) for each in before if each)


def _news(
    known: GovernedArtifacts, command: AdoptManifest
) -> Iterator[GovernedArtifactEvent]:
    """Yield an event for each document whose bytes are not those last in effect."""
    command.by.require(ActorKind.SYSTEM, action="recording what a process started with")
    for entry in command.manifest.artifacts:
        before = known.in_effect(entry.doc_id)
        if before is not None and before.content_hash == entry.content_hash:
            continue
        yield _recorded(
            entry.metadata,
            entry.content_hash,
            supersedes=(before.content_hash,) if before is not None else (),
            is_current=False,
            in_effect=True,
        )


def _register(
    known: GovernedArtifacts, command: RegisterVersion
) -> tuple[GovernedArtifactEvent, ...]:
    _authorise(command)
    _require_new(known, command)
    artifact_id = command.metadata.id
    unknown = [
        each
        for each in command.metadata.supersedes
        if known.version(artifact_id, each) is None
    ]
    if unknown:
        raise MalformedInput(
            field="supersedes",
            found=unknown[0],
            expected=f"hashes of recorded versions of {artifact_id}",
        )
    if _needs_approval(command):
        _require_approval(command)
    elif command.approval_id is not None:
        raise MalformedInput(
            field="approval_id",
            found=command.approval_id,
            expected="none: only making a normative version current takes an approval",
        )
    return (
        _recorded(
            command.metadata,
            command.content_hash,
            supersedes=command.metadata.supersedes,
            is_current=command.is_current,
            in_effect=False,
            approval_id=command.approval_id,
        ),
    )


def _needs_approval(command: RegisterVersion) -> bool:
    return command.is_current and command.metadata.is_normative


def _authorise(command: RegisterVersion) -> None:
    by = command.by
    if _needs_approval(command):
        action = f"making a version of {command.metadata.id} current"
        by.require(ActorKind.HUMAN, action=action)
        by.require_role(PORTAL_ROLE[Portal.GOVERNANCE], action=action)
    elif by.kind is ActorKind.AGENT:
        raise AuthorityRequired(
            action="registering a version of a governed artifact",
            required="a HUMAN or the SYSTEM",
            actor=str(by),
        )


def _require_new(known: GovernedArtifacts, command: RegisterVersion) -> None:
    """Raise unless the version is new, or is to be made current and is not yet."""
    artifact_id, version = command.metadata.id, command.metadata.version
    same_bytes = known.version(artifact_id, command.content_hash)
    current = known.current(artifact_id)
    is_current = current is not None and current.content_hash == command.content_hash
    if same_bytes is not None and (is_current or not command.is_current):
        said = "is recorded with these bytes already"
        raise VersionTaken(artifact_id=artifact_id, version=version, why=said)
    for each in known.recorded.get(artifact_id, ()):
        if each.version == version and each.content_hash != command.content_hash:
            said = f"is recorded already, with the bytes {each.content_hash}"
            raise VersionTaken(artifact_id=artifact_id, version=version, why=said)


def _require_approval(command: RegisterVersion) -> None:
    why = _unfit(command)
    if why is not None:
        raise GovernanceApprovalRequired(artifact_id=command.metadata.id, why=why)


def _unfit(command: RegisterVersion) -> str | None:
    """Return why the approval does not carry the change, if it does not."""
    approval = command.approval
    if command.approval_id is None:
        return "none is named"
    if approval is None:
        return f"{command.approval_id} is not recorded"
    if approval.portal != Portal.GOVERNANCE:
        return f"{approval.approval_id} was given at {approval.portal}"
    if approval.decision != "APPROVED":
        return f"{approval.approval_id} says {approval.decision}"
    if (command.metadata.id, command.content_hash) not in approval.subjects:
        return f"{approval.approval_id} is about something else"
    return None


def _recorded(
    metadata: ArtifactMetadata,
    content_hash: ContentHash,
    *,
    supersedes: tuple[str, ...],
    is_current: bool,
    in_effect: bool,
    approval_id: ApprovalId | None = None,
) -> GovernedArtifactVersionRecorded:
    return GovernedArtifactVersionRecorded(
        artifact_id=metadata.id,
        artifact_type=metadata.type,
        title=metadata.title,
        version=metadata.version,
        content_hash=content_hash,
        status=metadata.status,
        normative_status=metadata.normative_status,
        authority_kind=metadata.authority_kind,
        governed_by=metadata.governed_by,
        tags=metadata.tags,
        supersedes=supersedes,
        is_current=is_current,
        in_effect=in_effect,
        approval_id=approval_id,
    )


def _replaced(
    events: tuple[GovernedArtifactVersionRecorded, ...],
) -> Iterator[GovernedArtifactVersionRecorded]:
    """Yield each version in effect that another one came after."""
    in_effect = [each for each in events if each.in_effect]
    for before, _ in pairwise(in_effect):  # a start records changed bytes only
        yield before
