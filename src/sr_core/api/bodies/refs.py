"""Typed refs in bodies, and how they become the domain's (SPEC 3)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sr_core.api.bodies.base import Body, Name
from sr_core.domain.ids import candidate_hash, parse_candidate_id
from sr_core.domain.refs import Ref, RefKind, RefRelation, parse_content_hash


class TypedRef(Body):
    """A typed reference; the hash that an identifier carries itself may be left out."""

    kind: RefKind
    id: Name
    meta: dict[str, str]
    rel: RefRelation = RefRelation.ABOUT


TypedRefs = Annotated[list[TypedRef], Meta(max_length=256)]
Hashes = Annotated[list[Name], Meta(max_length=256)]


def as_ref(body: TypedRef) -> Ref:
    """Return the ref that `body` states, or raise `MalformedInput`."""
    carried: dict[str, str] = {}
    if body.kind is RefKind.CANDIDATE:
        carried = {"content_hash": candidate_hash(parse_candidate_id(body.id))}
    if body.kind is RefKind.EVIDENCE_BUNDLE:
        carried = {"content_hash": parse_content_hash(body.id)}
    return Ref(kind=body.kind, id=body.id, rel=body.rel, meta={**carried, **body.meta})


def as_refs(bodies: list[TypedRef]) -> tuple[Ref, ...]:
    """Return the refs that `bodies` state, in order."""
    return tuple(as_ref(each) for each in bodies)
