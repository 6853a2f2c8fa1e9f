"""The redacted copy of a bundle: what stands beside a restricted original, for everybody.

    H1, restricted ──read, by who may──▶ redacted ──▶ H2, open ──▶ event that links them

H2 is the hash of the redaction manifest, which names H1, each redacted artifact, and each
region in which it differs. Of what stood in a region it has no bytes, no hash and no MAC
(R-ENC-16). A redacted copy is no evidence: nothing can be claimed by it.

Clauses: C-EVID-5, SPEC 9.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput
from sr_core.domain.redaction import MARKER, Region
from sr_core.domain.redaction_rules import SecretKind
from sr_core.domain.ref_builders import bundle_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.restricted import parse_rationale

REDACTER: Final = "evidence:redact"
"""The role of the humans who may have a redacted copy published."""
ARTIFACT_TYPE: Final = "evidence.redaction"
ARTIFACT_VERSION: Final = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedArtifact:
    """One redacted blob; size and hash are those of the copy."""

    name: str
    media_type: str
    size: int
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """A region of an artifact, in bytes, in whose place the copy has a marker."""

    artifact_name: str
    content_type: SecretKind
    reasons: tuple[str, ...]
    """The names of the rules that matched."""
    offset: int
    length: int
    redacted_offset: int
    redacted_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionManifest:
    """What a redacted copy is of, and how it differs (RedactionManifest v1, SPEC 9.2)."""

    original_bundle_hash: ContentHash
    redacted_at: str
    redacted_by: str
    artifacts: tuple[RedactedArtifact, ...]
    redactions: tuple[Redaction, ...]
    artifact_type: str = ARTIFACT_TYPE
    artifact_version: str = ARTIFACT_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedEvidenceRedacted:
    """A human had a redacted copy of what is restricted in a bundle published."""

    redacted_bundle_hash: ContentHash
    original_bundle_hash: ContentHash
    blob_names: tuple[str, ...]
    regions: int
    rationale: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """It is about the original."""
        return (bundle_ref(self.original_bundle_hash, RefRelation.ABOUT),)


RedactionEvent: TypeAlias = RestrictedEvidenceRedacted


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishCopy:
    """Publish the redacted copy that lies under its hash already."""

    by: Actor
    redacted_bundle_hash: ContentHash
    manifest: RedactionManifest
    rationale: str


def authorise_redaction(by: Actor) -> None:
    """Raise `AuthorityRequired` unless `by` is a human who may have it published."""
    by.require(ActorKind.HUMAN, action="publishing a redacted copy")
    by.require_role(REDACTER, action="publishing a redacted copy")


def require_reason(text: str) -> str:
    """Return why a copy is published, or raise `MalformedInput`."""
    return parse_rationale(text, why="why it is published")


def redactions_of(name: str, regions: tuple[Region, ...]) -> tuple[Redaction, ...]:
    """Return the regions of one artifact as its redaction manifest has them."""
    return tuple(
        Redaction(
            artifact_name=name,
            content_type=each.kind,
            reasons=each.rules,
            offset=each.offset,
            length=each.length,
            redacted_offset=each.redacted_offset,
            redacted_length=len(MARKER),
        )
        for each in regions
    )


def publish(command: PublishCopy) -> tuple[RestrictedEvidenceRedacted, ...]:
    """Return the copy as recorded.

    Raises:
        AuthorityRequired: no human with the role has it published.
        MalformedInput: nothing in the bundle is sealed, or no reason is given.

    """
    authorise_redaction(command.by)
    manifest = command.manifest
    if not manifest.artifacts:
        raise MalformedInput(
            field="bundle",
            found=manifest.original_bundle_hash,
            expected="a bundle in which something is sealed",
        )
    return (
        RestrictedEvidenceRedacted(
            redacted_bundle_hash=command.redacted_bundle_hash,
            original_bundle_hash=manifest.original_bundle_hash,
            blob_names=tuple(each.name for each in manifest.artifacts),
            regions=len(manifest.redactions),
            rationale=require_reason(command.rationale),
        ),
    )
