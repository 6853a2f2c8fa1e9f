"""In-toto Statements v1 about an evidence bundle, to and from their bytes.

Two statements have the same subjects: one holds in-toto's own test-result predicate, so
that any policy can read it; the other holds `BUNDLE_TYPE`, which is ours, with

    bundle       the bundle's name, sha256: and hex
    manifest     the whole evidence manifest; its canonical JSON has that hash
    events       the log's events about the bundle, in order
    checkpoint   origin, size and root (hex) of the checkpoint that is proven, or null
    test_result  sha256: and hex of the other statement's bytes
    signed_at    when it was signed, in UTC

The bytes are canonical JSON (RFC 8785). A field that is not of the form is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sr_core.codec.canonical import canonical, parse_json, plain, restored
from sr_core.domain.attestation import (
    SUBJECTS_MAX,
    BundleClaim,
    Subject,
    TestResult,
)
from sr_core.domain.errors import MalformedInput

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
TEST_RESULT_TYPE: Final = "https://in-toto.io/attestation/test-result/v0.1"
BUNDLE_TYPE: Final = "urn:sr:evidence-bundle:v1"
_FIELDS: Final = {"_type", "predicate", "predicateType", "subject"}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is said of some subjects; `predicate` is JSON of the type that it names."""

    predicate_type: str
    subjects: tuple[Subject, ...]
    predicate: object


def write_statement(statement: Statement) -> bytes:
    """Return the statement's bytes."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [_descriptor(each) for each in statement.subjects],
            "predicateType": statement.predicate_type,
            "predicate": statement.predicate,
        }
    )


def read_statement(data: bytes, *, what: str) -> Statement:
    """Return the statement in `data`; its predicate is not looked at here.

    Raises:
        MalformedInput: it is none; `what` names it, and the message the place.

    """
    raw = parse_json(data, what=what)
    if not isinstance(raw, dict) or raw.keys() != _FIELDS:
        found = sorted(raw) if isinstance(raw, dict) else type(raw).__name__
        raise MalformedInput(
            field=what, found=found, expected=f"the fields {', '.join(sorted(_FIELDS))}"
        )
    if raw["_type"] != STATEMENT_TYPE:
        raise MalformedInput(
            field=f"{what}: _type", found=raw["_type"], expected=STATEMENT_TYPE
        )
    if not isinstance(raw["predicateType"], str):
        raise MalformedInput(
            field=f"{what}: predicateType",
            found=raw["predicateType"],
            expected="the name of a type",
        )
    return Statement(
        predicate_type=raw["predicateType"],
        subjects=_subjects(raw["subject"], what=f"{what}: subject"),
        predicate=raw["predicate"],
    )


def test_result_json(result: TestResult) -> Mapping[str, object]:
    """Return the predicate of in-toto's test-result v0.1."""
    return {
        "result": "PASSED" if result.has_passed else "FAILED",
        "configuration": [_descriptor(result.configuration)],
        "passedTests": list(result.passed),
        "warnedTests": [],
        "failedTests": list(result.failed),
    }


def claim_json(claim: BundleClaim, manifest: bytes) -> Mapping[str, object]:
    """Return our own predicate; `manifest` are the manifest's bytes as they are stored."""
    said: Mapping[str, object] = plain(claim)
    return {**said, "manifest": parse_json(manifest, what="evidence manifest")}


def read_claim(predicate: object, *, what: str) -> tuple[BundleClaim, bytes]:
    """Return what our own predicate says, and the canonical bytes of its manifest.

    Raises:
        MalformedInput: it is not of the form; `what` names it.

    """
    if not isinstance(predicate, dict) or "manifest" not in predicate:
        raise MalformedInput(
            field=what,
            found=str(predicate)[:80],
            expected="a predicate with a manifest",
        )
    rest = {name: value for name, value in predicate.items() if name != "manifest"}
    try:
        claim = restored(BundleClaim, rest, what=what)
    except MalformedInput as error:
        cause = f"{error.__cause__ or error.value}"
        raise MalformedInput(
            field=what, found=cause, expected=error.expected
        ) from error
    return claim, canonical(predicate["manifest"])


def _descriptor(subject: Subject) -> Mapping[str, Any]:
    return {"name": subject.name, "digest": {"sha256": subject.sha256}}


def _subjects(raw: object, *, what: str) -> tuple[Subject, ...]:
    if not isinstance(raw, list) or not 0 < len(raw) <= SUBJECTS_MAX:
        found = f"{len(raw)} of them" if isinstance(raw, list) else raw
        raise MalformedInput(
            field=what, found=found, expected=f"1 to {SUBJECTS_MAX} subjects"
        )
    read = tuple(_read(each, what=f"{what} {n}") for n, each in enumerate(raw, start=1))
    if doubled := _doubled(each.name for each in read):
        raise MalformedInput(field=what, found=doubled, expected="each name once")
    return read


def _read(raw: object, *, what: str) -> Subject:
    match raw:
        case {"name": str(name), "digest": {"sha256": str(digest), **more}, **rest}:
            if not more and not rest and _SHA256.fullmatch(digest):
                return Subject(name=name, sha256=digest)
        case _:
            pass
    raise MalformedInput(
        field=what,
        found=str(raw)[:120],
        expected="a name, and a digest that is a sha256 in 64 lower-case hex digits",
    )


def _doubled(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for each in names:
        if each in seen:
            return each
        seen.add(each)
    return None
