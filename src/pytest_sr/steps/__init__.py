"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import platform, runner

__all__ = ["platform", "runner"]
