"""Loops, iterations and decisions as a client sees them (SPEC 5.2, 5.5)."""

from datetime import timedelta
from typing import Any

import pytest

from sr_core.testing import BUILD, fails, says_nothing, ulid

pytestmark = pytest.mark.anyio

NOTE = "record.evaluation_note"
STRANGER = f"loop_{ulid(999)}"
REF = {"kind": "Record", "id": "rec_1", "rel": "about", "meta": {}}


def decision(loop_id: str, **changes: Any) -> dict[str, Any]:
    body = {
        "scope": {"loop_id": loop_id},
        "trigger": "BUDGET_EXHAUSTED",
        "decision": "Extend it",
        "rationale": "it is nearly done",
        "exceptions_acknowledged": [],
    }
    return {**body, **changes}


def summary(**changes: Any) -> dict[str, Any]:
    full = {
        "intent": "mend it",
        "actions": [
            {"kind": "code_change", "summary": "a line", "artifacts": ["a.py"]}
        ],
        "artifacts_touched": ["a.py"],
        "candidates_produced": [],
        "runs_executed": [],
        "outcomes": {"oracle_results": [], "stop_triggers_fired": []},
        "next_steps": [{"kind": "verify", "description": "run it", "blocking": True}],
        "open_risks": [{"severity": "low", "description": "none known"}],
        "ext": {"non_binding_reviews": ["fine"]},
    }
    return {**full, **changes}


async def iterate(api, loop_id: str) -> str:
    await api.a_suite()
    told = await api.done(f"loops/{loop_id}/iterations", by="system")
    return str(told["iteration_id"])


async def complete(api, iteration_id: str, body: Any = "done", **more: Any) -> Any:
    ending = {"outcome": more.pop("outcome", "SUCCESS"), "summary": body}
    path = more.pop("path", f"iterations/{iteration_id}/complete")
    return await api.post(path, ending, by=more.pop("by", "agent"))


def told(answer: Any, status: int, code: str) -> str:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return str(body["detail"])


class TestLoops:
    """SPEC 5.2: every field, every error."""

    async def test_it_is_told_with_its_bounds_and_what_is_used_of_them(self, api):
        loop_id = await api.a_loop(budgets={"max_iterations": 3, "max_oracle_runs": 7})
        await iterate(api, loop_id)
        api.stage.clock.skip(timedelta(hours=2))

        view = (await api.get(f"loops/{loop_id}")).json()

        assert view["budgets"] == {
            "max_iterations": 3,
            "max_oracle_runs": 7,
            "max_wallclock_hours": 16,
        }
        assert view["usage"]["iterations"] == 1
        assert view["usage"]["oracle_runs"] == 0
        assert 2 <= view["usage"]["wallclock_hours"] < 2.1
        assert view["work_unit"] == loop_id
        assert view["work_surface_id"] is None
        assert view["created_by"]["actor_kind"] == "HUMAN"
        assert view["stop_triggers_fired"] == []
        assert view["global_seq"] == (await api.events())[-1].position

    async def test_before_it_is_active_no_hour_is_used(self, api, loop_body):
        created = await api.done("loops", loop_body)

        view = (await api.get(f"loops/{created['loop_id']}")).json()

        assert (view["state"], view["usage"]["wallclock_hours"]) == ("CREATED", 0)

    async def test_after_its_close_no_more_are(self, api):
        loop_id = await api.a_loop()
        await api.done(f"loops/{loop_id}/close")
        api.stage.clock.skip(timedelta(hours=9))

        view = (await api.get(f"loops/{loop_id}")).json()

        assert view["usage"]["wallclock_hours"] < 1

    async def test_a_list_tells_the_same_as_the_one(self, api):
        loop_id = await api.a_loop()
        api.stage.clock.skip(timedelta(hours=1))

        page = (await api.get("loops?state=ACTIVE")).json()

        (listed,) = page["loops"]
        one = (await api.get(f"loops/{loop_id}")).json()
        assert page["total"] == 1
        assert {**listed, "usage": None} == {**one, "usage": None}

    async def test_an_unknown_state_is_refused(self, api):
        answer = await api.get("loops?state=RUNNING")

        assert "CREATED" in told(answer, 400, "MALFORMED_INPUT")

    async def test_creation_answers_with_the_state(self, api, loop_body):
        answer = await api.post("loops", loop_body)

        assert answer.status_code == 201
        assert answer.json()["state"] == "CREATED"
        assert answer.json()["emitted_event_ids"] == [answer.json()["event_id"]]

    async def test_staged_work_needs_a_surface(self, api, loop_body):
        answer = await api.post("loops", {**loop_body, "work_unit": "WU-7"})
        other = await api.post("loops", {**loop_body, "work_unit": "7"})

        told(answer, 412, "WORK_SURFACE_MISSING")
        told(other, 400, "MALFORMED_INPUT")

    @pytest.mark.parametrize("act", ["activate", "pause", "close"])
    async def test_a_reason_goes_into_the_event(self, api, loop_body, act):
        loop_id = (await api.done("loops", loop_body))["loop_id"]
        if act == "pause":
            await api.done(f"loops/{loop_id}/activate")

        await api.done(f"loops/{loop_id}/{act}", {"rationale": "because"})

        assert (await api.events())[-1].event.rationale == "because"

    async def test_and_into_that_of_a_resume(self, api):
        loop_id = await api.a_loop()
        await api.done(f"loops/{loop_id}/pause")

        resumed = await api.done(f"loops/{loop_id}/resume", {"rationale": "because"})

        assert resumed["state"] == "ACTIVE"
        assert (await api.events())[-1].event.rationale == "because"

    async def test_a_pause_by_hand_is_lifted_without_a_body(self, api):
        loop_id = await api.a_loop()
        paused = await api.done(f"loops/{loop_id}/pause")

        resumed = await api.done(f"loops/{loop_id}/resume")

        assert (paused["state"], resumed["state"]) == ("PAUSED", "ACTIVE")


class TestUpdates:
    """SPEC 4.1, C-TB-1: PATCH of goal and bounds."""

    async def patch(self, api, loop_id: str, body: Any, by: str = "human") -> Any:
        return await api.ask("PATCH", f"loops/{loop_id}", json=body, by=by)

    async def test_both_are_changed_and_kept(self, api):
        loop_id = await api.a_loop()
        body = {"goal": "more", "budgets": {"max_wallclock_hours": 20}}

        answer = await self.patch(api, loop_id, body)

        assert (answer.status_code, answer.json()["state"]) == (200, "ACTIVE")
        view = (await api.get(f"loops/{loop_id}")).json()
        assert (view["goal"], view["budgets"]["max_wallclock_hours"]) == ("more", 20)
        assert view["budgets"]["max_iterations"] == 5

    @pytest.mark.parametrize("body", [{}, {"budgets": {}}, {"goal": "a goal"}], ids=str)
    async def test_an_empty_one_is_refused(self, api, body):
        answer = await self.patch(api, await api.a_loop(), body)

        told(answer, 400, "MALFORMED_INPUT")

    async def test_so_is_a_decrease(self, api):
        body = {"budgets": {"max_iterations": 4}}

        answer = await self.patch(api, await api.a_loop(), body)

        told(answer, 400, "BUDGET_DECREASED")

    @pytest.mark.parametrize(
        "body",
        [
            {"budgets": {"max_iterations": 0}},
            {"budgets": {"max_hours": 9}},
            {"state": "CLOSED"},
            {"goal": ""},
        ],
        ids=str,
    )
    async def test_so_is_what_is_no_update(self, api, body):
        told(await self.patch(api, await api.a_loop(), body), 400, "MALFORMED_INPUT")

    @pytest.mark.parametrize("by", ["agent", "system", "bystander"])
    async def test_nobody_else_raises_a_bound(self, api, by):
        body = {"budgets": {"max_iterations": 9}}

        answer = await self.patch(api, await api.a_loop(), body, by)

        told(answer, 403, "AUTHORITY_REQUIRED")

    async def test_a_closed_loop_stays_as_it_is(self, api):
        loop_id = await api.a_loop()
        await api.done(f"loops/{loop_id}/close")

        answer = await self.patch(api, loop_id, {"goal": "more"})

        assert "is CLOSED" in told(answer, 422, "TRANSITION_REFUSED")


class TestStops:
    """SPEC 5.2, 6.9: what stopped a loop, and what lifted it, is told."""

    async def exhausted(self, api) -> str:
        loop_id = await api.a_loop(budgets={"max_iterations": 1})
        await complete(api, await iterate(api, loop_id))
        answer = await api.post(f"loops/{loop_id}/iterations", by="system")
        told(answer, 412, "BUDGET_EXHAUSTED")
        return str(loop_id)

    async def test_a_stop_is_told_open_and_then_answered(self, api):
        loop_id = await self.exhausted(api)
        before = (await api.get(f"loops/{loop_id}")).json()
        made = await api.done("decisions", decision(loop_id))
        body = {"budgets": {"max_iterations": 2}}
        await api.ask("PATCH", f"loops/{loop_id}", json=body)
        named = {"decision_id": made["decision_id"]}
        await api.done(f"loops/{loop_id}/resume", named)

        view = (await api.get(f"loops/{loop_id}")).json()

        (stop,) = before["stop_triggers_fired"]
        assert before["requires_decision"] is True
        assert before["last_recommended_portal"] == "HumanAuthorityExceptionProcess"
        assert (stop["trigger_code"], stop["resolved"]) == ("BUDGET_EXHAUSTED", False)
        assert (stop["decision_id"], stop["bound"]) == (None, "max_iterations")
        (stop,) = view["stop_triggers_fired"]
        assert (stop["resolved"], stop["decision_id"]) == (True, made["decision_id"])
        assert (view["state"], view["requires_decision"]) == ("ACTIVE", False)
        (listed,) = (await api.get("loops")).json()["loops"]
        assert listed["stop_triggers_fired"] == view["stop_triggers_fired"]

    async def test_a_decision_of_another_loop_lifts_nothing(self, api):
        loop_id = await self.exhausted(api)
        other = await api.a_loop()
        made = await api.done("decisions", decision(other))

        answer = await api.post(
            f"loops/{loop_id}/resume", {"decision_id": made["decision_id"]}
        )

        told(answer, 412, "DECISION_SCOPE_MISMATCH")

    async def test_nor_does_one_that_refuses(self, api):
        loop_id = await self.exhausted(api)
        made = await api.done("decisions", decision(loop_id, decision="Hold it"))

        answer = await api.post(
            f"loops/{loop_id}/resume", {"decision_id": made["decision_id"]}
        )

        assert made["kind"] == "REJECTED"
        assert "is REJECTED" in told(answer, 412, "DECISION_SCOPE_MISMATCH")

    async def test_a_run_that_offends_is_named(self, api):
        api.runner.scripts[BUILD] = says_nothing
        loop_id, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)

        (stop,) = (await api.get(f"loops/{loop_id}")).json()["stop_triggers_fired"]

        assert stop["run_id"] == run["run_id"]
        assert stop["candidate_id"] == candidate_id
        assert stop["evidence_bundle_hash"] == run["evidence_bundle_hash"]


class TestIterations:
    """SPEC 5.2, 8.5: both forms of start and end, and what is left."""

    @pytest.mark.parametrize("form", ["nested", "flat"])
    async def test_it_starts_in_either_form(self, api, form):
        await api.a_suite()
        loop_id = await api.a_loop()
        path = f"loops/{loop_id}/iterations" if form == "nested" else "iterations"
        body = None if form == "nested" else {"loop_id": loop_id}

        answer = await api.post(path, body, by="system")

        assert answer.status_code == 201
        started = answer.json()
        assert (started["loop_id"], started["state"]) == (loop_id, "STARTED")
        assert started["pending_hooks"] == ["plan_review"]

    async def test_a_start_takes_refs_and_a_work_unit(self, api, loop_body):
        await api.a_suite()
        loop_id = await api.a_loop()
        path = f"loops/{loop_id}/iterations"
        ghost = {
            **REF,
            "meta": {"content_hash": f"sha256:{'0' * 64}", "type_key": NOTE},
        }
        own = loop_body["directive_ref"]

        bad = await api.post(path, {"refs": [REF]}, by="system")
        strange = await api.post(path, {"refs": [ghost]}, by="system")
        other = await api.post(path, {"work_unit_id": "WU-8"}, by="system")
        good = await api.post(
            path, {"refs": [own], "work_unit_id": loop_id}, by="system"
        )

        assert "content_hash" in told(bad, 400, "MALFORMED_INPUT")
        assert "Record rec_1" in told(strange, 412, "CONTEXT_INADMISSIBLE")
        told(other, 400, "MALFORMED_INPUT")
        view = (await api.get(f"iterations/{good.json()['iteration_id']}")).json()
        assert view["refs"].count(own) == 1

    async def test_without_a_suite_none_starts(self, api):
        loop_id = await api.a_loop()

        answer = await api.post(f"loops/{loop_id}/iterations", by="system")

        assert "oracle suite" in told(answer, 412, "CONTEXT_INADMISSIBLE")

    @pytest.mark.parametrize("form", ["nested", "flat"])
    async def test_it_ends_in_either_form_and_leaves_its_record(self, api, form):
        loop_id = await api.a_loop()
        identifier = await iterate(api, loop_id)
        below = f"loops/{loop_id}/" if form == "nested" else ""

        answer = await complete(
            api,
            identifier,
            summary(),
            path=f"{below}iterations/{identifier}/complete",
        )

        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "COMPLETED"
        assert len(answer.json()["emitted_event_ids"]) == 2
        record = (await api.get(f"iterations/{identifier}/loop-record")).json()
        assert record["type_key"] == "domain.loop_record"
        assert (record["iteration_id"], record["loop_id"]) == (identifier, loop_id)
        assert record["summary"]["actions"] == summary()["actions"]
        view = (await api.get(f"iterations/{identifier}")).json()
        assert view["summary"] == record["summary"]

    async def test_another_loops_path_does_not_lead_to_it(self, api):
        identifier = await iterate(api, await api.a_loop())
        path = f"loops/{await api.a_loop()}/iterations/{identifier}/complete"

        told(await complete(api, identifier, path=path), 404, "NOT_FOUND")

    async def test_without_a_record_there_is_none(self, api):
        identifier = await iterate(api, await api.a_loop())

        answer = await api.get(f"iterations/{identifier}/loop-record")
        stranger = await api.get(f"iterations/iter_{ulid(999)}/loop-record")

        told(answer, 404, "NOT_FOUND")
        told(stranger, 404, "NOT_FOUND")

    @pytest.mark.parametrize("outcome", ["FAILED", "success", "", "PARTIAL"])
    async def test_an_outcome_is_one_of_two(self, api, outcome):
        identifier = await iterate(api, await api.a_loop())

        answer = await complete(api, identifier, outcome=outcome)

        detail = told(answer, 400, "MALFORMED_INPUT")
        assert "SUCCESS" in detail
        assert "FAILURE" in detail

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "a" * 4001,
            {},
            {"intent": "mend it"},
            summary(outcomes={"oracle_results": []}),
            summary(outcomes={"stop_triggers_fired": []}),
            summary(outcomes={"oracle_results": [], "stop_triggers_fired": ["NONE"]}),
            summary(actions=[{"kind": "guess", "summary": "a"}]),
            summary(next_steps=[{"kind": "rest", "description": "a"}]),
            summary(open_risks=[{"severity": "none", "description": "a"}]),
            summary(transcript="all that was said"),
            summary(intent="a" * 4001),
            summary(iteration_id=f"iter_{ulid(999)}"),
            summary(runs_executed=["a run"]),
            summary(candidates_produced=[f"sha256:{'0' * 64}|cand_{ulid(9)}"]),
            summary(
                outcomes={
                    "oracle_results": [
                        {
                            "run_id": f"run_{ulid(9)}",
                            "oracle_suite_id": "suite:A",
                            "status": "PASS",
                            "evidence_refs": [f"sha256:{'0' * 64}"],
                        }
                    ],
                    "stop_triggers_fired": [],
                }
            ),
        ],
        ids=lambda body: str(body)[-60:],
    )
    async def test_a_summary_of_another_form_is_refused(self, api, body):
        identifier = await iterate(api, await api.a_loop())

        answer = await complete(api, identifier, body)

        told(answer, 400, "MALFORMED_INPUT")
        view = (await api.get(f"iterations/{identifier}")).json()
        assert view["state"] == "STARTED"

    async def test_one_that_the_log_bears_out_is_taken(self, api):
        api.runner.scripts[BUILD] = fails
        _, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)
        result = {
            "run_id": run["run_id"],
            "oracle_suite_id": run["oracle_suite_id"],
            "status": "FAIL",
            "evidence_refs": [run["evidence_bundle_hash"]],
        }
        true = summary(
            candidates_produced=[candidate_id],
            runs_executed=[run["run_id"]],
            outcomes={"oracle_results": [result], "stop_triggers_fired": []},
        )
        lie = {
            **true,
            "outcomes": {
                **true["outcomes"],
                "oracle_results": [{**result, "status": "PASS"}],
            },
        }

        told(await complete(api, run["iteration_id"], lie), 400, "MALFORMED_INPUT")
        assert (await complete(api, run["iteration_id"], true)).status_code == 200

    async def test_it_may_be_begun_and_may_fail(self, api):
        identifier = await iterate(api, await api.a_loop())

        begun = await api.done(f"iterations/{identifier}/begin", by="agent")
        again = await api.post(f"iterations/{identifier}/begin", by="agent")
        agents = await api.post(
            f"iterations/{identifier}/fail", {"reason": "a"}, by="agent"
        )
        failed = await api.done(
            f"iterations/{identifier}/fail", {"reason": "gone"}, by="system"
        )

        assert begun["state"] == "RUNNING"
        told(again, 422, "TRANSITION_REFUSED")
        told(agents, 403, "AUTHORITY_REQUIRED")
        assert failed["state"] == "FAILED"
        view = (await api.get(f"iterations/{identifier}")).json()
        assert (view["outcome"], view["failure_reason"]) == ("FAILURE", "gone")

    async def test_they_are_listed_by_state(self, api):
        loop_id = await api.a_loop()
        first = await iterate(api, loop_id)
        await complete(api, first)
        second = await iterate(api, loop_id)

        page = (await api.get(f"loops/{loop_id}/iterations?state=COMPLETED")).json()

        assert [each["iteration_id"] for each in page["iterations"]] == [first]
        every = (await api.get(f"loops/{loop_id}/iterations")).json()
        assert [each["sequence"] for each in every["iterations"]] == [1, 2]
        assert every["iterations"][1]["iteration_id"] == second
        told(
            await api.get(f"loops/{loop_id}/iterations?state=DONE"),
            400,
            "MALFORMED_INPUT",
        )
        told(await api.get(f"loops/{STRANGER}/iterations"), 404, "NOT_FOUND")

    async def test_its_candidates_are_listed(self, api):
        _, candidate_id = await api.a_candidate()
        (started,) = [
            each.event.iteration_id
            for each in await api.events()
            if type(each.event).__name__ == "IterationStarted"
        ]

        page = (await api.get(f"iterations/{started}/candidates")).json()

        assert [each["candidate_id"] for each in page["candidates"]] == [candidate_id]
        stranger = await api.get(f"iterations/iter_{ulid(999)}/candidates")
        told(stranger, 404, "NOT_FOUND")

    async def test_the_third_failure_stops_the_loop_at_once(self, api):
        loop_id = await api.a_loop()
        for _ in range(3):
            await complete(api, await iterate(api, loop_id), outcome="FAILURE")

        view = (await api.get(f"loops/{loop_id}")).json()

        assert (view["state"], view["last_stop_trigger"]) == (
            "PAUSED",
            "REPEATED_FAILURE",
        )
        told(
            await api.post(f"loops/{loop_id}/iterations", by="system"),
            422,
            "TRANSITION_REFUSED",
        )


class TestDecisions:
    """SPEC 5.5: what a decision holds, and what it may not leave out."""

    async def test_it_is_told_as_it_was_made(self, api):
        loop_id = await api.a_loop()
        body = decision(loop_id, is_precedent=True, applicability="small loops")

        answer = await api.post("decisions", body)

        assert answer.status_code == 201
        made = answer.json()
        view = (await api.get(f"decisions/{made['decision_id']}")).json()
        assert made["kind"] == view["kind"] == "PROCEED"
        assert view["scope"]["loop_id"] == loop_id
        assert (view["is_precedent"], view["applicability"]) == (True, "small loops")
        assert view["decided_by_kind"] == "HUMAN"
        assert view["exceptions_acknowledged"] == view["subject_refs"] == []
        assert [each["rel"] for each in view["refs"]] == ["in_scope_of"]

    async def test_they_are_listed_and_by_loop(self, api):
        one, other = await api.a_loop(), await api.a_loop()
        await api.done("decisions", decision(one))
        await api.done("decisions", decision(other))

        page = (await api.get(f"decisions?loop_id={one}&limit=1")).json()

        assert (await api.get("decisions")).json()["total"] == 2
        assert page["total"] == 1
        assert page["decisions"][0]["scope"]["loop_id"] == one

    @pytest.mark.parametrize(
        "changes",
        [
            {"scope": {}},
            {"scope": {"all": True}},
            {"scope": None},
            {"exceptions_acknowledged": None},
            {"exceptions_acknowledged": [f"exc_{ulid(9)}"]},
            {"rationale": ""},
            {"decision": "Perhaps"},
            {"kind": "MAYBE"},
            {"kind": "REJECTED", "decision": "Proceed"},
            {"kind": "GOVERNANCE_CHANGE_APPROVAL"},
            {"trigger": "TIRED"},
            {"subject_refs": [{**REF, "rel": "approves"}]},
            {"evidence_refs": ["a hash"]},
        ],
        ids=str,
    )
    async def test_one_of_another_form_is_refused(self, api, changes):
        body = decision(await api.a_loop(), **changes)

        told(await api.post("decisions", body), 400, "MALFORMED_INPUT")

    async def test_a_key_that_is_left_out_is_no_empty_list(self, api):
        body = decision(await api.a_loop())
        del body["exceptions_acknowledged"]

        detail = told(await api.post("decisions", body), 400, "MALFORMED_INPUT")

        assert "exceptions_acknowledged" in detail

    @pytest.mark.parametrize(
        "scope",
        [
            {"iteration_id": f"iter_{ulid(9)}"},
            {"candidate_id": f"sha256:{'0' * 64}|cand_{ulid(9)}"},
            {"run_id": f"run_{ulid(9)}"},
            {"oracle_suite_id": "suite:NONE"},
            {"exception_id": f"exc_{ulid(9)}"},
            {"work_surface_id": f"ws:{ulid(9)}"},
            {"loop_id": STRANGER},
        ],
        ids=str,
    )
    async def test_what_is_not_recorded_is_not_decided_about(self, api, scope):
        body = decision(STRANGER, scope=scope)

        told(await api.post("decisions", body), 404, "NOT_FOUND")

    async def test_work_that_no_loop_governs_is_decided_about(self, api):
        body = decision(STRANGER, scope={"work_unit_id": "WU-7"}, trigger=None)

        made = await api.done("decisions", body)

        assert made["kind"] == "PROCEED"

    @pytest.mark.parametrize("by", ["agent", "system", "bystander"])
    async def test_nobody_else_decides(self, api, by):
        body = decision(await api.a_loop())

        told(await api.post("decisions", body, by=by), 403, "AUTHORITY_REQUIRED")
