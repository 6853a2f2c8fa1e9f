"""What all answers share (SPEC 5)."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sr_core.application.recorder import Asked
from sr_core.domain.errors import NotFound
from sr_core.ports.event_store import NewEvent
from sr_core.ports.read_model import ReadModel, Row


class View(msgspec.Struct, kw_only=True):
    """Something recorded, as it is told; with the event that changed it last."""

    event_id: str | None = None
    global_seq: int | None = None


class Accepted(msgspec.Struct, kw_only=True):
    """The answer to a command that was carried out."""

    accepted: bool
    correlation_id: str | None
    emitted_event_ids: list[str]
    event_id: str | None
    """The first of the emitted events; None where the command changed nothing."""


class Page(msgspec.Struct, kw_only=True):
    """Some of the rows asked for; `total` counts all of them."""

    total: int
    limit: int
    offset: int


T = TypeVar("T", bound=msgspec.Struct)
A = TypeVar("A", bound=Accepted)
V = TypeVar("V", bound=View)
P = TypeVar("P", bound=Page)


def told(what: object, kind: type[T]) -> T:
    """Return `what` we know as the answer `kind`.

    Raises:
        AssertionError: it is of another form: a bug of ours, and not the caller's.

    """
    try:
        return msgspec.convert(what, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        message = f"what is known does not fit {kind.__name__}: {error}"
        raise AssertionError(message) from error


def accept(
    kind: type[A], events: tuple[NewEvent, ...], asked: Asked, /, **fields: object
) -> A:
    """Return the answer `kind` to a command that recorded `events`."""
    identifiers = [each.event_id for each in events]
    return told(
        {
            "accepted": True,
            "correlation_id": asked.correlation_id,
            "emitted_event_ids": identifiers,
            "event_id": identifiers[0] if identifiers else None,
            **fields,
        },
        kind,
    )


def shown(row: Row, kind: type[V], **more: object) -> V:
    """Return a row of the read model as the view `kind`; `more` adds to its columns."""
    known = {
        **row,
        "event_id": row.get("last_event_id"),
        "global_seq": row.get("last_global_seq"),
        **more,
    }
    return told(known, kind)


async def show_one(
    rows: ReadModel, table: str, key: dict[str, str], kind: type[V], *, named: str
) -> V:
    """Return the row as a view, or raise `NotFound`; `named` says what was sought."""
    row = await rows.row(table, key)
    if row is None:
        raise NotFound(kind=named, identifier=", ".join(key.values()))
    return shown(row, kind)


async def show_page(
    rows: ReadModel,
    table: str,
    where: dict[str, str | None],
    page: tuple[int, int],
    kind: type[V],
    of: type[P],
    *,
    under: str | None = None,
) -> P:
    """Return a page `of` views `kind`; what is None in `where` is not asked.

    `page` is limit and offset. The rows stand under the table's name, or `under`.
    """
    limit, offset = page
    asked_for = {name: value for name, value in where.items() if value is not None}
    found = await rows.rows(table, asked_for, limit=limit, offset=offset)
    return told(
        {
            under or table: [shown(each, kind) for each in found.rows],
            "total": found.total,
            "limit": limit,
            "offset": offset,
        },
        of,
    )
