"""How long text may be and how many of a thing there may be, checked in one way.

Every field that a caller fills has its bound; what is over it is refused with the field's
name, never cut (SPEC 7.10, R-API-10).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from sr_core.domain.errors import MalformedInput

LINE_CHARS_MAX: Final = 500
PROSE_CHARS_MAX: Final = 20_000
PATH_CHARS_MAX: Final = 512

_SEGMENT: Final = re.compile(r"[^/\x00-\x1f\x7f\\\ud800-\udfff]+")


def require_line(text: str, *, field: str, chars_max: int = LINE_CHARS_MAX) -> None:
    """Raise `MalformedInput` unless `text` is one printable line that says something."""
    if not (text.strip() and text.isprintable() and len(text) <= chars_max):
        raise MalformedInput(
            field=field,
            found=text[:chars_max],
            expected=f"one line of 1 to {chars_max} printable characters",
        )


def require_prose(text: str, *, field: str, chars_max: int = PROSE_CHARS_MAX) -> None:
    """Raise `MalformedInput` unless `text` says something and is not too long."""
    if not (text.strip() and len(text) <= chars_max):
        raise MalformedInput(
            field=field, found=text[:80], expected=f"1 to {chars_max} characters"
        )


def require_count(
    things: Collection[object], *, field: str, most: int, least: int = 0
) -> None:
    """Raise `MalformedInput` unless there are `least` to `most` of `things`."""
    if not least <= len(things) <= most:
        raise MalformedInput(
            field=field, found=f"{len(things)} of them", expected=f"{least} to {most}"
        )


def require_distinct(names: Collection[str], *, field: str) -> None:
    """Raise `MalformedInput` if a name comes twice."""
    if len(set(names)) != len(names):
        raise MalformedInput(field=field, found=list(names), expected="each one once")


def require_path(path: str, *, field: str) -> None:
    """Raise `MalformedInput` unless `path` is relative and stays below where it starts."""
    segments = path.split("/")
    clean = all(_SEGMENT.fullmatch(each) for each in segments)
    if not clean or {".", ".."} & set(segments) or len(path) > PATH_CHARS_MAX:
        raise MalformedInput(
            field=field,
            found=path[:PATH_CHARS_MAX],
            expected="a relative path without . and .., with / between its parts",
        )
