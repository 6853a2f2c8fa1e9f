"""Typed refs, as they are told."""

from __future__ import annotations

import msgspec

from sr_core.domain.refs import RefKind, RefRelation


class RefView(msgspec.Struct, kw_only=True):
    """A typed reference."""

    kind: RefKind
    id: str
    rel: RefRelation
    meta: dict[str, str]


class ActorView(msgspec.Struct, kw_only=True):
    """Who did it."""

    actor_kind: str
    actor_id: str
