"""Objects in one bucket of an S3-compatible store (C-EVID-2, C-EVID-6).

The client signs an address, and the request goes out from here: its own `put_object`
would take ``If-None-Match`` for a note about the object, and overwrite. Only the host
is signed, so the header may be added; the store honours it all the same.

    status        put                          get
    2xx           read back, compare           compare with the hash: CORRUPTED
    412           read what is there, compare  -
    403           DENIED                       DENIED
    404           Unavailable: no bucket       MISSING
    any other     Unavailable                  Unavailable

What is not in memory is written and read in pieces, and each piece has the deadline to
itself. Before such a write it is looked whether the object is there: a store that answers
412 while the body is still coming may break off the connection, and the answer with it.

A body shorter than its ``Content-Length`` is Unavailable, not CORRUPTED: the store said
how much it holds and the way to us lost some, which says nothing about the object. One
that was cut short where it lies has a length to match, and another hash.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final, TypeVar
from xml.etree.ElementTree import ParseError

from minio.error import MinioException
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from sr_core.adapters.s3.connection import S3Access
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.content_store import (
    PIECE_BYTES,
    ContentConflict,
    Data,
    ObjectKey,
    PartState,
    Source,
    Unretrievable,
)
from sr_core.ports.errors import Unavailable, Unfit

ADDRESS_LIFETIME: Final = timedelta(minutes=1)
_ONLY_IF_NEW: Final = {
    "If-None-Match": "*",
    "Content-Type": "application/octet-stream",
}
PROBE_KEY: Final = ObjectKey("probe/ready")
PROBE: Final = b"written to see whether it can be\n"
_OTHER_BYTES: Final = f"{PROBE_KEY} does not read back as it was written"
_OVERWRITES: Final = "it does not heed If-None-Match, and writes over what is there"
_CODE: Final = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
_NO_ANSWER: Final = (HTTPError, MinioException, OSError, TimeoutError, ParseError)
"""What the drivers raise where the store gave no answer, or none of its form."""
T = TypeVar("T")


class S3ContentStore:
    """A `ContentStore` in one bucket, which is there already."""

    def __init__(self, access: S3Access, *, bucket: str) -> None:
        self._bucket = bucket
        self._deadline_s = access.deadline_s
        self._pool = access.pool()
        self._client = access.client(self._pool)

    async def put(self, key: ObjectKey, data: Data) -> None:
        """See `ContentStore.put`."""
        if isinstance(data, bytes):
            await self._answer(lambda: self._put(key, data))
        else:
            await self._put_pieces(key, data)

    async def get(self, key: ObjectKey, *, expected: ContentHash) -> bytes:
        """See `ContentStore.get`."""
        return await self._answer(lambda: self._get(key, expected))

    async def pieces(
        self, key: ObjectKey, *, expected: ContentHash
    ) -> AsyncGenerator[bytes, None]:
        """See `ContentStore.pieces`."""
        answer = await self._answer(lambda: self._opened(key))
        seen, held = hashlib.sha256(), b""
        try:
            while piece := await self._answer(lambda: answer.read(PIECE_BYTES)):
                if held:
                    yield held
                await asyncio.to_thread(seen.update, piece)
                held = piece
            if f"sha256:{seen.hexdigest()}" != expected:
                raise Unretrievable(key=key, state=PartState.CORRUPTED)
            if held:
                yield held
        finally:
            answer.close()

    async def check(self) -> None:
        """Return if these credentials can write to the bucket and read from it.

        One small object is written there, once and for ever: a second write of it has to
        be refused, or nothing that is stored here would be safe from the next.

        Raises:
            Unfit: the store is out of reach, refuses us, gives back other bytes, or
                writes over what is there.

        """
        try:
            async with asyncio.timeout(self._deadline_s):
                await asyncio.to_thread(self._probe)
        except (HTTPError, MinioException, OSError, TimeoutError) as error:
            raise self._unfit(type(error).__name__) from error

    def _probe(self) -> None:
        status, said = self._write_probe()
        if status == HTTPStatus.OK:  # that it was not there is shown by a second one
            status, said = self._write_probe()
        if status == HTTPStatus.OK:
            raise self._unfit(_OVERWRITES)
        if status != HTTPStatus.PRECONDITION_FAILED:
            raise self._unfit(_refusal("write", status, said))
        status, said = self._ask("GET", PROBE_KEY)
        if status != HTTPStatus.OK:
            raise self._unfit(_refusal("read", status, said))
        if said != PROBE:
            raise self._unfit(_OTHER_BYTES)

    def _write_probe(self) -> tuple[int, bytes]:
        return self._ask("PUT", PROBE_KEY, body=PROBE, headers=_ONLY_IF_NEW)

    def _unfit(self, cause: str) -> Unfit:
        return Unfit(system=f"the bucket {self._bucket}", cause=cause)

    def _put(self, key: ObjectKey, data: bytes) -> None:
        headers = {**_ONLY_IF_NEW, "Content-MD5": _md5([data])}
        status, _ = self._ask("PUT", key, body=data, headers=headers)
        match status:
            case HTTPStatus.OK:
                self._get(key, hash_bytes(data))
            case HTTPStatus.PRECONDITION_FAILED:
                if self._read(key) != data:
                    raise ContentConflict(key=key)
            case HTTPStatus.FORBIDDEN:
                raise Unretrievable(key=key, state=PartState.DENIED)
            case _:
                raise self._unavailable()

    async def _put_pieces(self, key: ObjectKey, source: Source) -> None:
        """Write what is not in memory, and read it back; see `ContentStore.put`."""
        if await self._holds(key, source):
            return
        within_s = self._deadline_s * (1 + source.size / PIECE_BYTES)
        is_new = await self._answer(lambda: self._send(key, source), within_s=within_s)
        if not is_new and await self._holds(key, source):
            return
        await self._read_through(key, source)

    async def _holds(self, key: ObjectKey, source: Source) -> bool:
        """Whether the object is there already, or raise `ContentConflict`."""
        try:
            await self._read_through(key, source)
        except Unretrievable as found:
            if found.state is PartState.MISSING:
                return False
            if found.state is PartState.CORRUPTED:
                raise ContentConflict(key=key) from found
            raise
        return True

    async def _read_through(self, key: ObjectKey, source: Source) -> None:
        async for _ in self.pieces(key, expected=source.content_hash):
            pass

    def _send(self, key: ObjectKey, source: Source) -> bool:
        """Write the object, and say whether it was new."""
        headers = {
            **_ONLY_IF_NEW,
            "Content-MD5": _md5(source.pieces()),
            "Content-Length": str(source.size),
        }
        status, _ = self._ask("PUT", key, body=source.pieces(), headers=headers)
        match status:
            case HTTPStatus.OK:
                return True
            case HTTPStatus.PRECONDITION_FAILED:
                return False
            case HTTPStatus.FORBIDDEN:
                raise Unretrievable(key=key, state=PartState.DENIED)
            case _:
                raise self._unavailable()

    def _get(self, key: ObjectKey, expected: ContentHash) -> bytes:
        data = self._read(key)
        if hash_bytes(data) != expected:
            raise Unretrievable(key=key, state=PartState.CORRUPTED)
        return data

    def _read(self, key: ObjectKey, *, version: str | None = None) -> bytes:
        status, data = self._ask("GET", key, version=version)
        self._require_found(key, status)
        return data

    def _opened(self, key: ObjectKey) -> BaseHTTPResponse:
        """Return the store's answer with its body still to be read."""
        answer = self._pool.request(
            "GET", self._address("GET", key), preload_content=False
        )
        try:
            self._require_found(key, answer.status)
        except BaseException:
            answer.close()
            raise
        return answer

    def _require_found(self, key: ObjectKey, status: int) -> None:
        match status:
            case HTTPStatus.OK:
                pass
            case HTTPStatus.NOT_FOUND:
                raise Unretrievable(key=key, state=PartState.MISSING)
            case HTTPStatus.FORBIDDEN:
                raise Unretrievable(key=key, state=PartState.DENIED)
            case _:
                raise self._unavailable()

    def _ask(
        self,
        method: str,
        key: ObjectKey,
        *,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        version: str | None = None,
    ) -> tuple[int, bytes]:
        address = self._address(method, key, version=version)
        answer = self._pool.request(method, address, body=body, headers=headers)
        return answer.status, answer.data

    def _address(
        self, method: str, key: ObjectKey, *, version: str | None = None
    ) -> str:
        return self._client.get_presigned_url(
            method, self._bucket, key, expires=ADDRESS_LIFETIME, version_id=version
        )

    async def _answer(
        self, question: Callable[[], T], *, within_s: float | None = None
    ) -> T:
        """Return what `question` returns, asked in a thread; the drivers' errors stop.

        A thread that is late is left behind, and ends by the time-outs of its sockets.
        """
        try:
            async with asyncio.timeout(within_s or self._deadline_s):
                return await asyncio.to_thread(question)
        except _NO_ANSWER as error:
            raise self._unavailable() from error

    def _unavailable(self) -> Unavailable:
        return Unavailable(
            system=f"the bucket {self._bucket}", deadline_s=self._deadline_s
        )


def _md5(pieces: Iterable[bytes]) -> str:
    """Return what a bucket with object lock asks of each write."""
    digest = hashlib.md5(usedforsecurity=False)
    for each in pieces:
        digest.update(each)
    return base64.b64encode(digest.digest()).decode()


def _refusal(attempt: str, status: int, said: bytes) -> str:
    """Return why the store refused, by the code that S3 gives for it."""
    code = _CODE.search(said)
    return (
        f"{attempt} was refused, {status} {code[1].decode() if code else ''}".rstrip()
    )
