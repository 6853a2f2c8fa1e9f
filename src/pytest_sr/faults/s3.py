"""Faults of the object store, done to the stored objects themselves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal

from minio import Minio
from minio.error import S3Error

from pytest_sr.faults.base import Landing
from pytest_sr.registry import fault
from pytest_sr.stack.addresses import S3Keys
from pytest_sr.world.world import World, WorldError

How = Literal["delete", "corrupt", "deny"]

_WANTED: Final = {"delete": "missing", "corrupt": "corrupted", "deny": "denied"}
DENIED_S_MAX: Final = 10.0


@fault("s3.object")
@asynccontextmanager
async def spoil_object(
    world: World,
    *,
    do: How,
    bundle: str,
    part: Literal["manifest", "blob"] = "manifest",
) -> AsyncIterator[Landing]:
    """Delete, corrupt or deny one object of an evidence bundle.

    Args:
        bundle: the hash of the bundle's manifest
        part: the manifest, or the first blob of it that is not empty

    """
    store = _Store(world)
    key, digest = await asyncio.to_thread(store.locate, bundle, part)
    original = await asyncio.to_thread(store.bytes_of, key)
    await asyncio.to_thread(store.spoil, key, do, original)
    try:
        yield Landing(
            landed=await store.becomes(key, digest, _WANTED[do]),
            detail=f"{key} as the platform's own identity reads it: "
            f"{await asyncio.to_thread(store.seen, key, digest)}",
        )
    finally:
        await asyncio.to_thread(store.restore, key, do, original)
        if not await store.becomes(key, digest, "intact"):
            message = f"{key} is not what it was before the fault"
            raise WorldError(message)


class _Store:
    """The case's evidence bucket: spoilt as its administrator, read as the platform."""

    def __init__(self, world: World) -> None:
        self._bucket = world.buckets.evidence
        self._admin = _client(world, world.stack.s3.admin)
        self._app = _client(world, world.stack.s3.app)

    def locate(self, bundle: str, part: str) -> tuple[str, str]:
        """Return the key of the part, and the hash that its bytes must have."""
        folder = f"sha256/{bundle.removeprefix('sha256:')}"
        if part == "manifest":
            return f"{folder}/manifest.json", bundle
        manifest = json.loads(self.bytes_of(f"{folder}/manifest.json"))
        digest: str = next(
            each["content_hash"] for each in manifest["artifacts"] if each["size"]
        )
        return f"{folder}/blobs/{digest.removeprefix('sha256:')}", digest

    def bytes_of(self, key: str) -> bytes:
        """Return an object's bytes."""
        with self._admin.get_object(self._bucket, key) as answer:
            return answer.read()

    def spoil(self, key: str, do: How, original: bytes) -> None:
        """Do the damage."""
        if do == "delete":
            self._admin.remove_object(self._bucket, key)
        elif do == "corrupt":
            self._put(key, bytes([original[0] ^ 1]) + original[1:])
        else:
            self._admin.set_bucket_policy(self._bucket, _denial(self._bucket, key))

    def restore(self, key: str, do: How, original: bytes) -> None:
        """Undo the damage."""
        if do == "deny":
            self._lift_denial()
        else:
            self._put(key, original)

    def _lift_denial(self) -> None:
        try:
            self._admin.delete_bucket_policy(self._bucket)
        except S3Error as error:
            if error.code != "NoSuchBucketPolicy":  # then there is nothing to lift
                raise

    def seen(self, key: str, digest: str) -> str:
        """Return what the platform's own identity finds at the key."""
        try:
            with self._app.get_object(self._bucket, key) as answer:
                data = answer.read()
        except S3Error as error:
            kinds = {"NoSuchKey": "missing", "AccessDenied": "denied"}
            return kinds.get(str(error.code), f"answered with {error.code}")
        found = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return "intact" if found == digest else "corrupted"

    async def becomes(self, key: str, digest: str, wanted: str) -> bool:
        """Return whether the object is soon found as `wanted`."""
        return await _soon(lambda: self.seen(key, digest) == wanted)

    def _put(self, key: str, data: bytes) -> None:
        self._admin.put_object(self._bucket, key, io.BytesIO(data), len(data))


async def _soon(holds: Callable[[], bool]) -> bool:
    """Return whether `holds` does, within the time that a policy takes to spread."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DENIED_S_MAX
    while loop.time() < deadline:
        if await asyncio.to_thread(holds):
            return True
        await asyncio.sleep(0.02)
    return False


def _client(world: World, keys: S3Keys) -> Minio:
    return Minio(
        world.stack.s3.endpoint,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        secure=False,
        region=world.stack.s3.region,
    )


def _denial(bucket: str, key: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": {"AWS": ["arn:aws:iam::*:user/app"]},
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{bucket}/{key}",
                }
            ],
        }
    )
