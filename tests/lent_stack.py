"""A plugin for the sessions that tests start: they use our stack, and start none.

    tests' session ── desk ──▶ session of a test      -p lent_stack, LENT_STACK=port:secret

A stack takes longer to start than most such sessions take to run. How a session comes by
one of its own is the matter of those tests that lend it none.
"""

import os

import pytest

from pytest_sr.broker import Desk, RemoteStack
from pytest_sr.session import SESSION


def pytest_sessionstart(session: pytest.Session) -> None:
    port, _, secret = os.environ["LENT_STACK"].partition(":")
    desk = Desk(port=int(port), secret=secret)
    session.config.stash[SESSION].stack = RemoteStack(desk)
