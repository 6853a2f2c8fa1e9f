"""What all projections share: who made an event, when; and how that is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sr_core.domain.actors import Actor
from sr_core.ports.read_model import Row, UpdateRows, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Who made an event, when, and under what identifier."""

    event_id: str
    by: Actor
    at: datetime


def by_columns(verb: str, on: Occasion) -> Mapping[str, Value]:
    """Return the columns that say who did it, such as ``created_by_kind``."""
    return {f"{verb}_by_kind": on.by.kind, f"{verb}_by_id": on.by.actor_id}


def change_loop(
    loop_id: str,
    values: Row | None = None,
    increments: Mapping[str, int] | None = None,
) -> UpdateRows:
    """Return a change of one loop's row."""
    return UpdateRows(
        table="loops",
        where={"loop_id": loop_id},
        values=values or {},
        increments=increments or {},
    )
