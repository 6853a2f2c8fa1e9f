"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import (
    decisions,
    governance,
    loops,
    platform,
    portals,
    runner,
    staleness,
)

__all__ = [
    "decisions",
    "governance",
    "loops",
    "platform",
    "portals",
    "runner",
    "staleness",
]
