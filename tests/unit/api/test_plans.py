"""Plans and the governor over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from sr_core.domain.refs import hash_bytes
from sr_core.ports.event_store import BEGINNING
from sr_core.testing import ulid
from sr_core.testing.plans import INTAKE_1, INTAKE_HASH, SUPPORTING_DIRECTIVE, TEMPLATE

pytestmark = pytest.mark.anyio

NOWHERE = f"plan_{ulid(999)}"


def unit(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "work_unit_id": name,
        "title": f"what {name} is about",
        "intake_ref": {"id": INTAKE_1, "content_hash": INTAKE_HASH},
        "template_id": TEMPLATE,
        **changes,
    }


def plan(*units: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "source_ref": {"id": "source:brief", "content_hash": hash_bytes(b"a brief")},
        "work_units": list(units),
        "rationale": "cut along the seams",
        **changes,
    }


PLAN = plan(
    unit("WU-a"),
    unit("WU-b", required_portals=["ReleaseApprovalPortal"]),
    edges=[{"work_unit_id": "WU-b", "target_id": "WU-a"}],
)
ACTIVATION = {
    "directive_ref": {
        "kind": SUPPORTING_DIRECTIVE.kind.value,
        "id": SUPPORTING_DIRECTIVE.id,
        "rel": SUPPORTING_DIRECTIVE.rel.value,
        "meta": dict(SUPPORTING_DIRECTIVE.meta),
    }
}


async def recorded(api) -> str:
    return str((await api.done("plans", PLAN))["plan_id"])


class TestPlans:
    async def test_a_plan_is_recorded_with_its_hash(self, api):
        answer = await api.post("plans", PLAN)

        told = answer.json()
        assert answer.status_code == 201
        assert told["accepted"] is True
        assert told["status"] == "DRAFT"
        row = (await api.get(f"plans/{told['plan_id']}")).json()
        assert row["plan_hash"] == told["plan_hash"]
        assert row["event_id"] == told["event_id"]
        assert [each["work_unit_id"] for each in row["work_units"]] == ["WU-a", "WU-b"]
        assert row["edges"] == [
            {"unit": "WU-b", "target": "WU-a", "edge_type": "depends_on"}
        ]

    async def test_they_are_listed(self, api):
        plan_id = await recorded(api)

        told = (await api.get("plans")).json()

        assert [each["plan_id"] for each in told["plans"]] == [plan_id]
        assert (told["total"], told["limit"], told["offset"]) == (1, 50, 0)

    async def test_one_is_activated_under_a_policy(self, api):
        plan_id = await recorded(api)

        told = await api.done(f"plans/{plan_id}/activate", ACTIVATION)

        row = (await api.get(f"plans/{plan_id}")).json()
        assert row["status"] == told["status"] == "ACTIVE"
        assert row["policy_hash"] == told["policy_hash"]
        assert row["policy"]["plan_hash"] == row["plan_hash"]
        assert row["policy"]["directive"]["rel"] == "supported_by"

    async def test_one_is_cancelled_for_a_reason(self, api):
        plan_id = await recorded(api)

        await api.done(f"plans/{plan_id}/cancel", {"rationale": "overtaken"})

        row = (await api.get(f"plans/{plan_id}")).json()
        assert (row["status"], row["cancelled_because"]) == ("CANCELLED", "overtaken")

    async def test_a_unit_belongs_to_one_active_plan(self, api):
        first, second = await recorded(api), await recorded(api)
        await api.done(f"plans/{first}/activate", ACTIVATION)

        answer = await api.post(f"plans/{second}/activate", ACTIVATION)

        assert answer.status_code == 409
        assert answer.json()["code"] == "PLAN_TAKEN"
        assert first in answer.json()["detail"]
        await api.done(f"plans/{first}/cancel", {"rationale": "overtaken"})
        await api.done(f"plans/{second}/activate", ACTIVATION)

    async def test_it_is_activated_once(self, api):
        plan_id = await recorded(api)
        await api.done(f"plans/{plan_id}/activate", ACTIVATION)

        answer = await api.post(f"plans/{plan_id}/activate", ACTIVATION)

        assert answer.status_code == 422

    @pytest.mark.parametrize(
        "body",
        [
            plan(),
            plan(unit("a")),
            plan(unit("WU-a", title=" ")),
            plan(unit("WU-a"), surplus=1),
            plan(unit("WU-a"), edges=[{"work_unit_id": "WU-a", "target_id": "WU-x"}]),
            plan(unit("WU-a"), edges=[{"work_unit_id": "WU-a", "target_id": "WU-a"}]),
            plan(
                unit("WU-a"),
                unit("WU-b"),
                edges=[
                    {"work_unit_id": "WU-b", "target_id": "WU-a", "edge_type": "needs"}
                ],
            ),
            plan(unit("WU-a", required_portals=["release-portal"])),
            plan(unit("WU-a", intake_ref={"id": INTAKE_1, "content_hash": "abc"})),
        ],
    )
    async def test_one_that_is_not_in_order_is_refused(self, api, body):
        answer = await api.post("plans", body)

        assert answer.status_code == 400
        assert await api.events() == []

    @pytest.mark.parametrize(
        "path", ["plans/{}", "plans/{}/eligible-set"], ids=["plan", "eligible set"]
    )
    async def test_one_that_is_not_there_is_not_found(self, api, path):
        assert (await api.get(path.format(NOWHERE))).status_code == 404

    @pytest.mark.parametrize(
        ("act", "body"), [("activate", ACTIVATION), ("cancel", {"rationale": "x"})]
    )
    async def test_nothing_is_done_with_one_that_is_not_there(self, api, act, body):
        assert (await api.post(f"plans/{NOWHERE}/{act}", body)).status_code == 404

    @pytest.mark.parametrize("by", ["agent", "system", "bystander"])
    async def test_only_a_steward_binds(self, api, by):
        plan_id = await recorded(api)
        before = len(await api.events())

        answers = [
            await api.post("plans", PLAN, by=by),
            await api.post(f"plans/{plan_id}/activate", ACTIVATION, by=by),
            await api.post(f"plans/{plan_id}/cancel", {"rationale": "x"}, by=by),
        ]

        assert [each.status_code for each in answers] == [403, 403, 403]
        assert len(await api.events()) == before


class TestEligibleSet:
    async def test_it_says_how_far_every_unit_is(self, api):
        plan_id = await recorded(api)
        await api.done(f"plans/{plan_id}/activate", ACTIVATION)

        told = (await api.get(f"plans/{plan_id}/eligible-set")).json()

        (*_, latest) = await api.stage.log.read(after=BEGINNING, limit=1000)
        assert told["status"] == "BLOCKED"
        assert told["eligible_set"] == []
        assert told["global_seq"] == latest.position
        assert told["state_hash"].startswith("sha256:")
        assert told["runlist"]["TODO"] == ["WU-a", "WU-b"]
        assert told["dependency_graph_snapshot"] == {
            "nodes": ["WU-a", "WU-b"],
            "edges": [{"unit": "WU-b", "target": "WU-a", "satisfaction": "blocked"}],
        }
        assert told["status_by_work_unit"]["WU-b"]["block_reasons"] == [
            {"kind": "dependency_unsatisfied", "detail": "WU-a"},
            {"kind": "missing_work_surface", "detail": "no work surface is bound"},
        ]

    async def test_a_plan_that_is_not_active_is_not_blocked(self, api):
        plan_id = await recorded(api)

        told = (await api.get(f"plans/{plan_id}/eligible-set")).json()

        assert told["status"] == "DRAFT"

    async def test_the_same_log_gives_the_same_hash(self, api):
        plan_id = await recorded(api)
        first = (await api.get(f"plans/{plan_id}/eligible-set")).json()
        second = (await api.get(f"plans/{plan_id}/eligible-set")).json()
        await api.a_loop()
        third = (await api.get(f"plans/{plan_id}/eligible-set")).json()

        assert first == second
        assert third["state_hash"] != first["state_hash"]


class TestGovernor:
    @pytest.fixture(autouse=True)
    async def judged(self, api, suite):
        """What judges the work is registered, or no iteration starts."""
        await api.done("oracles/suites", suite)

    async def test_it_starts_an_iteration(self, api):
        loop_id = await api.a_loop()

        told = await api.done(f"loops/{loop_id}/evaluate", by="system")

        assert (told["decision_type"], told["outcome"]) == (
            "START_ITERATION",
            "EXECUTED",
        )
        assert len(told["emitted_event_ids"]) == 2
        iteration = (await api.get(f"iterations/{told['iteration_id']}")).json()
        assert iteration["loop_id"] == loop_id

    async def test_what_changes_nothing_records_nothing(self, api):
        loop_id = await api.a_loop()
        for _ in range(2):
            await api.done(f"loops/{loop_id}/evaluate", by="system")

        told = await api.done(f"loops/{loop_id}/evaluate", by="system")

        assert told["emitted_event_ids"] == []
        assert told["event_id"] is None
        assert told["iteration_id"] is None
        assert told["failure"] == "incomplete_iteration_exists"
        assert len(told["preconditions"]) == 8

    async def test_its_decisions_are_listed(self, api):
        loop_id = await api.a_loop()
        for _ in range(3):
            await api.done(f"loops/{loop_id}/evaluate", by="system")

        told = (await api.get(f"loops/{loop_id}/governor-decisions")).json()

        assert [each["decision_type"] for each in told["governor_decisions"]] == [
            "START_ITERATION",
            "DEFER_ITERATION",
        ]
        assert told["total"] == 2

    @pytest.mark.parametrize("by", ["agent", "human"])
    async def test_only_the_system_has_it_look(self, api, by):
        loop_id = await api.a_loop()

        answer = await api.post(f"loops/{loop_id}/evaluate", by=by)

        assert answer.status_code == 403
