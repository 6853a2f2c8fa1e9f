"""Governed artifacts: record what a process started with, and what humans govern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain import governed_artifact
from sr_core.domain.artifact_metadata import ArtifactMetadata
from sr_core.domain.errors import MalformedInput
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.governed_artifact import (
    AdoptManifest,
    GovernanceApproval,
    GovernedArtifacts,
    GovernedArtifactVersionRecorded,
    RegisterVersion,
)
from sr_core.domain.ids import ApprovalId
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation
from sr_core.domain.type_keys import DIRECTIVE
from sr_core.ports.event_store import NewEvent, StreamId

BOUNDARY: Final = StreamId("gov:artifacts")
"""All governed artifacts have one history, so no two processes record a version twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What a start recorded, and the versions that are no longer in effect by it."""

    recorded: tuple[NewEvent, ...]
    changed: tuple[Ref, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """The governed artifacts of one log."""

    platform: Platform

    async def known(self) -> GovernedArtifacts:
        """Return what the log holds of them."""
        return await self.platform.recorder.state(governed_case())

    async def adopt(self) -> Adopted:
        """Record the versions that this process starts with, as far as they are news.

        Processes that start at once record each version once. What comes back as
        `changed` makes stale whatever rests on it.
        """
        by = self.platform.recorder.platform
        command = AdoptManifest(by=by, manifest=self.platform.governed)
        changed: tuple[Ref, ...] = ()

        async def rule(known: GovernedArtifacts) -> Ruling:
            nonlocal changed
            events = governed_artifact.decide(known, command)
            changed = governed_artifact.changed_roots(known, events)
            return Ruling(events=events)

        recorded = await self.platform.recorder.record(
            governed_case(), rule, Asked(by=by)
        )
        return Adopted(recorded=recorded, changed=changed)

    async def register(
        self,
        metadata: ArtifactMetadata,
        content_hash: ContentHash,
        asked: Asked,
        *,
        is_current: bool,
        approval_id: ApprovalId | None = None,
    ) -> tuple[NewEvent, ...]:
        """Record a version, and make it current if that is asked for."""
        command = RegisterVersion(
            by=asked.by,
            metadata=metadata,
            content_hash=content_hash,
            is_current=is_current,
            approval_id=approval_id,
            approval=await self._approval(approval_id),
        )

        async def rule(known: GovernedArtifacts) -> Ruling:
            return Ruling(events=governed_artifact.decide(known, command))

        return await self.platform.recorder.record(governed_case(), rule, asked)

    async def directive(self, given: Ref) -> Ref:
        """Return the directive that a loop names, pinned in full.

        Raises:
            MalformedInput: it is no directive of this platform, or is pinned to bytes
                that were never recorded.

        """
        if given.rel is not RefRelation.DEPENDS_ON:
            raise MalformedInput(
                field="directive_ref.rel",
                found=given.rel,
                expected=RefRelation.DEPENDS_ON,
            )
        self._require_directive(given)
        pinned = given.meta["content_hash"]
        version = (await self.known()).version(given.id, pinned)
        if version is None or _differs(given, version):
            raise MalformedInput(
                field="directive_ref.meta",
                found=dict(given.meta),
                expected=f"the hash and version of a recorded version of {given.id}, as "
                "GET /governed-artifacts tells them",
            )
        whole = version.ref(RefRelation.DEPENDS_ON)
        return replace(whole, meta={**given.meta, **whole.meta})

    def _require_directive(self, given: Ref) -> None:
        entry = self.platform.governed.entry(given.id)
        is_one = entry is not None and entry.type_key == DIRECTIVE
        if given.kind is not RefKind.GOVERNED_ARTIFACT or not is_one:
            known = self.platform.governed.of_type(DIRECTIVE)
            raise MalformedInput(
                field="directive_ref",
                found=f"{given.kind} {given.id}",
                expected=f"a {RefKind.GOVERNED_ARTIFACT} that is a directive: "
                f"{', '.join(each.doc_id for each in known)}",
            )

    async def _approval(
        self, approval_id: ApprovalId | None
    ) -> GovernanceApproval | None:
        """Return the approval as it is recorded, if it is."""
        if approval_id is None:
            return None
        row = await self.platform.rows.row("approvals", {"approval_id": approval_id})
        return None if row is None else _as_approval(approval_id, row)


def governed_case() -> Case[GovernedArtifacts]:
    """Return the case of all governed artifacts."""
    return Case(boundary=BOUNDARY, fold=_fold)


def _fold(
    events: Iterable[DomainEvent], onto: GovernedArtifacts | None
) -> GovernedArtifacts:
    return governed_artifact.fold(_own(events), onto)


def _own(events: Iterable[DomainEvent]) -> Iterable[GovernedArtifactVersionRecorded]:
    for event in events:
        assert isinstance(event, GovernedArtifactVersionRecorded), (
            "governed artifacts share their boundary with nothing else"
        )
        yield event


def _differs(given: Ref, version: GovernedArtifactVersionRecorded) -> bool:
    """Whether the ref says of the version what is not so."""
    recorded = version.ref(given.rel).meta
    return any(
        recorded.get(name) != said
        for name, said in given.meta.items()
        if name != "selector"  # which part of it is meant
    )


def _as_approval(approval_id: ApprovalId, row: Mapping[str, Any]) -> GovernanceApproval:
    return GovernanceApproval(
        approval_id=approval_id,
        portal=row["portal_id"],
        decision=row["decision"],
        subjects=frozenset(
            (each["id"], each["meta"].get("content_hash", ""))
            for each in row.get("subject_refs", ())
            if each["kind"] == RefKind.GOVERNED_ARTIFACT
        ),
    )
