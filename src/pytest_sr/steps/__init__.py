"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import (
    candidates,
    decisions,
    governance,
    loops,
    planning,
    platform,
    portals,
    restricted,
    runner,
    staleness,
    templates,
    views,
    work,
)

__all__ = [
    "candidates",
    "decisions",
    "governance",
    "loops",
    "planning",
    "platform",
    "portals",
    "restricted",
    "runner",
    "staleness",
    "templates",
    "views",
    "work",
]
