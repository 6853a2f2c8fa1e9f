"""What scenarios can claim; importing this registers every check."""

from pytest_sr.checks import graph, log, state

__all__ = ["graph", "log", "state"]
