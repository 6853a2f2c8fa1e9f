"""What scenarios can claim; importing this registers every check."""

from pytest_sr.checks import log, state

__all__ = ["log", "state"]
