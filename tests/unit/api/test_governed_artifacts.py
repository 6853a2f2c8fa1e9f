"""Governed artifacts over HTTP (SPEC 5.5): who records a version, and what is told."""

import pytest

from sr_core.testing import GOVERNED, SOME_HASH, build_document, build_governed, ulid

pytestmark = pytest.mark.anyio

NEW = {
    "artifact_id": "SR-CHARTER",
    "artifact_type": "governance.charter",
    "title": "The charter",
    "version": "1.0.0",
    "content_hash": SOME_HASH,
    "status": "governed",
    "normative_status": "directional",
    "authority_kind": "content",
    "governed_by": ["SR-CONTRACT"],
    "tags": ["charter"],
    "supersedes": [],
    "is_current": False,
}
NORMATIVE = {**NEW, "normative_status": "normative", "is_current": True}


def problem(answer):
    return answer.status_code, answer.json()["code"]


class TestTelling:
    async def test_all_versions_are_listed(self, api):
        told = (await api.get("governed-artifacts")).json()

        assert told["total"] == len(GOVERNED.artifacts)
        assert [
            (each["artifact_id"], each["version"], each["content_hash"])
            for each in told["governed_artifacts"]
        ] == [
            (each.doc_id, each.version, each.content_hash)
            for each in GOVERNED.artifacts
        ]

    async def test_they_are_listed_by_type(self, api):
        path = "governed-artifacts?artifact_type=governance.dev_directive"

        told = (await api.get(path)).json()

        assert [each["artifact_id"] for each in told["governed_artifacts"]] == [
            "SR-DIRECTIVE"
        ]

    async def test_a_type_that_is_none_is_refused(self, api):
        answer = await api.get("governed-artifacts?artifact_type=governance.law")

        assert problem(answer) == (400, "MALFORMED_INPUT")

    async def test_one_is_told_with_its_versions(self, api):
        changed = build_document("SR-SPEC", version="1.1.0")
        await api.stage.restart(build_governed(SR_SPEC=changed))

        told = (await api.get("governed-artifacts/SR-SPEC")).json()

        assert [each["version"] for each in told["versions"]] == ["1.0.0", "1.1.0"]
        assert told["in_effect"]["version"] == "1.1.0"
        assert told["in_effect"]["recorded_by_kind"] == "SYSTEM"
        assert told["current"] is None

    async def test_its_ref_is_one_that_a_loop_can_be_opened_under(self, api, loop_body):
        told = (await api.get("governed-artifacts/SR-DIRECTIVE")).json()

        await api.done("loops", {**loop_body, "directive_ref": told["ref"]})

    async def test_of_one_that_no_process_started_with_there_is_no_ref(self, api):
        await api.done("governed-artifacts/register", NEW)

        told = (await api.get("governed-artifacts/SR-CHARTER")).json()

        assert (told["ref"], told["in_effect"], told["current"]) == (None, None, None)
        assert len(told["versions"]) == 1

    async def test_an_unknown_one_is_not_found(self, api):
        assert problem(await api.get("governed-artifacts/SR-X")) == (404, "NOT_FOUND")


class TestRegistering:
    @pytest.mark.parametrize("by", ["human", "bystander", "system"])
    async def test_a_version_is_recorded(self, api, by):
        answer = await api.post("governed-artifacts/register", NEW, by=by)

        assert answer.status_code == 201
        told = answer.json()
        assert told["accepted"] is True
        assert len(told["emitted_event_ids"]) == 1
        assert (told["artifact_id"], told["version"]) == ("SR-CHARTER", "1.0.0")
        assert (told["content_hash"], told["is_current"]) == (SOME_HASH, False)

    async def test_no_agent_records_one(self, api):
        answer = await api.post("governed-artifacts/register", NEW, by="agent")

        assert problem(answer) == (403, "AUTHORITY_REQUIRED")

    @pytest.mark.parametrize("by", ["bystander", "system", "agent"])
    async def test_only_a_steward_makes_a_normative_one_current(self, api, by):
        body = {**NORMATIVE, "approval_id": f"appr_{ulid(1)}"}

        answer = await api.post("governed-artifacts/register", body, by=by)

        assert problem(answer) == (403, "AUTHORITY_REQUIRED")

    @pytest.mark.parametrize("approval", [None, f"appr_{ulid(1)}"])
    async def test_and_only_with_an_approval(self, api, approval):
        body = {**NORMATIVE, "approval_id": approval}

        answer = await api.post("governed-artifacts/register", body)

        assert problem(answer) == (412, "GOVERNANCE_APPROVAL_REQUIRED")
        missing = await api.get("governed-artifacts/SR-CHARTER")
        assert missing.status_code == 404

    async def test_a_version_is_recorded_once(self, api):
        await api.done("governed-artifacts/register", NEW)

        answer = await api.post("governed-artifacts/register", NEW)

        assert problem(answer) == (409, "VERSION_TAKEN")

    @pytest.mark.parametrize(
        "changes",
        [
            {"artifact_id": "SR CHARTER"},
            {"artifact_type": "governance.law"},
            {"version": "1"},
            {"content_hash": "0" * 64},
            {"status": "current"},
            {"normative_status": "binding"},
            {"authority_kind": "human"},
            {"is_current": "yes"},
            {"governed_by": "SR-CONTRACT"},
            {"supersedes": ["0.9.0"]},
            {"approval_id": "7"},
            {"approval_id": f"appr_{ulid(1)}"},
            {"unknown": 1},
        ],
        ids=lambda each: f"{each}"[:40],
    )
    async def test_what_is_malformed_is_refused(self, api, changes):
        body = {**NEW, **changes}

        answer = await api.post("governed-artifacts/register", body)

        assert problem(answer) == (400, "MALFORMED_INPUT")

    @pytest.mark.parametrize(
        "name",
        [
            each
            for each in NEW
            if each not in {"title", "governed_by", "tags", "supersedes"}
        ],
    )
    async def test_what_is_left_out_is_asked_for(self, api, name):
        body = {each: said for each, said in NEW.items() if each != name}

        answer = await api.post("governed-artifacts/register", body)

        assert problem(answer) == (400, "MALFORMED_INPUT")
        assert name in answer.json()["detail"]

    async def test_without_a_title_it_is_called_by_its_name(self, api):
        body = {each: said for each, said in NEW.items() if each != "title"}
        await api.done("governed-artifacts/register", body)

        told = (await api.get("governed-artifacts/SR-CHARTER")).json()

        assert told["versions"][0]["title"] == "SR-CHARTER"


class TestDirectiveOfALoop:
    """A loop is opened under a version that is recorded, or not at all."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"id": "SR-UNKNOWN"},
            {"id": "SR-SPEC"},
            {"kind": "Directive"},
            {"kind": "doc"},
            {"kind": "Loop"},
            {"rel": "governs"},
            {"rel": "governed_by"},
            {"meta": {}},
            {"meta": None},
            {"meta": {"content_hash": SOME_HASH, "version": "1.0.0"}},
        ],
        ids=lambda each: f"{each}"[:30],
    )
    async def test_any_other_is_refused(self, api, loop_body, changes):
        body = {**loop_body, "directive_ref": {**loop_body["directive_ref"], **changes}}

        answer = await api.post("loops", body)

        assert problem(answer) == (400, "MALFORMED_INPUT")

    async def test_an_old_word_names_the_one_of_today(self, api, loop_body):
        changed = {**loop_body["directive_ref"], "rel": "governs"}

        answer = await api.post("loops", {**loop_body, "directive_ref": changed})

        assert "Give depends_on" in answer.json()["detail"]
