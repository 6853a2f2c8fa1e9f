"""Answers about evidence (SPEC 5.4)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.actors import ActorKind
from sr_core.domain.evidence import EvidenceManifest, PartState, ResultStatus, Secrecy


class BundleView(View, kw_only=True):
    """One evidence bundle, as it was recorded."""

    content_hash: str
    bundle_id: str
    run_id: str
    candidate_id: str
    oracle_suite_id: str
    oracle_suite_hash: str
    verdict: ResultStatus
    results: dict[str, ResultStatus]
    artifact_count: int
    environment_hash: str | None = None
    template_id: str | None = None
    stage_id: str | None = None
    work_surface_id: str | None = None
    recorded_by_kind: ActorKind
    recorded_by_id: str
    recorded_at: datetime
    missing_parts: dict[str, str] | None = None
    missing_since: datetime | None = None


class AssociationView(View, kw_only=True):
    """What else a bundle speaks of."""

    association_id: str
    entity_type: str
    entity_id: str
    associated_by_kind: ActorKind
    associated_by_id: str
    associated_at: datetime


class BundleDetail(BundleView, kw_only=True):
    """One evidence bundle, every byte of it read anew."""

    manifest: EvidenceManifest
    blob_names: list[str]
    associations: list[AssociationView]


class BundlePage(Page):
    """Some evidence bundles."""

    evidence: list[BundleView]


class BundleHandedIn(Accepted, kw_only=True):
    """A bundle was taken in, stored whole, and recorded."""

    content_hash: str
    bundle_id: str
    run_id: str
    candidate_id: str
    verdict: ResultStatus
    stored_at: datetime
    template_id: str | None
    stage_id: str | None
    work_surface_id: str | None


class BundleStatus(msgspec.Struct, kw_only=True):
    """Whether a bundle can be read as it was written."""

    content_hash: str
    available: bool
    integrity_ok: bool
    lost: dict[str, PartState]
    last_verified_at: datetime
    error_code: str | None


class BundleVerified(msgspec.Struct, kw_only=True):
    """What a fresh read of a bundle found."""

    content_hash: str
    valid: bool
    verified_at: datetime
    lost: dict[str, PartState]
    error_code: str | None


class BundleAssociated(Accepted, kw_only=True):
    """A bundle was associated with something else."""

    content_hash: str


class BundleErased(Accepted, kw_only=True):
    """The keys of what is sealed in a bundle were removed for good."""

    content_hash: str
    blob_names: list[str]


class Blob(msgspec.Struct, kw_only=True):
    """One blob of a bundle; `content` is base64, `size` in bytes.

    Of a restricted blob, `size` and `blob_hash` are those of what was sealed.
    """

    content_hash: str
    blob_name: str
    content: bytes
    size: int
    media_type: str
    blob_hash: str
    classification: Secrecy | None
