"""Staleness and references over HTTP (SPEC 5.6)."""

from typing import Any

import pytest

from sr_core.application.references import CATEGORIES
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.testing import BUILD, CORE, DIRECTIVE, fails, ulid

pytestmark = pytest.mark.anyio

ROOT = {"kind": DIRECTIVE.kind.value, "id": DIRECTIVE.id}


async def decision(api: Any, loop_id: str) -> dict[str, Any]:
    body = {
        "scope": {"loop_id": loop_id},
        "trigger": "REPEATED_FAILURE",
        "decision": "PROCEED",
        "rationale": "as weighed",
        "exceptions_acknowledged": [],
    }
    told = await api.done("decisions", body)
    return {"kind": "Decision", "id": told["decision_id"], "rel": "supported_by"}


class TestMark:
    """POST /staleness/mark."""

    async def test_it_says_which_markers_make_what_stale(self, api):
        loop_id, candidate_id = await api.a_candidate()

        told = await api.done("staleness/mark", {"root_ref": ROOT})

        assert len(told["stale_ids"]) == 2
        assert {"kind": "Candidate", "id": candidate_id} in told["dependents_marked"]
        assert {"kind": "Loop", "id": loop_id} in told["dependents_marked"]
        assert told["event_id"] == told["emitted_event_ids"][0]
        page = (await api.get("staleness")).json()
        assert {each["reason_code"] for each in page["markers"]} == {
            "MANUAL_MARK",
            "DEPENDENCY_STALE",
        }

    async def test_of_a_root_without_dependents_nothing_is_recorded(self, api):
        _, candidate_id = await api.a_candidate()
        before = len(await api.events())
        root = {"kind": "Candidate", "id": candidate_id}

        told = await api.done("staleness/mark", {"root_ref": root})

        assert told["stale_ids"] == told["dependents_marked"] == []
        assert told["emitted_event_ids"] == []
        assert len(await api.events()) == before

    async def test_an_unknown_root_is_not_found(self, api):
        nobody = {"kind": "Loop", "id": f"loop_{ulid(99)}"}

        answer = await api.post("staleness/mark", {"root_ref": nobody})

        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "spoil",
        [
            {"reason_code": "BOREDOM"},
            {"max_depth": 0},
            {"max_depth": 11},
            {"root_ref": {"kind": "Exception", "id": "a"}},
            {"root_ref": {"kind": "Loop"}},
            {"root": ROOT},
        ],
    )
    async def test_a_body_of_another_form_is_refused(self, api, spoil):
        answer = await api.post("staleness/mark", {"root_ref": ROOT, **spoil})

        assert answer.status_code == 400
        assert answer.json()["code"] == "MALFORMED_INPUT"


class TestDependents:
    """GET /staleness/dependents: what is stale, and not what was answered."""

    async def test_only_what_is_unresolved(self, api):
        loop_id, candidate_id = await api.a_candidate()
        told = await api.done("staleness/mark", {"root_ref": ROOT})
        direct, transitive = told["stale_ids"]
        body = {
            "resolution_kind": "DECISION",
            "resolution_refs": [await decision(api, loop_id)],
        }
        resolved = await api.done(f"staleness/{direct}/resolve", body)

        query = "staleness/dependents?root_kind=GovernedArtifact&root_id=SR-DIRECTIVE"
        page = (await api.get(query)).json()

        assert resolved["stale_id"] == direct
        assert page["root"] == ROOT
        assert page["total"] == 1
        (left,) = page["dependents"]
        assert (left["stale_id"], left["dependent_id"]) == (transitive, candidate_id)
        everything = (await api.get("staleness")).json()
        assert everything["total"] == 3
        still = (await api.get("staleness?unresolved=true")).json()
        assert still["total"] == 1
        one = (await api.get(f"staleness?stale_id={direct}")).json()
        assert {each["resolution_kind"] for each in one["markers"]} == {"DECISION"}

    @pytest.mark.parametrize(
        "query",
        ["", "?root_kind=Loop", "?root_id=a", "?root_kind=Doc&root_id=a"],
    )
    async def test_a_root_has_a_kind_and_an_identifier(self, api, query):
        answer = await api.get(f"staleness/dependents{query}")

        assert answer.status_code == 400


class TestResolve:
    """POST /staleness/{id}/resolve."""

    @pytest.mark.parametrize(
        ("kind", "by"),
        [
            ("MECHANICAL", "human"),
            ("MECHANICAL", "agent"),
            ("DECISION", "system"),
            ("DECISION", "agent"),
        ],
    )
    async def test_each_kind_is_its_actors_business(self, api, kind, by):
        loop_id, _ = await api.a_candidate()
        told = await api.done("staleness/mark", {"root_ref": ROOT})
        body = {
            "resolution_kind": kind,
            "resolution_refs": [await decision(api, loop_id)],
        }

        answer = await api.post(
            f"staleness/{told['stale_ids'][0]}/resolve", body, by=by
        )

        assert answer.status_code == 403
        assert answer.json()["code"] == "AUTHORITY_REQUIRED"

    async def test_the_system_points_at_a_new_run(self, api):
        _, candidate_id = await api.a_candidate()
        told = await api.done("staleness/mark", {"root_ref": ROOT})
        run = await api.a_run(candidate_id)
        body = {
            "resolution_kind": "MECHANICAL",
            "resolution_refs": [{"kind": "Run", "id": run["run_id"]}],
            "dependents": [{"kind": "Candidate", "id": candidate_id}],
        }

        await api.done(f"staleness/{told['stale_ids'][1]}/resolve", body, by="system")

        row = (await api.get(f"candidates/{candidate_id}")).json()
        assert row["has_unresolved_staleness"] is False

    async def test_a_hash_that_is_left_out_is_looked_up(self, api):
        _, candidate_id = await api.a_candidate()
        told = await api.done("staleness/mark", {"root_ref": ROOT})
        run = await api.a_run(candidate_id)
        bundle = {"kind": "EvidenceBundle", "id": run["evidence_bundle_hash"]}
        body = {"resolution_kind": "MECHANICAL", "resolution_refs": [bundle]}

        await api.done(f"staleness/{told['stale_ids'][1]}/resolve", body, by="system")

    async def test_without_a_ref_to_a_decision_it_is_refused(self, api):
        await api.a_candidate()
        told = await api.done("staleness/mark", {"root_ref": ROOT})
        body = {"resolution_kind": "DECISION", "resolution_refs": []}

        answer = await api.post(f"staleness/{told['stale_ids'][0]}/resolve", body)

        assert answer.status_code == 400
        assert answer.json()["code"] == "RESOLUTION_UNFIT"

    async def test_a_marker_is_resolved_once(self, api):
        loop_id, _ = await api.a_candidate()
        told = await api.done("staleness/mark", {"root_ref": ROOT})
        path = f"staleness/{told['stale_ids'][0]}/resolve"
        refs = [await decision(api, loop_id)]
        body = {"resolution_kind": "DECISION", "resolution_refs": refs}
        await api.done(path, body)

        answer = await api.post(path, body)

        assert answer.status_code == 422
        assert answer.json()["code"] == "TRANSITION_REFUSED"

    @pytest.mark.parametrize(
        ("stale_id", "status"), [(f"stale_{ulid(99)}", 404), ("loop_1", 400)]
    )
    async def test_there_has_to_be_such_a_marker(self, api, stale_id, status):
        loop_id, _ = await api.a_candidate()
        body = {
            "resolution_kind": "DECISION",
            "resolution_refs": [await decision(api, loop_id)],
        }

        answer = await api.post(f"staleness/{stale_id}/resolve", body)

        assert answer.status_code == status


class TestShippable:
    """GET /candidates/{id}/shippable says whether something is stale."""

    async def test_a_stale_candidate_says_so(self, api):
        _, candidate_id = await api.a_candidate()
        await api.done("staleness/mark", {"root_ref": ROOT})

        told = (await api.get(f"candidates/{candidate_id}/shippable")).json()

        assert told["has_unresolved_staleness"] is True
        assert "UNRESOLVED_STALENESS" in told["reasons"]


class TestReferences:
    """GET /references: what is found there can be handed in."""

    @pytest.fixture
    async def full(self, api: Any) -> Any:
        loop_id, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)
        await decision(api, loop_id)
        iterations = (await api.get("references/loops")).json()
        assert iterations["total"] == 1
        return api

    async def test_every_ref_passes_the_check_of_refs(self, full):
        page = (await full.get("references?page_size=200")).json()

        assert page["total"] == len(page["references"]) >= 5
        for each in page["references"]:
            Ref(
                kind=RefKind(each["kind"]),
                id=each["id"],
                rel=RefRelation(each["rel"]),
                meta=each["meta"],
            )

    @pytest.mark.parametrize("category", CATEGORIES)
    async def test_each_category_can_be_browsed(self, full, category):
        page = (await full.get(f"references/{category}")).json()

        assert page["total"] == len(page["references"])
        kinds = {each["kind"] for each in page["references"]}
        assert kinds <= CATEGORIES[category].kinds

    async def test_a_suite_is_pinned(self, full):
        page = (await full.get("references/oracle-suites")).json()

        (suite,) = page["references"]
        assert suite["id"] == CORE
        assert suite["rel"] == "depends_on"
        assert suite["meta"].keys() == {"content_hash", "suite_hash"}

    async def test_pages_go_on_from_category_to_category(self, full):
        whole = (await full.get("references?page_size=200")).json()["references"]

        one_by_one = []
        for number in range(1, len(whole) + 2):
            page = (await full.get(f"references?page={number}&page_size=1")).json()
            assert page["total"] == len(whole)
            one_by_one += page["references"]

        assert one_by_one == whole

    async def test_it_is_filtered_by_kind_and_relation(self, full):
        loops = (await full.get("references?kind=Loop")).json()
        scoped = (await full.get("references?rel=in_scope_of")).json()
        waivers = (await full.get("references?kind=Waiver")).json()

        assert [each["kind"] for each in loops["references"]] == ["Loop"]
        assert scoped["references"] == loops["references"]
        assert waivers["total"] == 0

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("references?kind=Exception", 400),
            ("references?rel=self", 400),
            ("references?page=0", 400),
            ("references?page_size=201", 400),
            ("references/ghosts", 404),
        ],
    )
    async def test_what_is_no_question_is_refused(self, api, path, status):
        assert (await api.get(path)).status_code == status

    async def test_an_exception_is_a_ref_of_its_own_kind(self, api):
        api.runner.scripts = {BUILD: fails}
        _, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)
        body = api.waiver_of(candidate_id, expires_at="2099-01-01T00:00:00Z")
        drawn_up = await api.done("exceptions/waivers", body)

        found = (await api.get("references?kind=Waiver")).json()["references"]

        assert [(each["kind"], each["id"]) for each in found] == [
            ("Waiver", drawn_up["exception_id"])
        ]
        assert found[0]["meta"]["status"] == "CREATED"
        assert found[0]["meta"]["expires_at"].startswith("2099-01-01T00:00:00")
        none = (await api.get("references?kind=Deviation")).json()
        assert none["total"] == 0

    async def test_an_iteration_is_found_once_it_is_summed_up(self, full):
        before = (await full.get("references/iteration-summaries")).json()
        (started,) = [
            each.event
            for each in await full.events()
            if type(each.event).__name__ == "IterationStarted"
        ]
        body = {"outcome": "SUCCESS", "summary": "done"}
        path = f"iterations/{started.iteration_id}/complete"
        await full.done(path, body, by="agent")

        after = (await full.get("references/iteration-summaries")).json()

        assert (before["total"], after["total"]) == (0, 1)
        assert after["references"][0]["meta"]["sequence"] == "1"
