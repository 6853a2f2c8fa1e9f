"""Evidence from elsewhere, as large as it is: held against its manifest as it comes.

    manifest      may it be handed in at all? -> only then a blob is read
    each blob     declared? not longer than declared? -> hashed, sealed if it is secret,
                  and put into a file
    all of them   those that are named, with the lengths and hashes that are named?
                  -> only then anything is written

What is secret is sealed before it reaches a file, so that no disk ever has it in the open.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sr_core.application.spool import Spool, regrouped
from sr_core.application.vault import (
    SealedBundle,
    Vault,
    seal_bundle,
    sealed_bundle,
    sealer_of,
    secrets_of,
    write_sealed,
)
from sr_core.codec.canonical import canonical
from sr_core.codec.evidence import escaped
from sr_core.codec.key_record import KeyRecord
from sr_core.domain.actors import Actor
from sr_core.domain.dossier import Dossier
from sr_core.domain.evidence import (
    Artifact,
    EvidenceManifest,
    Flaw,
    ManifestDefect,
    defects,
    foreign_attribution,
    misjudged,
    sealed_already,
    seen_flaws,
    strangeness,
)
from sr_core.domain.ids import LoopId
from sr_core.domain.judging_errors import ManifestInvalid
from sr_core.domain.oracle_suite import SuiteDefinition
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.run import Run
from sr_core.ports.content_store import Data
from sr_core.ports.event_store import NewEvent

Parts: TypeAlias = AsyncIterator[tuple[str, AsyncIterator[bytes]]]
"""Blobs by name, each to be read to its end before the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A bundle that was taken in, and the run that it is of."""

    manifest: EvidenceManifest
    content_hash: ContentHash
    recorded: tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """A manifest that somebody hands in, `form` its bytes, and the run that it is of."""

    manifest: EvidenceManifest
    form: bytes
    loop_id: LoopId
    dossier: Dossier
    run: Run
    suite: SuiteDefinition

    def require_sound(self, by: Actor, *flaws: Flaw) -> None:
        """Raise `ManifestInvalid` if it is no manifest of that run, or has `flaws`."""
        require_none(
            *strangeness(
                self.manifest,
                run_id=self.run.run_id,
                candidate_id=self.run.candidate_id,
                suite_id=self.run.suite_id,
                suite_hash=self.run.suite_hash,
                iteration_id=self.run.iteration_id,
            ),
            *defects(self.manifest),
            *misjudged(self.manifest, self.suite),
            *foreign_attribution(self.manifest, by),
            *sealed_already(self.manifest),
            *flaws,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The blobs of a bundle, to be written; they last as long as their spool."""

    blobs: Mapping[str, Data]
    """Those that are open."""
    sealed: SealedBundle | None
    """All that is secret, if anything is."""


@dataclass(slots=True, kw_only=True)
class _Intake:
    spool: Spool
    vault: Vault
    manifest: EvidenceManifest
    seen: dict[str, tuple[int, ContentHash]] = field(default_factory=dict)
    blobs: dict[str, Data] = field(default_factory=dict)
    containers: dict[str, Data] = field(default_factory=dict)
    records: dict[str, KeyRecord] = field(default_factory=dict)

    async def take(self, artifact: Artifact, pieces: AsyncIterator[bytes]) -> None:
        bounded = regrouped(_bounded(artifact, pieces))
        if artifact.classification is None:
            await self._take_open(artifact, bounded)
        else:
            await self._take_secret(artifact, bounded)

    async def _take_open(
        self, artifact: Artifact, pieces: AsyncIterator[bytes]
    ) -> None:
        entry = self.spool.entry()
        async for piece in pieces:
            await asyncio.to_thread(entry.add, piece)
        source = entry.end()
        self.seen[artifact.name] = (source.size, source.content_hash)
        self.blobs[artifact.name] = source

    async def _take_secret(
        self, artifact: Artifact, pieces: AsyncIterator[bytes]
    ) -> None:
        sealer = await sealer_of(self.vault, self.manifest, artifact)
        entry, seen, size = self.spool.entry(), hashlib.sha256(), 0

        def seal(piece: bytes) -> None:
            seen.update(piece)
            entry.add(*sealer.update(piece))

        async for piece in pieces:
            size += len(piece)
            await asyncio.to_thread(seal, piece)
        done = sealer.finish()
        entry.add(*done.rest)
        name = artifact.name
        self.seen[name] = (size, ContentHash(f"sha256:{seen.hexdigest()}"))
        self.containers[name], self.records[name] = entry.end(), done.record


async def take_in(
    spool: Spool, vault: Vault, manifest: EvidenceManifest, parts: Parts
) -> Taken:
    """Take in every blob that the manifest names, and nothing else.

    Raises:
        ManifestInvalid: a blob is not the one that is named; what follows was not read.
        KekUnobtainable, KekUnavailable, BadKeyMaterial: there is no key to seal with.
        WrapLimitReached: the current version has wrapped as many keys as it may.

    """
    declared = {each.name: each for each in manifest.artifacts}
    intake = _Intake(spool=spool, vault=vault, manifest=manifest)
    async for name, pieces in parts:
        if name not in declared or name in intake.seen:
            why = (
                f"{name} comes twice" if name in intake.seen else f"no {name} is named"
            )
            require_none(Flaw(defect=ManifestDefect.BLOB_UNDECLARED, why=why))
        await intake.take(declared[name], pieces)
    require_none(*seen_flaws(manifest, intake.seen))
    sealed = None
    if secrets_of(manifest):
        sealed = sealed_bundle(manifest, intake.containers, intake.records)
    return Taken(blobs=intake.blobs, sealed=sealed)


async def put_away(
    vault: Vault,
    manifest: EvidenceManifest,
    blobs: Mapping[str, Data],
    sealed: SealedBundle | None,
) -> tuple[EvidenceManifest, bytes]:
    """Write what is secret, sealed; return the manifest to store, and its bytes."""
    sealed = sealed or await seal_bundle(vault, manifest, blobs)
    form = canonical(sealed.manifest)
    await write_sealed(vault, hash_bytes(form), sealed)
    return sealed.manifest, form


async def _bounded(
    artifact: Artifact, pieces: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """Yield the blob, as long as it is no longer than it is said to be."""
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > artifact.size:
            why = f"{artifact.name} has more than {artifact.size} bytes"
            require_none(Flaw(defect=ManifestDefect.BLOB_MISMATCH, why=why))
        yield piece


def require_none(*flaws: Flaw) -> None:
    """Raise `ManifestInvalid` for the first flaw, with a word of every one."""
    if flaws:
        why = "; ".join(each.why for each in flaws)
        raise ManifestInvalid(defect=flaws[0].defect, why=escaped(why))
