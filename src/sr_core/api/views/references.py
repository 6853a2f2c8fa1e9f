"""What answers about references hold."""

from __future__ import annotations

import msgspec

from sr_core.domain.refs import RefKind, RefRelation


class RefView(msgspec.Struct, kw_only=True):
    """A typed ref, in the form in which one is handed in."""

    kind: RefKind
    id: str
    rel: RefRelation
    meta: dict[str, str]


class RefPage(msgspec.Struct, kw_only=True):
    """Some of what can be referred to; `total` counts all of it."""

    references: list[RefView]
    total: int
    page: int
    page_size: int
