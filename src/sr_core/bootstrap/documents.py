"""The governed documents on disk: read once, at the start of a process (SPEC 8.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Final

from sr_core.codec.front_matter import parse_document
from sr_core.domain.artifact_metadata import ArtifactMetadata
from sr_core.domain.errors import DocumentInvalid, DocumentMissing, MalformedInput
from sr_core.domain.gating_policy import parse_policy
from sr_core.domain.governed_manifest import (
    GovernedManifest,
    ManifestEntry,
    build_manifest,
)
from sr_core.domain.refs import hash_bytes
from sr_core.domain.type_keys import GATING_POLICY

DOCUMENT_BYTES_MAX: Final = 4 * 1024 * 1024


def documents_folder() -> Traversable:
    """Return where the shipped documents are: in the package, or in the working tree."""
    packaged = files(__package__) / "governed"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "docs"


def read_manifest(
    folder: Traversable, paths: Sequence[str], *, computed_at: datetime
) -> GovernedManifest:
    """Return the manifest of the documents at `paths`, each below `folder`.

    The hash of each is that of its bytes as they lie there, whatever its line endings.

    Raises:
        DocumentMissing, DocumentInvalid: one is not there, or not in order.
        MalformedInput: a path leads out of the folder, or two documents have one name.

    """
    entries = tuple(_entry(folder, each) for each in paths)
    return build_manifest(entries, computed_at=computed_at)


def _entry(folder: Traversable, path: str) -> ManifestEntry:
    data = _bytes(folder, _inside(path))
    file = f"{folder}/{path}"
    metadata = parse_document(data, file=file)
    _check_definition(metadata, file)
    return ManifestEntry(
        doc_id=metadata.id,
        path=path,
        content_hash=hash_bytes(data),
        metadata=metadata,
    )


def _inside(path: str) -> PurePosixPath:
    """Return `path`, if it leads nowhere but further down."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise MalformedInput(
            field="SR_GOVERNED_DOCS",
            found=path,
            expected="paths inside SR_DOCS_PATH, such as program/SR-DIRECTIVE.md",
        )
    return parts


def _bytes(folder: Traversable, path: PurePosixPath) -> bytes:
    file = folder.joinpath(*path.parts)
    if not file.is_file():
        raise DocumentMissing(file=str(file), why="is not there")
    try:
        data = file.read_bytes()
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise DocumentMissing(file=str(file), why=why) from error
    if len(data) > DOCUMENT_BYTES_MAX:
        raise DocumentInvalid(
            file=str(file),
            line=1,
            found=f"the document has more than {DOCUMENT_BYTES_MAX} bytes",
            remedy="Shorten it",
        )
    return data


def _check_definition(metadata: ArtifactMetadata, file: str) -> None:
    """Refuse a policy that says what no policy can say, at the start and not later."""
    if metadata.type != GATING_POLICY:
        return
    try:
        parse_policy(metadata.ext)
    except MalformedInput as error:
        raise DocumentInvalid(
            file=file, line=1, found=error.found, remedy=error.remedy
        ) from error
