"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import platform, staleness

__all__ = ["platform", "staleness"]
