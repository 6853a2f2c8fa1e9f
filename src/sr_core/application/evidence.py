"""Evidence bundles in the content store: written whole or not at all, read to the byte.

A bundle lies under the hash of its manifest, so that no bundle shares an object with
another:

    sha256/<hex of the manifest's hash>/blobs/<hex of the blob's hash>
    sha256/<hex of the manifest's hash>/manifest.json

The manifest is written last: a bundle without it does not exist (R-ATT-2). What is
restricted in it lies elsewhere, sealed: see `sr_core.application.vault`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

from sr_core.application.vault import Vault, length, lost_of
from sr_core.codec.canonical import canonical
from sr_core.codec.manifest import parse_manifest
from sr_core.domain.evidence import (
    BundleReading,
    EvidenceManifest,
    Flaw,
    ManifestDefect,
    PartState,
    misplaced_secrets,
)
from sr_core.domain.judging_errors import ManifestInvalid
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.content_store import ContentStore, Data, ObjectKey, Unretrievable

MANIFEST = "manifest.json"


def manifest_key(bundle: ContentHash) -> ObjectKey:
    """Return where the bundle's manifest lies."""
    return ObjectKey(f"{_folder(bundle)}/{MANIFEST}")


def blob_key(bundle: ContentHash, blob: ContentHash) -> ObjectKey:
    """Return where one blob of the bundle lies."""
    return ObjectKey(f"{_folder(bundle)}/blobs/{blob.removeprefix('sha256:')}")


async def write_bundle(
    store: ContentStore,
    manifest: EvidenceManifest,
    blobs: Mapping[str, Data],
    *,
    form: bytes | None = None,
) -> ContentHash:
    """Write the bundle and return its hash; `blobs` holds each open artifact by its name.

    What is sealed in it has been written already. `form` are the bytes of the manifest
    where it was handed in; they are kept as they are.

    Raises:
        ContentConflict, Unretrievable: the store does not hold what was written.
        Unavailable: no answer in time; the bundle may exist without its manifest.

    """
    assert not misplaced_secrets(manifest), "what is secret is sealed before"
    data = canonical(manifest) if form is None else form
    bundle = hash_bytes(data)
    for each in manifest.artifacts:
        if not each.is_sealed:
            await store.put(blob_key(bundle, each.content_hash), blobs[each.name])
    await store.put(manifest_key(bundle), data)
    return bundle


async def read_bundle(
    store: ContentStore, bundle: ContentHash, vault: Vault
) -> BundleReading:
    """Read the bundle's manifest and every blob it names, and say what was found.

    Of what is sealed, containers and key records are read; no key is asked for.

    Raises:
        Unavailable: no answer in time, which says nothing about the bundle.

    """
    reading = await read_manifest(store, bundle)
    if reading.manifest is None or reading.flaw is not None:
        return reading
    lost: dict[str, PartState] = {}
    flaw: Flaw | None = None
    for each in reading.manifest.artifacts:
        if each.is_sealed:
            continue
        try:
            size = await length(blob_pieces(store, bundle, each.content_hash))
        except Unretrievable as gone:
            lost[each.name] = gone.state
            continue
        if size != each.size:
            why = f"{each.name} has {size} bytes, not {each.size}"
            flaw = Flaw(defect=ManifestDefect.BLOB_MISMATCH, why=why)
    lost |= await lost_of(vault, bundle, reading.manifest)
    return replace(reading, lost=lost, flaw=flaw)


async def read_manifest(store: ContentStore, bundle: ContentHash) -> BundleReading:
    """Read the bundle's manifest, and nothing else of it.

    Raises:
        Unavailable: no answer in time, which says nothing about the bundle.

    """
    try:
        data = await store.get(manifest_key(bundle), expected=bundle)
    except Unretrievable as lost:
        return BundleReading(
            content_hash=bundle, lost={MANIFEST: lost.state}, manifest=None
        )
    try:
        manifest = parse_manifest(data)
    except ManifestInvalid as error:
        return BundleReading(
            content_hash=bundle,
            lost={},
            manifest=None,
            flaw=Flaw(defect=ManifestDefect(error.defect), why=error.why),
        )
    return BundleReading(
        content_hash=bundle,
        lost={},
        manifest=manifest,
        flaw=next(iter(misplaced_secrets(manifest)), None),
    )


async def read_blob(
    store: ContentStore, bundle: ContentHash, blob: ContentHash
) -> bytes:
    """Return one blob of the bundle, which is whole and has to fit into memory.

    Raises:
        Unretrievable: it is missing, denied, or not what was stored.
        Unavailable: no answer in time.

    """
    return await store.get(blob_key(bundle, blob), expected=blob)


def blob_pieces(
    store: ContentStore, bundle: ContentHash, blob: ContentHash
) -> AsyncGenerator[bytes, None]:
    """Yield one blob of the bundle; see `ContentStore.pieces`."""
    return store.pieces(blob_key(bundle, blob), expected=blob)


def _folder(bundle: ContentHash) -> str:
    return f"sha256/{bundle.removeprefix('sha256:')}"
