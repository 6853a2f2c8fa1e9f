"""The hash that a request says its body has (``Content-Digest``, RFC 9530)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncGenerator
from typing import Any, Final

from litestar import Request

from sr_core.domain.errors import MalformedInput

HEADER: Final = "Content-Digest"
_SHA256: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_EXPECTED: Final = "sha-256=:BASE64:, the SHA-256 of the body"


def digest_of(request: Request[Any, Any, Any]) -> bytes | None:
    """Return the digest that the request announces, None if it announces none.

    Raises:
        MalformedInput: the header is there twice, or is no SHA-256.

    """
    given = request.headers.getall(HEADER, [])
    if not given:
        return None
    found = _SHA256.fullmatch(given[0]) if len(given) == 1 else None
    if not found:
        raise MalformedInput(
            field=HEADER, found=", ".join(given)[:128], expected=_EXPECTED
        )
    return base64.b64decode(found[1])


def require_digest(request: Request[Any, Any, Any]) -> bytes:
    """Return the digest that the request announces, or raise `MalformedInput`."""
    if (digest := digest_of(request)) is None:
        raise MalformedInput(
            field=HEADER,
            found=None,
            expected=f"{_EXPECTED}: a body that is streamed can have a key only so",
        )
    return digest


async def streamed(request: Request[Any, Any, Any]) -> AsyncGenerator[bytes, None]:
    """Yield the request's body as it comes; it ends only if it is the one announced.

    Raises:
        MalformedInput: it has another digest than the request announces.

    """
    announced, seen = digest_of(request), hashlib.sha256()
    async for piece in request.stream():
        if announced is not None:
            seen.update(piece)
        yield piece
    if announced is not None and seen.digest() != announced:
        found = base64.b64encode(seen.digest()).decode()
        raise MalformedInput(
            field=HEADER, found=f"sha-256=:{found}:", expected="what the body has"
        )
