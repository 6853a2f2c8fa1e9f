"""Checkpoints in a bucket that keeps every version and lets none be removed.

Whoever may write to such a bucket can put another version over an object, or a mark
that it is removed. Neither touches the first version, so that is the one that is read,
and what came over it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from minio.datatypes import Object

from sr_core.adapters.s3.connection import S3Access
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.ports.checkpoints import Kept
from sr_core.ports.content_store import ObjectKey


class S3CheckpointStore(S3ContentStore):
    """A `CheckpointStore` in one bucket, which is there already."""

    def __init__(self, access: S3Access, *, bucket: str) -> None:
        super().__init__(access, bucket=bucket)

    async def kept(self, prefix: str) -> Sequence[Kept]:
        """See `CheckpointStore.kept`."""
        return await self._answer(lambda: self._kept(prefix))

    async def first(self, kept: Kept) -> bytes:
        """See `CheckpointStore.first`."""
        return await self._answer(lambda: self._read(kept.key, version=kept.version))

    def _kept(self, prefix: str) -> list[Kept]:
        stored = self._client.list_objects(
            self._bucket, prefix=prefix, recursive=True, include_version=True
        )
        ordered = sorted(stored, key=lambda each: each.object_name or "")
        return [
            _kept(ObjectKey(name), tuple(versions))
            for name, versions in groupby(ordered, key=lambda each: each.object_name)
            if name
        ]


def _kept(key: ObjectKey, found: Iterable[Object]) -> Kept:
    """Return what is known of the object; the store lists its latest version first."""
    marks = [each for each in found if each.is_delete_marker]
    versions = [each for each in found if not each.is_delete_marker]
    changed = None
    if marks or not versions:
        changed = "a mark that it is removed"
    elif len(versions) > 1:
        changed = f"{len(versions) - 1} later versions"
    return Kept(
        key=key,
        version=versions[-1].version_id if versions else None,
        changed=changed,
    )
