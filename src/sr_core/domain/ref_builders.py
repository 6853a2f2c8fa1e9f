"""The one way in which the platform makes refs (SPEC 3, C-EVT-5).

Each builder pins its target as the kind demands; what it returns passed the same check
as a ref that a caller hands in (`sr_core.domain.refs.Ref`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    DecisionId,
    IterationId,
    LoopId,
    RunId,
    SuiteId,
    candidate_hash,
)
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation

NO_REFS: Final[tuple[Ref, ...]] = ()
"""The refs of an event that is about its own stream and rests on nothing else."""


def loop_ref(loop_id: LoopId, rel: RefRelation = RefRelation.IN_SCOPE_OF) -> Ref:
    """Return a ref to the loop."""
    return Ref(kind=RefKind.LOOP, id=loop_id, rel=rel)


def iteration_ref(iteration_id: IterationId, rel: RefRelation) -> Ref:
    """Return a ref to the iteration."""
    return Ref(kind=RefKind.ITERATION, id=iteration_id, rel=rel)


def candidate_ref(candidate_id: CandidateId, rel: RefRelation) -> Ref:
    """Return a ref to the candidate, with the hash of its bytes."""
    meta = {"content_hash": candidate_hash(candidate_id)}
    return Ref(kind=RefKind.CANDIDATE, id=candidate_id, rel=rel, meta=meta)


def suite_ref(suite_id: SuiteId, suite_hash: ContentHash, rel: RefRelation) -> Ref:
    """Return a ref to the suite, pinned by the hash of its definition."""
    meta = {"content_hash": suite_hash, "suite_hash": suite_hash}
    return Ref(kind=RefKind.ORACLE_SUITE, id=suite_id, rel=rel, meta=meta)


def bundle_ref(content_hash: ContentHash, rel: RefRelation) -> Ref:
    """Return a ref to the evidence bundle of that hash."""
    meta = {"content_hash": content_hash}
    return Ref(kind=RefKind.EVIDENCE_BUNDLE, id=content_hash, rel=rel, meta=meta)


def run_ref(run_id: RunId, rel: RefRelation = RefRelation.ABOUT) -> Ref:
    """Return a ref to the run."""
    return Ref(kind=RefKind.RUN, id=run_id, rel=rel)


def decision_ref(decision_id: DecisionId, rel: RefRelation) -> Ref:
    """Return a ref to the decision."""
    return Ref(kind=RefKind.DECISION, id=decision_id, rel=rel)


def approval_ref(approval_id: ApprovalId, rel: RefRelation) -> Ref:
    """Return a ref to the approval."""
    return Ref(kind=RefKind.APPROVAL, id=approval_id, rel=rel)


def exception_ref(identifier: str, rel: RefRelation, *, kind: RefKind) -> Ref:
    """Return a ref to a governed exception by its own kind, never by a common one."""
    return Ref(kind=kind, id=identifier, rel=rel)


def bundle_refs(hashes: Iterable[ContentHash], rel: RefRelation) -> tuple[Ref, ...]:
    """Return a ref to each evidence bundle, in the order given."""
    return tuple(bundle_ref(each, rel) for each in hashes)


def waiver_refs(identifiers: Iterable[str], rel: RefRelation) -> tuple[Ref, ...]:
    """Return a ref to each waiver, in the order given."""
    return tuple(exception_ref(each, rel, kind=RefKind.WAIVER) for each in identifiers)
