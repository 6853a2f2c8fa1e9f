"""Candidate manifests, suites, reports, and what a judgement has to repeat, as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sr_core.codec.canonical import canonical, parse_json
from sr_core.domain.candidate import CandidateFile, CandidateManifest
from sr_core.domain.environment import inputs_of
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import EvidenceManifest, ResultStatus
from sr_core.domain.ids import OracleId
from sr_core.domain.oracle_result import NoReport, OracleReport
from sr_core.domain.oracle_suite import OutputRole, SuiteDefinition
from sr_core.domain.refs import ContentHash, hash_bytes

RESULT_SCHEMA: Final = "sr.oracle_result.v1"

TEXT_CHARS_MAX: Final = 2000
"""How much is kept of what an oracle says in words."""

_REPORT_FIELDS: Final = frozenset(
    {
        "schema",
        "oracle_id",
        "status",
        "started_at",
        "completed_at",
        "duration_ms",
        "exit_code",
        "summary",
    }
)
_REPORT_OPTIONAL: Final = frozenset({"details", "artifacts"})


def manifest_of(files: Mapping[str, bytes]) -> CandidateManifest:
    """Return the manifest of a candidate's files, by path.

    Raises:
        MalformedInput: there is none, or a path is not one that a candidate may have.

    """
    return CandidateManifest(
        files=tuple(
            CandidateFile(path=path, size=len(data), content_hash=hash_bytes(data))
            for path, data in sorted(files.items())
        )
    )


def hash_candidate(manifest: CandidateManifest) -> ContentHash:
    """Return the candidate's hash: that of its manifest's canonical form."""
    return hash_bytes(canonical(manifest))


def hash_suite(definition: SuiteDefinition) -> ContentHash:
    """Return the suite's hash; every field of the definition is part of it."""
    return hash_bytes(canonical(definition))


def hash_environment(fingerprint: Mapping[str, str]) -> ContentHash:
    """Return the hash of what of the fingerprint is an input of a judgement."""
    return hash_bytes(canonical(inputs_of(fingerprint)))


def hash_outputs(
    manifest: EvidenceManifest, suite: SuiteDefinition
) -> Mapping[OracleId, ContentHash]:
    """Return, for each oracle that judged, the hash of what it has to repeat (C-OR-5).

    That is its status, and the artifacts that the suite expects of it; reports and logs
    tell the time of day. What is restricted is left out: sealed, it is other bytes every
    time, and unsealed its hash would be a means to guess it.
    """
    secret = {
        each.name for each in manifest.artifacts if each.classification is not None
    }
    expected = {
        each.oracle_id: {
            output.path
            for output in each.expected_outputs
            if output.role is OutputRole.ARTIFACT
        }
        for each in suite.oracles
    }
    return {
        each.oracle_id: hash_bytes(
            canonical(
                {
                    "status": each.status,
                    "artifacts": {
                        part.path: part.sha256
                        for part in each.artifacts
                        if part.path not in secret
                        and _own_name(each.oracle_id, part.path)
                        in expected.get(each.oracle_id, ())
                    },
                }
            )
        )
        for each in manifest.results
        if each.status.is_answer
    }


def artifact_name(oracle_id: OracleId, path: str) -> str:
    """Return what a file that an oracle left is called in the bundle."""
    return f"{oracle_id.removeprefix('oracle:')}/{path}"


def _own_name(oracle_id: OracleId, name: str) -> str:
    """Return what the oracle itself called the artifact."""
    return name.removeprefix(artifact_name(oracle_id, ""))


def parse_report(data: bytes | None) -> OracleReport | NoReport:
    """Return what an oracle's report says; a report that cannot be read is none."""
    if data is None:
        return NoReport(why="it left no report")
    try:
        return _report(data)
    except MalformedInput as error:
        return NoReport(why=f"its report cannot be read: {escaped(error.found)}")


def _report(data: bytes) -> OracleReport:
    raw = parse_json(data, what="report")
    if not isinstance(raw, dict) or raw.get("schema") != RESULT_SCHEMA:
        raise MalformedInput(
            field="report", found=str(raw)[:80], expected=f"schema {RESULT_SCHEMA}"
        )
    missing = _REPORT_FIELDS - raw.keys()
    surplus = raw.keys() - _REPORT_FIELDS - _REPORT_OPTIONAL
    if missing or surplus:
        raise MalformedInput(
            field="report",
            found=f"without {sorted(missing)}, with {sorted(surplus)}",
            expected=f"the fields of {RESULT_SCHEMA}",
        )
    status, oracle_id, summary = raw["status"], raw["oracle_id"], raw["summary"]
    if not all(isinstance(each, str) for each in (status, oracle_id, summary)):
        raise MalformedInput(
            field="report", found="a field that is no text", expected="texts"
        )
    if status not in set(ResultStatus):
        raise MalformedInput(
            field="report", found=f"status {status!r}", expected="PASS or FAIL"
        )
    return OracleReport(
        oracle_id=escaped(oracle_id),
        status=ResultStatus(status),
        summary=escaped(summary),
    )


def escaped(text: str) -> str:
    """Return text that nobody vouches for, so that any record can hold it.

    Half a surrogate pair and control characters are written out; a long text is cut.
    """
    cut = text[:TEXT_CHARS_MAX] + (" ..." if len(text) > TEXT_CHARS_MAX else "")
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in cut)
