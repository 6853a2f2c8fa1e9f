"""Whether a candidate may ship, and every reason why not (C-SHIP-1, SPEC 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sr_core.domain.dossier import Dossier
from sr_core.domain.ids import ApprovalId, CandidateId, FreezeId
from sr_core.domain.integrity import IntegrityCondition


class Reason(StrEnum):
    """Why a candidate may not ship."""

    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    INTEGRITY_UNRESOLVED = "INTEGRITY_UNRESOLVED"
    MISSING_FREEZE_RECORD = "MISSING_FREEZE_RECORD"
    MISSING_RELEASE_APPROVAL = "MISSING_RELEASE_APPROVAL"
    NOT_VERIFIED = "NOT_VERIFIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What `assess` found; it ships if there is no reason against it."""

    reasons: tuple[Reason, ...]
    freeze_id: FreezeId | None
    release_approval_id: ApprovalId | None

    @property
    def is_shippable(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons


def assess(dossier: Dossier, candidate_id: CandidateId) -> Readiness:
    """Return whether the candidate may ship; its evidence has been read just now."""
    candidate = dossier.candidate(candidate_id)
    freeze = dossier.freezes.get(candidate_id)
    approval_id = next(
        (
            each.approval_id
            for each in reversed([*dossier.approvals.values()])
            if each.releases(candidate_id)
        ),
        None,
    )
    standing = dossier.standing_against(candidate_id)
    stands = {
        Reason.EVIDENCE_MISSING: IntegrityCondition.EVIDENCE_MISSING in standing,
        Reason.INTEGRITY_UNRESOLVED: bool(standing),
        Reason.MISSING_FREEZE_RECORD: freeze is None,
        Reason.MISSING_RELEASE_APPROVAL: approval_id is None,
        Reason.NOT_VERIFIED: not candidate.status.is_verified,
    }
    return Readiness(
        reasons=tuple(reason for reason, holds in stands.items() if holds),
        freeze_id=freeze.freeze_id if freeze else None,
        release_approval_id=approval_id,
    )
