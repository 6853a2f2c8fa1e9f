"""SPEC 14.2: the lines that a request leaves, as `SR_LOG_FORMAT=json` writes them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from sr_core.bootstrap.logs import start_logging
from sr_core.testing import TickingClock

pytestmark = pytest.mark.anyio

NAMES = {"X-Request-Id": "req:1", "X-Correlation-Id": "corr:1"}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    start_logging(
        style="json",
        level="info",
        secrets=["human-token"],
        clock=TickingClock(),
        stream=stream,
    )
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """What the platform wrote; others, such as the client, write too."""
    told = map(json.loads, log.getvalue().splitlines())
    return [each for each in told if each["target"].startswith("sr_core.")]


async def test_each_line_of_a_request_says_which_and_about_what(api, loop_body, log):
    made = await api.post("loops", loop_body, headers=NAMES)

    recorded, answered = lines(log)
    loop_id = made.json()["loop_id"]
    for each in (recorded, answered):
        assert each["request_id"] == "req:1"
        assert each["correlation_id"] == "corr:1"
        assert each["loop_id"] == loop_id
        assert each["level"] == "INFO"
    assert recorded["message"].startswith("recorded LoopCreated evt_")
    assert {"method", "uri", "status", "latency_ms"} <= answered.keys()
    assert (answered["method"], answered["status"]) == ("POST", 201)


async def test_reading_says_what_was_read(api, log):
    loop_id = await api.a_loop()
    log.truncate(0)
    log.seek(0)

    await api.get(f"loops/{loop_id}")

    (answered,) = lines(log)
    assert answered["loop_id"] == loop_id


async def test_two_requests_at_once_do_not_mix(api, loop_body, log):
    first, second = await asyncio.gather(
        *(
            api.post("loops", loop_body, headers={"X-Request-Id": name})
            for name in ("req:a", "req:b")
        )
    )

    by_request = {
        name: {each["loop_id"] for each in lines(log) if each["request_id"] == name}
        for name in ("req:a", "req:b")
    }
    assert by_request == {
        "req:a": {first.json()["loop_id"]},
        "req:b": {second.json()["loop_id"]},
    }


async def test_a_bug_is_told_to_the_log_and_to_nobody_else(api, monkeypatch, log):
    async def broken(*_: object, **__: object) -> None:
        message = "with human-token in its words"
        raise ValueError(message)

    monkeypatch.setattr(api.stage.rows, "rows", broken)

    answer = await api.get("loops", headers=NAMES)

    failed = next(each for each in lines(log) if "exception" in each)
    assert failed["correlation_id"] == "corr:1"
    assert "ValueError: with [secret]" in failed["exception"]
    assert "human-token" not in log.getvalue()
    assert "ValueError" not in answer.text
