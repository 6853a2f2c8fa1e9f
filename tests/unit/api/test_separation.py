"""R-API-3: what humans bind is out of reach for whoever is no human, by every way there."""

from __future__ import annotations

import pytest

from sr_core.api.app import build_description
from sr_core.domain.actors import ActorKind

pytestmark = pytest.mark.anyio

BINDING = (
    "approvals",
    "decisions",
    "exceptions",
    "freeze-records",
    "oracles/suites",
)
KEY = {"Idempotency-Key": "k"}


def binding_routes() -> list[str]:
    """The paths of everything that binds, from the application's own routes."""
    return [
        each.path.removeprefix("/api/v1/")
        for each in build_description().operations
        if each.method == "POST" and each.path.startswith(tuple(starts()))
    ]


def starts() -> list[str]:
    return [f"/api/v1/{each}" for each in BINDING]


def test_each_of_them_is_for_humans_alone():
    guards = {
        each.path: each.authority.kinds
        for each in build_description().operations
        if each.method == "POST" and each.path.startswith(tuple(starts()))
    }

    assert len(guards) >= 7
    assert set(guards.values()) == {frozenset({ActorKind.HUMAN})}


@pytest.mark.parametrize("by", ["agent", "system"])
@pytest.mark.parametrize("path", binding_routes())
async def test_asking_for_it_changes_nothing(api, path, by):
    _, candidate_id = await api.a_candidate()
    before = await api.events()
    body = {"candidate_id": candidate_id, "actor_kind": "HUMAN", "by": "human"}

    for headers in ({}, KEY, {"X-Actor-Kind": "HUMAN", "X-Forwarded-User": "alice"}):
        answer = await api.post(
            path.replace("{exception_id}", "x"), body, by=by, headers=headers
        )
        assert answer.status_code == 403, path
        assert answer.json()["code"] == "AUTHORITY_REQUIRED"

    assert await api.events() == before


@pytest.mark.parametrize("by", ["agent", "system"])
async def test_the_key_of_a_humans_request_opens_nothing(api, suite, by):
    told = await api.post("oracles/suites", suite, headers=KEY)
    before = await api.events()

    answer = await api.post("oracles/suites", suite, by=by, headers=KEY)

    assert told.status_code == 201
    assert answer.status_code == 403
    assert "suite_hash" not in answer.json()
    assert await api.events() == before


async def test_a_refused_try_leaves_a_line_in_the_log(api, suite, caplog):
    caplog.set_level("INFO", logger="sr_core")

    await api.post("oracles/suites", suite, by="agent")

    (line,) = (each for each in caplog.records if getattr(each, "status", 0) == 403)
    assert line.uri == "/api/v1/oracles/suites"
