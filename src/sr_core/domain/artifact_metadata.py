"""What a governed document says of itself (C-META-1, C-META-2, C-META-3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sr_core.domain.type_keys import TypeKey

METADATA_SCHEMA: Final = "solver-ralph.artifact-metadata/v1"


class ArtifactStatus(StrEnum):
    """Where a governed document stands in its life."""

    DRAFT = "draft"
    GOVERNED = "governed"
    SUPERSEDED = "superseded"
    DEPRECATED = "deprecated"
    ARCHIVED = "archived"


class NormativeStatus(StrEnum):
    """How much a document's word weighs."""

    NORMATIVE = "normative"
    DIRECTIONAL = "directional"
    INDEX = "index"
    RECORD = "record"
    EVIDENCE = "evidence"


class AuthorityKind(StrEnum):
    """What sort of authority a document has."""

    CONTENT = "content"
    PROCESS = "process"
    RECORD = "record"
    CONFIG = "config"
    INDEX = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactMetadata:
    """A document's front matter; one that exists is in order."""

    id: str
    type: TypeKey
    title: str
    version: str
    status: ArtifactStatus
    normative_status: NormativeStatus
    authority_kind: AuthorityKind
    governed_by: tuple[str, ...]
    tags: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    ext: Mapping[str, object] = field(default_factory=dict)
    """What belongs to the document's type: the map under ``ext.<type_key>``."""

    @property
    def is_normative(self) -> bool:
        """Whether others are bound by what it says."""
        return self.normative_status is NormativeStatus.NORMATIVE
