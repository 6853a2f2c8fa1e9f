"""Bodies to domain values, where more than one subject needs it."""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.api.bodies.base import RefBody
from sr_core.domain import refs
from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import Ref


def parse_ref(body: RefBody, *, field: str) -> Ref:
    """Return the ref that `body` tells, or raise `MalformedInput`; `field` names it."""
    try:
        return refs.parse_ref(body.kind, body.id, body.rel, body.meta)
    except MalformedInput as error:
        raise error.within(field) from None


def parse_refs(bodies: Iterable[RefBody], *, field: str) -> tuple[Ref, ...]:
    """Return the refs that `bodies` tell, or raise `MalformedInput` for the first bad."""
    return tuple(
        parse_ref(each, field=f"{field}[{index}]") for index, each in enumerate(bodies)
    )
