"""What scenarios can claim; importing this registers every check."""

from pytest_sr.checks import (
    binding,
    context,
    graph,
    log,
    named,
    refs,
    sealed,
    state,
)

__all__ = [
    "binding",
    "context",
    "graph",
    "log",
    "named",
    "refs",
    "sealed",
    "state",
]
