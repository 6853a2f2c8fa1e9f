"""Each guard of the face taken away: what it kept out is let in, and that can be seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sr_core.api import door, reception, requests
from sr_core.api.bounds import HEADERS_BYTES_MAX
from sr_core.application import recorder
from sr_core.codec import canonical
from sr_core.ports.event_store import Batch

pytestmark = pytest.mark.anyio


async def nothing(*_: Any, **__: Any) -> None:
    """Let it pass."""


def nothing_at_once(*_: Any, **__: Any) -> None:
    """Let it pass."""


class TestDoor:
    async def test_without_its_bounds_a_large_head_is_heard(self, api, monkeypatch):
        large = {"X-Filler": HEADERS_BYTES_MAX * "a"}
        assert (await api.get("whoami", headers=large)).status_code == 431

        monkeypatch.setattr(door, "first_breach", nothing_at_once)

        assert (await api.get("whoami", headers=large)).status_code == 200


class TestReception:
    async def test_without_its_look_a_parameter_is_ignored(self, api, monkeypatch):
        monkeypatch.setattr(reception, "refuse_unknown_query", nothing_at_once)

        assert (await api.get("loops?stat=ACTIVE")).status_code == 200

    async def test_without_its_look_a_body_is_ignored(self, api, suite, monkeypatch):
        await api.done("oracles/suites", suite)
        path = f"loops/{await api.a_loop()}/evaluate"
        monkeypatch.setattr(reception, "refuse_surplus_body", nothing)

        await api.done(path, {"force": True}, by="system")

    async def test_without_a_name_a_request_is_done_twice(
        self, api, loop_body, monkeypatch
    ):
        monkeypatch.setattr(reception, "name_request", nothing)

        for _ in range(2):
            await api.post("loops", loop_body, headers={"Idempotency-Key": "k"})

        assert len(await api.events()) == 2

    async def test_without_the_receipt_in_the_transaction_it_is_done_twice(
        self, api, loop_body, monkeypatch
    ):
        real = Batch

        def unnamed(**fields: Any) -> Any:
            return real(**{**fields, "request": None})

        monkeypatch.setattr(recorder, "Batch", unnamed)

        for _ in range(2):
            await api.post("loops", loop_body, headers={"Idempotency-Key": "k"})

        assert len(await api.events()) == 2


class TestBodies:
    async def test_without_our_conversion_text_is_taken_for_a_number(
        self, api, loop_body, monkeypatch
    ):
        async def as_it_comes(request: Any) -> Any:
            return json.loads(await request.body())

        body = {**loop_body, "budgets": {"max_iterations": "5"}}
        assert (await api.post("loops", body)).status_code == 400

        monkeypatch.setattr(requests.StrictRequest, "json", as_it_comes)

        assert (await api.post("loops", body)).status_code == 201

    async def test_without_the_look_for_doubles_the_last_one_counts(
        self, api, loop_body, monkeypatch
    ):
        whole = json.dumps(loop_body)
        doubled = f'{{"goal": "other", {whole[1:]}'.encode()
        assert (await api.ask("POST", "loops", content=doubled)).status_code == 400

        monkeypatch.setattr(canonical, "_once_each", dict)

        assert (await api.ask("POST", "loops", content=doubled)).status_code == 201


class TestMetrics:
    async def test_without_the_moves_nothing_is_counted(
        self, api, loop_body, monkeypatch
    ):
        monkeypatch.setattr(recorder, "moves_of", lambda *_: ())

        await api.done("loops", loop_body)

        told = (await api.get("metrics")).json()["domain"]
        assert (told["loops_created"], len(await api.events())) == (0, 1)
