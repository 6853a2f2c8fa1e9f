"""What every `KeyRecords` owes its callers (R-ENC-8, R-ENC-14)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from minio.commonconfig import ENABLED
from minio.datatypes import Object
from minio.versioningconfig import VersioningConfig
from tests.conftest import a_bucket, server_of
from tests.minio_server import S3_SERVERS

from pytest_sr.world.door import Door, Reply, Trouble
from sr_core.adapters.memory.key_records import MemoryKeyRecords
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.adapters.s3.key_records import S3KeyRecords
from sr_core.ports.content_store import (
    ContentConflict,
    ObjectKey,
    PartState,
    Unretrievable,
)
from sr_core.ports.errors import Unavailable
from sr_core.ports.key_records import KeyRecords, Unremovable

pytestmark = pytest.mark.anyio

OLD = ObjectKey("keys/aa/bb/0000000001.a-kek")
NEW = ObjectKey("keys/aa/bb/0000000002.a-kek")
OTHER = ObjectKey("keys/aa/cc/0000000001.a-kek")
DATA = b"SRKR and more"


@pytest.fixture(params=["memory", *S3_SERVERS])
def records(request: pytest.FixtureRequest) -> Iterator[KeyRecords]:
    if request.param == "memory":
        yield MemoryKeyRecords()
        return
    with a_bucket(*server_of(request, request.param)) as made:
        yield S3KeyRecords(made.access(), bucket=made.name)


@pytest.fixture
def s3_records(bucket) -> S3KeyRecords:
    return S3KeyRecords(bucket.access(), bucket=bucket.name)


class TestRecords:
    async def test_what_was_added_reads_back(self, records):
        await records.add(OLD, DATA)

        assert await records.read(OLD) == DATA

    async def test_it_may_be_added_again_and_never_changed(self, records):
        await records.add(OLD, DATA)
        await records.add(OLD, DATA)

        with pytest.raises(ContentConflict):
            await records.add(OLD, b"another")

        assert await records.read(OLD) == DATA

    async def test_they_are_found_in_order_below_their_place(self, records):
        for each in (OTHER, NEW, OLD):
            await records.add(each, DATA)

        assert list(await records.found("keys/aa/bb/")) == [OLD, NEW]
        assert list(await records.found("keys/")) == [OLD, NEW, OTHER]
        assert list(await records.found("keys/bb/")) == []

    async def test_what_is_not_there_is_missing(self, records):
        with pytest.raises(Unretrievable) as error:
            await records.read(OLD)

        assert error.value.state is PartState.MISSING

    async def test_what_is_removed_is_gone_and_nothing_else_is(self, records):
        await records.add(OLD, DATA)
        await records.add(NEW, DATA)

        await records.remove(OLD)
        await records.remove(OLD)

        assert list(await records.found("keys/")) == [NEW]

    async def test_in_its_place_another_may_be_added(self, records):
        await records.add(OLD, DATA)
        await records.remove(OLD)

        await records.add(OLD, b"another")

        assert await records.read(OLD) == b"another"


class Overwritten(S3KeyRecords):
    """Key records to which somebody writes after each look at the versions."""

    def __init__(self, bucket: Any) -> None:
        super().__init__(bucket.access(), bucket=bucket.name)
        self._theirs = bucket

    def _versions(self, key: ObjectKey) -> list[Object]:
        found = super()._versions(key)
        if len(found) == 1 and not hasattr(self, "_wrote"):
            self._wrote = True
            self._theirs.admin.put_object(self._bucket, key, io.BytesIO(b"over it"), 7)
        return found


class TestABucketWithVersions:
    """R-ENC-14: a mark that something is removed removes nothing."""

    @pytest.fixture
    def versioned(self, bucket, s3_records) -> S3KeyRecords:
        bucket.admin.set_bucket_versioning(bucket.name, VersioningConfig(ENABLED))
        made: S3KeyRecords = s3_records
        return made

    def versions(self, bucket) -> list[str]:
        stored = bucket.admin.list_objects(
            bucket.name, recursive=True, include_version=True
        )
        return [each.object_name for each in stored]

    async def test_every_version_is_gone(self, versioned, bucket):
        await versioned.add(OLD, DATA)
        bucket.admin.put_object(bucket.name, OLD, io.BytesIO(b"over it"), 7)
        bucket.admin.remove_object(bucket.name, OLD)
        await versioned.add(NEW, DATA)
        assert len(self.versions(bucket)) == 4

        await versioned.remove(OLD)

        assert self.versions(bucket) == [NEW]

    async def test_control_a_plain_removal_leaves_the_bytes(self, versioned, bucket):
        await versioned.add(OLD, DATA)

        bucket.admin.remove_object(bucket.name, OLD)

        assert list(await versioned.found("keys/")) == []
        assert len(self.versions(bucket)) == 2

    async def test_a_version_that_came_meanwhile_is_told(self, versioned, bucket):
        await versioned.add(OLD, DATA)

        with pytest.raises(Unremovable):
            await Overwritten(bucket).remove(OLD)

        assert self.versions(bucket) == [OLD]

    async def test_what_is_locked_is_told_not_to_be_gone(self, locked_bucket):
        records = S3KeyRecords(locked_bucket.access(), bucket=locked_bucket.name)
        await records.add(OLD, DATA)

        with pytest.raises(Unremovable, match="still in the store"):
            await records.remove(OLD)

        assert await records.read(OLD) == DATA


async def test_silence_is_not_absence(bucket):
    nowhere = S3KeyRecords(bucket.access(), bucket="no-such-bucket-at-all")

    with pytest.raises(Unavailable):
        await nowhere.found("keys/")


@pytest.mark.parametrize("what", ["list", "answer"])
async def test_a_list_that_is_garbled_is_no_answer(s3_records, bucket, what):
    """A store that says what nobody can read has not said that there is nothing."""
    await s3_records.add(OLD, DATA)
    door = Door(bucket.address.endpoint)
    door.open()
    told = replace(bucket.access(), endpoint=door.address)
    through = S3KeyRecords(told, bucket=bucket.name)
    trouble = {
        "list": Trouble(do="alter", where="prefix="),
        "answer": Trouble(
            do="answer", where="prefix=", answer=Reply(status=200, body=b"<")
        ),
    }[what]
    try:
        with door.troubled(trouble), pytest.raises(Unavailable):
            await through.found("keys/")
        assert await through.found("keys/") == [OLD]
    finally:
        door.close()


async def test_it_is_a_content_store_too(s3_records):
    assert isinstance(s3_records, S3ContentStore)
