"""Answers about redacted copies of restricted evidence (SPEC 9.2)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.actors import ActorKind
from sr_core.domain.redacted_copy import RedactionManifest


class CopyView(View, kw_only=True):
    """One redacted copy, as it was recorded; `regions` counts what was cut out."""

    redacted_bundle_hash: str
    original_bundle_hash: str
    blob_names: list[str]
    regions: int
    rationale: str
    redacted_by_kind: ActorKind
    redacted_by_id: str
    redacted_at: datetime


class CopyPage(Page):
    """Some redacted copies of a bundle."""

    redactions: list[CopyView]


class CopyPublished(Accepted, kw_only=True):
    """A redacted copy was made, searched again, stored and recorded."""

    redacted_bundle_hash: str
    original_bundle_hash: str
    manifest: RedactionManifest


class CopyDetail(msgspec.Struct, kw_only=True):
    """What a redacted copy is of, and each region in which it differs."""

    redacted_bundle_hash: str
    original_bundle_hash: str
    manifest: RedactionManifest
