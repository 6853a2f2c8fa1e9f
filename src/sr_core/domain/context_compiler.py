"""The context compiler: from an iteration's refs and their contents to one bundle.

A pure function. The same refs over the same contents give the same bundle and the same
hash, wherever and whenever it is compiled (SPEC 8.4, C-CTX-2). What is too secret for a
worker is left out, and the bundle says what and why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final, TypeAlias

from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import ContentHash, Ref, RefKind, hash_bytes

COMPILER_VERSION: Final = "1.0.0"
ITEMS_MAX: Final = 100
CONTENT_BYTES_MAX: Final = 10 * 1024 * 1024


class Classification(IntEnum):
    """How secret a content is, from open to closed."""

    PUBLIC = 0
    INTERNAL = 1
    RESTRICTED = 2
    CONFIDENTIAL = 3


THRESHOLD: Final = Classification.RESTRICTED
"""Contents of this class and above are left out."""


class RedactionReason(StrEnum):
    """Why a content is left out."""

    CLASSIFICATION_RESTRICTED = "CLASSIFICATION_RESTRICTED"
    CONTAINS_PII = "CONTAINS_PII"
    CONTAINS_SECRETS = "CONTAINS_SECRETS"
    EMBARGOED = "EMBARGOED"
    POLICY_EXCLUSION = "POLICY_EXCLUSION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a ref points at: its bytes, its class, and why it may not be shown."""

    data: bytes
    classification: Classification
    withheld: RedactionReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One content of the bundle."""

    source_ref: Ref
    content_hash: ContentHash
    order: int
    classification: Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """One content that was left out, known by its hash alone."""

    original_ref: Ref
    reason: RedactionReason
    redacted_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleMetadata:
    """How the bundle came about; no hash covers `compiled_at`."""

    total_refs: int
    items_included: int
    items_redacted: int
    compiled_at: datetime
    compiler_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextBundle:
    """What a worker gets to see."""

    content_hash: ContentHash
    items: tuple[Item, ...]
    redactions: tuple[Redaction, ...]
    metadata: BundleMetadata


Target: TypeAlias = tuple[RefKind, str]
"""What a ref points at, however it is related: kind and identifier."""


def compile_context(
    refs: Sequence[Ref], contents: Mapping[Target, Content], *, compiled_at: datetime
) -> ContextBundle:
    """Return the bundle of `refs`, whose targets hold `contents`.

    Raises:
        MalformedInput: a ref is there twice, has no content or another than it is
            pinned to, or there is more than a bundle may hold.

    """
    ordered = sorted(refs, key=_place)
    _check(ordered, contents)
    shown: list[Item] = []
    hidden: list[Redaction] = []
    for ref in ordered:
        content = contents[ref.kind, ref.id]
        reason = _reason(content)
        if reason is None:
            shown.append(_item(ref, content, order=len(shown)))
        else:
            hidden.append(_redaction(ref, content, reason))
    return ContextBundle(
        content_hash=_hash(shown, hidden),
        items=tuple(shown),
        redactions=tuple(hidden),
        metadata=BundleMetadata(
            total_refs=len(ordered),
            items_included=len(shown),
            items_redacted=len(hidden),
            compiled_at=compiled_at,
            compiler_version=COMPILER_VERSION,
        ),
    )


def _place(ref: Ref) -> tuple[str, str, str]:
    return (ref.kind, ref.id, ref.rel)


def _check(refs: Sequence[Ref], contents: Mapping[Target, Content]) -> None:
    doubled = [
        place for place, times in Counter(map(_place, refs)).items() if times > 1
    ]
    if doubled:
        raise MalformedInput(
            field="refs", found=" ".join(doubled[0]), expected="each ref once"
        )
    for ref in refs:
        _check_content(ref, contents.get((ref.kind, ref.id)))
    if len(refs) > ITEMS_MAX:
        raise MalformedInput(
            field="refs", found=len(refs), expected=f"{ITEMS_MAX} at most"
        )
    size = sum(len(each.data) for each in contents.values() if _reason(each) is None)
    if size > CONTENT_BYTES_MAX:
        raise MalformedInput(
            field="bytes of the context",
            found=size,
            expected=f"{CONTENT_BYTES_MAX} at most",
        )


def _check_content(ref: Ref, content: Content | None) -> None:
    if content is None:
        raise MalformedInput(
            field=f"content of {ref.kind} {ref.id}",
            found=None,
            expected="what the ref points at",
        )
    pinned = ref.meta.get("content_hash")
    if pinned is not None and pinned != (found := hash_bytes(content.data)):
        raise MalformedInput(
            field=f"content of {ref.kind} {ref.id}",
            found=found,
            expected=f"the bytes with the hash {pinned}",
        )


def _reason(content: Content) -> RedactionReason | None:
    """Return why the content is left out, if it is."""
    if content.withheld is not None:
        return content.withheld
    if content.classification >= THRESHOLD:
        return RedactionReason.CLASSIFICATION_RESTRICTED
    return None


def _item(ref: Ref, content: Content, *, order: int) -> Item:
    return Item(
        source_ref=ref,
        content_hash=hash_bytes(content.data),
        order=order,
        classification=content.classification,
    )


def _redaction(ref: Ref, content: Content, reason: RedactionReason) -> Redaction:
    return Redaction(
        original_ref=ref, reason=reason, redacted_hash=hash_bytes(content.data)
    )


def _hash(shown: Sequence[Item], hidden: Sequence[Redaction]) -> ContentHash:
    """Return the hash of what is in the bundle, and of what is known to be left out."""
    said = [
        COMPILER_VERSION,
        [
            [*_place(each.source_ref), each.content_hash, each.classification.name]
            for each in shown
        ],
        [
            [*_place(each.original_ref), each.redacted_hash, each.reason]
            for each in hidden
        ],
    ]
    return hash_bytes(json.dumps(said, separators=(",", ":")).encode())
