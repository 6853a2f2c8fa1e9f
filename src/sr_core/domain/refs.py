"""Typed references: what an event or an iteration points at, and how.

A ref whose target has bytes carries the hash of those bytes, so that a reader years
later can tell whether it still holds the same thing (SPEC 1.5.3, C-EVT-5).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from sr_core.domain.errors import MalformedInput
from sr_core.domain.type_keys import parse_type_key

ContentHash = NewType("ContentHash", str)
"""``sha256:`` and 64 lower-case hex digits, over the bytes as stored."""

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,8})"
_PART: Final = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-{_PART}(?:\.{_PART})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_STAGE: Final = re.compile(r"stage:[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION_CHARS_MAX: Final = 64


def parse_content_hash(text: str) -> ContentHash:
    """Return `text` as a content hash, or raise `MalformedInput`."""
    if _HASH.fullmatch(text):
        return ContentHash(text)
    raise MalformedInput(
        field="content hash",
        found=text,
        expected="sha256: and 64 lower-case hex digits",
    )


def parse_version(text: str) -> str:
    """Return `text` as a semantic version (SemVer 2.0.0), or raise `MalformedInput`."""
    if len(text) <= _VERSION_CHARS_MAX and _VERSION.fullmatch(text):
        return text
    raise MalformedInput(
        field="version", found=text, expected="a semantic version such as 1.0.0"
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
    GOVERNED_BY = "governed_by"
    """A label and no more: what is needed is `depends_on`."""
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

_INSTEAD_OF_KIND: Final[Mapping[str, str]] = {
    "Context": "the kind of each thing that the context is made of",
    "Directive": RefKind.GOVERNED_ARTIFACT,
    "Exception": f"{RefKind.DEVIATION}, {RefKind.DEFERRAL} or {RefKind.WAIVER}",
    "doc": RefKind.GOVERNED_ARTIFACT,
}
_INSTEAD_OF_REL: Final[Mapping[str, str]] = {
    "approves": RefRelation.APPROVED_BY,
    "freezes": RefRelation.RELEASES,
    "governs": RefRelation.DEPENDS_ON,
    "produced": RefRelation.PRODUCES,
    "self": RefRelation.ABOUT,
    "waived_by": f"{RefRelation.ACKNOWLEDGES}, or {RefRelation.DEPENDS_ON} in a context",
}
_ALIASES: Final[Mapping[str, RefKind]] = {"Template": RefKind.PROCEDURE_TEMPLATE}
"""Kinds that are read under another name, and never written under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """One typed reference; a ref that exists is a valid one.

    Raises:
        MalformedInput: the identifier is empty, `meta` lacks what the kind needs, or
            holds a hash, a version, a stage or a type key that is none.

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
        for name, parse in _FORMS.items():
            if name in self.meta:
                parse(self.meta[name])


def parse_ref(kind: str, identifier: str, rel: str, meta: Mapping[str, str]) -> Ref:
    """Return the ref that these words make.

    Raises:
        MalformedInput: a word is not of the vocabulary, or one that is used no longer,
            in which case the message says what took its place; or `Ref` says no.

    """
    return Ref(
        kind=_parse_kind(kind), id=identifier, rel=_parse_relation(rel), meta=meta
    )


def _parse_kind(text: str) -> RefKind:
    if text in _ALIASES:
        return _ALIASES[text]
    if text in {*RefKind}:
        return RefKind(text)
    instead = _INSTEAD_OF_KIND.get(text) or f"one of {', '.join(RefKind)}"
    raise MalformedInput(field="kind of the ref", found=text, expected=instead)


def _parse_relation(text: str) -> RefRelation:
    if text in {*RefRelation}:
        return RefRelation(text)
    instead = _INSTEAD_OF_REL.get(text) or f"one of {', '.join(RefRelation)}"
    raise MalformedInput(field="rel of the ref", found=text, expected=instead)


def _parse_stage(text: str) -> str:
    if _STAGE.fullmatch(text):
        return text
    raise MalformedInput(
        field="current_stage_id", found=text, expected="stage: and the stage's name"
    )


_FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "content_hash": parse_content_hash,
    "current_stage_id": _parse_stage,
    "suite_hash": parse_content_hash,
    "type_key": parse_type_key,
    "version": parse_version,
}
"""How a part of `meta` is read, wherever it stands."""
