"""What every answer to a command, and every list, has in common (SPEC 5)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypeVar

from litestar.params import QueryParameter

from sr_core.application.recorder import Asked
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.ports.event_store import NewEvent
from sr_core.ports.read_model import ReadModel, Row

E = TypeVar("E", bound=StrEnum)

Answer = dict[str, object]

Limit = Annotated[int, QueryParameter(ge=1, le=200)]
State = Annotated[str | None, QueryParameter(name="state")]
Offset = Annotated[int, QueryParameter(ge=0, le=1_000_000_000)]


def accepted(events: tuple[NewEvent, ...], asked: Asked, **fields: object) -> Answer:
    """Return the answer to a command that was carried out."""
    identifiers = [each.event_id for each in events]
    return {
        "accepted": True,
        "correlation_id": asked.correlation_id,
        "emitted_event_ids": identifiers,
        "event_id": identifiers[0] if identifiers else None,
        **fields,
    }


def member(kind: type[E], text: str, *, field: str) -> E:
    """Return the member of `kind` with this value, or raise `MalformedInput`."""
    try:
        return kind(text)
    except ValueError:
        choices = ", ".join(kind)
        raise MalformedInput(
            field=field, found=text, expected=f"one of {choices}"
        ) from None


async def one(
    rows: ReadModel, table: str, key: Mapping[str, str], *, kind: str
) -> Answer:
    """Return the row, or raise `NotFound`."""
    row = await rows.row(table, key)
    if row is None:
        raise NotFound(kind=kind, identifier=", ".join(key.values()))
    return told(row)


async def listed(
    rows: ReadModel, table: str, where: Mapping[str, str | None], page: tuple[int, int]
) -> Answer:
    """Return a page of the rows that equal `where`; what is None there is not asked."""
    limit, offset = page
    asked_for = {name: value for name, value in where.items() if value is not None}
    found = await rows.rows(table, asked_for, limit=limit, offset=offset)
    return {
        table: [told(each) for each in found.rows],
        "total": found.total,
        "limit": limit,
        "offset": offset,
    }


def told(row: Row) -> Answer:
    """Return a row as it is told: its position in the log under the names of SPEC 5."""
    fields = dict(row)
    fields.pop("position", None)
    fields["event_id"] = fields.pop("last_event_id", None)
    fields["global_seq"] = fields.pop("last_global_seq", None)
    return dict(fields)
