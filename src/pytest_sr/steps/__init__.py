"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import platform

__all__ = ["platform"]
