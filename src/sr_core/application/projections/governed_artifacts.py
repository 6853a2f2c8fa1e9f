"""The rows of governed artifacts: one for each version, told apart by its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from sr_core.application.projections.common import Occasion, by_columns
from sr_core.codec.canonical import plain
from sr_core.domain.governed_artifact import GovernedArtifactEvent
from sr_core.ports.read_model import EnsureRow, Row, RowChange, UpdateRows

TABLE = "governed_artifacts"


def changes(event: GovernedArtifactEvent, on: Occasion) -> tuple[RowChange, ...]:
    """Return the rows that `event` changes.

    A version that was recorded before keeps its row: bytes that come back into effect
    are the same version.
    """
    row: Row = {
        **plain(event),
        "is_current": False,
        "in_effect": False,
        "in_effect_since": None,
        "recorded_at": on.at,
        **by_columns("recorded", on),
    }
    return (
        EnsureRow(table=TABLE, row=row, key=("artifact_id", "content_hash")),
        *_moved(event, on),
    )


def _moved(event: GovernedArtifactEvent, on: Occasion) -> Iterator[UpdateRows]:
    """Yield what moves from another version to this one."""
    if event.in_effect:
        yield _taken_from_the_one_before(event, "in_effect")
        yield _given(event, {"in_effect": True, "in_effect_since": on.at})
    if event.is_current:
        yield _taken_from_the_one_before(event, "is_current")
        yield _given(event, {"is_current": True, "approval_id": event.approval_id})


def _taken_from_the_one_before(event: GovernedArtifactEvent, said: str) -> UpdateRows:
    return UpdateRows(
        table=TABLE,
        where={"artifact_id": event.artifact_id, said: True},
        values={said: False},
        may_match_none=True,  # the first version follows none
    )


def _given(event: GovernedArtifactEvent, values: Row) -> UpdateRows:
    version: Row = {
        "artifact_id": event.artifact_id,
        "content_hash": event.content_hash,
    }
    return UpdateRows(table=TABLE, where=version, values=values)
