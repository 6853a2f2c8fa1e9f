"""Redacted copies of restricted evidence: made by who may, published, read by anyone.

    make   may you? -> each blob opened, with an event of it -> redacted -> searched again
           -> blobs written, manifest last -> event that links copy and original
    read   the event's row -> manifest -> blob, each held against its hash

A copy lies where open evidence lies, under the hash of its redaction manifest. Without
its event it is not given out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sr_core.application.evidence import blob_key, manifest_key, read_blob
from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.restricted import Restricted
from sr_core.codec.canonical import canonical, parse_json, restored
from sr_core.codec.envelope import rfc3339
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.redacted_copy import (
    PublishCopy,
    RedactedArtifact,
    Redaction,
    RedactionManifest,
    authorise_redaction,
    publish,
    redactions_of,
    require_reason,
)
from sr_core.domain.redaction import redact, survivors
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.sealing_errors import RedactionUnfinished
from sr_core.ports.content_store import Unretrievable
from sr_core.ports.event_store import NewEvent, StreamId

_WHAT = "redaction manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCopy:
    """A redacted copy that was published."""

    content_hash: ContentHash
    manifest: RedactionManifest
    recorded: tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redactions:
    """The redacted copies of one log."""

    platform: Platform

    async def make(self, bundle: ContentHash, rationale: str, asked: Asked) -> MadeCopy:
        """Publish a copy of all that is sealed in the bundle, without its secrets.

        Raises:
            AuthorityRequired: no human with the role gives it, or may read the original.
            NotFound, EvidenceMissing: there is no such bundle, or no manifest of it.
            MalformedInput: nothing in it is sealed, or no reason is given.
            EvidenceErased, EvidenceUnreadable: it does not open.
            RedactionUnfinished: a rule matches in what would be published.
            Unavailable: no answer in time; the copy may lie there, and is not published.

        """
        authorise_redaction(asked.by)
        require_reason(rationale)
        manifest, blobs = await self._redacted(bundle, asked)
        form = canonical(manifest)
        _require_clean((form, *blobs))
        copy = hash_bytes(form)
        command = PublishCopy(
            by=asked.by,
            redacted_bundle_hash=copy,
            manifest=manifest,
            rationale=rationale,
        )
        events = publish(command)  # before anything is written for nothing
        store = self.platform.evidence_bytes
        for each in blobs:
            await store.put(blob_key(copy, hash_bytes(each)), each)
        await store.put(manifest_key(copy), form)

        async def rule(_: None) -> Ruling:
            return Ruling(events=events)

        stream = StreamId(stream_name("evcopy", copy))
        case: Case[None] = Case(boundary=stream, fold=_nothing)
        recorded = await self.platform.recorder.record(case, rule, asked)
        return MadeCopy(content_hash=copy, manifest=manifest, recorded=recorded)

    async def manifest(
        self, bundle: ContentHash, copy: ContentHash
    ) -> RedactionManifest:
        """Return the manifest of a copy that was published of the bundle.

        Raises:
            NotFound: none was.
            EvidenceMissing: it is not there as it was written.
            Unavailable: no answer in time.

        """
        key = {"redacted_bundle_hash": copy, "original_bundle_hash": bundle}
        found = await self.platform.rows.rows(
            "restricted_evidence_redactions", key, limit=1
        )
        if not found.rows:
            raise NotFound(kind=f"redacted copy of {bundle}", identifier=copy)
        try:
            data = await self.platform.evidence_bytes.get(
                manifest_key(copy), expected=copy
            )
        except Unretrievable as lost:
            raise EvidenceMissing(subject=_WHAT, evidence=[copy]) from lost
        return restored(RedactionManifest, parse_json(data, what=_WHAT), what=_WHAT)

    async def blob(
        self, bundle: ContentHash, copy: ContentHash, name: str
    ) -> tuple[RedactedArtifact, bytes]:
        """Return one blob of a copy; see `manifest` for refusals."""
        manifest = await self.manifest(bundle, copy)
        found = [each for each in manifest.artifacts if each.name == name]
        if not found:
            raise NotFound(kind=f"blob of {copy}", identifier=name)
        store, hashed = self.platform.evidence_bytes, found[0].content_hash
        try:
            return found[0], await read_blob(store, copy, hashed)
        except Unretrievable as lost:
            raise EvidenceMissing(subject=name, evidence=[copy]) from lost

    async def _redacted(
        self, bundle: ContentHash, asked: Asked
    ) -> tuple[RedactionManifest, tuple[bytes, ...]]:
        keeper = Restricted(platform=self.platform)
        original = await keeper.manifest(bundle)
        unnamed = replace(asked, request=None)  # what is named is the publication
        artifacts: list[RedactedArtifact] = []
        redactions: list[Redaction] = []
        blobs: list[bytes] = []
        for each in original.artifacts:
            if not each.is_sealed:
                continue
            data = await keeper.read(bundle, original, each, unnamed)
            made = await asyncio.to_thread(redact, data)
            blobs.append(made.data)
            redactions += redactions_of(each.name, made.regions)
            artifacts.append(
                RedactedArtifact(
                    name=each.name,
                    media_type=each.media_type,
                    size=len(made.data),
                    content_hash=hash_bytes(made.data),
                )
            )
        manifest = RedactionManifest(
            original_bundle_hash=bundle,
            redacted_at=rfc3339(self.platform.clock.now()),
            redacted_by=asked.by.actor_id,
            artifacts=tuple(artifacts),
            redactions=tuple(redactions),
        )
        return manifest, tuple(blobs)


def _require_clean(written: Iterable[bytes]) -> None:
    """Raise `RedactionUnfinished` if a rule matches in what is to be written."""
    for each in written:
        if names := survivors(each):
            why = f"{', '.join(sorted(names))} match in what would be published"
            raise RedactionUnfinished(why=why)


def _nothing(_: Iterable[DomainEvent], onto: None) -> None:
    return onto
