"""The refs that each event carries (SPEC 2.3): what it is about, and what it rests on.

Refs follow from the event, so no event can be recorded without them, and none with
others.
"""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.domain.approval import ApprovalRecorded
from sr_core.domain.candidate import CandidateMaterialized
from sr_core.domain.decision import DecisionRecorded
from sr_core.domain.events import DomainEvent
from sr_core.domain.freeze import FreezeRecordCreated
from sr_core.domain.governed_exception import (
    ExceptionActivated,
    ExceptionResolved,
    WaiverCreated,
)
from sr_core.domain.ids import CandidateId, SuiteId, candidate_hash
from sr_core.domain.iteration import IterationCompleted, IterationStarted
from sr_core.domain.loop import LoopCreated, LoopResumed, StopTriggered
from sr_core.domain.oracle_suite import OracleSuiteRegistered
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation
from sr_core.domain.run import (
    EvidenceBundleRecorded,
    IntegrityViolationDetected,
    RunCompleted,
    RunFailed,
    RunStarted,
)
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
)


def refs_of(event: DomainEvent) -> tuple[Ref, ...]:  # noqa: C901, PLR0911, PLR0912 - one case for each event
    """Return the refs of `event`."""
    match event:
        case LoopCreated():
            return (event.directive_ref,)
        case StopTriggered():
            return (_ref(RefKind.LOOP, event.loop_id, RefRelation.IN_SCOPE_OF),)
        case LoopResumed(decision_id=decision_id) if decision_id is not None:
            return (_ref(RefKind.DECISION, decision_id, RefRelation.DEPENDS_ON),)
        case IterationStarted():
            return event.refs
        case IterationCompleted():
            return (
                _ref(RefKind.ITERATION, event.iteration_id, RefRelation.ABOUT),
                _ref(RefKind.LOOP, event.loop_id, RefRelation.IN_SCOPE_OF),
            )
        case CandidateMaterialized():
            made_by = event.produced_by_iteration_id
            return (
                _ref(RefKind.ITERATION, made_by, RefRelation.IN_SCOPE_OF),
                candidate_ref(event.candidate_id, RefRelation.ABOUT),
            )
        case EvidenceMissingDetected():
            return (
                bundle_ref(event.content_hash, RefRelation.ABOUT),
                candidate_ref(event.candidate_id, RefRelation.AFFECTS),
            )
        case CandidateVerificationComputed():
            return (
                candidate_ref(event.candidate_id, RefRelation.ABOUT),
                *_bundles(event.evidence_bundle_hashes, RefRelation.VERIFIES),
                *(
                    suite_ref(name, suite_hash, RefRelation.DEPENDS_ON)
                    for name, suite_hash in event.oracle_suite_summaries.items()
                ),
                *_waivers(event.waiver_ids, RefRelation.DEPENDS_ON),
            )
        case RunStarted():
            return (
                candidate_ref(event.candidate_id, RefRelation.ABOUT),
                suite_ref(
                    event.oracle_suite_id,
                    event.oracle_suite_hash,
                    RefRelation.DEPENDS_ON,
                ),
                _ref(RefKind.ITERATION, event.iteration_id, RefRelation.IN_SCOPE_OF),
            )
        case EvidenceBundleRecorded():
            return (
                _ref(RefKind.RUN, event.run_id, RefRelation.ABOUT),
                candidate_ref(event.candidate_id, RefRelation.VERIFIES),
                bundle_ref(event.content_hash, RefRelation.PRODUCES),
            )
        case RunCompleted():
            return (bundle_ref(event.evidence_bundle_hash, RefRelation.PRODUCES),)
        case IntegrityViolationDetected() | RunFailed():
            return (
                _ref(RefKind.RUN, event.run_id, RefRelation.ABOUT),
                candidate_ref(event.candidate_id, RefRelation.AFFECTS),
            )
        case WaiverCreated():
            return (
                candidate_ref(event.candidate_id, RefRelation.AFFECTS),
                _ref(RefKind.RUN, event.run_id, RefRelation.ABOUT),
            )
        case ExceptionActivated() | ExceptionResolved():
            return (_ref(RefKind.WAIVER, event.exception_id, RefRelation.ABOUT),)
        case DecisionRecorded():
            return (_ref(RefKind.LOOP, event.loop_id, RefRelation.IN_SCOPE_OF),)
        case ApprovalRecorded():
            return (
                candidate_ref(event.candidate_id, RefRelation.ABOUT),
                *_bundles(event.evidence_refs, RefRelation.SUPPORTED_BY),
                *_waivers(event.exceptions_acknowledged, RefRelation.ACKNOWLEDGES),
            )
        case FreezeRecordCreated():
            evidence = event.verification.evidence_bundle_refs
            approval = event.release_approval_id
            return (
                candidate_ref(event.candidate_id, RefRelation.RELEASES),
                _ref(RefKind.APPROVAL, approval, RefRelation.APPROVED_BY),
                *_bundles(evidence, RefRelation.SUPPORTED_BY),
                *_waivers(event.active_exceptions, RefRelation.ACKNOWLEDGES),
            )
        case OracleSuiteRegistered():
            return (suite_ref(event.suite_id, event.suite_hash, RefRelation.ABOUT),)
        case _:
            return ()


def candidate_ref(candidate_id: CandidateId, relation: RefRelation) -> Ref:
    """Return a ref to the candidate, with the hash of its bytes."""
    meta = {"content_hash": candidate_hash(candidate_id)}
    return Ref(kind=RefKind.CANDIDATE, id=candidate_id, rel=relation, meta=meta)


def suite_ref(suite_id: SuiteId, suite_hash: ContentHash, relation: RefRelation) -> Ref:
    """Return a ref to the suite, pinned by the hash of its definition."""
    meta = {"content_hash": suite_hash, "suite_hash": suite_hash}
    return Ref(kind=RefKind.ORACLE_SUITE, id=suite_id, rel=relation, meta=meta)


def bundle_ref(content_hash: ContentHash, relation: RefRelation) -> Ref:
    """Return a ref to the evidence bundle of that hash."""
    return Ref(
        kind=RefKind.EVIDENCE_BUNDLE,
        id=content_hash,
        rel=relation,
        meta={"content_hash": content_hash},
    )


def _bundles(hashes: Iterable[ContentHash], relation: RefRelation) -> tuple[Ref, ...]:
    return tuple(bundle_ref(each, relation) for each in hashes)


def _waivers(identifiers: Iterable[str], relation: RefRelation) -> tuple[Ref, ...]:
    return tuple(_ref(RefKind.WAIVER, each, relation) for each in identifiers)


def _ref(kind: RefKind, identifier: str, relation: RefRelation) -> Ref:
    return Ref(kind=kind, id=identifier, rel=relation)
