"""The read model: rows that follow from the log, and can be made anew from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, Self, TypeAlias

from sr_core.ports.errors import PortError

Json: TypeAlias = (
    bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
)
Value: TypeAlias = Json | datetime
"""What a column holds; mappings and sequences are stored as JSON."""

Row: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertRow:
    """Add a row; the store itself fills `last_event_id` and `last_global_seq`.

    A table's name is that of the projection, such as `loops`, or names its schema too,
    such as `graph.edges`.
    """

    table: str
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureRow:
    """Add a row unless one with the same `key` columns is there.

    The one that is there gets the columns in `renewed` anew, if any of them differs,
    unless the column `unless_empty` of the row to add holds ``{}``; otherwise it stays as
    it is. The table has a unique index over exactly the key's columns.
    """

    table: str
    row: Row
    key: tuple[str, ...]
    renewed: tuple[str, ...] = ()
    unless_empty: str = ""

    @property
    def is_renewal(self) -> bool:
        """Whether a row that is there gets anything anew."""
        return bool(self.renewed) and self.row[self.unless_empty] != {}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRows:
    """Change the rows that equal `where` in every column named there.

    `values` are set, `increments` added. Changing no row at all is an error of the
    projection, unless `may_match_none`.
    """

    table: str
    where: Row
    values: Row = field(default_factory=dict)
    increments: Mapping[str, int] = field(default_factory=dict)
    may_match_none: bool = False


RowChange: TypeAlias = InsertRow | EnsureRow | UpdateRows


class ProjectionBroken(PortError):  # noqa: N818 - named for what it says
    """A change that an event asks for does not fit the rows; nothing was written."""

    code = "PROJECTION_BROKEN"

    def __init__(self, *, found: str) -> None:
        super().__init__(
            found, remedy="Mend the projection that asks for it, or the table it is for"
        )

    @classmethod
    def no_row(cls, event_type: str, change: UpdateRows) -> Self:
        """Return the error of an update that found no row."""
        return cls(
            found=f"{event_type} changes {change.table} where {dict(change.where)}, "
            "and no row is there"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the rows asked for, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


RULE_INDEX_PREFIX: Final = "one_"
"""Begins the name of each unique index that keeps a rule across boundaries.

Where one refuses a row, somebody else came first: the append ends in `Overtaken`, and
the rule is asked again over what is there now.
"""


class ReadModel(Protocol):
    """The rows, by table; a table's name is that of the projection, such as `loops`."""

    async def row(self, table: str, key: Row) -> Row | None:
        """Return the one row that equals `key`, or None.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def rows(
        self, table: str, where: Row, *, limit: int = 200, offset: int = 0
    ) -> Page:
        """Return the rows that equal `where`, oldest first.

        Raises:
            Unavailable: no answer in time.

        """
        ...
