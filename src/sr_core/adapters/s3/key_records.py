"""Key records in one bucket; what is removed is removed in every version.

A bucket that keeps versions answers a plain removal with a mark, and holds on to the
bytes. Whoever erases a key has to have them gone, so each version is removed by its
name, and the bucket is asked afterwards what it still has (R-ENC-14).
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from minio.datatypes import Object
from minio.error import S3Error

from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.key_records import Unremovable

_REFUSED: Final = {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST}
"""What a removal is answered that may not be: MinIO says of what is locked, 400."""


class S3KeyRecords(S3ContentStore):
    """A `KeyRecords` in one bucket, which is there already."""

    async def add(self, key: ObjectKey, data: bytes) -> None:
        """See `KeyRecords.add`."""
        await self.put(key, data)

    async def found(self, prefix: str) -> Sequence[ObjectKey]:
        """See `KeyRecords.found`."""
        return await self._answer(lambda: self._found(prefix))

    async def read(self, key: ObjectKey) -> bytes:
        """See `KeyRecords.read`."""
        return await self._answer(lambda: self._read(key))

    async def remove(self, key: ObjectKey) -> None:
        """See `KeyRecords.remove`."""
        await self._answer(lambda: self._remove(key))

    def _found(self, prefix: str) -> list[ObjectKey]:
        stored = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
        return sorted(
            ObjectKey(each.object_name) for each in stored if each.object_name
        )

    def _remove(self, key: ObjectKey) -> None:
        for each in self._versions(key):
            try:
                self._client.remove_object(
                    self._bucket, key, version_id=each.version_id
                )
            except S3Error as error:
                if error.response.status in _REFUSED:
                    raise Unremovable(key=key) from error
                raise
        if self._versions(key):
            raise Unremovable(key=key)

    def _versions(self, key: ObjectKey) -> list[Object]:
        stored = self._client.list_objects(
            self._bucket, prefix=key, recursive=True, include_version=True
        )
        return [each for each in stored if each.object_name == key]
