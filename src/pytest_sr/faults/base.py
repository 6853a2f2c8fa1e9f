"""What every kind of fault is: something done, proof that it landed, and its undoing.

A fault is an async context manager over a world. Entering breaks something and yields
whether that can be seen by the one it is done to; leaving heals it and raises unless
that can be seen as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Whether a fault took hold, and how that was seen."""

    landed: bool
    detail: str
