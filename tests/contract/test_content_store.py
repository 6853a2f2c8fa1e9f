"""What every `ContentStore` owes its callers; run over each adapter there is."""

from __future__ import annotations

import asyncio
import io
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from tests.conftest import Bucket, a_bucket, server_of
from tests.minio_server import S3_SERVERS

from sr_core.adapters.memory.content_store import MemoryContentStore
from sr_core.adapters.s3.buckets import ensure_buckets, missing_buckets, unprotected
from sr_core.adapters.s3.connection import S3Access
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.application.spool import Spool, Spooled
from sr_core.domain.refs import hash_bytes
from sr_core.ports.content_store import (
    PIECE_BYTES,
    ContentConflict,
    ContentStore,
    ObjectKey,
    PartState,
    Unretrievable,
)
from sr_core.ports.errors import Unavailable, Unfit

pytestmark = pytest.mark.anyio

KEY = ObjectKey("sha256/00/manifest.json")
DATA = b'{"verdict":"PASS"}'
GUESSED = "guessed"


@pytest.fixture(params=["memory", *S3_SERVERS])
def store(request: pytest.FixtureRequest) -> Iterator[ContentStore]:
    if request.param == "memory":
        yield MemoryContentStore()
        return
    with a_bucket(*server_of(request, request.param)) as made:
        yield S3ContentStore(made.access(), bucket=made.name)


@pytest.fixture
def s3_store(bucket) -> S3ContentStore:
    return S3ContentStore(bucket.access(), bucket=bucket.name)


class TestWhatIsPut:
    """A8: written once, read back, and checked at every read."""

    @pytest.mark.parametrize("data", [DATA, b"", bytes(range(256)) * 4096])
    async def test_reads_back(self, store, data):
        await store.put(KEY, data)

        assert await store.get(KEY, expected=hash_bytes(data)) == data

    async def test_may_be_put_again(self, store):
        await store.put(KEY, DATA)

        await store.put(KEY, DATA)

        assert await store.get(KEY, expected=hash_bytes(DATA)) == DATA

    async def test_is_never_overwritten(self, store):
        await store.put(KEY, DATA)

        with pytest.raises(ContentConflict, match="other bytes"):
            await store.put(KEY, b"other")

        assert await store.get(KEY, expected=hash_bytes(DATA)) == DATA

    async def test_in_a_race_is_what_one_of_them_put(self, store):
        contents = [b"%d" % number for number in range(16)]

        results = await asyncio.gather(
            *(store.put(KEY, each) for each in contents), return_exceptions=True
        )

        assert [type(each) for each in results].count(ContentConflict) == 15
        winner = contents[results.index(None)]
        assert await store.get(KEY, expected=hash_bytes(winner)) == winner


class TestWhatIsNotThere:
    """C-EVID-6: the answer says what was found instead."""

    async def test_is_missing(self, store):
        with pytest.raises(Unretrievable, match="is MISSING") as error:
            await store.get(KEY, expected=hash_bytes(DATA))

        assert (error.value.key, error.value.state) == (KEY, PartState.MISSING)

    async def test_is_corrupted_if_other_bytes_are(self, store):
        await store.put(KEY, b"other")

        with pytest.raises(Unretrievable, match="is CORRUPTED"):
            await store.get(KEY, expected=hash_bytes(DATA))


SIZES = [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES]


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as it:
        yield it


def spooled(spool: Spool, data: bytes) -> Spooled:
    entry = spool.entry()
    entry.add(data)
    return entry.end()


def patterned(size: int) -> bytes:
    """Bytes of which no two pieces are alike."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4)))[:size]


async def gathered(
    store: ContentStore, expected: bytes, came: list[bytes] | None = None
) -> list[bytes]:
    """Read all there is; `came` has the beginning of it where it was not to the end."""
    came = [] if came is None else came
    async for each in store.pieces(KEY, expected=hash_bytes(expected)):
        came.append(each)
    return came


class TestWhatIsNotInMemory:
    """R-ENC-12: it is put and read a piece at a time, by the same rules."""

    @pytest.mark.parametrize("size", SIZES)
    async def test_reads_back(self, store, spool, size):
        data = patterned(size)

        await store.put(KEY, spooled(spool, data))

        assert await store.get(KEY, expected=hash_bytes(data)) == data
        pieces = await gathered(store, data)
        assert b"".join(pieces) == data
        assert all(0 < len(each) <= PIECE_BYTES for each in pieces)

    @pytest.mark.parametrize("size", SIZES)
    async def test_may_be_put_again(self, store, spool, size):
        data = patterned(size)
        await store.put(KEY, data)

        await store.put(KEY, spooled(spool, data))

        assert await store.get(KEY, expected=hash_bytes(data)) == data

    async def test_is_never_overwritten(self, store, spool):
        await store.put(KEY, DATA)

        with pytest.raises(ContentConflict, match="other bytes"):
            await store.put(KEY, spooled(spool, patterned(2 * PIECE_BYTES)))

        assert await store.get(KEY, expected=hash_bytes(DATA)) == DATA

    async def test_in_a_race_is_what_one_of_them_put(self, store, spool):
        contents = [b"%d" % number * PIECE_BYTES for number in range(4)]
        sources = [spooled(spool, each) for each in contents]

        results = await asyncio.gather(
            *(store.put(KEY, each) for each in sources), return_exceptions=True
        )

        assert [type(each) for each in results].count(ContentConflict) == 3
        winner = contents[results.index(None)]
        assert await store.get(KEY, expected=hash_bytes(winner)) == winner

    async def test_is_missing_if_it_is_not_there(self, store):
        with pytest.raises(Unretrievable, match="is MISSING"):
            await gathered(store, DATA)

    @pytest.mark.parametrize("size", SIZES[1:])
    async def test_never_ends_with_another_hash(self, store, size):
        data = patterned(size)
        await store.put(KEY, data)
        came: list[bytes] = []

        with pytest.raises(Unretrievable, match="is CORRUPTED"):
            await gathered(store, b"other", came)

        assert len(b"".join(came)) < size


class TestSomebodyAtTheBucket:
    async def test_who_overwrites_is_found_out(self, s3_store, bucket):
        await s3_store.put(KEY, DATA)
        bucket.admin.put_object(bucket.name, KEY, io.BytesIO(b"PASS"), 4)

        with pytest.raises(Unretrievable, match="is CORRUPTED"):
            await s3_store.get(KEY, expected=hash_bytes(DATA))
        with pytest.raises(ContentConflict):
            await s3_store.put(KEY, DATA)

    async def test_who_removes_the_object_is_found_out(self, s3_store, bucket):
        await s3_store.put(KEY, DATA)
        bucket.admin.remove_object(bucket.name, KEY)

        with pytest.raises(Unretrievable, match="is MISSING"):
            await s3_store.get(KEY, expected=hash_bytes(DATA))

    async def test_who_denies_it_is_found_out(self, s3_store, bucket):
        await s3_store.put(KEY, DATA)
        with (
            bucket.denied("s3:GetObject", KEY),
            pytest.raises(Unretrievable, match="is DENIED"),
        ):
            await s3_store.get(KEY, expected=hash_bytes(DATA))

        assert await s3_store.get(KEY, expected=hash_bytes(DATA)) == DATA

    async def test_who_denies_writing_is_found_out(self, s3_store, bucket, spool):
        with bucket.denied("s3:PutObject", "sha256/*"):
            with pytest.raises(Unretrievable, match="is DENIED"):
                await s3_store.put(KEY, DATA)
            with pytest.raises(Unretrievable, match="is DENIED"):
                await s3_store.put(KEY, spooled(spool, DATA))

    async def test_is_no_reader_without_the_key(self, bucket):
        stranger = replace(bucket.access(), secret_key=GUESSED)

        with pytest.raises(Unretrievable, match="is DENIED"):
            await S3ContentStore(stranger, bucket=bucket.name).get(
                KEY, expected=hash_bytes(DATA)
            )


class TestNoUsableAnswer:
    """It says nothing about the object."""

    async def test_is_unavailable_where_nobody_listens(self):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            await assert_unavailable(store_at(held.getsockname()[1]))

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
            b"this is not HTTP\r\n\r\n",
            b"",
        ],
        ids=["503", "500", "redirect", "not HTTP", "hung up"],
    )
    async def test_is_unavailable(self, answer):
        with server(answer) as port:
            await assert_unavailable(store_at(port))

    async def test_is_unavailable_where_it_is_cut_short(self):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"

        with server(answer) as port, pytest.raises(Unavailable):
            await store_at(port).get(KEY, expected=hash_bytes(DATA))

    async def test_is_unavailable_where_it_never_comes(self):
        with server(None) as port:
            async with asyncio.timeout(2):
                await assert_unavailable(store_at(port, deadline_s=0.2))

    async def test_is_unavailable_where_it_drips(self):
        with server(b"HTTP/1.1 200 OK\r\n", drip=b"X: y\r\n") as port:
            async with asyncio.timeout(2):
                await assert_unavailable(store_at(port, deadline_s=0.3))

    async def test_is_unavailable_for_a_write_without_a_bucket(self, bucket):
        store = S3ContentStore(bucket.access(), bucket="no-such-bucket")

        with pytest.raises(Unavailable, match="no-such-bucket"):
            await store.put(KEY, DATA)

    async def test_is_unavailable_where_pieces_stop(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (3 * PIECE_BYTES)
        answer = head + bytes(2 * PIECE_BYTES)
        came: list[bytes] = []

        with server(answer) as port, pytest.raises(Unavailable):
            await gathered(store_at(port), b"", came)

        assert len(b"".join(came)) <= 2 * PIECE_BYTES

    async def test_is_unavailable_where_a_piece_drips(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n"

        with server(head, drip=b"x") as port:
            async with asyncio.timeout(2):
                with pytest.raises(Unavailable):
                    await gathered(store_at(port, deadline_s=0.3), DATA)

    async def test_is_unavailable_for_pieces_without_a_bucket(self, bucket, spool):
        store = S3ContentStore(bucket.access(), bucket="no-such-bucket")

        with pytest.raises(Unavailable, match="no-such-bucket"):
            await store.put(KEY, spooled(spool, DATA))


async def assert_unavailable(store: S3ContentStore) -> None:
    with pytest.raises(Unavailable) as error:
        await store.get(KEY, expected=hash_bytes(DATA))
    assert error.value.code == "UNAVAILABLE"
    with pytest.raises(Unavailable):
        await store.put(KEY, DATA)
    with pytest.raises(Unfit):
        await store.check()


def store_at(port: int, *, deadline_s: float = 2.0) -> S3ContentStore:
    return S3ContentStore(access_at(port, deadline_s=deadline_s), bucket="evidence")


def access_at(port: int, *, deadline_s: float = 2.0) -> S3Access:
    return S3Access(
        endpoint=f"127.0.0.1:{port}",
        access_key="app",
        secret_key=GUESSED,
        deadline_s=deadline_s,
    )


@contextmanager
def server(answer: bytes | None, *, drip: bytes = b"") -> Iterator[int]:
    """A server that gives `answer` to whatever it is asked; None is no answer at all."""
    over = threading.Event()

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            size = 0
            while line := self.rfile.readline().strip().lower():
                if line.startswith(b"content-length:"):
                    size = int(line.partition(b":")[2])
            self.rfile.read(size)  # a connection that ends with bytes unread is reset
            with suppress(OSError):
                self.wfile.write(answer or b"")
                while (drip or answer is None) and not over.wait(0.05):
                    self.wfile.write(drip)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as listening:
        serving = threading.Thread(target=listening.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield listening.server_address[1]
        finally:
            over.set()
            listening.shutdown()
            serving.join()


class TestReadiness:
    async def test_holds_where_the_bucket_is(self, s3_store):
        await s3_store.check()

    async def test_fails_where_it_is_not(self, bucket):
        with pytest.raises(Unfit, match=r"no-such-bucket.*404 NoSuchBucket"):
            await S3ContentStore(bucket.access(), bucket="no-such-bucket").check()

    async def test_fails_without_the_key(self, bucket):
        stranger = replace(bucket.access(), secret_key=GUESSED)

        with pytest.raises(Unfit, match="write was refused, 403") as refused:
            await S3ContentStore(stranger, bucket=bucket.name).check()

        assert GUESSED not in str(refused.value)

    async def test_fails_where_the_store_writes_over_what_is_there(self):
        # Said to be closed, so that no second question is asked on it.
        answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

        with server(answer) as port, pytest.raises(Unfit, match="If-None-Match"):
            await store_at(port).check()


class TestWhatAStoreDoesNotDo:
    """R-ATT-5: it is told, and never assumed."""

    async def test_a_plain_bucket_keeps_and_locks_nothing(self, bucket):
        assert await unprotected(admin_of(bucket), bucket.name) == (
            f"bucket {bucket.name} keeps no versions",
            f"bucket {bucket.name} has no object lock",
        )

    async def test_of_one_that_does_nothing_is_told(self, locked_bucket):
        assert await unprotected(admin_of(locked_bucket), locked_bucket.name) == ()

    @pytest.mark.parametrize(
        ("status", "code"), [(403, "AccessDenied"), (501, "NotImplemented")]
    )
    async def test_where_it_does_not_say_that_is_told(self, status, code):
        body = f"<Error><Code>{code}</Code></Error>".encode()
        head = (
            f"HTTP/1.1 {status} No\r\nContent-Type: application/xml\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        )

        with server(head.encode() + body) as port:
            said = await unprotected(access_at(port), "evidence")

        assert [each.partition(":")[0] for each in said] == [
            f"it is not told whether bucket evidence {asked}"
            for asked in ("keeps versions", "locks objects")
        ]

    async def test_silence_is_no_answer(self):
        with (
            server(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n") as port,
            pytest.raises(Unavailable),
        ):
            await unprotected(access_at(port), "evidence")


class TestBuckets:
    async def test_are_made_once(self, bucket):
        fresh = f"{bucket.name}-2"
        admin = admin_of(bucket)
        wanted = [bucket.name, fresh]
        try:
            assert await missing_buckets(admin, wanted) == (fresh,)
            assert await ensure_buckets(admin, wanted) == (fresh,)
            assert await ensure_buckets(admin, wanted) == ()
        finally:
            bucket.admin.remove_bucket(fresh)

    async def test_are_not_made_by_just_anybody(self, bucket):
        with pytest.raises(Unavailable):
            await ensure_buckets(bucket.access(), [f"{bucket.name}-2"])


def admin_of(bucket: Bucket) -> S3Access:
    keys = bucket.address.admin
    return replace(
        bucket.access(), access_key=keys.access_key, secret_key=keys.secret_key
    )
