"""Typed references: what an event or an iteration points at, and how.

A ref whose target has bytes carries the hash of those bytes, so that a reader years
later can tell whether it still holds the same thing (SPEC 1.5.3, C-EVT-5).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from sr_core.domain.errors import MalformedInput

ContentHash = NewType("ContentHash", str)
"""``sha256:`` and 64 lower-case hex digits, over the bytes as stored."""

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")


def parse_content_hash(text: str) -> ContentHash:
    """Return `text` as a content hash, or raise `MalformedInput`."""
    if _HASH.fullmatch(text):
        return ContentHash(text)
    raise MalformedInput(
        field="content hash",
        found=text,
        expected="sha256: and 64 lower-case hex digits",
    )


def hash_bytes(data: bytes) -> ContentHash:
    """Return the content hash of `data`."""
    return ContentHash(f"sha256:{hashlib.sha256(data).hexdigest()}")


class RefKind(StrEnum):
    """What a ref points at."""

    AGENT_DEFINITION = "AgentDefinition"
    APPROVAL = "Approval"
    CANDIDATE = "Candidate"
    DECISION = "Decision"
    DEFERRAL = "Deferral"
    DEVIATION = "Deviation"
    EVIDENCE_BUNDLE = "EvidenceBundle"
    FREEZE = "Freeze"
    GATING_POLICY = "GatingPolicy"
    GOVERNED_ARTIFACT = "GovernedArtifact"
    INTAKE = "Intake"
    ITERATION = "Iteration"
    LOOP = "Loop"
    ORACLE_SUITE = "OracleSuite"
    PROCEDURE_STAGE = "ProcedureStage"
    PROCEDURE_TEMPLATE = "ProcedureTemplate"
    RECORD = "Record"
    RUN = "Run"
    SEMANTIC_SET = "SemanticSet"
    WAIVER = "Waiver"
    WORK_SURFACE = "WorkSurface"


class RefRelation(StrEnum):
    """How the holder relates to what it points at; `rel` on the wire."""

    ABOUT = "about"
    ACKNOWLEDGES = "acknowledges"
    AFFECTS = "affects"
    APPROVED_BY = "approved_by"
    DEPENDS_ON = "depends_on"
    IN_SCOPE_OF = "in_scope_of"
    PRODUCES = "produces"
    RELATES_TO = "relates_to"
    RELEASES = "releases"
    ROOT_CAUSE = "root_cause"
    STALE = "stale"
    SUPERSEDES = "supersedes"
    SUPPORTED_BY = "supported_by"
    VERIFIES = "verifies"


_NEEDS: Final[Mapping[RefKind, tuple[str, ...]]] = {
    RefKind.CANDIDATE: ("content_hash",),
    RefKind.EVIDENCE_BUNDLE: ("content_hash",),
    RefKind.GOVERNED_ARTIFACT: ("content_hash", "version"),
    RefKind.INTAKE: ("content_hash",),
    RefKind.ORACLE_SUITE: ("content_hash", "suite_hash"),
    RefKind.PROCEDURE_TEMPLATE: ("content_hash", "current_stage_id"),
    RefKind.RECORD: ("content_hash", "type_key"),
}
_HASHES: Final = frozenset({"content_hash", "suite_hash"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """One typed reference; a ref that exists is a valid one.

    Raises:
        MalformedInput: the identifier is empty, or `meta` lacks what the kind needs.

    """

    kind: RefKind
    id: str
    rel: RefRelation
    meta: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id:
            raise MalformedInput(
                field=f"id of the {self.kind} ref", found=self.id, expected="a name"
            )
        for name in _NEEDS.get(self.kind, ()):
            if not self.meta.get(name):
                raise MalformedInput(
                    field=f"meta.{name} of the {self.kind} ref to {self.id}",
                    found=self.meta.get(name),
                    expected=f"the {name} of what it points at",
                )
        for name in _HASHES & self.meta.keys():
            parse_content_hash(self.meta[name])
