"""Bodies to domain values, where more than one subject needs it."""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.api.answers import member
from sr_core.api.bodies.base import RefBody
from sr_core.domain.refs import Ref, RefKind, RefRelation


def parse_ref(body: RefBody, *, field: str) -> Ref:
    """Return the ref that `body` tells, or raise `MalformedInput`; `field` names it."""
    return Ref(
        kind=member(RefKind, body.kind, field=f"{field}.kind"),
        id=body.id,
        rel=member(RefRelation, body.rel, field=f"{field}.rel"),
        meta=body.meta,
    )


def parse_refs(bodies: Iterable[RefBody], *, field: str) -> tuple[Ref, ...]:
    """Return the refs that `bodies` tell, or raise `MalformedInput` for the first bad."""
    return tuple(
        parse_ref(each, field=f"{field}[{index}]") for index, each in enumerate(bodies)
    )
