"""Freeze records, as they are told."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sr_core.api.views.base import Accepted, Page, View
from sr_core.api.views.refs import ActorView
from sr_core.domain.exception_scope import ExceptionKind
from sr_core.domain.governed_exception import ExceptionPhase
from sr_core.domain.verification import VerificationMode


class FrozenSuiteView(msgspec.Struct, kw_only=True):
    """A suite by which the candidate was judged."""

    oracle_suite_id: str
    oracle_suite_hash: str


class FrozenVerificationView(msgspec.Struct, kw_only=True):
    """The verification that a freeze rests on."""

    mode: VerificationMode
    oracle_suite_id: str
    oracle_suite_hash: str
    oracle_suites: list[FrozenSuiteView]
    evidence_bundle_refs: list[str]
    waiver_refs: list[str]


class FrozenArtifactView(msgspec.Struct, kw_only=True):
    """One artifact of a freeze; a file of the candidate has no version of its own."""

    artifact_id: str
    version: str | None
    content_hash: str


class FrozenExceptionView(msgspec.Struct, kw_only=True):
    """An exception that was in force."""

    exception_id: str
    kind: ExceptionKind
    status: ExceptionPhase


class FreezeView(View):
    """What a release rests on."""

    freeze_id: str
    baseline_id: str
    candidate_id: str
    verification: FrozenVerificationView
    verification_mode: VerificationMode
    oracle_suite_id: str
    oracle_suite_hash: str
    evidence_bundle_refs: list[str]
    waiver_refs: list[str]
    release_approval_id: str
    artifact_manifest: list[FrozenArtifactView]
    active_exceptions: list[FrozenExceptionView]
    frozen_by: ActorView
    frozen_at: datetime


class FreezePage(Page):
    """Some freeze records, oldest first."""

    freeze_records: list[FreezeView]


class FreezeAccepted(Accepted):
    """A candidate was fixed."""

    freeze_id: str
    candidate_id: str
