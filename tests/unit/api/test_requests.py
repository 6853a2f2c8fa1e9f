"""What may be asked, by whom, in what form (SPEC 5, R-API-1, R-API-10)."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import cache

import pytest

from sr_core.api.app import BODY_BYTES_MAX, Face, build_app
from sr_core.application.health import Dependency, Readiness
from sr_core.ports.errors import Unavailable
from sr_core.testing import BUILD, CORE, HUMAN, Stage, TokenTable, fails, ulid

STRANGER = f"loop_{ulid(999)}"

POSTS = {
    "/api/v1/agents",
    "/api/v1/approvals",
    "/api/v1/attachments",
    "/api/v1/candidates",
    "/api/v1/candidates/{candidate_id:str}/verify",
    "/api/v1/decisions",
    "/api/v1/exceptions",
    "/api/v1/exceptions/waivers",
    "/api/v1/exceptions/{exception_id:str}/activate",
    "/api/v1/governed-artifacts/register",
    "/api/v1/exceptions/{exception_id:str}/resolve",
    "/api/v1/freeze-records",
    "/api/v1/intakes",
    "/api/v1/intakes/{intake_id:str}/activate",
    "/api/v1/intakes/{intake_id:str}/archive",
    "/api/v1/intakes/{intake_id:str}/fork",
    "/api/v1/iterations",
    "/api/v1/iterations/{iteration_id:str}/begin",
    "/api/v1/iterations/{iteration_id:str}/complete",
    "/api/v1/iterations/{iteration_id:str}/fail",
    "/api/v1/loops",
    "/api/v1/loops/{loop_id:str}/activate",
    "/api/v1/loops/{loop_id:str}/close",
    "/api/v1/loops/{loop_id:str}/evaluate",
    "/api/v1/loops/{loop_id:str}/iterations",
    "/api/v1/loops/{loop_id:str}/iterations/{iteration_id:str}/complete",
    "/api/v1/loops/{loop_id:str}/pause",
    "/api/v1/loops/{loop_id:str}/resume",
    "/api/v1/oracle-definitions",
    "/api/v1/oracles/profiles",
    "/api/v1/oracles/suites",
    "/api/v1/oracles/suites/{suite_id:str}/rebase",
    "/api/v1/records/assessment-notes",
    "/api/v1/records/evaluation-notes",
    "/api/v1/records/intervention-notes",
    "/api/v1/runs/{run_id:str}/complete",
    "/api/v1/runs/{run_id:str}/fail",
    "/api/v1/evidence",
    "/api/v1/evidence/stream",
    "/api/v1/evidence/{content_hash:str}/associate",
    "/api/v1/evidence/{content_hash:str}/erase",
    "/api/v1/evidence/{content_hash:str}/redact",
    "/api/v1/evidence/{content_hash:str}/verify",
    "/api/v1/staleness/mark",
    "/api/v1/staleness/{stale_id:str}/resolve",
    "/api/v1/plans",
    "/api/v1/plans/{plan_id:str}/activate",
    "/api/v1/plans/{plan_id:str}/cancel",
    "/api/v1/portals",
    "/api/v1/runs",
    "/api/v1/semantic-profiles",
    "/api/v1/templates",
    "/api/v1/work-surfaces",
    "/api/v1/work-surfaces/{work_surface_id:str}/archive",
    "/api/v1/work-surfaces/{work_surface_id:str}/iterations",
    "/api/v1/work-surfaces/{work_surface_id:str}/stages/{stage_id:str}/complete",
    "/api/v1/work-surfaces/{work_surface_id:str}/start",
}
OPEN = {
    "/health",
    "/ready",
    "/openapi.json",
    "/metrics/prometheus",
    "/api/v1/info",
    "/api/v1/metrics",
    "/api/v1/whoami",
}


@cache
def built() -> Face:
    return build_app(Stage().platform, TokenTable({}), [])


def routes(method: str) -> set[str]:
    return {
        each.path
        for each in built().routes
        if method in getattr(each, "methods", ())
        and not each.path.startswith("/schema")
    }


class TestRoutes:
    """C-EVID-3: what can be asked; no way in for a verdict."""

    def test_what_can_be_posted_is_this_and_nothing_else(self):
        assert routes("POST") == POSTS

    def test_what_can_be_changed_in_place_is_this_and_nothing_else(self):
        assert routes("PATCH") == {"/api/v1/loops/{loop_id:str}"}

    def test_only_these_are_replaced_and_nothing_is_taken_away(self):
        assert routes("PUT") == {
            "/api/v1/intakes/{intake_id:str}",
            "/api/v1/oracles/suites/{suite_id:str}",
            "/api/v1/templates/{template_id:str}",
        }
        assert routes("DELETE") == set()

    @pytest.mark.anyio
    @pytest.mark.parametrize("by", ["human", "agent"])
    @pytest.mark.parametrize(
        "path",
        ["evidence", "runs/{}/complete", "runs/{}/fail", "evidence/{}/associate"],
    )
    async def test_nobody_but_the_system_says_how_a_run_ended(self, api, path, by):
        answer = await api.post(path.format(f"run_{ulid(1)}"), {}, by=by)

        assert answer.status_code == 403
        assert answer.json()["code"] == "AUTHORITY_REQUIRED"


@pytest.mark.anyio
class TestWhoIsAsking:
    """R-API-1: no token, no answer; and none that we do not know."""

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_every_governed_route_wants_a_token(self, api, method):
        for path in sorted(routes(method) - OPEN):
            answer = await api.client.request(method, path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "NOT_AUTHENTICATED"

    @pytest.mark.parametrize(
        "given",
        ["", "Bearer", "Bearer ", "Basic human-token", "human-token", "Bearer other"],
        ids=repr,
    )
    async def test_a_token_is_a_bearer_token_that_is_known(self, api, given):
        answer = await api.ask(
            "GET", "whoami", by=None, headers={"Authorization": given}
        )

        assert answer.status_code == 401
        assert "no such token" not in answer.text

    async def test_the_name_of_the_scheme_may_be_written_small(self, api):
        answer = await api.ask(
            "GET", "whoami", by=None, headers={"Authorization": "bearer human-token"}
        )

        assert answer.json() == {
            "actor_kind": "HUMAN",
            "actor_id": HUMAN.actor_id,
            "subject": "alice",
            "roles": sorted(HUMAN.roles),
        }

    @pytest.mark.parametrize("path", sorted(OPEN))
    async def test_some_routes_are_open(self, api, path):
        answer = await api.ask("GET", path, by=None)

        assert answer.status_code == 200


@pytest.mark.anyio
class TestForm:
    """R-API-10: what is not of the form asked for is refused, and changes nothing."""

    @pytest.mark.parametrize(
        "spoil",
        [
            {"colour": "red"},
            {"goal": ""},
            {"goal": 1},
            {"budgets": {"max_iterations": 0}},
            {"budgets": {"max_iterations": 1.5}},
            {"budgets": {"max_wallclock_hours": 0}},
            {"budgets": {"max_hours": 1}},
            {"directive_ref": None},
            {"directive_ref": {"kind": "doc", "id": "a", "rel": "about", "meta": {}}},
            {
                "directive_ref": {
                    "kind": "GovernedArtifact",
                    "id": "a",
                    "rel": "governs",
                    "meta": {},
                }
            },
            {
                "directive_ref": {
                    "kind": "GovernedArtifact",
                    "id": "a",
                    "rel": "depends_on",
                    "meta": {},
                }
            },
        ],
        ids=str,
    )
    async def test_a_body_of_another_form_is_refused(self, api, loop_body, spoil):
        answer = await api.post("loops", {**loop_body, **spoil})

        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "MALFORMED_INPUT"
        assert await api.events() == []

    @pytest.mark.parametrize(
        "expires_at", ["2030-01-01T00:00:00", "2030-01-01", "soon"]
    )
    async def test_a_moment_without_a_zone_is_refused(self, api, expires_at):
        api.runner.scripts[BUILD] = fails
        _, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)
        body = {**api.waiver_of(candidate_id), "expires_at": expires_at}

        answer = await api.post("exceptions/waivers", body)

        assert answer.status_code == 400, answer.text
        assert answer.json()["code"] == "MALFORMED_INPUT"

    @pytest.mark.parametrize("half", [r"\ud800", r"\udfff"])
    async def test_half_a_character_is_refused(self, api, loop_body, half):
        body = json.dumps({**loop_body, "goal": "HALF"}).replace("HALF", half)

        answer = await api.ask("POST", "loops", content=body.encode())

        assert answer.status_code == 400, answer.text
        assert await api.events() == []

    async def test_the_unknown_field_is_named(self, api, loop_body):
        answer = await api.post("loops", {**loop_body, "colour": "red"})

        assert "colour" in answer.json()["detail"]

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"not JSON", b"[]", b"null", b'"text"', b"\xff"], ids=repr
    )
    async def test_a_body_that_is_no_object_is_refused(self, api, body):
        answer = await api.ask("POST", "loops", content=body)

        assert answer.status_code == 400, answer.text
        assert answer.json()["code"] == "MALFORMED_INPUT"

    @pytest.mark.parametrize(
        ("spoilt", "complaint"),
        [
            ('"goal": "a goal", "goal": "another"', "repeated key goal"),
            ('"goal": NaN', "NaN is no number"),
            (f'"goal": {"[" * 100}{"]" * 100}', "more than 64 levels"),
        ],
        ids=["a key twice", "no number", "too deep"],
    )
    async def test_a_body_that_could_mean_two_things_is_refused(
        self, api, loop_body, spoilt, complaint
    ):
        body = json.dumps(loop_body).replace('"goal": "a goal"', spoilt)

        answer = await api.ask("POST", "loops", content=body.encode())

        assert answer.status_code == 400, answer.text
        assert complaint in answer.json()["detail"]
        assert await api.events() == []

    @pytest.mark.parametrize(
        "query",
        ["limit=0", "limit=201", "limit=many", "offset=-1", "offset=9999999999"],
    )
    async def test_a_page_has_bounds(self, api, query):
        answer = await api.get(f"loops?{query}")

        assert answer.status_code == 400, answer.text
        assert answer.json()["code"] == "MALFORMED_INPUT"

    async def test_a_body_that_is_too_large_is_refused(self, api):
        body = b'{"goal": "' + BODY_BYTES_MAX * b"a" + b'"}'

        answer = await api.ask("POST", "loops", content=body)

        assert answer.status_code == 413
        assert answer.json()["code"] == "BODY_TOO_LARGE"

    async def test_a_candidate_may_be_larger(self, api):
        await api.a_candidate()
        iteration_id = next(
            each.event.iteration_id
            for each in await api.events()
            if type(each.event).__name__ == "IterationStarted"
        )
        body = {
            "produced_by_iteration_id": iteration_id,
            "files": {"big": "A" * (2 * BODY_BYTES_MAX)},
        }

        answer = await api.post("candidates", body, by="agent")

        assert answer.status_code == 201

    @pytest.mark.parametrize(
        "path", ["/", "/api", "/api/v1", "/api/v1/nothing", "/api/v2/loops"]
    )
    async def test_a_route_that_is_not_there(self, api, path):
        answer = await api.ask("GET", path)

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "NO_SUCH_ROUTE"

    async def test_a_method_that_is_not_there(self, api):
        answer = await api.ask("DELETE", f"loops/{STRANGER}")

        assert answer.status_code == 405
        assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.anyio
class TestCorrelation:
    """SPEC 14.2: a request can be followed from its answer into the log."""

    async def test_it_is_given_back_and_recorded(self, api, loop_body):
        answer = await api.post(
            "loops", loop_body, headers={"X-Correlation-Id": "corr:7"}
        )

        assert answer.headers["x-correlation-id"] == "corr:7"
        assert answer.json()["correlation_id"] == "corr:7"
        (created,) = await api.events()
        assert created.correlation_id == "corr:7"
        assert answer.json()["event_id"] == created.event_id

    async def test_without_one_the_platform_makes_it(self, api, loop_body):
        answer = await api.post("loops", loop_body)

        (created,) = await api.events()
        made = answer.headers["x-correlation-id"]
        assert made.startswith("req_")
        assert answer.headers["x-request-id"] == made
        assert created.correlation_id == answer.json()["correlation_id"] == made

    @pytest.mark.parametrize("given", ["", "a b", "a" * 129, "a;b", "<a>"], ids=repr)
    async def test_one_of_another_form_is_replaced(self, api, given):
        answer = await api.get("whoami", headers={"X-Correlation-Id": given})

        assert answer.headers["x-correlation-id"].startswith("req_")

    async def test_a_refusal_names_it_too(self, api):
        answer = await api.get(
            f"loops/{STRANGER}", headers={"X-Correlation-Id": "corr:7"}
        )

        assert answer.headers["x-correlation-id"] == "corr:7"
        assert answer.json()["correlation_id"] == "corr:7"

    async def test_so_does_a_body_that_is_not_read(self, api):
        answer = await api.ask("POST", "loops", content=2 * BODY_BYTES_MAX * b"a")

        assert answer.status_code == 413
        made = answer.headers["x-correlation-id"]
        assert answer.json()["correlation_id"] == made


@pytest.mark.anyio
class TestReadiness:
    """SPEC 5.1: ready is what every dependency shows, each for itself."""

    async def test_with_all_of_them_it_is(self, ready):
        async def works():
            return None

        answer = await ready(Dependency(name="one", check=works))

        assert answer.status_code == 200
        assert answer.json()["ready"] is True

    async def test_with_one_that_fails_it_is_not(self, ready):
        async def works():
            return None

        async def fails():
            raise Unavailable(system="nats", deadline_s=1)

        answer = await ready(
            Dependency(name="one", check=works), Dependency(name="nats", check=fails)
        )

        assert answer.status_code == 503
        one, nats = answer.json()["checks"]
        assert (one["status"], one["error"]) == ("healthy", None)
        assert nats["status"] == "unhealthy"
        assert "nats gave no usable answer within 1 s" in nats["error"]

    async def test_with_one_that_works_and_has_a_note_it_is_and_says_so(self, ready):
        async def works():
            return ("fsync is off",)

        answer = await ready(Dependency(name="one", check=works))

        assert answer.status_code == 200
        assert answer.json()["ready"] is True
        (one,) = answer.json()["checks"]
        assert (one["status"], one["error"]) == ("healthy", None)
        assert one["notes"] == ["fsync is off"]

    async def test_one_that_does_not_answer_is_not_waited_for(self):
        async def never():
            await asyncio.Event().wait()

        slow = Dependency(name="slow", check=never)

        (checked,) = await Readiness([slow], deadline_s=0.01).checked()

        assert checked.error == "no answer within 0.01 s"

    async def test_one_that_will_not_end_is_left_to_itself(self):
        ended = asyncio.Event()

        async def stubborn():
            while not ended.is_set():
                with suppress(asyncio.CancelledError):
                    await ended.wait()

        stuck = Dependency(name="stuck", check=stubborn)

        (checked,) = await Readiness([stuck], deadline_s=0.01).checked()

        assert checked.error == "no answer within 0.01 s"
        ended.set()


@pytest.mark.anyio
class TestEvidenceStatus:
    """C-EVID-6: whether a bundle is what was written, told by its bytes alone."""

    async def a_bundle(self, api) -> str:
        _, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)
        return str(run["evidence_bundle_hash"])

    async def test_one_without_fault(self, api):
        bundle = await self.a_bundle(api)

        told = (await api.get(f"evidence/{bundle}/status")).json()

        assert told.pop("last_verified_at")
        assert told == {
            "content_hash": bundle,
            "available": True,
            "integrity_ok": True,
            "lost": {},
            "error_code": None,
        }

    async def test_one_whose_part_is_gone(self, api):
        bundle = await self.a_bundle(api)
        store = api.stage.evidence_bytes
        store.lose(store.keys()[-1])

        told = (await api.get(f"evidence/{bundle}/status")).json()

        assert told.pop("last_verified_at")
        assert told == {
            "content_hash": bundle,
            "available": False,
            "integrity_ok": False,
            "lost": {"manifest.json": "MISSING"},
            "error_code": "EVIDENCE_MISSING",
        }

    async def test_one_whose_manifest_is_none(self, api, monkeypatch):
        bundle = await self.a_bundle(api)

        async def forged(key, *, expected):
            assert key.endswith("manifest.json"), expected
            return b'{"no": "manifest"}'

        monkeypatch.setattr(api.stage.evidence_bytes, "get", forged)

        told = (await api.get(f"evidence/{bundle}/status")).json()

        assert told.pop("last_verified_at")
        assert told == {
            "content_hash": bundle,
            "available": False,
            "integrity_ok": False,
            "lost": {},
            "error_code": "MANIFEST_INVALID",
        }


@pytest.mark.anyio
async def test_the_straight_way(api):
    """C-SHIP-1: from a goal to a release, by what a client can ask."""
    loop_id, candidate_id = await api.a_candidate()
    run = await api.a_run(candidate_id)
    evidence = run["evidence_bundle_hash"]
    verified = await api.done(f"candidates/{candidate_id}/verify", by="system")
    approval = await api.done(
        "approvals",
        api.approval_of(candidate_id, evidence),
    )
    freeze = await api.done(
        "freeze-records",
        {
            "baseline_id": "baseline:1",
            "candidate_id": candidate_id,
            "release_approval_id": approval["approval_id"],
        },
    )

    shippable = await api.get(f"candidates/{candidate_id}/shippable")

    assert verified["verification_status"] == "VERIFIED_STRICT"
    assert shippable.json()["is_shippable"] is True
    for path, key, value in [
        (f"loops/{loop_id}", "state", "ACTIVE"),
        (f"loops/{loop_id}/iterations", "total", 1),
        (f"iterations/{run['iteration_id']}", "state", "STARTED"),
        (f"candidates/{candidate_id}", "verification_status", "VERIFIED_STRICT"),
        (f"candidates/{candidate_id}/runs", "total", 1),
        (f"candidates/{candidate_id}/evidence", "total", 1),
        ("candidates?verification_status=UNVERIFIED", "total", 0),
        ("runs?state=COMPLETED", "total", 1),
        ("loops?state=CLOSED", "total", 0),
        (f"runs/{run['run_id']}", "integrity_violations", []),
        ("evidence", "total", 1),
        (f"evidence/{evidence}", "verdict", "PASS"),
        (f"evidence/{evidence}/status", "integrity_ok", True),
        ("oracles/suites", "total", 1),
        (f"oracles/suites/{CORE}", "suite_id", CORE),
        ("approvals", "total", 1),
        (f"approvals/{approval['approval_id']}", "decision", "APPROVED"),
        (f"freeze-records/{freeze['freeze_id']}", "baseline_id", "baseline:1"),
    ]:
        answer = await api.get(path)
        assert answer.status_code == 200, path
        assert answer.json()[key] == value, path


@pytest.mark.anyio
async def test_a_stop_and_a_waiver_can_be_read(api):
    """SPEC 5.5: what humans bound is there for everyone to see."""
    api.runner.scripts[BUILD] = fails
    loop_id, candidate_id = await api.a_candidate()
    await api.a_run(candidate_id)
    drawn_up = await api.done(
        "exceptions", {"kind": "WAIVER", **api.waiver_of(candidate_id)}
    )
    exception = f"exceptions/{drawn_up['exception_id']}"
    decided = await api.done(
        "decisions",
        {
            "scope": {"loop_id": loop_id},
            "trigger": "BUDGET_EXHAUSTED",
            "exceptions_acknowledged": [],
            "decision": "REJECTED",
            "rationale": "enough",
        },
    )

    await api.done(f"{exception}/activate")
    await api.done(f"{exception}/resolve")
    await api.done(f"loops/{loop_id}/pause")
    await api.done(f"loops/{loop_id}/resume", {})
    await api.done(f"loops/{loop_id}/close")

    assert (await api.get(exception)).json()["status"] == "RESOLVED"
    decision = await api.get(f"decisions/{decided['decision_id']}")
    assert decision.json()["decision"] == "REJECTED"
