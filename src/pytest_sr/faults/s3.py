"""Faults of the object store, done to the stored objects themselves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.error import S3Error
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from pytest_sr.faults.base import Landing
from pytest_sr.registry import fault
from pytest_sr.stack.addresses import S3Keys
from pytest_sr.world.door import Trouble
from pytest_sr.world.world import World, WorldError

How = Literal["delete", "corrupt", "deny", "replace"]
Part = Literal["manifest", "blob", "container", "key record"]

_WANTED: Final = {
    "delete": "missing",
    "corrupt": "corrupted",
    "deny": "denied",
    "replace": "corrupted",
}
DENIED_S_MAX: Final = 10.0


@fault("s3.object")
@asynccontextmanager
async def spoil_object(
    world: World,
    *,
    do: How,
    bundle: str,
    part: Part = "manifest",
    by: str | None = None,
) -> AsyncIterator[Landing]:
    """Delete, corrupt, deny or replace one object of an evidence bundle.

    Args:
        bundle: the hash of the bundle's manifest
        part: the manifest, its first open blob with bytes, or what is sealed in it
        by: the bundle whose same part is put in its place, if it is replaced

    """
    store = _Store(world, _bucket(world, part))
    key = await asyncio.to_thread(_located, world, bundle, part)
    original = await asyncio.to_thread(store.bytes_of, key)
    digest = f"sha256:{hashlib.sha256(original).hexdigest()}"
    other = await _bytes_instead(world, store, do, part, by)
    await asyncio.to_thread(store.spoil, key, do, original if other is None else other)
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


@fault("s3.answers")
@asynccontextmanager
async def trouble_store(
    world: World, *, do: Literal["lying", "garbled", "down"], bundle: str
) -> AsyncIterator[Landing]:
    """Have the way to the bucket of what is sealed be in trouble.

    Args:
        do: lying alters containers, garbled lists of key records; down hangs up
        bundle: one in which something is sealed, by which it is seen

    """
    door = world.store
    assert door is not None, "a case with this fault has a door to the store"
    bucket = world.buckets.restricted
    store = _Store(world, bucket, endpoint=door.address)
    key = await asyncio.to_thread(_located, world, bundle, "container")
    trouble, wanted = {
        "lying": (Trouble(do="alter", where=f"/{bucket}/sha256/"), "corrupted"),
        "garbled": (Trouble(do="alter", where="prefix=keys"), "garbled"),
        "down": (Trouble(do="hang up", where=f"/{bucket}"), "not answered"),
    }[do]
    with door.troubled(trouble):
        seen = await asyncio.to_thread(_seen_through, store, key)
        yield Landing(landed=seen == wanted, detail=f"{key} through the door: {seen}")
    if (seen := await asyncio.to_thread(_seen_through, store, key)) != "intact":
        message = f"{key} is not what it was before the fault: {seen}"
        raise WorldError(message)


def _seen_through(store: _Store, key: str) -> str:
    """Return what becomes of a container through a door, or of the list of its keys."""
    digest = key.rpartition("/")[2]
    seen = store.seen(key, f"sha256:{digest}")
    return store.listed("keys/") if seen == "intact" else seen


class _Store:
    """One of the case's buckets: spoilt as its administrator, read as the platform."""

    def __init__(
        self, world: World, bucket: str, *, endpoint: str | None = None
    ) -> None:
        self._bucket = bucket
        self._admin = _client(world, world.stack.s3.admin)
        self._app = _client(world, world.stack.s3.app, endpoint=endpoint)

    def bytes_of(self, key: str) -> bytes:
        """Return an object's bytes."""
        with self._admin.get_object(self._bucket, key) as answer:
            return answer.read()

    def first_below(self, prefix: str) -> str:
        """Return the key of the first object below the prefix."""
        found = self._admin.list_objects(self._bucket, prefix=prefix, recursive=True)
        first = next(iter(found), None)
        if first is None:
            message = f"there is nothing below {prefix}"
            raise WorldError(message)
        return str(first.object_name)

    def spoil(self, key: str, do: How, data: bytes) -> None:
        """Do the damage, with the object's own bytes or, to replace them, another's."""
        match do:
            case "delete":
                self._admin.remove_object(self._bucket, key)
            case "corrupt":
                self._put(key, bytes([data[0] ^ 1]) + data[1:])
            case "replace":
                self._put(key, data)
            case "deny":
                denial = _denial(self._bucket, key)
                self._admin.set_bucket_policy(self._bucket, denial)

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
        except HTTPError:
            return "not answered"
        found = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return "intact" if found == digest else "corrupted"

    def listed(self, prefix: str) -> str:
        """Return what the platform's own identity makes of a list of keys."""
        try:
            list(self._app.list_objects(self._bucket, prefix, recursive=True))
        except ParseError:
            return "garbled"
        return "intact"

    async def becomes(self, key: str, digest: str, wanted: str) -> bool:
        """Return whether the object is soon found as `wanted`."""
        return await _soon(lambda: self.seen(key, digest) == wanted)

    def _put(self, key: str, data: bytes) -> None:
        self._admin.put_object(self._bucket, key, io.BytesIO(data), len(data))


def _bucket(world: World, part: Part) -> str:
    is_open = part in {"manifest", "blob"}
    return world.buckets.evidence if is_open else world.buckets.restricted


def _located(world: World, bundle: str, part: Part) -> str:
    """Return the key of the part; what is sealed is named by the manifest too."""
    folder = f"sha256/{bundle.removeprefix('sha256:')}"
    if part == "manifest":
        return f"{folder}/manifest.json"
    manifest = json.loads(
        _Store(world, world.buckets.evidence).bytes_of(f"{folder}/manifest.json")
    )
    digest: str = next(
        each["content_hash"].removeprefix("sha256:")
        for each in manifest["artifacts"]
        if each["size"] and bool(each.get("is_sealed")) == (part != "blob")
    )
    if part != "key record":
        return f"{folder}/blobs/{digest}"
    keys = f"keys/{bundle.removeprefix('sha256:')}/{digest}/"
    return _Store(world, world.buckets.restricted).first_below(keys)


async def _bytes_instead(
    world: World, store: _Store, do: How, part: Part, by: str | None
) -> bytes | None:
    """Return what is put in the object's place; None if it is not replaced."""
    if do != "replace":
        return None
    if by is None:
        message = "it is not said by which bundle's part it is replaced"
        raise WorldError(message)
    key = await asyncio.to_thread(_located, world, by, part)
    return await asyncio.to_thread(store.bytes_of, key)


async def _soon(holds: Callable[[], bool]) -> bool:
    """Return whether `holds` does, within the time that a policy takes to spread."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DENIED_S_MAX
    while loop.time() < deadline:
        if await asyncio.to_thread(holds):
            return True
        await asyncio.sleep(0.02)
    return False


def _client(world: World, keys: S3Keys, *, endpoint: str | None = None) -> Minio:
    return Minio(
        endpoint or world.stack.s3.endpoint,
        http_client=None if endpoint is None else PoolManager(retries=False),
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
