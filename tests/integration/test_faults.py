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
from pytest_sr.world.door import Door
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


SEALED_PARTS = ["container", "key record"]


@dataclass(frozen=True)
class SealedPair:
    """Two bundles in which something is sealed, and where the parts of the first lie."""

    world: World
    names: list[str]
    keys: dict[str, str]
    stored: dict[tuple[str, str], bytes]
    admin: Minio
    buckets: Buckets

    def now(self) -> dict[tuple[str, str], bytes | None]:
        """What lies in each place."""
        return {place: self.read(*place) for place in self.stored}

    def read(self, bucket: str, key: str) -> bytes | None:
        try:
            with self.admin.get_object(bucket, key) as answer:
                return answer.read()
        except S3Error:
            return None


@pytest.fixture
def pair(stack: StackAddresses) -> Iterator[SealedPair]:
    admin = client(stack, stack.s3.admin)
    buckets = Buckets(f"case-{secrets.token_hex(6)}")
    stored: dict[tuple[str, str], bytes] = {}
    names: list[str] = []
    keys: dict[str, str] = {}
    for each in (b"the second", b"the first"):
        container = hashlib.sha256(each).hexdigest()
        blob = hashlib.sha256(BLOB).hexdigest()
        artifacts = [
            {"content_hash": f"sha256:{blob}", "size": len(BLOB), "is_sealed": False},
            {"content_hash": f"sha256:{container}", "size": 10, "is_sealed": True},
        ]
        manifest = json.dumps({"artifacts": artifacts}).encode()
        digest = hashlib.sha256(manifest).hexdigest()
        keys = {
            "container": f"sha256/{digest}/blobs/{container}",
            "key record": f"keys/{digest}/{container}/0000000001.kek",
        }
        stored[buckets.evidence, f"sha256/{digest}/manifest.json"] = manifest
        stored[buckets.restricted, keys["container"]] = each
        stored[buckets.restricted, keys["key record"]] = b"the key of " + each
        names.insert(0, f"sha256:{digest}")
    for bucket in (buckets.evidence, buckets.restricted):
        admin.make_bucket(bucket)
    for (bucket, key), data in stored.items():
        admin.put_object(bucket, key, io.BytesIO(data), len(data))
    yield SealedPair(
        world=cast("World", SimpleNamespace(stack=stack, buckets=buckets)),
        names=names,
        keys=keys,
        stored=stored,
        admin=admin,
        buckets=buckets,
    )
    for place in stored:
        admin.remove_object(*place)
    for bucket in (buckets.evidence, buckets.restricted):
        admin.remove_bucket(bucket)


class TestSealedParts:
    """What is sealed in a bundle is spoilt where it lies, and nothing else is."""

    @pytest.mark.parametrize("part", SEALED_PARTS)
    @pytest.mark.parametrize("how", ["delete", "corrupt", "deny", "replace"])
    async def test_it_lands_on_that_part_alone_and_heals(self, pair, how, part):
        place = (pair.buckets.restricted, pair.keys[part])
        one, other = pair.names

        async with s3.spoil_object(
            pair.world, do=how, bundle=one, part=part, by=other
        ) as landing:
            assert landing.landed
            changed = {
                each for each, data in pair.now().items() if data != pair.stored[each]
            }

        assert changed == (set() if how == "deny" else {place})
        assert pair.now() == pair.stored

    @pytest.mark.parametrize("part", SEALED_PARTS)
    async def test_what_is_put_in_its_place_is_the_other_s(self, pair, part):
        one, other = pair.names
        place = (pair.buckets.restricted, pair.keys[part])
        theirs = {"container": b"the second", "key record": b"the key of the second"}

        async with s3.spoil_object(
            pair.world, do="replace", bundle=one, part=part, by=other
        ):
            assert pair.read(*place) == theirs[part]

    async def test_by_what_it_is_replaced_has_to_be_said(self, pair):
        with pytest.raises(WorldError, match="by which bundle"):
            async with s3.spoil_object(
                pair.world, do="replace", bundle=pair.names[0], part="container"
            ):
                pass

        assert pair.now() == pair.stored

    async def test_a_record_that_is_not_there_cannot_be_spoilt(self, pair):
        place = (pair.buckets.restricted, pair.keys["key record"])
        pair.admin.remove_object(*place)

        with pytest.raises(WorldError, match="there is nothing below keys/"):
            async with s3.spoil_object(
                pair.world, do="delete", bundle=pair.names[0], part="key record"
            ):
                pass


WAYS = {"lying": "corrupted", "garbled": "garbled", "down": "not answered"}


@pytest.fixture
def behind_door(pair: SealedPair) -> Iterator[SealedPair]:
    """The pair, in a world whose system asks the store through a door."""
    door = Door(pair.world.stack.s3.endpoint)
    door.open()
    cast("Any", pair.world).store = door
    yield pair
    door.close()


@pytest.mark.parametrize(("do", "seen"), WAYS.items())
class TestTroubledStore:
    """How the store answers one case is seen through that case's door alone."""

    async def test_it_lands_and_heals_and_nothing_stored_is_touched(
        self, behind_door, do, seen
    ):
        world, (one, _) = behind_door.world, behind_door.names

        async with s3.trouble_store(world, do=do, bundle=one) as landing:
            assert landing.landed
            assert landing.detail.endswith(seen)
            assert behind_door.now() == behind_door.stored

    async def test_an_inert_twin_does_not_land(
        self, behind_door, do, seen, monkeypatch
    ):
        del seen
        monkeypatch.setattr(Door, "reply", Door._handed_on)  # noqa: SLF001 - the twin
        world, (one, _) = behind_door.world, behind_door.names

        async with s3.trouble_store(world, do=do, bundle=one) as landing:
            assert not landing.landed
            assert landing.detail.endswith("intact")

    async def test_what_is_gone_meanwhile_is_an_error(self, behind_door, do, seen):
        del seen
        world, (one, _) = behind_door.world, behind_door.names
        place = (behind_door.buckets.restricted, behind_door.keys["container"])

        with pytest.raises(WorldError, match="is not what it was before the fault"):
            async with s3.trouble_store(world, do=do, bundle=one):
                behind_door.admin.remove_object(*place)


class TestWhatIsNotThere:
    async def test_a_bundle_that_is_not_there_cannot_be_spoiled(self, bundle):
        unknown = f"sha256:{'0' * 64}"

        with pytest.raises(S3Error):
            async with s3.spoil_object(bundle.world, do="delete", bundle=unknown):
                pass
