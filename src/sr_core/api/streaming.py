"""Answers that are longer than memory, given a piece at a time (R-ENC-12, R-ATT-3).

How long the answer is, its head says. If the pieces turn out not to be what they should,
the status has gone out already, and the answer is broken off: it never has its last byte,
so that whoever asked sees a transfer that failed. What is wrong by the first piece is
refused as any other request is.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final, Self, cast
from urllib.parse import quote

from litestar import Response
from litestar.types import Message, Receive, Scope, Send

from sr_core.domain.attachment import is_media_type
from sr_core.domain.errors import SrError

BYTES: Final = "application/octet-stream"
_LOG: Final = logging.getLogger(__name__)

Pieces = AsyncGenerator[bytes, None]


class Streamed(Response[bytes]):
    """An answer of `size` bytes that come as `pieces`."""

    def __init__(
        self, first: bytes, rest: Pieces, *, size: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(b"")
        self._stream = _Stream(first, rest, size, headers)

    @classmethod
    async def begin(
        cls, pieces: Pieces, *, size: int, media_type: str, name: str, tag: str
    ) -> Self:
        """Return the answer once its first piece is there.

        A media type that no header can say is not repeated: evidence may claim any.

        Raises:
            SrError: there is none to give.

        """
        first = await anext(pieces, b"")
        headers = {
            "content-type": media_type if is_media_type(media_type) else BYTES,
            "content-length": str(size),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "x-content-type-options": "nosniff",
            "etag": f'"{tag}"',
        }
        return cls(first, pieces, size=size, headers=headers)

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - it is ASGI
        """Return what sends the answer; nothing is left for the framework to set."""
        return self._stream


class _Stream:
    """Sends an answer to its end, or leaves it without one."""

    def __init__(
        self, first: bytes, rest: Pieces, size: int, headers: Mapping[str, str]
    ) -> None:
        self._first = first
        self._rest = rest
        self._size = size
        self._headers = headers

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(n.encode(), v.encode()) for n, v in self._headers.items()],
        }
        await send(cast("Message", start))
        async with aclosing(self._rest):
            try:
                sent = await self._send_all(send)
            except SrError as failure:
                _LOG.warning("an answer is broken off: %s", failure.code)
                return
        if sent == self._size:
            await send(_body(b"", more=False))
        else:
            _LOG.warning("an answer has %d bytes, not %d", sent, self._size)

    async def _send_all(self, send: Send) -> int:
        """Send the pieces while they fit, and return how long they were."""
        sent, piece = 0, self._first
        while piece:
            sent += len(piece)
            if sent > self._size:
                break
            await send(_body(piece, more=True))
            piece = await anext(self._rest, b"")
        return sent


def _body(piece: bytes, *, more: bool) -> Message:
    message = {"type": "http.response.body", "body": piece, "more_body": more}
    return cast("Message", message)
