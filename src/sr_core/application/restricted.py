"""Restricted evidence: read by who may, with an event; rewrapped; erased.

    read     manifest -> may you? -> opened -> event of it -> the blob, or one refusal
    rewrap   see `sr_core.application.rewrap`
    erase    event of it -> every record of the bundle taken away, in every version

A rewrap and an erasure may meet: the rewrap looks, after it has added a record, whether
the bundle has been erased, and takes it away again if so. Either it sees the event, or
the event came after the record, and so does the taking away that follows the event.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from sr_core.application.evidence import read_manifest
from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.vault import open_blob, open_pieces, records_prefix
from sr_core.codec.envelope import opened
from sr_core.domain import restricted
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.evidence import Artifact, EvidenceManifest
from sr_core.domain.ids import parse_evidence_read_id
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.refs import ContentHash
from sr_core.domain.restricted import (
    RELEASED,
    EraseEvidence,
    RestrictedEvidenceErased,
    RestrictedEvidenceRead,
)
from sr_core.domain.sealing_errors import (
    BadKeyMaterial,
    EvidenceErased,
    EvidenceUnreadable,
    SealUnsound,
)
from sr_core.ports.errors import PortError
from sr_core.ports.event_store import EventStore, NewEvent, StreamId

_UNOPENED: Final = (SealUnsound, BadKeyMaterial, PortError)
"""What a reader may not tell one from another (R-ENC-7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """What of the evidence of one log is for few."""

    platform: Platform

    async def read(
        self,
        bundle: ContentHash,
        manifest: EvidenceManifest,
        artifact: Artifact,
        asked: Asked,
    ) -> bytes:
        """Return what is sealed as `artifact`; that it was read is recorded before.

        Raises:
            AuthorityRequired: who asks may not; nothing was looked at.
            EvidenceErased: its key was removed by a human's command.
            EvidenceUnreadable: it does not open; the event says why.
            Unavailable: the reading could not be recorded.

        """
        await self._admit(bundle, artifact, asked)
        try:
            data = await open_blob(self.platform.vault, bundle, manifest, artifact)
        except _UNOPENED as failure:
            await self._note(bundle, artifact, failure.code, asked)
            raise EvidenceUnreadable(blob_name=artifact.name) from failure
        await self._note(bundle, artifact, RELEASED, asked)
        return data

    async def pieces(
        self,
        bundle: ContentHash,
        manifest: EvidenceManifest,
        artifact: Artifact,
        asked: Asked,
    ) -> AsyncGenerator[bytes, None]:
        """Yield what is sealed as `artifact`, each piece verified; see `read`.

        That it was read is recorded before the first piece, and before a refusal that
        comes later, that it could not be read to its end.
        """
        await self._admit(bundle, artifact, asked)
        vault, is_released = self.platform.vault, False
        async with aclosing(open_pieces(vault, bundle, manifest, artifact)) as found:
            while True:
                try:
                    piece = await anext(found, None)
                except _UNOPENED as failure:
                    await self._note(bundle, artifact, failure.code, asked)
                    raise EvidenceUnreadable(blob_name=artifact.name) from failure
                if not is_released:
                    await self._note(bundle, artifact, RELEASED, asked)
                    is_released = True
                if piece is None:
                    return
                yield piece

    async def _admit(
        self, bundle: ContentHash, artifact: Artifact, asked: Asked
    ) -> None:
        restricted.authorise_reading(asked.by)
        if await self.erasure(bundle) is not None:
            await self._note(bundle, artifact, EvidenceErased.code, asked)
            raise EvidenceErased(content_hash=bundle)

    async def erase(
        self, bundle: ContentHash, rationale: str, asked: Asked
    ) -> tuple[NewEvent, ...]:
        """Record the erasure, and take away every key of what is sealed in the bundle.

        Given again, it takes away what is left, and records nothing.

        Raises:
            AuthorityRequired: no human with the role gives it.
            NotFound: no such bundle is recorded.
            MalformedInput: nothing in it is sealed, or no reason is given.
            EvidenceMissing: its manifest cannot be read.
            Unremovable: the erasure is recorded, and the store still holds some version.
            Unavailable: no answer in time; it may or may not be recorded.

        """
        restricted.authorise_erasure(asked.by)
        manifest = await self.manifest(bundle)
        secrets = [each for each in manifest.artifacts if each.is_sealed]
        command = EraseEvidence(
            by=asked.by,
            content_hash=bundle,
            blob_names=tuple(each.name for each in secrets),
            rationale=rationale,
        )

        async def rule(known: RestrictedEvidenceErased | None) -> Ruling:
            return Ruling(events=restricted.erase(known, command))

        # Without the request's name: what failed after the event has to be done again.
        unnamed = replace(asked, request=None)
        case = _keys_case(bundle)
        recorded = await self.platform.recorder.record(case, rule, unnamed)
        records = self.platform.vault.records
        for each in secrets:
            for key in await records.found(records_prefix(bundle, each.content_hash)):
                await records.remove(key)
        return recorded

    async def erasure(self, bundle: ContentHash) -> RestrictedEvidenceErased | None:
        """Return the erasure of the bundle, if one is recorded."""
        return await find_erasure(self.platform.recorder.store, bundle)

    async def manifest(self, bundle: ContentHash) -> EvidenceManifest:
        """Return the manifest of a bundle that is recorded.

        Raises:
            NotFound: no such bundle is recorded.
            EvidenceMissing: its manifest cannot be read.
            Unavailable: no answer in time.

        """
        key = {"content_hash": bundle}
        row = await self.platform.rows.row("evidence_bundles", key)
        if row is None:
            raise NotFound(kind="evidence bundle", identifier=bundle)
        reading = await read_manifest(self.platform.evidence_bytes, bundle)
        if reading.manifest is None:
            raise EvidenceMissing(subject=str(row["run_id"]), evidence=[bundle])
        return reading.manifest

    async def _note(
        self, bundle: ContentHash, artifact: Artifact, outcome: str, asked: Asked
    ) -> None:
        assert artifact.classification is not None, "what is open is read by anyone"
        read_id = parse_evidence_read_id(self.platform.ids.fresh("evread"))
        event = RestrictedEvidenceRead(
            read_id=read_id,
            content_hash=bundle,
            blob_name=artifact.name,
            classification=artifact.classification,
            outcome=outcome,
        )

        async def rule(_: None) -> Ruling:
            return Ruling(events=(event,))

        stream = StreamId(stream_name("evread", read_id))
        case: Case[None] = Case(boundary=stream, fold=_nothing)
        await self.platform.recorder.record(case, rule, asked)


async def find_erasure(
    log: EventStore, bundle: ContentHash
) -> RestrictedEvidenceErased | None:
    """Return the erasure of the bundle that the log has, if it has one."""
    history = await log.history(_keys_case(bundle).boundary)
    return _erasure((opened(each).event for each in history.events), None)


def _keys_case(bundle: ContentHash) -> Case[RestrictedEvidenceErased | None]:
    stream = StreamId(stream_name("evkeys", bundle))
    return Case(boundary=stream, fold=_erasure)


def _erasure(
    events: Iterable[DomainEvent], onto: RestrictedEvidenceErased | None
) -> RestrictedEvidenceErased | None:
    for event in events:
        assert isinstance(event, RestrictedEvidenceErased), "a boundary of its own"
        onto = event
    return onto


def _nothing(_: Iterable[DomainEvent], onto: None) -> None:
    return onto
