"""What the columns of a row in the log say, against what its envelope says."""

from __future__ import annotations

from typing import Final

from sr_core.codec.canonical import parse_json
from sr_core.domain.errors import MalformedInput
from sr_core.ports.log_record import LogRow

COLUMNS: Final = (
    "event_id",
    "stream_id",
    "stream_kind",
    "stream_seq",
    "event_type",
    "actor_kind",
    "actor_id",
    "occurred_at",
    "correlation_id",
)
"""The columns that repeat what the envelope says."""


def difference(row: LogRow) -> tuple[str, str] | None:
    """Return the first column that differs, as found and expected; None if none does."""
    try:
        said = parse_json(row.envelope, what="the envelope")
    except MalformedInput as error:
        return error.found, "an envelope in JSON"
    if not isinstance(said, dict):
        return f"an envelope that is {said!r}"[:80], "an envelope that is an object"
    for name in COLUMNS:
        found = getattr(row, name)
        if name not in said or said[name] != found or isinstance(said[name], bool):
            wanted = repr(said[name]) if name in said else "nothing"
            return f"{name} {found!r}", f"{wanted}, as the envelope says"
    return None
