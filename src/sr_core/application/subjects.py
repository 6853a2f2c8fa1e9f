"""What approvals and notes are about: that it exists, and which history governs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sr_core.application.platform import Platform
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.events import stream_name
from sr_core.domain.refs import Ref, RefKind
from sr_core.ports.event_store import StreamId

_PREFIX: Final[Mapping[RefKind, str]] = {
    RefKind.APPROVAL: "appr",
    RefKind.CANDIDATE: "cand",
    RefKind.DECISION: "dec",
    RefKind.DEFERRAL: "exc",
    RefKind.DEVIATION: "exc",
    RefKind.FREEZE: "freeze",
    RefKind.INTAKE: "intake",
    RefKind.ITERATION: "iter",
    RefKind.LOOP: "loop",
    RefKind.RECORD: "rec",
    RefKind.RUN: "run",
    RefKind.WAIVER: "exc",
    RefKind.WORK_SURFACE: "ws",
}
"""Kinds that have a stream each; others may be named before they are recorded."""

_GOVERNING: Final = ("loop:", "wu:")


async def boundary_of(platform: Platform, subject: Ref) -> StreamId | None:
    """Return the boundary of what `subject` names; None if its kind has no streams.

    Raises:
        NotFound: nothing of that kind is recorded under that identifier.

    """
    stream = _stream(subject)
    if stream is None:
        if subject.kind is RefKind.EVIDENCE_BUNDLE:
            await _require_bundle(platform, subject)
        return None
    boundary = await platform.recorder.store.boundary_of(stream)
    if boundary is None:
        raise NotFound(kind=subject.kind.value, identifier=subject.id)
    return boundary


async def governing(platform: Platform, subjects: Iterable[Ref]) -> StreamId | None:
    """Return the one loop or work unit that governs the subjects, if any does.

    Raises:
        NotFound: one of them is not recorded.
        MalformedInput: they belong to several.

    """
    found = {
        boundary
        for each in subjects
        if (boundary := await boundary_of(platform, each)) is not None
        and boundary.startswith(_GOVERNING)
    }
    if len(found) > 1:
        raise MalformedInput(
            field="subject_refs",
            found=sorted(found),
            expected="subjects of one loop, or of one work unit",
        )
    return found.pop() if found else None


def _stream(subject: Ref) -> StreamId | None:
    if subject.kind is RefKind.PROCEDURE_STAGE:
        surface = subject.meta.get("work_surface_id")
        if not surface:
            raise MalformedInput(
                field=f"meta.work_surface_id of the stage {subject.id}",
                found=surface,
                expected="the work surface whose stage it is",
            )
        return StreamId(stream_name("ws", surface))
    prefix = _PREFIX.get(subject.kind)
    return None if prefix is None else StreamId(stream_name(prefix, subject.id))


async def _require_bundle(platform: Platform, subject: Ref) -> None:
    row = await platform.rows.row("evidence_bundles", {"content_hash": subject.id})
    if row is None:
        raise NotFound(kind=subject.kind.value, identifier=subject.id)
