"""How the tests of the plugin start sessions of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest


@pytest.fixture
def lent(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    lent_stack: Mapping[str, str],
) -> None:
    """Let the sessions of a test use our stack; without this they start their own."""
    for name, value in lent_stack.items():
        monkeypatch.setenv(name, value)
    pytester.plugins.append("lent_stack")
