"""The faults of the object store, done to a real one and seen as the platform sees it."""

import hashlib
import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from minio import Minio
from minio.error import S3Error

from pytest_sr.faults import s3
from pytest_sr.stack.addresses import S3Keys, StackAddresses
from pytest_sr.world.world import Buckets, World, WorldError

pytestmark = pytest.mark.anyio

BLOB = b"all is well"
SEEN = {"delete": "missing", "corrupt": "corrupted", "deny": "denied"}
HOWS = sorted(SEEN)
PARTS = ["manifest", "blob"]


@dataclass(frozen=True)
class Bundle:
    """An evidence bundle in a bucket of its own, and the world that a fault is given."""

    world: World
    digest: str
    keys: dict[str, str]
    app: Minio
    admin: Minio
    bucket: str

    def found(self, key: str) -> str:
        """Return what the platform's identity finds at the key."""
        try:
            with self.app.get_object(self.bucket, key) as answer:
                data = answer.read()
        except S3Error as error:
            return {"NoSuchKey": "missing", "AccessDenied": "denied"}[str(error.code)]
        named = key.removesuffix("/manifest.json").rpartition("/")[2]
        return "intact" if hashlib.sha256(data).hexdigest() == named else "corrupted"

    def all_found(self) -> dict[str, str]:
        return {part: self.found(key) for part, key in self.keys.items()}


def client(stack: StackAddresses, keys: S3Keys) -> Minio:
    return Minio(
        stack.s3.endpoint,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        secure=False,
        region=stack.s3.region,
    )


@pytest.fixture
def bundle(stack: StackAddresses) -> Iterator[Bundle]:
    admin, app = client(stack, stack.s3.admin), client(stack, stack.s3.app)
    buckets = Buckets(f"case-{secrets.token_hex(6)}")
    blob = hashlib.sha256(BLOB).hexdigest()
    empty = hashlib.sha256(b"").hexdigest()
    artifacts = [
        {"name": "empty", "content_hash": f"sha256:{empty}", "size": 0},
        {"name": "log", "content_hash": f"sha256:{blob}", "size": len(BLOB)},
    ]
    manifest = json.dumps({"artifacts": artifacts}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    stored = {
        f"sha256/{digest}/manifest.json": manifest,
        f"sha256/{digest}/blobs/{blob}": BLOB,
        f"sha256/{digest}/blobs/{empty}": b"",
    }
    admin.make_bucket(buckets.evidence)
    for key, data in stored.items():
        admin.put_object(buckets.evidence, key, io.BytesIO(data), len(data))
    manifest_key, blob_key, _ = stored
    yield Bundle(
        # A fault looks at nothing else of a world.
        world=cast("World", SimpleNamespace(stack=stack, buckets=buckets)),
        digest=f"sha256:{digest}",
        keys={"manifest": manifest_key, "blob": blob_key},
        app=app,
        admin=admin,
        bucket=buckets.evidence,
    )
    for key in stored:
        admin.remove_object(buckets.evidence, key)
    admin.remove_bucket(buckets.evidence)


def spoilt(bundle: Bundle, how: Any, part: Any) -> Any:
    return s3.spoil_object(bundle.world, do=how, bundle=bundle.digest, part=part)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("how", HOWS)
class TestSpoiledObject:
    """D2: what is done to a stored object is seen, and so is that it is undone."""

    async def test_it_lands_on_that_part_alone_and_heals(self, bundle, how, part):
        (other,) = {*PARTS} - {part}

        async with spoilt(bundle, how, part) as landing:
            assert bundle.all_found() == {part: SEEN[how], other: "intact"}
            assert landing.landed
            assert landing.detail.endswith(f"reads it: {SEEN[how]}")

        assert bundle.all_found() == {"manifest": "intact", "blob": "intact"}

    async def test_it_heals_after_an_exception_inside(self, bundle, how, part):
        with pytest.raises(LookupError):
            async with spoilt(bundle, how, part):
                raise LookupError

        assert bundle.all_found() == {"manifest": "intact", "blob": "intact"}

    async def test_an_inert_twin_does_not_land(self, bundle, how, part, monkeypatch):
        monkeypatch.setattr(s3, "DENIED_S_MAX", 0.1)
        for name in ("spoil", "restore"):
            monkeypatch.setattr(s3._Store, name, lambda *_: None)  # noqa: SLF001 - the twin

        async with spoilt(bundle, how, part) as landing:
            assert not landing.landed
            assert landing.detail.endswith("reads it: intact")

    async def test_what_is_not_undone_is_an_error(self, bundle, how, part, monkeypatch):
        monkeypatch.setattr(s3, "DENIED_S_MAX", 0.5)
        monkeypatch.setattr(s3._Store, "restore", lambda *_: None)  # noqa: SLF001 - the twin

        with pytest.raises(WorldError, match="is not what it was before the fault"):
            async with spoilt(bundle, how, part):
                pass


class TestWhatIsNotThere:
    async def test_a_bundle_that_is_not_there_cannot_be_spoiled(self, bundle):
        unknown = f"sha256:{'0' * 64}"

        with pytest.raises(S3Error):
            async with s3.spoil_object(bundle.world, do="delete", bundle=unknown):
                pass
