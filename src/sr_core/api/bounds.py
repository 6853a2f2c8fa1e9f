"""How large a request may be, and what is refused before any of it is parsed (R-API-10).

query        8 KiB      414 QUERY_TOO_LONG
headers      16 KiB     431 HEADERS_TOO_LARGE
encoding     none       415 UNSUPPORTED_CONTENT_ENCODING
body         its route  413 BODY_TOO_LARGE (the framework counts it)
slow body    30 s and   408 BODY_TOO_SLOW
             64 KiB/s
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar.types import HTTPScope

from sr_core.domain.errors import SrError

BODY_BYTES_MAX: Final = 1024 * 1024
"""How large a request's body may be, where its route does not say otherwise."""
HEADERS_BYTES_MAX: Final = 16 * 1024
QUERY_BYTES_MAX: Final = 8 * 1024
NAME_PATTERN: Final = r"[A-Za-z0-9._:-]{1,128}"
"""What a request may be called; any other name is replaced."""
_FIELD_OVERHEAD_BYTES: Final = 4
"""What a header has around its name and value: a colon, a blank, the end of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a request may be; the size of a body is said by its route."""

    headers_bytes_max: int = HEADERS_BYTES_MAX
    query_bytes_max: int = QUERY_BYTES_MAX
    body_base_s: float = 30.0
    body_bytes_per_s_min: int = 64 * 1024

    def body_s(self, received: int) -> float:
        """Return how long a body of which so much has come may take in all."""
        return self.body_base_s + received / self.body_bytes_per_s_min


class BodyTooSlow(SrError):  # noqa: N818 - named for what it says, like Refused
    """The body did not come within its time."""

    code = "BODY_TOO_SLOW"

    def __init__(self, *, received: int, seconds: float) -> None:
        super().__init__(
            f"{received} bytes of the body came within {seconds:.0f} s",
            remedy="Send the whole body at once, over a faster connection",
        )


class BodyIncomplete(SrError):  # noqa: N818
    """The connection ended before the body did."""

    code = "BODY_INCOMPLETE"

    def __init__(self, *, received: int) -> None:
        super().__init__(
            f"The connection ended after {received} bytes of the body",
            remedy="Send the request again, with its whole body",
        )


class HeadersTooLarge(SrError):  # noqa: N818
    """The headers have more bytes than any request of ours needs."""

    code = "HEADERS_TOO_LARGE"

    def __init__(self, *, found: int, limit: int) -> None:
        super().__init__(
            f"The headers have {found} bytes", remedy=f"Send {limit} at most"
        )


class QueryTooLong(SrError):  # noqa: N818
    """The query has more bytes than any request of ours needs."""

    code = "QUERY_TOO_LONG"

    def __init__(self, *, found: int, limit: int) -> None:
        super().__init__(f"The query has {found} bytes", remedy=f"Send {limit} at most")


class UnsupportedEncoding(SrError):  # noqa: N818
    """The body is compressed, which could make it any size."""

    code = "UNSUPPORTED_CONTENT_ENCODING"

    def __init__(self, *, found: str) -> None:
        super().__init__(
            f"The body has the Content-Encoding {found!r}",
            remedy="Send it as it is, without Content-Encoding",
        )


class UnsupportedMediaType(SrError):  # noqa: N818
    """The body is not said to be JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self, *, found: str) -> None:
        super().__init__(
            f"The body has the Content-Type {found!r}",
            remedy="Send JSON, as application/json",
        )


def first_breach(scope: HTTPScope, bounds: Bounds) -> SrError | None:
    """Return what is wrong with the request by its head alone, if anything is."""
    headers = scope["headers"]
    size = sum(len(n) + len(v) + _FIELD_OVERHEAD_BYTES for n, v in headers)
    if size > bounds.headers_bytes_max:
        return HeadersTooLarge(found=size, limit=bounds.headers_bytes_max)
    if (query := len(scope["query_string"])) > bounds.query_bytes_max:
        return QueryTooLong(found=query, limit=bounds.query_bytes_max)
    for name, value in headers:
        if name == b"content-encoding" and value.strip().lower() != b"identity":
            return UnsupportedEncoding(found=value[:64].decode("latin-1"))
    return None
