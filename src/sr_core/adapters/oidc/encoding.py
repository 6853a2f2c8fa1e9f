"""Base64url and JSON, read strictly: one text for one value, or `NotStrict`.

Readers that are kind to sloppy text let two parties see two things in one token.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Final

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


class NotStrict(ValueError):  # noqa: N818 - named for what it says, like Refused
    """Text that a strict reader does not take."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)


def decode_base64url(text: str) -> bytes:
    """Return the bytes of `text`, unpadded and without a bit that says nothing."""
    if not _BASE64URL.fullmatch(text):
        raise NotStrict(reason="a character outside the base64url alphabet")
    if len(text) % 4 == 1:
        raise NotStrict(reason="base64url of a length that no bytes have")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != text.encode("ascii"):
        raise NotStrict(reason="base64url with unused bits set")
    return decoded


def parse_json_object(data: bytes) -> dict[str, object]:
    """Return the JSON object in `data`: UTF-8, no name twice, finite numbers only."""
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_doubles,
            parse_float=_finite,
            parse_constant=_finite,
        )
        # Half a surrogate pair can be escaped, but not be written down again.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except NotStrict:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrict(reason="not JSON in UTF-8, or nested too deeply") from error
    if not isinstance(value, dict):
        raise NotStrict(reason="JSON that is not an object")
    return value


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrict(reason="a JSON object with a name twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrict(reason="a JSON number beyond all bounds")
    return number
