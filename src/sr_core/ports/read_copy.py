"""Copies of the read model, made from the log beside the live one, and compared with it.

log ──projections──▶ copy ──compare──▶ differences ──▶ swap (a rebuild)
                                                  └──▶ discard (a proof)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.errors import PortError
from sr_core.ports.event_store import BEGINNING, Position
from sr_core.ports.read_model import RowChange

DIFFERENCES_MAX: Final = 100
"""How many rows that differ are told one by one; all of them are counted."""


class ReadModelUnfit(PortError):  # noqa: N818 - named for what it says
    """Something about the read model's tables cannot be copied; nothing was changed."""

    code = "READ_MODEL_UNFIT"

    def __init__(self, *, found: str) -> None:
        super().__init__(
            f"A copy of the read model cannot take its place: {found}",
            remedy="Have a migration take it away, or teach the copy to carry it",
        )


class RebuildUnderWay(PortError):  # noqa: N818 - named for what it says
    """Another process is making the read model anew; nothing was changed."""

    code = "REBUILD_UNDER_WAY"

    def __init__(self) -> None:
        super().__init__(
            "Another process is making the read model of this database anew",
            remedy="Wait until it has ended",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """What one event of the log changes in the read model."""

    position: Position
    event_id: str
    event_type: str
    changes: tuple[RowChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One cell that is not what the log gives, or a row (`column` is None).

    `key` and both values are JSON; of a row that is not there, the value is None.
    """

    table: str
    key: Mapping[str, Any]
    column: str | None
    live: Any
    replayed: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How many rows differ, and in what; `differences` are those of the first rows."""

    rows: int = 0
    differences: tuple[Difference, ...] = ()

    def __add__(self, other: Compared) -> Compared:
        """Return both together."""
        return Compared(
            rows=self.rows + other.rows,
            differences=(*self.differences, *other.differences),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDigest:
    """How many rows a table has, and the hash over all of them in order of their key."""

    rows: int
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """The digest of each table, by its name with its schema, such as ``proj.loops``."""

    tables: Mapping[str, TableDigest] = field(default_factory=dict)

    @property
    def state_hash(self) -> ContentHash:
        """The hash over all tables: a line each, name, rows and hash, by name."""
        lines = [
            f"{name} {each.rows} {each.content_hash}\n"
            for name, each in sorted(self.tables.items())
        ]
        return hash_bytes("".join(lines).encode())


class ReadCopy(Protocol):
    """The tables of the read model once more, empty at first."""

    async def apply(self, events: Sequence[Projected]) -> None:
        """Make the changes of `events`, all of them or none.

        Raises:
            ProjectionBroken, Overtaken: a table refuses one; nothing was changed.
            Unavailable: no answer; it may or may not be written.

        """
        ...

    async def compare(self, *, since: Position = BEGINNING) -> Compared:
        """Return what differs between the live rows and the copy's.

        `since` leaves out rows that no event after it has changed, here or there.

        Raises:
            Unavailable: no answer.

        """
        ...


class Rebuilding(ReadCopy, Protocol):
    """A copy that is to take the place of the live tables.

    What is applied outside of both contexts is committed at once. If one of the contexts
    ends in an error, what was done in it is undone.
    """

    def moment(self) -> AbstractAsyncContextManager[Position]:
        """Look at one moment of the live rows; give how far the log was at it."""
        ...

    def standstill(self) -> AbstractAsyncContextManager[Position]:
        """Hold the end of the log, so that nobody appends; give where it is."""
        ...

    async def swap(self) -> None:
        """Let the copy take the live tables' place, when the standstill ends."""
        ...


class RebuildSite(Protocol):
    """Where a copy for a rebuild is made."""

    def open(self) -> AbstractAsyncContextManager[Rebuilding]:
        """Make an empty copy; take what is left of it away when the block ends.

        Raises:
            RebuildUnderWay: another process is at it.
            ReadModelUnfit: a copy would lack something that the live tables have.
            Unavailable: no answer.

        """
        ...


class Proving(ReadCopy, Protocol):
    """A copy beside one moment of everything; none of it is ever seen by anyone else.

    `end` is how far the log was at that moment, and `moment` names it to other processes.
    """

    end: Position
    moment: str

    async def digests(self, *, live: bool = False) -> Digests:
        """Return the digests of the copy's tables, or of the live ones."""
        ...

    async def disorder(self) -> str | None:
        """Return where a stream's numbers do not follow on from each other, if anywhere."""
        ...

    def aside(self) -> AbstractAsyncContextManager[None]:
        """Undo what is done to the copy in the block, when it ends."""
        ...

    async def falsify(self) -> str:
        """Change one cell of the copy, and return which."""
        ...


class ProofSite(Protocol):
    """Where a copy for a proof is made."""

    def open(self, moment: str | None = None) -> AbstractAsyncContextManager[Proving]:
        """Make an empty copy at this moment, or at one that another process holds.

        Raises:
            ReadModelUnfit: a copy would lack something that the live tables have.
            Unavailable: no answer.

        """
        ...
