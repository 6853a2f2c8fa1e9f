"""What scenarios can claim; importing this registers every check."""

from pytest_sr.checks import context, log, state

__all__ = ["context", "log", "state"]
