"""Restricted evidence in its bucket: sealed and written, read and opened.

Beside the open part of the bundle, which lies in a bucket of its own,

    sha256/<hex of the manifest's hash>/blobs/<hex of the container's hash>
    keys/<hex of the manifest's hash>/<hex of the container's>/<KEK version>.<KEK id>

Containers are written first, then key records, and the manifest last of all (R-ATT-2).
It says of each artifact whether it is sealed, and is named by its hash: what was sealed
once is never read as if it had not been, and a key record that is not there is a fault
of the evidence and nothing else (R-ENC-13).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from sr_core.codec.key_record import KeyRecord, parse_key_record
from sr_core.codec.sealed import BlobOpener, BlobSealer, opened, sealed
from sr_core.domain.context_compiler import Classification
from sr_core.domain.evidence import Artifact, EvidenceManifest, PartState
from sr_core.domain.ids import BundleId
from sr_core.domain.kek import KekId, KekRef
from sr_core.domain.refs import ContentHash
from sr_core.domain.sealing import SealContext, SealedObject
from sr_core.domain.sealing_errors import KeyRecordMissing, SealTampered, SealUnsound
from sr_core.ports.content_store import ContentStore, Data, ObjectKey, Unretrievable
from sr_core.ports.kek_source import KekSource
from sr_core.ports.key_records import KeyRecords
from sr_core.ports.wrap_counts import WrapCounts

SCHEMA_VERSION: Final = 1
"""The version of `evidence.gate_packet`, which describes this evidence."""
LOOKS: Final = 5
"""How often a record is looked for that a rewrap has just taken away."""
KEYS: Final = "keys/"
"""What the keys of all records begin with, and of nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """Where restricted evidence lies, and what it is sealed with."""

    containers: ContentStore
    records: KeyRecords
    keks: KekSource
    wraps: WrapCounts
    kek_id: KekId


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBundle:
    """A bundle as it is stored: its manifest names containers where it named secrets."""

    manifest: EvidenceManifest
    containers: Mapping[str, Data]
    """By the names of the artifacts that they hold."""
    records: Mapping[str, KeyRecord]


def container_key(bundle: ContentHash, container: ContentHash) -> ObjectKey:
    """Return where a container of the bundle lies."""
    return ObjectKey(f"sha256/{_hex(bundle)}/blobs/{_hex(container)}")


def records_prefix(bundle: ContentHash, container: ContentHash) -> str:
    """Return what the keys of all records of a container begin with."""
    return f"{KEYS}{_hex(bundle)}/{_hex(container)}/"


def record_key(bundle: ContentHash, container: ContentHash, kek: KekRef) -> ObjectKey:
    """Return where the record lies whose key is wrapped under `kek`."""
    prefix = records_prefix(bundle, container)
    return ObjectKey(f"{prefix}{kek.version:010d}.{kek.id}")


def context_of(bundle_id: BundleId, artifact: Artifact) -> SealContext:
    """Return what the artifact of a bundle is sealed for.

    Raises:
        MalformedInput: its name, or the bundle's, is none that can be sealed.

    """
    assert artifact.classification is not None, "what is open is not sealed"
    return SealContext(
        evidence_id=bundle_id,
        blob_name=artifact.name,
        classification=Classification[artifact.classification],
        schema_version=SCHEMA_VERSION,
    )


async def seal_bundle(
    vault: Vault, manifest: EvidenceManifest, blobs: Mapping[str, Data]
) -> SealedBundle:
    """Return the bundle with all that is secret in it sealed; nothing is written.

    What is secret in `blobs` is in memory: `sealer_of` is for what is not.

    Raises:
        MalformedInput: something secret has a name that cannot be sealed.
        KekUnobtainable, KekUnavailable, BadKeyMaterial: there is no key to seal with.
        WrapLimitReached: the current version has wrapped as many keys as it may.

    """
    containers: dict[str, Data] = {}
    records: dict[str, KeyRecord] = {}
    for each in secrets_of(manifest):
        blob = blobs[each.name]
        assert isinstance(blob, bytes), "what is secret is never spooled as it is"
        context = context_of(manifest.bundle_id, each)
        kek = await vault.keks.current(vault.kek_id)
        count = await vault.wraps.take(kek.ref)
        container, done = await asyncio.to_thread(sealed, blob, context, kek, count)
        containers[each.name], records[each.name] = container, done.record
    return sealed_bundle(manifest, containers, records)


async def sealer_of(
    vault: Vault, manifest: EvidenceManifest, artifact: Artifact
) -> BlobSealer:
    """Return what seals one secret of the bundle a piece at a time.

    Raises:
        MalformedInput, KekUnobtainable, KekUnavailable, BadKeyMaterial, WrapLimitReached:
            see `seal_bundle`.

    """
    context = context_of(manifest.bundle_id, artifact)
    kek = await vault.keks.current(vault.kek_id)
    return BlobSealer(context, kek, await vault.wraps.take(kek.ref))


def sealed_bundle(
    manifest: EvidenceManifest,
    containers: Mapping[str, Data],
    records: Mapping[str, KeyRecord],
) -> SealedBundle:
    """Return the bundle whose secrets have become these containers."""
    made = {name: each.sealed for name, each in records.items()}
    return SealedBundle(
        manifest=_naming(manifest, made), containers=containers, records=records
    )


async def write_sealed(
    vault: Vault, bundle: ContentHash, sealed_bundle: SealedBundle
) -> None:
    """Write every container, and then every key record; the manifest comes after.

    Raises:
        ContentConflict, Unretrievable: the store does not hold what was written.
        Unavailable: no answer in time; nothing that is written yet is a bundle.

    """
    records = sealed_bundle.records
    for name, container in sealed_bundle.containers.items():
        found = records[name].sealed.content_hash
        await vault.containers.put(container_key(bundle, found), container)
    for each in records.values():
        key = record_key(bundle, each.sealed.content_hash, each.kek)
        await vault.records.add(key, each.data)


async def open_blob(
    vault: Vault, bundle: ContentHash, manifest: EvidenceManifest, artifact: Artifact
) -> bytes:
    """Return what is sealed as `artifact` of the bundle, whole and verified.

    Raises:
        SealUnsound: there is no key record, or the two are not to be opened.
        KekUnobtainable, KekUnavailable, BadKeyMaterial: there is no key to open it with.
        Unretrievable: the container or the record is missing or denied.
        Unavailable: no answer in time.

    """
    record = await read_record(vault, bundle, artifact)
    context = context_of(manifest.bundle_id, artifact)
    kek = await vault.keks.version(record.kek)
    container = await _container(vault, bundle, artifact)
    return await asyncio.to_thread(opened, [container], record, kek, context)


async def open_pieces(
    vault: Vault, bundle: ContentHash, manifest: EvidenceManifest, artifact: Artifact
) -> AsyncGenerator[bytes, None]:
    """Yield what is sealed as `artifact`, verified; it is whole if this ends.

    Nothing comes from behind the first segment that is not as it was sealed. See
    `open_blob` for what is raised, at whatever piece it is found.
    """
    record = await read_record(vault, bundle, artifact)
    context = context_of(manifest.bundle_id, artifact)
    kek = await vault.keks.version(record.kek)
    opener = BlobOpener(record, kek, context)
    async with aclosing(_container_pieces(vault, bundle, artifact)) as pieces:
        async for piece in pieces:
            for part in await asyncio.to_thread(opener.update, piece):
                yield part
    yield opener.finish()


async def _container_pieces(
    vault: Vault, bundle: ContentHash, artifact: Artifact
) -> AsyncGenerator[bytes, None]:
    key = container_key(bundle, artifact.content_hash)
    found = vault.containers.pieces(key, expected=artifact.content_hash)
    async with aclosing(found) as pieces:
        try:
            async for each in pieces:
                yield each
        except Unretrievable as gone:
            raise _as_tampered(gone) from gone


async def length(pieces: AsyncGenerator[bytes, None]) -> int:
    """Read all of it, and return how many bytes there were."""
    async with aclosing(pieces):
        return sum([len(each) async for each in pieces])


async def _container(vault: Vault, bundle: ContentHash, artifact: Artifact) -> bytes:
    key = container_key(bundle, artifact.content_hash)
    try:
        return await vault.containers.get(key, expected=artifact.content_hash)
    except Unretrievable as gone:
        raise _as_tampered(gone) from gone


def _as_tampered(gone: Unretrievable) -> Unretrievable | SealTampered:
    if gone.state is not PartState.CORRUPTED:
        return gone
    return SealTampered(part="container", why="is not the one that the manifest names")


async def read_record(
    vault: Vault, bundle: ContentHash, artifact: Artifact
) -> KeyRecord:
    """Return the newest key record of a sealed artifact, which names its container.

    That it is true, only the KEK can show.

    Raises:
        KeyRecordMissing: there is none.
        SealMalformed, SealTruncated, SealTampered: it is none, or another container's.
        Unretrievable: it is denied.
        Unavailable: no answer in time.

    """
    assert artifact.is_sealed, "what is not sealed has no key"
    record = parse_key_record(await _newest(vault, bundle, artifact))
    named = SealedObject(size=artifact.size, content_hash=artifact.content_hash)
    if record.sealed != named:
        raise SealTampered(
            part="key record",
            why=f"names {record.sealed.content_hash}, and the manifest names "
            f"{named.content_hash}",
        )
    return record


async def lost_of(
    vault: Vault, bundle: ContentHash, manifest: EvidenceManifest
) -> Mapping[str, PartState]:
    """Return each part of what is sealed that is not there as written, by its name.

    No key is asked for: the manifest names the container, and the container's record
    names it and whose it is.

    Raises:
        Unavailable: no answer in time, which says nothing about the parts.

    """
    lost: dict[str, PartState] = {}
    for each in manifest.artifacts:
        if not each.is_sealed:
            continue
        key = container_key(bundle, each.content_hash)
        try:
            await length(vault.containers.pieces(key, expected=each.content_hash))
        except Unretrievable as gone:
            lost[each.name] = gone.state
        if state := await _record_state(vault, bundle, manifest, each):
            lost[f"key record of {each.name}"] = state
    return lost


async def _record_state(
    vault: Vault, bundle: ContentHash, manifest: EvidenceManifest, artifact: Artifact
) -> PartState | None:
    try:
        record = await read_record(vault, bundle, artifact)
    except KeyRecordMissing:
        return PartState.MISSING
    except SealUnsound:
        return PartState.CORRUPTED
    except Unretrievable as gone:
        return gone.state
    context = context_of(manifest.bundle_id, artifact)
    return PartState.CORRUPTED if record.context != context else None


async def _newest(vault: Vault, bundle: ContentHash, artifact: Artifact) -> bytes:
    """Return the record of the highest KEK version.

    A rewrap adds a record before it takes the old one away, so one that was found and is
    gone now has a newer one in its place: it is looked for again.
    """
    prefix = records_prefix(bundle, artifact.content_hash)
    for _ in range(LOOKS):
        found = await vault.records.found(prefix)
        if not found:
            break
        try:
            return await vault.records.read(found[-1])
        except Unretrievable as gone:
            if gone.state is not PartState.MISSING:
                raise
    raise KeyRecordMissing(blob_name=artifact.name)


def secrets_of(manifest: EvidenceManifest) -> Sequence[Artifact]:
    """Return what is to be sealed in the bundle, or is sealed."""
    return [each for each in manifest.artifacts if each.classification is not None]


def _naming(
    manifest: EvidenceManifest, made: Mapping[str, SealedObject]
) -> EvidenceManifest:
    """Return the manifest with containers in the place of what they hold."""
    artifacts = tuple(
        replace(
            each,
            size=made[each.name].size,
            content_hash=made[each.name].content_hash,
            is_sealed=True,
        )
        if each.name in made
        else each
        for each in manifest.artifacts
    )
    results = tuple(
        replace(
            each,
            artifacts=tuple(
                replace(part, sha256=made[part.path].content_hash)
                if part.path in made
                else part
                for part in each.artifacts
            ),
        )
        for each in manifest.results
    )
    return replace(manifest, artifacts=artifacts, results=results)


def _hex(content_hash: ContentHash) -> str:
    return content_hash.removeprefix("sha256:")
