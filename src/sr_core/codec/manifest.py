"""The evidence manifest, `evidence.gate_packet` v1, to and from its bytes (SPEC 7.8).

It is written in one form and read in two. The older one says `version`, keeps the
fingerprint and the loop beside the results, and names artifacts where the newer one also
gives their hashes:

| older | newer |
|---|---|
| version | artifact_version |
| procedure_template_id | template_id |
| environment_fingerprint, governed_refs, loop_id, iteration_id | below context |
| results[].artifact_refs | results[].artifacts |
| results[].duration_ms | results[].started_at, finished_at |
| results[].error_message, output | results[].summary |
| artifacts[].content_type | artifacts[].media_type |

Which form it has is no matter; a key that neither has is refused, and so is one that
says a second time what another said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sr_core.codec.canonical import canonical, parse_json, restored
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import (
    ARTIFACT_TYPE,
    ARTIFACT_VERSION,
    EvidenceManifest,
    Flaw,
    ManifestDefect,
)
from sr_core.domain.judging_errors import ManifestInvalid
from sr_core.domain.refs import parse_content_hash

_RENAMED: Final[Mapping[str, str]] = {
    "version": "artifact_version",
    "procedure_template_id": "template_id",
}
_CONTEXT: Final = (
    "environment_fingerprint",
    "governed_refs",
    "loop_id",
    "iteration_id",
)
_REQUIRED: Final = (
    "bundle_id",
    "run_id",
    "candidate_id",
    "oracle_suite_id",
    "oracle_suite_hash",
    "results",
    "artifacts",
    "verdict",
)


def parse_manifest(data: bytes) -> EvidenceManifest:
    """Return the evidence manifest in `data`.

    Raises:
        ManifestInvalid: it is none, or it contradicts its own form; `defect` says how.
            What it says of its run is not looked at here.

    """
    try:
        raw = parse_json(data, what="evidence manifest")
    except MalformedInput as error:
        raise ManifestInvalid(
            defect=ManifestDefect.NOT_JSON, why=error.found
        ) from error
    return manifest_from(raw)


def manifest_from(raw: object) -> EvidenceManifest:
    """Return the manifest that the JSON value `raw` stands for; see `parse_manifest`."""
    if not isinstance(raw, dict):
        raise ManifestInvalid(
            defect=ManifestDefect.FIELD_MALFORMED, why="it is no map of fields"
        )
    newer = _newer(raw)
    for flaw in _first_looks(newer):
        raise ManifestInvalid(defect=flaw.defect, why=flaw.why)
    manifest = _restored(newer)
    _check_hashes(manifest)
    return manifest


def stored_form(raw: object) -> bytes:
    """Return the bytes under which a manifest that was handed in is kept and hashed.

    Raises:
        ManifestInvalid: canonical JSON cannot hold it.

    """
    try:
        return canonical(raw)
    except MalformedInput as error:
        raise ManifestInvalid(
            defect=ManifestDefect.FIELD_MALFORMED, why=error.found
        ) from error


def _first_looks(raw: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what can be said before the fields are read."""
    kind, version = raw.get("artifact_type"), raw.get("artifact_version")
    if kind != ARTIFACT_TYPE:
        why = f"artifact_type is {kind!r}, not {ARTIFACT_TYPE}"
        yield Flaw(defect=ManifestDefect.WRONG_TYPE, why=why)
    if version != ARTIFACT_VERSION:
        why = f"artifact_version is {version!r}, not {ARTIFACT_VERSION}"
        yield Flaw(defect=ManifestDefect.UNKNOWN_VERSION, why=why)
    if absent := [name for name in _REQUIRED if name not in raw]:
        yield Flaw(defect=ManifestDefect.FIELD_MISSING, why=", ".join(absent))
    context = raw.get("context")
    if not isinstance(context, dict) or not context.get("environment_fingerprint"):
        why = "context.environment_fingerprint is not there"
        yield Flaw(defect=ManifestDefect.FINGERPRINT_MISSING, why=why)
    if not raw.get("attribution"):
        yield Flaw(defect=ManifestDefect.ATTRIBUTION_MISSING, why="attribution")


def _restored(raw: Mapping[str, Any]) -> EvidenceManifest:
    try:
        return restored(EvidenceManifest, raw, what="evidence manifest")
    except MalformedInput as error:
        cause = str(error.__cause__ or "")
        if not cause:
            defect = ManifestDefect.FIELD_UNKNOWN
        elif "missing required field" in cause:
            defect = ManifestDefect.FIELD_MISSING
        else:
            defect = ManifestDefect.FIELD_MALFORMED
        raise ManifestInvalid(defect=defect, why=error.found) from error


def _check_hashes(manifest: EvidenceManifest) -> None:
    hashes = [
        manifest.oracle_suite_hash,
        *(each.content_hash for each in manifest.artifacts),
        *(each.content_hash for each in manifest.context.governed_refs),
        *(part.sha256 for each in manifest.results for part in each.artifacts),
    ]
    for each in hashes:
        try:
            parse_content_hash(each)
        except MalformedInput as error:
            raise ManifestInvalid(
                defect=ManifestDefect.FIELD_MALFORMED, why=error.found
            ) from error


def _newer(raw: dict[str, Any]) -> dict[str, Any]:
    """Return `raw` in the newer form; what is in that form already stays as it is."""
    made = dict(raw)
    for older, name in _RENAMED.items():
        if older in made and name not in made:
            made[name] = made.pop(older)
    if "context" not in made:
        flat = {name: made.pop(name) for name in _CONTEXT if name in made}
        if flat:
            made["context"] = flat
    artifacts = made.get("artifacts")
    if isinstance(artifacts, list):
        made["artifacts"] = [_newer_artifact(each) for each in artifacts]
    results = made.get("results")
    if isinstance(results, list):
        made["results"] = [_newer_result(each, made) for each in results]
    _fill_times(made)
    return made


def _newer_artifact(raw: object) -> object:
    if not isinstance(raw, dict) or "content_type" not in raw or "media_type" in raw:
        return raw
    made = dict(raw)
    made["media_type"] = made.pop("content_type")
    return made


def _newer_result(raw: object, manifest: Mapping[str, Any]) -> object:
    if not isinstance(raw, dict):
        return raw
    made = dict(raw)
    if "artifact_refs" in made and "artifacts" not in made:
        names = made.pop("artifact_refs")
        made["artifacts"] = _resolved(names, manifest.get("artifacts"))
    if "duration_ms" in made and "started_at" not in made:
        began = manifest.get("run_started_at")
        made["started_at"] = began
        made["finished_at"] = _later(began, made.pop("duration_ms"))
    if "summary" not in made:
        said = (made.pop("error_message", None), made.pop("output", None))
        made["summary"] = next((each for each in said if each), "")
    return made


def _resolved(names: object, artifacts: object) -> list[dict[str, object]]:
    """Return the artifacts that a result of the older form names.

    Raises:
        ManifestInvalid: one of them is not there.

    """
    listed = artifacts if isinstance(artifacts, list) else []
    known = {
        each["name"]: each
        for each in listed
        if isinstance(each, dict) and "name" in each
    }
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ManifestInvalid(
            defect=ManifestDefect.FIELD_MALFORMED,
            why="artifact_refs is no list of names",
        )
    for each in names:
        if each not in known:
            raise ManifestInvalid(
                defect=ManifestDefect.ARTIFACT_UNRESOLVED, why=f"{each} is not there"
            )
    return [
        {
            "path": each,
            "media_type": known[each].get("media_type"),
            "sha256": known[each].get("content_hash"),
        }
        for each in names
    ]


def _later(moment: object, duration_ms: object) -> object:
    """Return the moment so much later; what cannot be read, the form refuses."""
    if not isinstance(moment, str) or not isinstance(duration_ms, int | float):
        return None
    try:
        began = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return (began + timedelta(milliseconds=duration_ms)).isoformat()


def _fill_times(made: dict[str, Any]) -> None:
    """Say when the run was, where one form says it and the other does not."""
    if "produced_at" not in made and "run_completed_at" in made:
        made["produced_at"] = made["run_completed_at"]
    if "produced_at" in made:
        made.setdefault("run_started_at", made["produced_at"])
        made.setdefault("run_completed_at", made["produced_at"])
