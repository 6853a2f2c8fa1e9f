"""What the platform depends on, and how each shows that it works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Something outside that the platform needs.

    `check` does something real with it, with our credentials, and raises an `SrError`
    if that does not work.
    """

    name: str
    check: Callable[[], Awaitable[None]]
