"""Governed documents for tests: small, in order, and told apart by their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sr_core.codec.front_matter import parse_document
from sr_core.domain import governed_artifact
from sr_core.domain.governed_artifact import (
    AdoptManifest,
    GovernedArtifacts,
    GovernedArtifactVersionRecorded,
)
from sr_core.domain.governed_manifest import (
    GovernedManifest,
    ManifestEntry,
    build_manifest,
)
from sr_core.domain.ref_builders import governed_artifact_ref
from sr_core.domain.refs import Ref, RefRelation, hash_bytes
from sr_core.testing.values import NOON, PLATFORM

TYPES: Final[Mapping[str, str]] = {
    "SR-AGENT": "config.agent_definition",
    "SR-CONTRACT": "governance.arch_contract",
    "SR-DIRECTIVE": "governance.dev_directive",
    "SR-GATING-POLICY": "config.gating_policy",
    "SR-SPEC": "governance.technical_spec",
    "SR-TYPES": "governance.types",
}
"""The documents that a platform starts with by default, and their types."""

_POLICY: Final = """\
  ext:
    config.gating_policy:
      hooks:
        plan_review: soft
        evaluation_on_verification: MODE
        assessment_on_validation: soft
        closeout: soft
      triggers: [EXCEPTIONS_ACTIVE, REPEATED_FAILURE]
"""


def build_document(doc_id: str, *, version: str = "1.0.0", **changes: str) -> bytes:
    """Return a document of that name; `changes` replace lines of its front matter.

    `mode` is that of the gating policy's hook for verified candidates, `text` what
    stands below the front matter.
    """
    type_key = changes.get("type", TYPES.get(doc_id, "governance.charter"))
    policy = _POLICY.replace("MODE", changes.pop("mode", "soft"))
    text = changes.pop("text", "Some text.")
    fields = {
        "schema": "solver-ralph.artifact-metadata/v1",
        "id": doc_id,
        "type": type_key,
        "title": f"The {doc_id} of a test",
        "version": version,
        "status": "governed",
        "normative_status": "normative",
        "authority_kind": "content",
        "governed_by": "[SR-CONTRACT]",
        **changes,
    }
    lines = "".join(f"  {name}: {value}\n" for name, value in fields.items())
    ext = policy if type_key == "config.gating_policy" else ""
    return f"---\nsolver_ralph:\n{lines}{ext}---\n\n{text}\n".encode()


def build_entry(data: bytes) -> ManifestEntry:
    """Return the document in the form in which a manifest holds it."""
    metadata = parse_document(data, file="a test's document.md")
    return ManifestEntry(
        doc_id=metadata.id,
        path=f"tests/{metadata.id}.md",
        content_hash=hash_bytes(data),
        metadata=metadata,
    )


def build_governed(**documents: bytes | None) -> GovernedManifest:
    """Return a manifest of the default documents, some replaced, some left out.

    They are named as Python names are: ``SR_DIRECTIVE`` for SR-DIRECTIVE.
    """
    named = {each.replace("_", "-"): data for each, data in documents.items()}
    texts = {**{each: build_document(each) for each in TYPES}, **named}
    entries = tuple(build_entry(data) for data in texts.values() if data is not None)
    return build_manifest(entries, computed_at=NOON)


def build_artifact_events() -> tuple[GovernedArtifactVersionRecorded, ...]:
    """Return what a first start with the default documents records."""
    command = AdoptManifest(by=PLATFORM, manifest=GOVERNED)
    return governed_artifact.decide(GovernedArtifacts(), command)


GOVERNED: Final = build_governed()
"""The manifest of the default documents."""


def _directive() -> Ref:
    entry = GOVERNED.entry("SR-DIRECTIVE")
    assert entry is not None, "no manifest is without it"
    return governed_artifact_ref(
        entry.doc_id,
        RefRelation.DEPENDS_ON,
        content_hash=entry.content_hash,
        version=entry.version,
        type_key=entry.type_key,
    )


DIRECTIVE: Final = _directive()
"""The directive that loops are opened under."""
