"""The log: fields, levels, styles, and no secret in any form (SPEC 14.2, R-API-16)."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from sr_core.application.log_context import about_request, note_subjects
from sr_core.bootstrap.logs import MASK, TRACE, Masker, start_logging
from sr_core.testing import LOOP_1, TickingClock

HUSHED = 'hush "hush" 7+/='
LOG = logging.getLogger("sr_core.some.where")


@pytest.fixture
def started() -> Iterator[Callable[..., io.StringIO]]:
    """Starts the log, and puts everything back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)

    def start(style: str = "json", level: str = "info") -> io.StringIO:
        stream = io.StringIO()
        clock = TickingClock()
        start_logging(
            style=style, level=level, secrets=[HUSHED], clock=clock, stream=stream
        )
        return stream

    yield start
    root.handlers[:], root.level = before


class TestFields:
    def test_a_line_says_when_how_bad_where_and_what(self, started):
        stream = started()

        LOG.warning("look %s", "here")

        assert json.loads(stream.getvalue()) == {
            "timestamp": "2026-01-09T12:00:00.000000Z",
            "level": "WARN",
            "target": "sr_core.some.where",
            "message": "look here",
        }

    def test_one_for_a_request_says_which_and_about_what(self, started):
        stream = started()

        with about_request({"request_id": "req:1", "correlation_id": "corr:1"}):
            note_subjects({"loop_id": LOOP_1, "limit": "7"})
            LOG.info("done")
        LOG.info("after")

        inside, after = map(json.loads, stream.getvalue().splitlines())
        assert inside["request_id"] == "req:1"
        assert inside["correlation_id"] == "corr:1"
        assert inside["loop_id"] == LOOP_1
        assert "limit" not in inside
        assert "request_id" not in after

    def test_what_a_request_took_is_in_it(self, started):
        stream = started()

        LOG.info("x", extra={"method": "GET", "status": 200, "latency_ms": 1.5})

        line = json.loads(stream.getvalue())
        assert (line["method"], line["status"], line["latency_ms"]) == ("GET", 200, 1.5)

    def test_the_first_subject_stays(self, started):
        stream = started()

        with about_request({}):
            note_subjects({"loop_id": "loop_1"})
            note_subjects({"loop_id": "loop_2", "run_id": "run_1"})
            LOG.info("x")

        line = json.loads(stream.getvalue())
        assert (line["loop_id"], line["run_id"]) == ("loop_1", "run_1")


class TestLevels:
    @pytest.mark.parametrize(
        ("level", "said"),
        [
            ("trace", ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]),
            ("info", ["INFO", "WARN", "ERROR"]),
            ("error", ["ERROR"]),
        ],
    )
    def test_the_least_that_is_said(self, started, level, said):
        stream = started(level=level)

        for each in (
            TRACE,
            logging.DEBUG,
            logging.INFO,
            logging.WARNING,
            logging.ERROR,
        ):
            LOG.log(each, "x")

        lines = map(json.loads, stream.getvalue().splitlines())
        assert [each["level"] for each in lines] == said


class TestPretty:
    def test_it_is_one_line(self, started):
        stream = started("pretty")

        with about_request({"request_id": "req:1"}):
            LOG.info("one\ntwo")

        assert stream.getvalue() == (
            "2026-01-09T12:00:00.000000Z INFO sr_core.some.where one\\ntwo"
            " request_id=req:1\n"
        )

    def test_an_exception_stands_below_it(self, started):
        stream = started("pretty")

        try:
            int(HUSHED)
        except ValueError:
            LOG.exception("failed")

        assert "Traceback" in stream.getvalue()
        assert HUSHED not in stream.getvalue()


FORMS = {
    "plain": HUSHED,
    "json": json.dumps(HUSHED)[1:-1],
    "url": quote(HUSHED, safe=""),
    "hex": HUSHED.encode().hex(),
    **{
        f"base64 after {n}": base64.b64encode(b"x" * n + HUSHED.encode()).decode()
        for n in range(3)
    },
}


class TestSecrets:
    @pytest.mark.parametrize("form", FORMS)
    def test_no_form_of_one_is_written(self, started, form):
        stream = started("json")

        LOG.info("said: %s", FORMS[form])

        message = json.loads(stream.getvalue())["message"]
        assert MASK in message
        core = FORMS[form][4:-4] if "base64" in form else FORMS[form]
        assert core not in message

    @pytest.mark.parametrize("form", FORMS)
    def test_without_the_masker_each_would_be(self, form):
        assert FORMS[form] in Masker([]).masked(f"said: {FORMS[form]}")

    def test_a_short_one_masks_nothing(self):
        assert Masker(["a"]).masked("a cat") == "a cat"
