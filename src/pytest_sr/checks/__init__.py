"""What scenarios can claim; importing this registers every check."""

from pytest_sr.checks import (
    context,
    graph,
    log,
    state,
)

__all__ = [
    "context",
    "graph",
    "log",
    "state",
]
