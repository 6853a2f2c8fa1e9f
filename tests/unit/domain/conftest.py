"""A loop and what becomes of it, told by real decisions."""

import pytest

from sr_core.testing import Story


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def judged() -> Story:
    """All oracles passed; nobody has verified yet."""
    return Story().open().iterate().register().judge()


@pytest.fixture
def verified(judged: Story) -> Story:
    return judged.verify()
