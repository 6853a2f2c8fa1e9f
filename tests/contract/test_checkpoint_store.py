"""What every `CheckpointStore` owes its callers; run over each adapter there is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from minio.error import S3Error
from tests.conftest import Bucket, a_locked_bucket, server_of
from tests.minio_server import S3_SERVERS

from sr_core.adapters.memory.checkpoints import MemoryCheckpointStore
from sr_core.adapters.s3.buckets import LockedBucket, ensure_locked, unlocked
from sr_core.adapters.s3.checkpoints import S3CheckpointStore
from sr_core.ports.checkpoints import CheckpointStore
from sr_core.ports.content_store import (
    ContentConflict,
    ObjectKey,
    Unretrievable,
)
from sr_core.ports.errors import Unavailable, Unfit

pytestmark = pytest.mark.anyio

KEY = ObjectKey("checkpoint/00000000000000000200")
LATER = ObjectKey("checkpoint/00000000000000000300")
ELSEWHERE = ObjectKey("leaves/00000000000000000200")

Tamper = Callable[[ObjectKey, bytes | None], None]


@pytest.fixture(params=["memory", *S3_SERVERS])
def both(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[CheckpointStore, Tamper]]:
    """A store, and what somebody can do to it who may write there."""
    if request.param == "memory":
        memory = MemoryCheckpointStore()
        yield memory, memory.tamper
        return
    with a_locked_bucket(*server_of(request, request.param)) as bucket:
        yield S3CheckpointStore(bucket.access(), bucket=bucket.name), tampering(bucket)


def tampering(bucket: Bucket) -> Tamper:
    client = bucket.access()
    app = client.client(client.pool())

    def tamper(key: ObjectKey, data: bytes | None) -> None:
        if data is None:
            app.remove_object(bucket.name, key)
        else:
            app.put_object(bucket.name, key, io.BytesIO(data), len(data))

    return tamper


@pytest.fixture
def store(both) -> CheckpointStore:
    kept: CheckpointStore = both[0]
    return kept


@pytest.fixture
def tamper(both) -> Tamper:
    act: Tamper = both[1]
    return act


class TestWhatIsPut:
    """R-EVT-9: written once, and what was written first is what is read."""

    async def test_is_listed_by_name_and_read(self, store):
        for key in (LATER, ELSEWHERE, KEY):
            await store.put(key, key.encode())

        kept = await store.kept("checkpoint/")

        assert [(each.key, each.changed) for each in kept] == [
            (KEY, None),
            (LATER, None),
        ]
        assert [await store.first(each) for each in kept] == [
            KEY.encode(),
            LATER.encode(),
        ]

    async def test_may_be_put_again_and_not_otherwise(self, store):
        await store.put(KEY, b"first")
        await store.put(KEY, b"first")

        with pytest.raises(ContentConflict):
            await store.put(KEY, b"other")

        (kept,) = await store.kept(KEY)
        assert (kept.changed, await store.first(kept)) == (None, b"first")

    async def test_is_still_read_where_somebody_writes_over_it(self, store, tamper):
        await store.put(KEY, b"first")
        for each in (b"second", b"third"):
            tamper(KEY, each)

        (kept,) = await store.kept(KEY)

        assert kept.changed == "2 later versions"
        assert await store.first(kept) == b"first"

    async def test_is_still_read_where_somebody_removes_it(self, store, tamper):
        await store.put(KEY, b"first")
        tamper(KEY, None)
        await store.put(KEY, b"again")

        (kept,) = await store.kept(KEY)

        assert kept.changed == "a mark that it is removed"
        assert await store.first(kept) == b"first"

    async def test_that_was_never_there_is_only_a_mark(self, store, tamper, request):
        tamper(KEY, None)

        if request.node.callspec.params["both"] == "minio":
            assert await store.kept(KEY) == []  # it makes no mark where nothing was
            return
        (kept,) = await store.kept(KEY)
        with pytest.raises(Unretrievable):
            await store.first(kept)

    async def test_is_nothing_at_first(self, store):
        assert list(await store.kept("checkpoint/")) == []


class TestTheBucket:
    async def test_lets_nobody_remove_what_was_put(self, locked_bucket):
        store = S3CheckpointStore(locked_bucket.access(), bucket=locked_bucket.name)
        await store.put(KEY, b"first")
        (kept,) = await store.kept(KEY)
        app = locked_bucket.access()

        with pytest.raises(S3Error, match=r"AccessDenied|WORM protected"):
            app.client(app.pool()).remove_object(
                locked_bucket.name, KEY, version_id=kept.version
            )

    async def test_has_to_be_there(self, bucket):
        store = S3CheckpointStore(bucket.access(), bucket=f"{bucket.name}-none")

        with pytest.raises(Unavailable):
            await store.kept("checkpoint/")

    async def test_has_to_be_made_with_its_lock(self, bucket):
        wanted = LockedBucket(name=bucket.name, mode="GOVERNANCE", days=1)
        admin = admin_of(bucket)

        said = await unlocked(admin, wanted)
        with pytest.raises(Unfit, match="has no object lock"):
            await ensure_locked(admin, wanted)

        assert said == (f"bucket {bucket.name} has no object lock",)

    async def test_is_made_once(self, locked_bucket):
        wanted = LockedBucket(name=locked_bucket.name, mode="GOVERNANCE", days=1)

        assert await ensure_locked(admin_of(locked_bucket), wanted) == ()
        assert await unlocked(admin_of(locked_bucket), wanted) == ()


def admin_of(bucket):
    keys = bucket.address.admin
    return replace(
        bucket.access(), access_key=keys.access_key, secret_key=keys.secret_key
    )
