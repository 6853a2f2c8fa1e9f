"""Evidence manifests as oracles would have left them."""

from __future__ import annotations

from collections.abc import Mapping

from sr_core.domain.actors import Actor
from sr_core.domain.evidence import (
    Artifact,
    Attribution,
    EvidenceContext,
    EvidenceManifest,
    OracleResult,
    ResultArtifact,
    ResultStatus,
    verdict_of,
)
from sr_core.domain.ids import BundleId, OracleId
from sr_core.domain.oracle_suite import SuiteDefinition
from sr_core.domain.refs import hash_bytes
from sr_core.domain.run import Run
from sr_core.testing.values import FINGERPRINT, PLATFORM


def build_manifest(
    started: Run,
    suite: SuiteDefinition,
    said: Mapping[OracleId, ResultStatus | None],
    *,
    fingerprint: Mapping[str, str] = FINGERPRINT,
    by: Actor = PLATFORM,
) -> EvidenceManifest:
    """Return the manifest of a run whose oracles passed, except as `said`."""
    statuses = {
        each.oracle_id: said.get(each.oracle_id, ResultStatus.PASS)
        for each in suite.oracles
    }
    results = tuple(
        OracleResult(
            oracle_id=each.oracle_id,
            classification=each.classification,
            status=status,
            summary=f"{status}, as told",
            started_at="2026-01-09T12:00:00.000000Z",
            finished_at="2026-01-09T12:00:01.000000Z",
            artifacts=(_told_artifact(each.oracle_id),),
        )
        for each in suite.oracles
        if (status := statuses[each.oracle_id]) is not None
    )
    silent = {name: "as told" for name, status in statuses.items() if status is None}
    return EvidenceManifest(
        bundle_id=BundleId(f"bundle_{started.run_id.removeprefix('run_')}"),
        run_id=started.run_id,
        candidate_id=started.candidate_id,
        oracle_suite_id=started.suite_id,
        oracle_suite_hash=started.suite_hash,
        results=results,
        unanswered=silent,
        context=EvidenceContext(
            environment_fingerprint=fingerprint,
            loop_id=started.loop_id,
            iteration_id=started.iteration_id,
        ),
        artifacts=tuple(
            Artifact(
                name=part.path,
                media_type=part.media_type,
                size=len(part.path),
                content_hash=part.sha256,
            )
            for result in results
            for part in result.artifacts
        ),
        verdict=verdict_of([each.status for each in results], unanswered=silent),
        attribution=Attribution(actor_kind=by.kind, actor_id=by.actor_id),
        produced_at="2026-01-09T12:00:01.000000Z",
        run_started_at="2026-01-09T12:00:00.000000Z",
        run_completed_at="2026-01-09T12:00:01.000000Z",
    )


def _told_artifact(oracle_id: OracleId) -> ResultArtifact:
    """Return the artifact of an oracle; its bytes are its own name."""
    name = f"{oracle_id}/report.json"
    return ResultArtifact(
        path=name, media_type="application/json", sha256=hash_bytes(name.encode())
    )
