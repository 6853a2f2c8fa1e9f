"""What is attested of an evidence bundle to people outside (R-ATT-6).

    the bundle ──▶ subjects      the manifest, its blobs and the candidate, by SHA-256
               ──▶ test result   what of it in-toto's predicate can say
               ──▶ claim         the rest: the manifest whole, where the log has it, when

Everything here follows from the manifest, so that a reader can make it anew and compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sr_core.domain.evidence import EvidenceManifest, ResultStatus, is_secret
from sr_core.domain.ids import candidate_hash, parse_candidate_id
from sr_core.domain.refs import ContentHash

EXPORTED_CLASSES: Final = frozenset({"PUBLIC", "INTERNAL"})
"""How evidence may be classified that leaves the platform as it is (SPEC 9.2)."""
ENCRYPTION_RECORD: Final = "__encryption_metadata__.json"
"""The artifact that says how the others are encrypted."""
SUBJECTS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a statement is about; `sha256` is in hex, as in-toto writes digests."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What in-toto's test-result predicate says; tests are oracles.

    It knows passed and failed. An oracle that did not judge has not passed (C-OR-4).
    """

    has_passed: bool
    configuration: Subject
    passed: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMention:
    """An event of the log, by its place and the hash of its envelope."""

    position: int
    event_id: str
    event_type: str
    occurred_at: str
    envelope_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointMention:
    """The checkpoint that the proof beside the claim leads to; `root` is in hex."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleClaim:
    """What is said of a bundle beside its manifest; `signed_at` is RFC 3339, in UTC.

    `test_result` is the hash of the statement that the claim goes with. `checkpoint` is
    None where no checkpoint was of the recording event yet.
    """

    bundle: ContentHash
    events: tuple[EventMention, ...]
    checkpoint: CheckpointMention | None
    test_result: ContentHash
    signed_at: str


def subjects_of(manifest: EvidenceManifest, bundle: ContentHash) -> Iterator[Subject]:
    """Yield what the bundle vouches for; the names are unique among them.

    Raises:
        MalformedInput: the manifest does not name a candidate.

    """
    candidate_id = parse_candidate_id(manifest.candidate_id)
    yield _subject("candidate", candidate_hash(candidate_id))
    yield _subject("manifest.json", bundle)
    for each in manifest.artifacts:
        yield _subject(f"blobs/{each.name}", each.content_hash)


def test_result_of(manifest: EvidenceManifest) -> TestResult:
    """Return what the manifest says of its oracles, in terms of tests."""
    passed = [
        each.oracle_id for each in manifest.results if each.status is ResultStatus.PASS
    ]
    others = [
        each.oracle_id
        for each in manifest.results
        if each.status is not ResultStatus.PASS
    ]
    return TestResult(
        has_passed=manifest.verdict is ResultStatus.PASS,
        configuration=_subject(manifest.oracle_suite_id, manifest.oracle_suite_hash),
        passed=tuple(sorted(passed)),
        failed=tuple(sorted({*others, *manifest.unanswered})),
    )


def restriction(manifest: EvidenceManifest) -> str | None:
    """Return why the bundle is not for everybody, if it is not (SPEC 9.2)."""
    classed = manifest.metadata.get("classification")
    if classed is not None and classed not in EXPORTED_CLASSES:
        return f"it is classified {classed}"
    if any(each.name == ENCRYPTION_RECORD for each in manifest.artifacts):
        return f"it holds {ENCRYPTION_RECORD}"
    if is_secret(manifest):
        return "a part of it is for few readers"
    return None


def _subject(name: str, content_hash: ContentHash) -> Subject:
    return Subject(name=name, sha256=content_hash.removeprefix("sha256:"))
