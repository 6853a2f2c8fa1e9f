"""What a setting is: a variable of the environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One variable: its default, None if it has to be given, and what it is for."""

    default: str | None
    meaning: str
