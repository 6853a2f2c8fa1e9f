"""Manifests of runs that no program made."""

from __future__ import annotations

from collections.abc import Mapping

from sr_core.domain import run
from sr_core.domain.evidence import (
    Artifact,
    EvidenceManifest,
    OracleResult,
    ResultStatus,
    verdict_of,
)
from sr_core.domain.ids import BundleId, OracleId
from sr_core.domain.oracle_suite import SuiteDefinition
from sr_core.domain.refs import hash_bytes
from sr_core.testing.values import PLATFORM


def build_manifest(
    started: run.Run,
    suite: SuiteDefinition,
    said: Mapping[OracleId, ResultStatus | None],
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
            artifacts=(f"{each.oracle_id}/report.json",),
        )
        for each in suite.oracles
        if (status := statuses[each.oracle_id]) is not None
    )
    silent = {name: "as told" for name, status in statuses.items() if status is None}
    return EvidenceManifest(
        bundle_id=BundleId(f"bundle_{started.run_id.removeprefix('run_')}"),
        run_id=started.run_id,
        candidate_id=started.candidate_id,
        loop_id=started.loop_id,
        iteration_id=started.iteration_id,
        oracle_suite_id=started.suite_id,
        oracle_suite_hash=started.suite_hash,
        results=results,
        unanswered=silent,
        artifacts=tuple(
            Artifact(
                name=name,
                media_type="application/json",
                size=len(name),
                content_hash=hash_bytes(name.encode()),
            )
            for result in results
            for name in result.artifacts
        ),
        environment_fingerprint={"sandbox": "told"},
        verdict=verdict_of([each.status for each in results], unanswered=silent),
        produced_by=PLATFORM.actor_id,
        produced_at="2026-01-09T12:00:02.000000Z",
    )
