"""What sealed evidence is bound to: whose blob it is, and which bytes it became.

A blob is restricted evidence: what is to be kept from most readers, so that it is stored
only as a container that a data key of its own encrypts. The data key lies beside it in a
key record, wrapped under a KEK (C-EVID-2, SPEC 9.2).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields
from typing import Final

from sr_core.domain.context_compiler import THRESHOLD, Classification
from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import ContentHash, parse_content_hash

BLOB_NAME_BYTES_MAX: Final = 512
SCHEMA_VERSION_MAX: Final = 2**16 - 1
SEALED_BYTES_MAX: Final = 2**57
"""More than the 2^40 segments of 64 KiB that a container can have."""

_EVIDENCE_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_SEGMENT: Final = re.compile(r"[^/\x00-\x1f\x7f\\\ud800-\udfff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContext:
    """Whose blob it is; a container opens under this very context and no other (R-ENC-6).

    `evidence_id` is the public name of the evidence that the blob belongs to,
    `schema_version` that of the form in which this evidence is described.
    """

    evidence_id: str
    blob_name: str
    classification: Classification
    schema_version: int

    def __post_init__(self) -> None:
        _require_evidence_id(self.evidence_id)
        _require_blob_name(self.blob_name)
        if self.classification < THRESHOLD:
            raise MalformedInput(
                field="classification of sealed evidence",
                found=self.classification.name,
                expected="RESTRICTED or CONFIDENTIAL; what is open is not sealed",
            )
        if not 1 <= self.schema_version <= SCHEMA_VERSION_MAX:
            raise MalformedInput(
                field="schema version",
                found=self.schema_version,
                expected=f"a number from 1 to {SCHEMA_VERSION_MAX}",
            )

    def differences(self, other: SealContext) -> tuple[str, ...]:
        """Return the names of the fields in which `other` differs."""
        return tuple(
            each.name
            for each in fields(self)
            if getattr(self, each.name) != getattr(other, each.name)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedObject:
    """The container that a blob became: its length in bytes, and its hash."""

    size: int
    content_hash: ContentHash

    def __post_init__(self) -> None:
        parse_content_hash(self.content_hash)
        if not 0 < self.size <= SEALED_BYTES_MAX:
            raise MalformedInput(
                field="size of a container",
                found=self.size,
                expected=f"a number of bytes from 1 to {SEALED_BYTES_MAX}",
            )


def _require_evidence_id(text: str) -> None:
    if not _EVIDENCE_ID.fullmatch(text):
        raise MalformedInput(
            field="evidence id",
            found=text,
            expected="1 to 200 characters of visible ASCII",
        )


def _require_blob_name(text: str) -> None:
    """Refuse a name that a store or another reader could take for a different one."""
    segments = text.split("/")
    is_clean = all(_SEGMENT.fullmatch(each) for each in segments)
    if (
        not is_clean
        or {".", ".."} & set(segments)
        or len(text.encode()) > BLOB_NAME_BYTES_MAX
        or not unicodedata.is_normalized("NFC", text)
    ):
        raise MalformedInput(
            field="blob name",
            found=text,
            expected=f"up to {BLOB_NAME_BYTES_MAX} bytes of UTF-8 in the normal form "
            "NFC, a relative path without . and ..",
        )
