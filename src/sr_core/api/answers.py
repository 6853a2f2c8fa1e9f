"""What every list is asked by, and how a word of a closed set is read (SPEC 5)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeVar

from litestar.params import QueryParameter

from sr_core.domain.errors import MalformedInput

E = TypeVar("E", bound=StrEnum)

Limit = Annotated[int, QueryParameter(ge=1, le=200)]
Offset = Annotated[int, QueryParameter(ge=0, le=1_000_000_000)]


def member(kind: type[E], text: str, *, field: str) -> E:
    """Return the member of `kind` with this value, or raise `MalformedInput`."""
    try:
        return kind(text)
    except ValueError:
        choices = ", ".join(kind)
        raise MalformedInput(
            field=field, found=text, expected=f"one of {choices}"
        ) from None
