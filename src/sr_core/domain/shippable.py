"""Whether a candidate may ship, and every reason why not (C-SHIP-1, SPEC 4.4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sr_core.domain.dossier import Dossier
from sr_core.domain.freeze import FreezeRecordCreated, gaps
from sr_core.domain.graph import Node
from sr_core.domain.ids import ApprovalId, CandidateId, ExceptionId, FreezeId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.refs import RefKind


class Reason(StrEnum):
    """Why a candidate may not ship."""

    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    FREEZE_INCOMPLETE = "FREEZE_INCOMPLETE"
    INTEGRITY_UNRESOLVED = "INTEGRITY_UNRESOLVED"
    MISSING_FREEZE_RECORD = "MISSING_FREEZE_RECORD"
    MISSING_RELEASE_APPROVAL = "MISSING_RELEASE_APPROVAL"
    NOT_VERIFIED = "NOT_VERIFIED"
    UNRESOLVED_STALENESS = "UNRESOLVED_STALENESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What `assess` found; it ships if there is no reason against it."""

    reasons: tuple[Reason, ...]
    freeze_id: FreezeId | None
    release_approval_id: ApprovalId | None
    has_unresolved_staleness: bool = False

    @property
    def is_shippable(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons


def rests_on(dossier: Dossier, candidate_id: CandidateId) -> frozenset[Node]:
    """Return what must not be stale for the candidate to ship (SPEC 4.4).

    That is the candidate, the suites that judged it, its freeze record, and every
    artifact in the freeze's manifest.
    """
    dossier.candidate(candidate_id)
    runs = [each for each in dossier.runs.values() if each.candidate_id == candidate_id]
    nodes = {Node(kind=RefKind.CANDIDATE, id=candidate_id)}
    nodes |= {Node(kind=RefKind.ORACLE_SUITE, id=each.suite_id) for each in runs}
    freeze = dossier.freezes.get(candidate_id)
    if freeze is not None:
        nodes.add(Node(kind=RefKind.FREEZE, id=freeze.freeze_id))
        nodes |= {
            Node(kind=RefKind.GOVERNED_ARTIFACT, id=each.artifact_id)
            for each in freeze.artifact_manifest
        }
    return frozenset(nodes)


def assess(
    dossier: Dossier,
    candidate_id: CandidateId,
    *,
    stale: Collection[Node],
    active: Collection[ExceptionId],
) -> Readiness:
    """Return whether the candidate may ship; its evidence has been read just now.

    `stale` are those of the nodes it `rests_on` that are stale, `active` the exceptions
    in force for it.
    """
    candidate = dossier.candidate(candidate_id)
    freeze = dossier.freezes.get(candidate_id)
    approvals = [
        each for each in dossier.approvals.values() if each.releases(candidate_id)
    ]
    standing = dossier.standing_against(candidate_id)
    stands = {
        Reason.EVIDENCE_MISSING: IntegrityCondition.EVIDENCE_MISSING in standing,
        Reason.FREEZE_INCOMPLETE: freeze is not None
        and not _is_complete(dossier, freeze, active),
        Reason.INTEGRITY_UNRESOLVED: bool(standing),
        Reason.MISSING_FREEZE_RECORD: freeze is None,
        Reason.MISSING_RELEASE_APPROVAL: not approvals,
        Reason.NOT_VERIFIED: not candidate.status.is_verified,
        Reason.UNRESOLVED_STALENESS: bool(stale),
    }
    return Readiness(
        reasons=tuple(reason for reason, holds in stands.items() if holds),
        freeze_id=freeze.freeze_id if freeze else None,
        release_approval_id=approvals[-1].approval_id if approvals else None,
        has_unresolved_staleness=bool(stale),
    )


def _is_complete(
    dossier: Dossier, freeze: FreezeRecordCreated, active: Collection[ExceptionId]
) -> bool:
    """Whether the freeze names all that the release rests on now (C-SHIP-1, C-EXC-2).

    An exception that came into force since is not in it, nor is the evidence of a later
    run: it takes another freeze to release what they are about.
    """
    candidate = dossier.candidate(freeze.candidate_id)
    suites = [each.oracle_suite_id for each in freeze.verification.oracle_suites]
    runs = [dossier.latest_run(candidate.candidate_id, each) for each in suites]
    return not gaps(freeze, candidate, runs=runs, active=active)
