"""Which governed exceptions are in force, by the log; whoever's history holds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Final

from sr_core.application.platform import Platform
from sr_core.codec.canonical import restored
from sr_core.domain.candidate import Candidate
from sr_core.domain.dossier import Dossier
from sr_core.domain.exception_scope import (
    ExceptionKind,
    ExceptionScope,
    Place,
    ScopeKind,
)
from sr_core.domain.freeze import FrozenException
from sr_core.domain.governed_exception import ExceptionPhase
from sr_core.domain.ids import ExceptionId, parse_exception_id
from sr_core.ports.read_model import Row

_PAGE: Final = 200


async def active_for(
    platform: Platform,
    dossier: Dossier,
    candidate: Candidate,
    *,
    baseline_id: str | None = None,
) -> tuple[FrozenException, ...]:
    """Return every exception in force for the candidate, whoever governs it."""
    place = Place(
        loop_id=candidate.loop_id,
        work_unit_id=dossier.work_unit_id,
        candidate_id=candidate.candidate_id,
        baseline_id=baseline_id,
    )
    active = {
        **dossier.active_exceptions(place, now=platform.clock.now()),
        **await active_outside(platform, place),
    }
    return tuple(
        FrozenException(exception_id=name, kind=kind)
        for name, kind in sorted(active.items())
    )


async def active_outside(
    platform: Platform, place: Place
) -> Mapping[ExceptionId, ExceptionKind]:
    """Return the exceptions in force at `place` that no single loop governs.

    Those that a loop governs are in its dossier.
    """
    now = platform.clock.now()
    return {
        parse_exception_id(str(row["exception_id"])): ExceptionKind(str(row["kind"]))
        async for row in _active_rows(platform)
        if row["loop_id"] is None
        and row["candidate_id"] is None
        and now < _end_of(row)
        and _scope_of(row).reaches(place)
    }


async def active_for_baselines(
    platform: Platform,
) -> Mapping[ExceptionId, ExceptionKind]:
    """Return the exceptions in force that a baseline alone bounds, whichever it is."""
    now = platform.clock.now()
    return {
        parse_exception_id(str(row["exception_id"])): ExceptionKind(str(row["kind"]))
        async for row in _active_rows(platform)
        if row["scope_kind"] == ScopeKind.PER_BASELINE
        and row["loop_id"] is None
        and row["candidate_id"] is None
        and now < _end_of(row)
    }


async def past_their_end(
    platform: Platform, *, now: datetime
) -> tuple[ExceptionId, ...]:
    """Return the exceptions that the log has in force, and that are past their end."""
    return tuple(
        [
            parse_exception_id(str(row["exception_id"]))
            async for row in _active_rows(platform)
            if _end_of(row) <= now
        ]
    )


async def kinds_of(
    platform: Platform, identifiers: Iterable[ExceptionId]
) -> Mapping[ExceptionId, ExceptionKind]:
    """Return the kind of each of these exceptions that is recorded anywhere."""
    found = {
        each: await platform.rows.row("exceptions", {"exception_id": each})
        for each in identifiers
    }
    return {
        name: ExceptionKind(str(row["kind"]))
        for name, row in found.items()
        if row is not None
    }


async def _active_rows(platform: Platform) -> AsyncIterator[Row]:
    """Yield the row of every exception that is in force by the log."""
    offset = 0
    while True:
        page = await platform.rows.rows(
            "exceptions",
            {"status": ExceptionPhase.ACTIVE},
            limit=_PAGE,
            offset=offset,
        )
        for row in page.rows:
            yield row
        offset += _PAGE
        if offset >= page.total:
            return


def _end_of(row: Row) -> datetime:
    end = row["expires_at"]
    assert isinstance(end, datetime), "every exception has an end"
    return end


def _scope_of(row: Row) -> ExceptionScope:
    return restored(ExceptionScope, row["scope"], what="the scope of an exception")
