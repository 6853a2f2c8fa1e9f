"""SPEC 5: who gives a value that a closed set has not is told what it has."""

import pytest

from sr_core.testing import ulid

pytestmark = pytest.mark.anyio

OUTCOMES: dict[str, list[str]] = {"oracle_results": [], "stop_triggers_fired": []}
ITERATION = f"iterations/iter_{ulid(1)}/complete"


@pytest.mark.parametrize(
    ("body", "key", "choices"),
    [
        ({"outcome": "FAILED", "summary": "a"}, "outcome", "SUCCESS, FAILURE"),
        (
            {
                "outcome": "SUCCESS",
                "summary": {
                    "intent": "a",
                    "outcomes": OUTCOMES,
                    "actions": [{"kind": "guess", "summary": "a"}],
                },
            },
            "summary.actions[0].kind",
            "code_change, doc_change, config_change, analysis, run_oracles",
        ),
    ],
)
async def test_in_a_body(api, body, key, choices):
    answer = await api.post(ITERATION, body, by="agent")

    detail = answer.json()["detail"]
    assert answer.status_code == 400
    assert f"{key}: Invalid enum value" in detail
    assert f"Give one of {choices}" in detail


async def test_in_a_list_of_them(api):
    unknown = {"oracle_results": [], "stop_triggers_fired": ["TIRED"]}
    body = {"outcome": "SUCCESS", "summary": {"intent": "a", "outcomes": unknown}}

    answer = await api.post(ITERATION, body, by="agent")

    assert "Give one of BUDGET_EXHAUSTED, EVIDENCE_MISSING" in answer.json()["detail"]


async def test_in_a_query(api):
    answer = await api.get("loops?state=RUNNING")

    assert "Give one of CREATED, ACTIVE, PAUSED, CLOSED" in answer.json()["detail"]


async def test_elsewhere_nothing_is_made_up(api):
    answer = await api.post(ITERATION, {"outcome": "SUCCESS", "surplus": 1}, by="agent")
    number = await api.get("loops?limit=many")

    for each in (answer, number):
        assert each.status_code == 400
        assert "Give one of" not in each.json()["detail"]
