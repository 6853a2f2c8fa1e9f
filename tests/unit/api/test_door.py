"""Names and bounds of requests (SPEC 14.2, R-API-10), at the door and behind it."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest

from sr_core.api.app import build_app, build_description
from sr_core.api.bounds import HEADERS_BYTES_MAX, QUERY_BYTES_MAX, Bounds
from sr_core.ports.errors import Unavailable
from sr_core.ports.metrics import Counter
from sr_core.testing import HUMAN, Stage, TokenTable, ulid

pytestmark = pytest.mark.anyio

SECRET_LOOKING = secrets.token_urlsafe(12)


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """The problem's text; every refusal is a problem that names its request."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == code
    assert told["request_id"] == answer.headers["x-request-id"]
    assert told["correlation_id"] == answer.headers["x-correlation-id"]
    return str(told["detail"])


class TestNames:
    async def test_both_are_given_back_as_they_came(self, api):
        names = {"X-Request-Id": "req:1", "X-Correlation-Id": "corr:1"}

        answer = await api.get("whoami", headers=names)

        assert answer.headers["x-request-id"] == "req:1"
        assert answer.headers["x-correlation-id"] == "corr:1"

    async def test_the_request_lends_its_name_to_what_it_is_part_of(self, api):
        answer = await api.get("whoami", headers={"X-Request-Id": "req:1"})

        assert answer.headers["x-correlation-id"] == "req:1"

    async def test_a_route_that_is_not_there_answers_under_them(self, api):
        answer = await api.get("/no/such/route", headers={"X-Request-Id": "req:1"})

        refused(answer, 404, "NO_SUCH_ROUTE")
        assert answer.headers["x-request-id"] == "req:1"

    async def test_so_does_one_that_is_refused_at_the_door(self, api):
        answer = await api.get(
            "whoami", headers={"X-Request-Id": "req:1", "Content-Encoding": "gzip"}
        )

        refused(answer, 415, "UNSUPPORTED_CONTENT_ENCODING")
        assert answer.headers["x-request-id"] == "req:1"

    async def test_every_event_carries_what_it_is_part_of(self, api, loop_body):
        await api.post("loops", loop_body, headers={"X-Correlation-Id": "corr:9"})

        assert {each.correlation_id for each in await api.events()} == {"corr:9"}


class TestHeads:
    async def test_a_method_that_is_not_there_names_those_that_are(self, api):
        answer = await api.ask("DELETE", "loops")

        refused(answer, 405, "METHOD_NOT_ALLOWED")
        assert {"GET", "POST"} <= {
            each.strip() for each in answer.headers["allow"].split(",")
        }

    async def test_an_outage_says_when_to_ask_again(self, ask):
        answer = await ask(Unavailable(system="the identity provider", deadline_s=5))

        refused(answer, 503, "UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0


class TestBounds:
    """Each bound holds, and one more is refused before anything is parsed."""

    async def test_headers(self, api):
        plain = await api.get("whoami")
        sent = [*plain.request.headers.raw, (b"x-filler", b"")]
        size = sum(len(name) + len(value) + 4 for name, value in sent)
        room = HEADERS_BYTES_MAX - size

        fits = await api.get("whoami", headers={"X-Filler": room * "a"})
        over = await api.get("whoami", headers={"X-Filler": (room + 1) * "a"})

        assert fits.status_code == 200
        assert str(HEADERS_BYTES_MAX) in refused(over, 431, "HEADERS_TOO_LARGE")

    async def test_query(self, api):
        room = QUERY_BYTES_MAX - len("iteration_id=")

        fits = await api.get(f"candidates?iteration_id={room * 'a'}")
        over = await api.get(f"candidates?iteration_id={(room + 1) * 'a'}")

        assert "Give iter_" in refused(fits, 400, "MALFORMED_INPUT")  # it was read
        refused(over, 414, "QUERY_TOO_LONG")

    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "GZIP"])
    async def test_a_compressed_body_is_not_unpacked(self, api, encoding):
        answer = await api.ask(
            "POST",
            "loops",
            content=b"\x1f\x8b bomb",
            headers={"Content-Encoding": encoding},
        )

        refused(answer, 415, "UNSUPPORTED_CONTENT_ENCODING")
        assert await api.events() == []

    async def test_one_that_says_it_is_not_compressed_is_read(self, api, loop_body):
        answer = await api.post(
            "loops", loop_body, headers={"Content-Encoding": "identity"}
        )

        assert answer.status_code == 201

    @pytest.mark.parametrize("of", ["text/plain", "application/x-www-form-urlencoded"])
    async def test_a_body_is_json(self, api, loop_body, of):
        answer = await api.ask(
            "POST",
            "loops",
            content=json.dumps(loop_body).encode(),
            headers={"Content-Type": of},
        )

        refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ('{"goal": "a", "goal": "b"}', "repeated key goal"),
            ('{"goal": NaN}', "NaN"),
            ('{"goal": -Infinity}', "Infinity"),
            ('{"goal": ' + 65 * "[" + 65 * "]" + "}", "64 levels"),
            ('{"goal": ' + 100_000 * "[" + "}", ""),
            ('{"goal": ' + 4301 * "1" + "}", ""),
            ('{"goal": 0.' + 4300 * "1" + "}", "digits"),
            ('{"goal": 1e999}', "digits"),
            ("{", ""),
            ("", ""),
            ('{"goal": "\xff"}', ""),
        ],
        ids=lambda each: str(each)[:20],
    )
    async def test_json_that_two_readers_could_take_for_two_things(
        self, api, text, found
    ):
        answer = await api.ask("POST", "loops", content=text.encode("latin-1"))

        assert found in refused(answer, 400, "MALFORMED_INPUT")
        assert await api.events() == []

    @pytest.mark.parametrize("budget", ["5", "5.0", 5.0, True, None])
    async def test_a_number_is_a_number(self, api, loop_body, budget):
        body = {**loop_body, "budgets": {"max_iterations": budget}}

        answer = await api.post("loops", body)

        refused(answer, 400, "MALFORMED_INPUT")

    @pytest.mark.parametrize("limit", [0, 201, "ten", "1.5", ""])
    async def test_a_page_has_its_bounds(self, api, limit):
        refused(await api.get(f"loops?limit={limit}"), 400, "MALFORMED_INPUT")

    async def test_a_slow_body_is_not_waited_for(self):
        app = build_app(
            Stage().platform, TokenTable({"t": HUMAN}), [], bounds=Bounds(body_base_s=0)
        )
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not sent:
                sent.append({})
                return {"type": "http.request", "body": b"{", "more_body": True}
            await asyncio.Event().wait()
            raise AssertionError("it waits for ever")  # noqa: EM101, TRY003 - as said

        answer = await raw(app, receive, body_is_announced=True)

        assert answer["status"] == 408
        assert answer["body"]["code"] == "BODY_TOO_SLOW"

    async def test_a_client_who_hangs_up_is_no_failure_of_ours(self):
        stage = Stage()
        app = build_app(stage.platform, TokenTable({"t": HUMAN}), [])
        messages: Iterator[dict[str, Any]] = iter(
            [
                {"type": "http.request", "body": b"{", "more_body": True},
                {"type": "http.disconnect"},
            ]
        )

        async def receive() -> dict[str, Any]:
            return next(messages)

        answer = await raw(app, receive, body_is_announced=True)

        assert answer["body"]["code"] == "BODY_INCOMPLETE"
        counts = stage.metrics.reading().counts
        assert counts[Counter.HTTP_SERVER_ERROR][""] == 0
        assert counts[Counter.HTTP_CLIENT_ERROR][""] == 1

    async def test_a_body_that_keeps_coming_has_its_time(self):
        bounds = Bounds()

        assert bounds.body_s(0) == 30
        assert bounds.body_s(64 * 1024 * 1024) == 30 + 1024


async def raw(app: Any, receive: Any, *, body_is_announced: bool) -> dict[str, Any]:
    """Ask the application itself, so that the body comes as `receive` says."""
    headers = [(b"authorization", b"Bearer t"), (b"content-type", b"application/json")]
    if body_is_announced:
        headers.append((b"content-length", b"1000"))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v1/loops",
        "raw_path": b"/api/v1/loops",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("sr", 80),
        "state": {},
    }
    got: dict[str, Any] = {"body": b""}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got["status"] = message["status"]
        else:
            got["body"] += message.get("body", b"")

    async with asyncio.timeout(5):
        await app(cast("Any", scope), receive, send)
    return {**got, "body": json.loads(got["body"])}


class TestNothingIsIgnored:
    """What a route does not know is refused, and the answer says what it knows."""

    async def test_an_unknown_parameter(self, api):
        answer = await api.get("loops?stat=ACTIVE")

        assert "only limit, offset, state" in refused(answer, 400, "MALFORMED_INPUT")

    @pytest.mark.parametrize("query", ["colour", "colour=", "colour=red", "=", "%ff=1"])
    async def test_any_parameter_where_there_is_none(self, api, query):
        refused(await api.get(f"whoami?{query}"), 400, "MALFORMED_INPUT")

    @pytest.mark.parametrize("path", ["/health", "/ready", "/openapi.json"])
    async def test_so_do_the_open_routes(self, api, path):
        refused(await api.get(f"{path}?a=b", by=None), 400, "MALFORMED_INPUT")

    async def test_one_that_is_there_twice(self, api):
        answer = await api.get("loops?limit=1&limit=2")

        assert "limit: found 'it twice'" in refused(answer, 400, "MALFORMED_INPUT")

    async def test_text_that_the_database_cannot_hold(self, api):
        answer = await api.get("loops?state=a%00b")

        assert "U+0000" in refused(answer, 400, "MALFORMED_INPUT")

    async def test_a_body_where_there_is_none(self, api):
        loop_id = await api.a_loop()
        before = await api.events()
        path = f"loops/{loop_id}/evaluate"

        answer = await api.post(path, {"force": True}, by="system")

        assert "takes none" in refused(answer, 400, "MALFORMED_INPUT")
        assert await api.events() == before

    async def test_an_empty_object_is_no_body(self, api, suite):
        await api.done("oracles/suites", suite)
        loop_id = await api.a_loop()

        await api.done(f"loops/{loop_id}/evaluate", {}, by="system")


class TestLog:
    async def test_a_line_says_what_the_request_was_about(self, api, caplog):
        caplog.set_level(logging.INFO, logger="sr_core")

        await api.get(f"loops/loop_{ulid(7)}?limit=x", headers={"X-Request-Id": "r:1"})

        (line,) = (each for each in caplog.records if hasattr(each, "status"))
        assert (line.method, line.status) == ("GET", 400)
        assert line.uri == f"/api/v1/loops/loop_{ulid(7)}"
        assert line.latency_ms >= 0

    async def test_neither_token_nor_query_is_logged(self, api, caplog):
        caplog.set_level(logging.DEBUG, logger="sr_core")

        await api.get(
            f"whoami?secret={SECRET_LOOKING}",
            by=None,
            headers={"Authorization": f"Bearer {SECRET_LOOKING}"},
        )

        lines = [each for each in caplog.records if each.name.startswith("sr_core")]
        assert lines
        assert not [each for each in lines if SECRET_LOOKING in str(vars(each))]

    async def test_nobody_writes_a_line_of_their_own(self, api, caplog):
        caplog.set_level(logging.INFO, logger="sr_core")

        await api.get("/a%0ALEVEL=forged")

        (line,) = (each for each in caplog.records if hasattr(each, "status"))
        assert "forged" in line.getMessage()
        assert "\n" not in line.getMessage()


def test_building_the_face_leaves_the_process_log_alone():
    root = logging.getLogger()
    before = root.handlers[:]
    build_description.__globals__["_described"].cache_clear()

    build_app(Stage().platform, TokenTable({}), [])

    assert root.handlers == before
