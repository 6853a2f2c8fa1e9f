"""Candidate and evidence manifests, suites and reports, to and from their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sr_core.codec.canonical import canonical, parse_json, restored
from sr_core.domain.candidate import CandidateFile, CandidateManifest
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import EvidenceManifest, ResultStatus
from sr_core.domain.oracle_result import NoReport, OracleReport
from sr_core.domain.oracle_suite import SuiteDefinition
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


def parse_manifest(data: bytes) -> EvidenceManifest:
    """Return the evidence manifest in `data`, or raise `MalformedInput`."""
    what = "evidence manifest"
    return restored(EvidenceManifest, parse_json(data, what=what), what=what)


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
