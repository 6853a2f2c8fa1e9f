"""Every error is told in one form, with a status and a code of its own (SPEC 5)."""

from __future__ import annotations

import pkgutil
from collections import Counter
from http import HTTPStatus
from importlib import import_module

import httpx
import pytest

import sr_core
from sr_core.api.problems import STATUS, status_of
from sr_core.domain.errors import MalformedInput, Refused, SrError
from sr_core.ports.content_store import ObjectKey, PartState, Unretrievable
from sr_core.ports.errors import PortError, Unavailable
from sr_core.ports.identity import NotIdentified
from sr_core.testing import (
    BUILD,
    SOME_HASH,
    fails,
    says_nothing,
    ulid,
)

STRANGER = f"loop_{ulid(999)}"


def family(root: type[SrError]) -> set[type[SrError]]:
    return {root}.union(*(family(each) for each in root.__subclasses__()))


@pytest.fixture(scope="module")
def errors() -> set[type[SrError]]:
    """Every error of the package, all of it imported."""
    for each in pkgutil.walk_packages(sr_core.__path__, "sr_core."):
        if not each.name.startswith(("sr_core.oracles", "sr_core.cli.__main__")):
            import_module(each.name)
    return {each for each in family(SrError) if each.__module__.startswith("sr_core")}


class TestTheTable:
    """SPEC 5: which status, which code."""

    def test_every_error_has_a_code_of_its_own(self, errors):
        codes = Counter(each.code for each in errors - {SrError})

        assert [code for code, times in codes.items() if times > 1] == []
        assert "BUDGET_EXHAUSTED" in codes

    def test_every_error_says_its_code_itself(self, errors):
        silent = {each for each in errors if "code" not in vars(each)}

        assert silent == {SrError}

    def test_what_the_rules_and_ports_raise_is_no_failure_of_ours(self, errors):
        raised = {
            each
            for each in errors
            if each.__module__.startswith(("sr_core.domain", "sr_core.ports"))
        }

        failures = {
            each.__name__
            for each in raised
            if status_of(each.__new__(each)) is HTTPStatus.INTERNAL_SERVER_ERROR
        }

        assert failures == {
            "EventNotUnderstood",
            "PortError",
            "ProjectionBroken",
            "SrError",
        }

    def test_whatever_else_there_is_has_a_status_too(self, errors):
        told = {status_of(each.__new__(each)) for each in errors}

        assert told <= set(STATUS.values())


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:sr:{code}"
    assert body["title"] == HTTPStatus(status).phrase
    assert body["status"] == status
    assert body["code"] == code
    assert body["detail"] == body["error"] != ""
    assert body["details"] == {"error_code": code}
    assert body.keys() == {
        "type",
        "title",
        "status",
        "code",
        "detail",
        "error",
        "details",
        "correlation_id",
        "request_id",
    }


@pytest.mark.anyio
class TestRefusals:
    """SPEC 5: each kind of no, as a caller meets it."""

    async def test_malformed_input(self, api):
        answer = await api.get("loops/loop_1")

        assert_problem(answer, 400, "MALFORMED_INPUT")
        assert "26-character ULID" in answer.json()["detail"]

    async def test_nothing_is_recorded_under_that_name(self, api):
        assert_problem(await api.get(f"loops/{STRANGER}"), 404, "NOT_FOUND")
        assert_problem(await api.post(f"loops/{STRANGER}/close"), 404, "NOT_FOUND")

    async def test_the_phase_does_not_allow_it(self, api):
        loop_id = await api.a_loop()

        answer = await api.post(f"loops/{loop_id}/activate")

        assert_problem(answer, 422, "TRANSITION_REFUSED")
        assert answer.json()["detail"] == (
            f"{loop_id} is ACTIVE, which refuses ActivateLoop. "
            "From ACTIVE it allows CloseLoop, PauseLoop, StartIteration, UpdateLoop."
        )

    @pytest.mark.parametrize("by", ["agent", "system", "bystander"])
    async def test_the_actor_may_not(self, api, suite, by):
        answer = await api.post("oracles/suites", suite, by=by)

        assert_problem(answer, 403, "AUTHORITY_REQUIRED")

    async def test_the_name_is_taken(self, api, suite):
        await api.done("oracles/suites", suite)

        answer = await api.post("oracles/suites", suite)

        assert_problem(answer, 409, "SUITE_TAKEN")

    async def test_the_declared_hash_is_another(self, api):
        await api.a_candidate()
        (iteration,) = (
            each.event.iteration_id
            for each in await api.events()
            if type(each.event).__name__ == "IterationStarted"
        )
        body = {
            "produced_by_iteration_id": iteration,
            "files": {"a": ""},
            "content_hash": SOME_HASH,
        }

        answer = await api.post("candidates", body, by="agent")

        assert_problem(answer, 409, "CANDIDATE_MISMATCH")

    async def test_a_bound_is_reached(self, api, suite):
        await api.done("oracles/suites", suite)
        loop_id = await api.a_loop(budgets={"max_iterations": 1})
        told = await api.done("iterations", {"loop_id": loop_id}, by="system")
        assert_problem(
            await api.post("iterations", {"loop_id": loop_id}, by="system"),
            412,
            "ITERATION_IN_PROGRESS",
        )
        await api.done(
            f"iterations/{told['iteration_id']}/complete",
            {"outcome": "SUCCESS", "summary": "done"},
            by="agent",
        )

        answer = await api.post("iterations", {"loop_id": loop_id}, by="system")

        assert_problem(answer, 412, "BUDGET_EXHAUSTED")

    async def test_a_stop_needs_a_decision_of_its_own(self, api):
        api.runner.scripts[BUILD] = says_nothing
        loop_id, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)

        without = await api.post(f"loops/{loop_id}/resume", {})
        other = await api.post(
            f"loops/{loop_id}/resume", {"decision_id": f"dec_{ulid(999)}"}
        )

        assert_problem(without, 412, "DECISION_REQUIRED")
        assert_problem(other, 412, "DECISION_SCOPE_MISMATCH")

    async def test_no_decision_lifts_what_stands(self, api):
        api.runner.scripts[BUILD] = says_nothing
        loop_id, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)
        decided = await api.done(
            "decisions",
            {
                "scope": {"loop_id": loop_id},
                "trigger": "ORACLE_GAP",
                "exceptions_acknowledged": [],
                "decision": "PROCEED",
                "rationale": "go on",
            },
        )

        answer = await api.post(
            f"loops/{loop_id}/resume", {"decision_id": decided["decision_id"]}
        )

        assert_problem(answer, 412, "INTEGRITY_UNRESOLVED")

    async def test_evidence_is_gone(self, api):
        _, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)
        store = api.stage.evidence_bytes
        store.lose(store.keys()[0])

        verified = await api.post(f"candidates/{candidate_id}/verify", by="system")
        read = await api.get(f"evidence/{run['evidence_bundle_hash']}")

        assert_problem(verified, 412, "EVIDENCE_MISSING")
        assert_problem(read, 412, "EVIDENCE_MISSING")

    async def test_what_is_not_verified_is_not_approved(self, api):
        api.runner.scripts[BUILD] = fails
        _, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)

        answer = await api.post(
            "approvals",
            api.approval_of(candidate_id, run["evidence_bundle_hash"]),
        )

        assert_problem(answer, 412, "NOT_VERIFIED")

    @pytest.mark.parametrize("target", ["ORACLE_GAP", BUILD])
    async def test_only_a_failure_is_waived(self, api, target):
        _, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)

        answer = await api.post(
            "exceptions/waivers",
            api.waiver_of(candidate_id, oracle_id=target),
        )

        assert_problem(answer, 400, "NON_WAIVABLE")

    async def test_an_approval_that_does_not_fit(self, api):
        _, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)
        await api.done(f"candidates/{candidate_id}/verify", by="system")
        rejected = await api.done(
            "approvals",
            api.approval_of(
                candidate_id, run["evidence_bundle_hash"], decision="REJECTED"
            ),
        )

        answer = await api.post(
            "freeze-records",
            {
                "baseline_id": "baseline:1",
                "candidate_id": candidate_id,
                "release_approval_id": rejected["approval_id"],
            },
        )

        assert_problem(answer, 400, "APPROVAL_UNFIT")


@pytest.mark.anyio
class TestTheWorld:
    """SPEC 5: what the outside world does to us is no fault of the caller's."""

    async def test_a_crowded_log(self, api):
        loop_id = await api.a_loop()
        api.stage.log.conflicts = 99

        answer = await api.post(f"loops/{loop_id}/pause")

        assert_problem(answer, 409, "VERSION_CONFLICT")

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (Unavailable(system="Postgres", deadline_s=5), 503),
            (
                Unretrievable(key=ObjectKey("a key"), state=PartState.DENIED),
                503,
            ),
            (NotIdentified(reason="two roles"), 403),
            (PortError("It broke", remedy="Mend it"), 500),
            (Refused("No", remedy="Ask otherwise"), 400),
            (MalformedInput(field="a", found="b", expected="c"), 400),
        ],
        ids=lambda each: getattr(each, "code", ""),
    )
    async def test_whatever_it_is_it_is_told_as_a_problem(self, error, status, ask):
        answer = await ask(error)

        assert_problem(answer, status, error.code)
        assert answer.json()["detail"] == str(error)

    async def test_a_bug_of_ours_is_told_without_its_inside(self, ask):
        answer = await ask(RuntimeError("the secret is 42"))

        assert_problem(answer, 500, "INTERNAL_ERROR")
        assert "42" not in answer.text
