"""What a governed document says of itself (C-META-1, C-META-2, C-META-3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sr_core.domain.errors import MalformedInput
from sr_core.domain.type_keys import TypeKey

METADATA_SCHEMA: Final = "solver-ralph.artifact-metadata/v1"


_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def parse_artifact_id(text: str) -> str:
    """Return `text` as a governed artifact's identifier, or raise `MalformedInput`."""
    if _ID.fullmatch(text):
        return text
    raise MalformedInput(
        field="artifact id",
        found=text,
        expected="1 to 128 letters, digits, dots, colons, dashes, underscores",
    )


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
