"""From what a runner saw to an evidence bundle: pure, but for the identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sr_core.application.facts import WorkContext
from sr_core.codec.evidence import artifact_name, escaped, parse_report
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
from sr_core.domain.oracle_result import Word, judge
from sr_core.domain.oracle_suite import Oracle, SuiteDefinition
from sr_core.domain.refs import hash_bytes
from sr_core.domain.run import Run
from sr_core.domain.suite_definition import EvidenceCapturePolicy
from sr_core.ports.oracle_runner import OracleSeen, RunSeen

_MEDIA_TYPES: Final = {
    ".json": "application/json",
    ".log": "text/plain",
    ".xml": "application/xml",
}
_CAPTURED: Final = "captured/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When a run was carried out and who vouches for it; times are RFC 3339."""

    bundle_id: BundleId
    by: Actor
    began_at: str
    ended_at: str


def build_bundle(
    run: Run,
    suite: SuiteDefinition,
    seen: RunSeen,
    work: WorkContext,
    on: Occasion,
    times: Mapping[OracleId, tuple[str, str]],
) -> tuple[EvidenceManifest, Mapping[str, bytes]]:
    """Return the manifest and the blobs of what the oracles left.

    `times` are when each oracle began and ended.
    """
    oracles = {each.oracle_id: each for each in suite.oracles}
    words = {
        each.oracle_id: _word(oracles[each.oracle_id], each) for each in seen.oracles
    }
    kept = {each.oracle_id: _kept(each, suite) for each in seen.oracles}
    artifacts = _artifacts(kept, oracles)
    results = tuple(
        _result(oracles[each.oracle_id], words[each.oracle_id], artifacts, times)
        for each in seen.oracles
        if words[each.oracle_id].status is not None
    )
    answered = {each.oracle_id for each in results}
    silent = {
        name: words[name].why if name in words else "it was not run"
        for name in oracles
        if name not in answered
    }
    manifest = EvidenceManifest(
        bundle_id=on.bundle_id,
        run_id=run.run_id,
        candidate_id=run.candidate_id,
        oracle_suite_id=run.suite_id,
        oracle_suite_hash=run.suite_hash,
        template_id=work.scope.template_id,
        stage_id=work.scope.stage_id,
        work_surface_id=work.scope.work_surface_id,
        results=results,
        unanswered=silent,
        context=EvidenceContext(
            environment_fingerprint=seen.fingerprint,
            loop_id=run.loop_id,
            iteration_id=run.iteration_id,
            governed_refs=work.governed_refs,
        ),
        exception_refs=work.exception_refs,
        artifacts=tuple(each for _, each in sorted(artifacts.items())),
        verdict=verdict_of([each.status for each in results], unanswered=silent),
        attribution=Attribution(actor_kind=on.by.kind, actor_id=on.by.actor_id),
        produced_at=on.ended_at,
        run_started_at=on.began_at,
        run_completed_at=on.ended_at,
        metadata=_refusals(seen),
    )
    blobs = {
        artifact_name(oracle, name): data
        for oracle, files in kept.items()
        for name, data in files.items()
    }
    return manifest, blobs


def silence(manifest: EvidenceManifest, oracle_id: OracleId) -> str:
    """Return why an oracle did not judge."""
    said = {
        each.oracle_id: f"{each.status}: {each.summary}" for each in manifest.results
    }
    return manifest.unanswered.get(oracle_id) or said.get(oracle_id, "it is not named")


def _word(oracle: Oracle, seen: OracleSeen) -> Word:
    """Return what the oracle said; one that left less than it has to, said nothing."""
    report = parse_report(seen.files.get(oracle.report))
    word = judge(oracle.oracle_id, report, exit_status=seen.exit_status)
    absent = [
        each.path
        for each in oracle.expected_outputs
        if each.required and each.path not in seen.files
    ]
    if absent and word.status is not None and word.status.is_answer:
        why = f"it reported {word.status}, and left no {', '.join(absent)}"
        return Word(status=ResultStatus.ERROR, why=why)
    return word


def _kept(seen: OracleSeen, suite: SuiteDefinition) -> Mapping[str, bytes]:
    """Return the files of the oracle that the suite has kept."""
    policy = suite.evidence_capture_policy
    return {name: data for name, data in seen.files.items() if _is_kept(name, policy)}


def _is_kept(name: str, policy: EvidenceCapturePolicy) -> bool:
    kinds = {"stdout": policy.stdout, "stderr": policy.stderr}
    return all(
        wanted or not name.startswith(f"{_CAPTURED}{kind}")
        for kind, wanted in kinds.items()
    )


def _artifacts(
    kept: Mapping[OracleId, Mapping[str, bytes]], oracles: Mapping[OracleId, Oracle]
) -> Mapping[str, Artifact]:
    """Return every artifact by its name in the bundle."""
    declared = {
        artifact_name(oracle.oracle_id, output.path): output.media_type
        for oracle in oracles.values()
        for output in oracle.expected_outputs
    }
    return {
        name: Artifact(
            name=name,
            media_type=declared.get(name) or _media_type(name),
            size=len(data),
            content_hash=hash_bytes(data),
        )
        for oracle, files in kept.items()
        for path, data in files.items()
        for name in [artifact_name(oracle, path)]
    }


def _result(
    oracle: Oracle,
    word: Word,
    artifacts: Mapping[str, Artifact],
    times: Mapping[OracleId, tuple[str, str]],
) -> OracleResult:
    assert word.status is not None, "a silent oracle has no result"
    own = artifact_name(oracle.oracle_id, "")
    began, ended = times[oracle.oracle_id]
    return OracleResult(
        oracle_id=oracle.oracle_id,
        oracle_name=oracle.oracle_name or oracle.oracle_id.removeprefix("oracle:"),
        classification=oracle.classification,
        status=word.status,
        summary=word.why,
        started_at=began,
        finished_at=ended,
        artifacts=tuple(
            ResultArtifact(
                path=name, media_type=each.media_type, sha256=each.content_hash
            )
            for name, each in artifacts.items()
            if name.startswith(own)
        ),
    )


def _refusals(seen: RunSeen) -> Mapping[str, str]:
    """Return what the oracles left that was not taken, and why."""
    return {
        f"refused {escaped(artifact_name(each.oracle_id, name))}": escaped(why)
        for each in seen.oracles
        for name, why in each.refused.items()
    }


def _media_type(name: str) -> str:
    suffix = name[name.rfind(".") :] if "." in name else ""
    return _MEDIA_TYPES.get(suffix, "application/octet-stream")
