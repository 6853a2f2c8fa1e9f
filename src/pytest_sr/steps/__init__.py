"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import (
    decisions,
    governance,
    loops,
    planning,
    platform,
    portals,
    runner,
    staleness,
    work,
)

__all__ = [
    "decisions",
    "governance",
    "loops",
    "planning",
    "platform",
    "portals",
    "runner",
    "staleness",
    "work",
]
