"""Evidence bundles in the content store: written whole or not at all, read to the byte.

A bundle lies under the hash of its manifest, so that no bundle shares an object with
another:

    sha256/<hex of the manifest's hash>/blobs/<hex of the blob's hash>
    sha256/<hex of the manifest's hash>/manifest.json

The manifest is written last: a bundle without it does not exist (R-ATT-2).
"""

from __future__ import annotations

from collections.abc import Mapping

from sr_core.codec.canonical import canonical
from sr_core.codec.manifest import parse_manifest
from sr_core.domain.evidence import (
    BundleReading,
    EvidenceManifest,
    Flaw,
    ManifestDefect,
    PartState,
    blob_hashes,
)
from sr_core.domain.judging_errors import ManifestInvalid
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.content_store import ContentStore, ObjectKey, Unretrievable

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
    blobs: Mapping[str, bytes],
    *,
    form: bytes | None = None,
) -> ContentHash:
    """Write the bundle and return its hash; `blobs` holds each artifact by its name.

    `form` are the bytes of the manifest where it was handed in; they are kept as they are.

    Raises:
        ContentConflict, Unretrievable: the store does not hold what was written.
        Unavailable: no answer in time; the bundle may exist without its manifest.

    """
    data = canonical(manifest) if form is None else form
    bundle = hash_bytes(data)
    for name, blob in blob_hashes(manifest).items():
        await store.put(blob_key(bundle, blob), blobs[name])
    await store.put(manifest_key(bundle), data)
    return bundle


async def read_bundle(store: ContentStore, bundle: ContentHash) -> BundleReading:
    """Read the bundle's manifest and every blob it names, and say what was found.

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
    lost_parts: dict[str, PartState] = {}
    flaw: Flaw | None = None
    for each in manifest.artifacts:
        try:
            data = await read_blob(store, bundle, each.content_hash)
        except Unretrievable as lost:
            lost_parts[each.name] = lost.state
            continue
        if len(data) != each.size:
            why = f"{each.name} has {len(data)} bytes, not {each.size}"
            flaw = Flaw(defect=ManifestDefect.BLOB_MISMATCH, why=why)
    return BundleReading(
        content_hash=bundle, lost=lost_parts, manifest=manifest, flaw=flaw
    )


async def read_blob(
    store: ContentStore, bundle: ContentHash, blob: ContentHash
) -> bytes:
    """Return one blob of the bundle, with the hash that the manifest names.

    Raises:
        Unretrievable: it is missing, denied, or not what was stored.
        Unavailable: no answer in time.

    """
    return await store.get(blob_key(bundle, blob), expected=blob)


def _folder(bundle: ContentHash) -> str:
    return f"sha256/{bundle.removeprefix('sha256:')}"
