"""The governed manifest: the documents that a process was started with, each by its bytes.

It is computed once, at the start. Editing a file changes nothing until the next start,
so all iterations of one process rest on the same texts (SPEC 8.2, D-08).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sr_core.domain.artifact_metadata import ArtifactMetadata, ArtifactStatus
from sr_core.domain.errors import DocumentMissing, MalformedInput
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.type_keys import AGENT_DEFINITION, GATING_POLICY, TypeKey

DIRECTIVE_ID: Final = "SR-DIRECTIVE"
"""The one document without which no process starts."""

NOT_DEPENDED_ON: Final = frozenset({AGENT_DEFINITION, GATING_POLICY})
"""Types that an iteration is supported by, where it depends on all other documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One document: where it lies, the hash of its raw bytes, and its metadata."""

    doc_id: str
    path: str
    content_hash: ContentHash
    metadata: ArtifactMetadata

    @property
    def version(self) -> str:
        """The version that its front matter gives."""
        return self.metadata.version

    @property
    def type_key(self) -> TypeKey:
        """The type that its front matter gives."""
        return self.metadata.type


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernedManifest:
    """All documents that a process was started with, in the order of their identifiers."""

    artifacts: tuple[ManifestEntry, ...]
    computed_at: datetime
    """When it was computed; no hash covers it."""

    @property
    def manifest_hash(self) -> ContentHash:
        """The hash over a line ``doc_id:content_hash`` for each document, sorted."""
        lines = sorted(
            f"{each.doc_id}:{each.content_hash}\n" for each in self.artifacts
        )
        return hash_bytes("".join(lines).encode())

    def entry(self, doc_id: str) -> ManifestEntry | None:
        """Return the document of that name, if the process was started with it."""
        return next((each for each in self.artifacts if each.doc_id == doc_id), None)

    def of_type(self, type_key: TypeKey) -> tuple[ManifestEntry, ...]:
        """Return the documents of that type."""
        return tuple(each for each in self.artifacts if each.type_key == type_key)


def build_manifest(
    entries: tuple[ManifestEntry, ...], *, computed_at: datetime
) -> GovernedManifest:
    """Return the manifest of `entries`.

    Raises:
        DocumentMissing: the directive is not among them.
        MalformedInput: a name stands twice, or a document is not in force.

    """
    doubled = [name for name, times in _names(entries).items() if times > 1]
    if doubled:
        paths = ", ".join(each.path for each in entries if each.doc_id == doubled[0])
        raise MalformedInput(
            field="governed documents",
            found=f"{doubled[0]} in {paths}",
            expected="each document once, under an id of its own",
        )
    for each in entries:
        _require_in_force(each)
    if DIRECTIVE_ID not in _names(entries):
        raise DocumentMissing(
            file=f"program/{DIRECTIVE_ID}.md",
            why=f"is not among the governed documents, and nothing runs without "
            f"{DIRECTIVE_ID}",
        )
    ordered = tuple(sorted(entries, key=lambda each: each.doc_id))
    return GovernedManifest(artifacts=ordered, computed_at=computed_at)


def _names(entries: tuple[ManifestEntry, ...]) -> Counter[str]:
    return Counter(each.doc_id for each in entries)


def _require_in_force(entry: ManifestEntry) -> None:
    if entry.metadata.status is not ArtifactStatus.GOVERNED:
        raise MalformedInput(
            field=f"status of {entry.path}",
            found=entry.metadata.status,
            expected=f"documents that are {ArtifactStatus.GOVERNED}, or leave it out of "
            "SR_GOVERNED_DOCS",
        )
