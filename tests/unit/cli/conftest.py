"""Commands that need no deployment, and what they are tried on."""

from __future__ import annotations

from tests.unit.application.conftest import desk

__all__ = ["desk"]
