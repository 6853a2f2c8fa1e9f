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
from sr_core.codec.evidence import parse_manifest
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import (
    BundleReading,
    EvidenceManifest,
    PartState,
    blob_hashes,
)
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
    store: ContentStore, manifest: EvidenceManifest, blobs: Mapping[str, bytes]
) -> ContentHash:
    """Write the bundle and return its hash; `blobs` holds each artifact by its name.

    Raises:
        ContentConflict, Unretrievable: the store does not hold what was written.
        Unavailable: no answer in time; the bundle may exist without its manifest.

    """
    data = canonical(manifest)
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
    except MalformedInput as error:
        return BundleReading(
            content_hash=bundle, lost={}, manifest=None, flaw=error.found
        )
    lost_parts: dict[str, PartState] = {}
    for name, blob in blob_hashes(manifest).items():
        try:
            await store.get(blob_key(bundle, blob), expected=blob)
        except Unretrievable as lost:
            lost_parts[name] = lost.state
    return BundleReading(content_hash=bundle, lost=lost_parts, manifest=manifest)


def _folder(bundle: ContentHash) -> str:
    return f"sha256/{bundle.removeprefix('sha256:')}"
