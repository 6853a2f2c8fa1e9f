"""What scenarios can do; importing this registers every step."""

from pytest_sr.steps import decisions, loops, planning, platform, work

__all__ = ["decisions", "loops", "planning", "platform", "work"]
