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
from http import HTTPStatus
from typing import Final

from litestar.types import HTTPScope

from sr_core.api.problems import Problem
from sr_core.domain.errors import SrError

BODY_BYTES_MAX: Final = 1024 * 1024
"""How large a request's body may be, where its route does not say otherwise."""
HEADERS_BYTES_MAX: Final = 16 * 1024
QUERY_BYTES_MAX: Final = 8 * 1024
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


def first_breach(scope: HTTPScope, bounds: Bounds) -> Problem | None:
    """Return what is wrong with the request by its head alone, if anything is."""
    headers = scope["headers"]
    size = sum(len(n) + len(v) + _FIELD_OVERHEAD_BYTES for n, v in headers)
    if size > bounds.headers_bytes_max:
        return Problem(
            status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            code="HEADERS_TOO_LARGE",
            detail=f"The headers have {size} bytes. "
            f"Send {bounds.headers_bytes_max} at most.",
        )
    if (query := len(scope["query_string"])) > bounds.query_bytes_max:
        return Problem(
            status=HTTPStatus.REQUEST_URI_TOO_LONG,
            code="QUERY_TOO_LONG",
            detail=f"The query has {query} bytes. "
            f"Send {bounds.query_bytes_max} at most.",
        )
    encodings = [value for name, value in headers if name == b"content-encoding"]
    if any(each.strip().lower() != b"identity" for each in encodings):
        return Problem(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            code="UNSUPPORTED_CONTENT_ENCODING",
            detail="The body is compressed. Send it as it is, without Content-Encoding.",
        )
    return None
