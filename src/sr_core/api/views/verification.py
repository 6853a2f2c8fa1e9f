"""Answers about candidates, and about what their evidence supports (SPEC 5.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.candidate import CandidateManifest
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.refs import Ref
from sr_core.domain.verification import (
    SuiteSummary,
    VerificationBasis,
    VerificationMode,
    VerificationScope,
    VerificationStatus,
)


class CandidateView(View, kw_only=True):
    """One candidate, and what its evidence supports."""

    candidate_id: str
    content_hash: str
    loop_id: str
    produced_by_iteration_id: str
    git_sha: str | None
    description: str
    created_at: datetime
    refs: list[Ref]
    manifest: CandidateManifest
    verification_status: VerificationStatus
    verification_mode: VerificationMode | None = None
    verification_profile_id: str | None = None
    verification_scope: VerificationScope | None = None
    verification_basis: VerificationBasis | None = None
    verification_computed_at: datetime | None = None
    integrity_conditions: list[IntegrityCondition]
    evidence_hashes: list[str]
    waiver_ids: list[str]
    waived_oracle_ids: list[str]
    oracle_summaries: list[SuiteSummary]
    has_unresolved_staleness: bool


class CandidatePage(Page):
    """Some candidates."""

    candidates: list[CandidateView]


class CandidateMade(Accepted, kw_only=True):
    """A candidate was taken in."""

    candidate_id: str
    content_hash: str
    verification_status: VerificationStatus


class CandidateVerified(Accepted, kw_only=True):
    """A candidate's verification was computed."""

    candidate_id: str
    verification_status: VerificationStatus
    verification_mode: VerificationMode | None
    verification_profile_id: str
    verification_scope: VerificationScope
    verification_basis: VerificationBasis
    integrity_conditions: list[IntegrityCondition]
    waiver_ids: list[str]
    waived_oracle_ids: list[str]


class Shippability(msgspec.Struct, kw_only=True):
    """Whether a candidate may ship, and every reason why not."""

    candidate_id: str
    is_shippable: bool
    reasons: list[str]
    freeze_id: str | None
    release_approval_id: str | None
    has_unresolved_staleness: bool


def basis_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row, with no basis where nothing was computed yet."""
    return {**row, "verification_basis": row["verification_basis"] or None}
