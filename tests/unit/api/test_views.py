"""An answer that does not fit its form is a bug of ours, and told as one."""

import logging

import pytest

from sr_core.api.views import base
from sr_core.api.views.base import told

pytestmark = pytest.mark.anyio


class Counted(base.View):
    """Something that is counted."""

    count: int


def test_what_fits_is_told():
    assert told({"count": 3}, Counted).count == 3


def test_what_does_not_is_our_own_fault():
    with pytest.raises(AssertionError, match="does not fit Counted"):
        told({"count": "many"}, Counted)


async def test_the_caller_is_not_blamed(api, monkeypatch, caplog):
    loop_id = await api.a_loop()
    rows = api.stage.rows
    real = rows.row

    async def row(table, key):
        found = await real(table, key)
        return {**found, "goal": 7} if table == "loops" else found

    monkeypatch.setattr(rows, "row", row)

    with caplog.at_level(logging.ERROR):
        answer = await api.get(f"loops/{loop_id}")

    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "does not fit" in caplog.text
