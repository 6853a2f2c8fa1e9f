"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import platform, portals

__all__ = ["platform", "portals"]
