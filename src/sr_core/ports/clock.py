"""Time and fresh identifiers, so that nothing inside reads them on its own."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...


class IdSource(Protocol):
    """Fresh identifiers."""

    def fresh(self, prefix: str) -> str:
        """Return ``<prefix>_<ULID>``; its ULID is greater than every earlier one."""
        ...
