"""Portals, exceptions, approvals, freezes, notes and files over HTTP (SPEC 5.5, 5.6)."""

import json
from typing import Any

import pytest

from sr_core.domain.attachment import ATTACHMENT_BYTES_MAX
from sr_core.testing import BUILD, CORE, DIRECTIVE, GOVERNED, SOME_HASH, fails, ulid

pytestmark = pytest.mark.anyio

DEVIATION = {
    "kind": "DEVIATION",
    "rationale": "known",
    "target_description": "the order of sections",
    "requirement_ref": "SR-SPEC 3.1",
    "risk": "low",
    "mitigation": "watched",
    "resolution_criteria": "mended",
    "expires_at": "2030-01-01T00:00:00Z",
}
DEFERRAL = {
    "kind": "DEFERRAL",
    "rationale": "known",
    "target_description": "the order of sections",
    "subject_ref": {
        "kind": "GovernedArtifact",
        "id": DIRECTIVE.id,
        "meta": dict(DIRECTIVE.meta),
    },
    "target_deliverable": "D-35",
    "compensating_controls": "watched",
    "expires_at": "2030-01-01T00:00:00Z",
}


def assert_refused(answer: Any, status: int, code: str, *named: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code
    for each in named:
        assert each in answer.json()["detail"]


async def released(api: Any) -> tuple[str, str, str]:
    """A candidate whose release is approved, with its evidence and the approval."""
    _, candidate_id = await api.a_candidate()
    run = await api.a_run(candidate_id)
    await api.done(f"candidates/{candidate_id}/verify", by="system")
    evidence = run["evidence_bundle_hash"]
    told = await api.done("approvals", api.approval_of(candidate_id, evidence))
    return candidate_id, evidence, told["approval_id"]


def freezing(candidate_id: str, approval_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "baseline_id": "baseline:1",
        "candidate_id": candidate_id,
        "release_approval_id": approval_id,
        **changes,
    }


class TestRegistry:
    """SPEC 7.1, 7.2: portals and gates are there for everyone to read."""

    async def test_there_are_three_portals(self, api):
        told = (await api.get("portals", by="agent")).json()

        assert told["total"] == 3
        assert {each["portal_id"] for each in told["portals"]} == {
            "GovernanceChangePortal",
            "HumanAuthorityExceptionProcess",
            "ReleaseApprovalPortal",
        }

    async def test_one_says_what_it_takes_and_from_whom(self, api):
        told = (await api.get("portals/HumanAuthorityExceptionProcess")).json()

        rules = {each["request_type"]: each["roles"] for each in told["actor_rules"]}
        assert rules["ENG_ACCEPT"] == ["EngineeringApprover"]
        assert rules["BUDGET_ESCALATION"] == ["BudgetApprover"]
        assert "waive an integrity condition" in told["must_never"]

    @pytest.mark.parametrize("path", ["portals/{}", "portals/{}/approvals"])
    async def test_no_other_is_one(self, api, path):
        answer = await api.get(path.format("portal:STAGE_COMPLETION:x"))

        assert_refused(answer, 404, "NOT_FOUND", "portal")

    async def test_each_lists_its_own_approvals(self, api):
        await released(api)

        here = await api.get("portals/ReleaseApprovalPortal/approvals")
        there = await api.get("portals/GovernanceChangePortal/approvals")

        assert (here.json()["total"], there.json()["total"]) == (1, 0)

    async def test_gates_say_what_stops_the_line(self, api):
        told = (await api.get("gates")).json()

        gates = {each["gate_id"]: each for each in told["gates"]}
        assert told["total"] == len(gates) > 30
        assert gates["G-VERIFIED-STRICT"]["is_waivable"] is True
        assert "ORACLE_GAP" in gates["G-ORACLE-INTEGRITY"]["stop_triggers"]
        assert gates["G-FREEZE-READY"]["allowed_actor_kinds"] == ["HUMAN"]


class TestApprovals:
    """SPEC 5.5: the whole form, and nothing else."""

    @pytest.mark.parametrize(
        "name",
        [
            "portal_id",
            "decision",
            "subject_refs",
            "evidence_refs",
            "exceptions_acknowledged",
        ],
    )
    async def test_what_it_owes_is_named(self, api, name):
        body = api.approval_of("a", "b")
        del body[name]

        assert_refused(await api.post("approvals", body), 400, "MALFORMED_INPUT", name)

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"portal_id": "IntakeAcceptancePortal"}, "portal_id"),
            ({"decision": "MAYBE"}, "decision"),
            ({"subject_refs": []}, "subject_refs"),
            ({"candidate_id": "a"}, "candidate_id"),
            ({"request_type": "ENG_ACCEPT"}, "request_type"),
            ({"request_type": "ANYTHING"}, "request_type"),
            ({"evidence_refs": ["sha256:abc"]}, "content hash"),
            (
                {"exceptions_acknowledged": [f"exc_{ulid(9)}"]},
                "exceptions_acknowledged",
            ),
            ({"exceptions_acknowledged": ["none"]}, "exc id"),
            ({"attestations": {"verification_reviewed": True}}, "validation_assessed"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_named(self, api, changes, named):
        _, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)
        await api.done(f"candidates/{candidate_id}/verify", by="system")
        body = api.approval_of(candidate_id, run["evidence_bundle_hash"], **changes)

        answer = await api.post("approvals", body)

        assert_refused(answer, 400, "MALFORMED_INPUT", named)

    async def test_evidence_that_nobody_recorded_is_missing(self, api):
        _, candidate_id = await api.a_candidate()
        body = api.approval_of(candidate_id, SOME_HASH)

        answer = await api.post("approvals", body)

        assert_refused(answer, 412, "EVIDENCE_MISSING", SOME_HASH)

    async def test_a_subject_without_its_pin_is_none(self, api):
        subject = {"kind": "GovernedArtifact", "id": "SR-SPEC", "meta": {}}
        body = api.approval_of("a", SOME_HASH, subject_refs=[subject])

        answer = await api.post("approvals", body)

        assert_refused(answer, 400, "MALFORMED_INPUT", "meta.content_hash")

    async def test_one_can_be_read_whole(self, api):
        candidate_id, evidence, approval_id = await released(api)

        told = (await api.get(f"approvals/{approval_id}")).json()

        assert told["subject_refs"][0]["id"] == candidate_id
        assert told["evidence_refs"] == [evidence]
        assert told["exceptions_acknowledged"] == []
        assert told["request_type"] == "RELEASE_APPROVAL"
        listed = await api.get(f"approvals?candidate_id={candidate_id}")
        assert listed.json()["approvals"] == [told]

    async def test_a_bystander_is_not_heard(self, api):
        answer = await api.post("approvals", {}, by="bystander")

        assert_refused(answer, 403, "AUTHORITY_REQUIRED")

    async def test_bundles_can_be_named_by_their_hash_alone(self, api):
        candidate_id, evidence, _ = await released(api)
        subjects = [
            {"kind": "Candidate", "id": candidate_id, "meta": {}},
            {"kind": "EvidenceBundle", "id": evidence, "meta": {}},
        ]
        body = api.approval_of(candidate_id, evidence, subject_refs=subjects)

        told = await api.done("approvals", {**body, "rationale": "twice looked at"})

        assert told["decision"] == "APPROVED"


class TestExceptions:
    """SPEC 5.5, 6.5: each kind with what it owes, and with nothing of another's."""

    async def test_a_deviation_comes_and_goes(self, api):
        loop_id = await api.a_loop()
        body = {**DEVIATION, "scope": {"loop_id": loop_id}}
        made = await api.done("exceptions", body)
        exception = f"exceptions/{made['exception_id']}"
        assert made["status"] == "CREATED"

        active = await api.done(f"{exception}/activate")
        listed = (await api.get(f"exceptions?status=ACTIVE&loop_id={loop_id}")).json()
        over = await api.done(f"{exception}/resolve", {"resolution_notes": "mended"})

        assert (active["status"], over["status"]) == ("ACTIVE", "RESOLVED")
        assert [each["exception_id"] for each in listed["exceptions"]] == [
            made["exception_id"]
        ]
        told = (await api.get(exception)).json()
        assert told["resolution_notes"] == "mended"
        assert told["scope"]["scope_kind"] == told["scope_kind"] == "per-loop"
        assert told["details"]["requirement_ref"] == "SR-SPEC 3.1"
        assert (await api.get("exceptions?status=ACTIVE")).json()["total"] == 0

    async def test_a_deferral_is_put_off_to_something(self, api):
        loop_id = await api.a_loop()

        made = await api.done("exceptions", {**DEFERRAL, "scope": {"loop_id": loop_id}})

        told = (await api.get(f"exceptions/{made['exception_id']}")).json()
        assert told["details"]["target_deliverable"] == "D-35"
        assert told["kind"] == "DEFERRAL"

    @pytest.mark.parametrize("path", ["exceptions", "exceptions/waivers"])
    async def test_a_waiver_is_the_same_by_either_way(self, api, path):
        api.runner.scripts[BUILD] = fails
        _, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)
        body = api.waiver_of(
            candidate_id,
            oracle_suite_id=CORE,
            oracle_suite_hash=(await api.get(f"oracles/suites/{CORE}")).json()[
                "suite_hash"
            ],
            run_ids=[run["run_id"]],
        )

        made = await api.done(
            path, {"kind": "WAIVER", **body} if path == "exceptions" else body
        )

        told = (await api.get(f"exceptions/{made['exception_id']}")).json()
        assert told["applies_to"] == "ORACLE_FAIL:build"
        assert told["details"]["run_ids"] == [run["run_id"]]
        assert told["details"]["gate_id"] == "G-VERIFIED-STRICT"

    @pytest.mark.parametrize(
        ("body", "name"),
        [(DEVIATION, each) for each in DEVIATION]
        + [(DEFERRAL, each) for each in DEFERRAL],
    )
    async def test_what_a_kind_owes_is_named(self, api, body, name):
        loop_id = await api.a_loop()
        less = {**body, "scope": {"loop_id": loop_id}}
        del less[name]

        answer = await api.post("exceptions", less)

        told = "target_date" if name == "target_deliverable" else name
        assert_refused(answer, 400, "MALFORMED_INPUT", told)

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"scope": {}}, "scope"),
            ({"scope": {"scope_kind": "everywhere"}}, "scope_kind"),
            ({"scope": {"scope_kind": "per-candidate"}}, "scope"),
            ({"scope": {"anything": "a"}}, "anything"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
            ({"expires_at": "next week"}, "expires_at"),
            ({"expires_at": None}, "expires_at"),
            ({"gate_id": "G-VERIFIED-STRICT"}, "gate_id"),
            ({"compensating_controls": "watched"}, "compensating_controls"),
            ({"kind": "EXCEPTION"}, "kind"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_named(self, api, changes, named):
        loop_id = await api.a_loop()
        body = {**DEVIATION, "scope": {"loop_id": loop_id}, **changes}

        answer = await api.post("exceptions", body)

        assert_refused(answer, 400, "MALFORMED_INPUT", named)

    @pytest.mark.parametrize(
        "changes",
        [
            {"target_description": "EVIDENCE_MISSING"},
            {"applies_to": "ORACLE_TAMPER"},
            {"scope": {"work_unit_id": "WU-1", "oracle_id": "ORACLE_GAP"}},
        ],
        ids=str,
    )
    async def test_no_condition_is_what_it_is_about(self, api, changes):
        body = {**DEVIATION, "scope": {"work_unit_id": "WU-1"}, **changes}

        answer = await api.post("exceptions", body)

        assert_refused(answer, 400, "NON_WAIVABLE")

    async def test_it_is_activated_once(self, api):
        body = {**DEVIATION, "scope": {"work_unit_id": "WU-1"}}
        made = await api.done("exceptions", body)
        path = f"exceptions/{made['exception_id']}/activate"
        await api.done(path)

        assert_refused(await api.post(path), 422, "TRANSITION_REFUSED", "ACTIVE")

    @pytest.mark.parametrize("by", ["agent", "system", "bystander"])
    @pytest.mark.parametrize(
        "path",
        [
            "exceptions",
            "exceptions/waivers",
            "exceptions/a/activate",
            "exceptions/a/resolve",
        ],
    )
    async def test_nobody_else_is_heard(self, api, by, path):
        assert_refused(await api.post(path, {}, by=by), 403, "AUTHORITY_REQUIRED")


class TestFreezes:
    """SPEC 5.5: computed here; what the caller says, flat or nested, has to be that."""

    async def test_one_can_be_read_whole(self, api):
        candidate_id, evidence, approval_id = await released(api)
        made = await api.done("freeze-records", freezing(candidate_id, approval_id))

        told = (await api.get(f"freeze-records/{made['freeze_id']}")).json()

        assert told["verification_mode"] == told["verification"]["mode"] == "STRICT"
        assert told["evidence_bundle_refs"] == [evidence]
        assert told["oracle_suite_id"] == CORE
        names = [each["artifact_id"] for each in told["artifact_manifest"]]
        assert names[0] == "src/a.py"
        assert sorted(names[1:]) == sorted(each.doc_id for each in GOVERNED.artifacts)
        assert told["frozen_by"]["actor_kind"] == "HUMAN"
        for path in (
            "freeze-records",
            f"freeze-records?candidate_id={candidate_id}",
            f"candidates/{candidate_id}/freeze-records",
        ):
            assert (await api.get(path)).json()["freeze_records"] == [told]

    async def test_what_it_says_may_be_said_again(self, api):
        candidate_id, _, approval_id = await released(api)
        made = await api.done("freeze-records", freezing(candidate_id, approval_id))
        told = (await api.get(f"freeze-records/{made['freeze_id']}")).json()
        flat = {
            name: told[name]
            for name in (
                "verification_mode",
                "oracle_suite_id",
                "oracle_suite_hash",
                "evidence_bundle_refs",
                "waiver_refs",
                "artifact_manifest",
                "active_exceptions",
            )
        }
        nested = {
            name: value
            for name, value in told["verification"].items()
            if name != "oracle_suites"
        }

        body = freezing(candidate_id, approval_id, **flat, verification=nested)

        assert await api.done("freeze-records", body)

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"verification_mode": "WITH_EXCEPTIONS"}, "verification_mode"),
            ({"verification": {"mode": "WITH_EXCEPTIONS"}}, "verification_mode"),
            ({"oracle_suite_id": "suite:OTHER"}, "oracle_suite_id"),
            ({"verification": {"oracle_suite_hash": SOME_HASH}}, "oracle_suite_hash"),
            ({"evidence_bundle_refs": []}, "evidence_bundle_refs"),
            ({"waiver_refs": [f"exc_{ulid(9)}"]}, "waiver_refs"),
            ({"artifact_manifest": []}, "artifact_manifest"),
            (
                {
                    "artifact_manifest": [
                        {"artifact_id": "src/a.py", "content_hash": SOME_HASH}
                    ]
                },
                "artifact_manifest",
            ),
            (
                {
                    "active_exceptions": [
                        {"exception_id": f"exc_{ulid(9)}", "kind": "WAIVER"}
                    ]
                },
                "active_exceptions",
            ),
            (
                {"waiver_refs": [], "verification": {"waiver_refs": ["EX-0001"]}},
                "under verification",
            ),
            ({"frozen_by": "me"}, "frozen_by"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_named(self, api, changes, named):
        candidate_id, _, approval_id = await released(api)

        answer = await api.post(
            "freeze-records", freezing(candidate_id, approval_id, **changes)
        )

        assert_refused(answer, 400, "MALFORMED_INPUT", named)

    @pytest.mark.parametrize(
        "path",
        [
            f"freeze-records/freeze_{ulid(9)}",
            f"candidates/{SOME_HASH}|cand_{ulid(9)}/freeze-records",
        ],
    )
    async def test_what_is_not_there_is_not_found(self, api, path):
        assert_refused(await api.get(path), 404, "NOT_FOUND")


class TestNotes:
    """SPEC 5.5: each kind has its way in; what it says is kept, and binds nobody."""

    @pytest.mark.parametrize(
        ("kind", "own"),
        [
            ("evaluation", {"severity": "low", "recommendations": "mend it"}),
            ("assessment", {"fitness_judgment": "fit", "context": "a review"}),
            ("intervention", {"actions_taken": "restarted", "impact": "none"}),
        ],
    )
    async def test_each_kind_is_written_and_read(self, api, kind, own):
        loop_id = await api.a_loop()
        body = {
            "subject_refs": [{"kind": "Loop", "id": loop_id, "meta": {}}],
            "evidence_refs": [],
            "content": "as seen",
            **own,
        }

        made = await api.done(f"records/{kind}-notes", body)

        told = (await api.get(f"records/{made['record_id']}")).json()
        assert told["record_type"] == f"record.{kind}_note"
        assert told["is_binding"] is made["is_binding"] is False
        assert told["details"] == own
        listed = await api.get(f"records?record_type=record.{kind}_note")
        assert listed.json()["records"] == [told]

    async def test_a_later_version_says_what_it_supersedes(self, api):
        loop_id = await api.a_loop()
        body = {
            "subject_refs": [{"kind": "Loop", "id": loop_id, "meta": {}}],
            "evidence_refs": [],
            "content": "as seen",
        }
        first = await api.done("records/evaluation-notes", body)

        second = await api.done(
            "records/evaluation-notes",
            {**body, "content": "seen again", "supersedes": first["record_id"]},
        )

        told = (await api.get(f"records/{first['record_id']}")).json()
        assert told["superseded_by"] == second["record_id"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"subject_refs": []},
            {"content": ""},
            {"fitness_judgment": "fit"},
            {"is_binding": True},
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_refused(self, api, changes):
        loop_id = await api.a_loop()
        body = {
            "subject_refs": [{"kind": "Loop", "id": loop_id, "meta": {}}],
            "evidence_refs": [],
            "content": "as seen",
            **changes,
        }

        answer = await api.post("records/evaluation-notes", body)

        assert_refused(answer, 400, "MALFORMED_INPUT")

    async def test_evidence_that_nobody_recorded_is_missing(self, api):
        loop_id = await api.a_loop()
        body = {
            "subject_refs": [{"kind": "Loop", "id": loop_id, "meta": {}}],
            "evidence_refs": [SOME_HASH],
            "content": "as seen",
        }

        answer = await api.post("records/evaluation-notes", body)

        assert_refused(answer, 412, "EVIDENCE_MISSING", SOME_HASH)

    @pytest.mark.parametrize("by", ["agent", "system"])
    async def test_only_humans_write(self, api, by):
        answer = await api.post("records/assessment-notes", {}, by=by)

        assert_refused(answer, 403, "AUTHORITY_REQUIRED")


class TestAttachments:
    """SPEC 5.6: a form with one file; what comes back is what came in."""

    async def test_a_file_goes_in_and_comes_back(self, api):
        data = bytes(range(256)) * 8192
        files = {"file": ("a plan.pdf", data, "application/pdf")}

        answer = await api.ask("POST", "attachments", files=files)

        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["size_bytes"] == len(data)
        assert made["uploaded_by"]["actor_kind"] == "HUMAN"
        told = (await api.get(f"attachments/{made['attachment_id']}")).json()
        assert told["filename"] == "a plan.pdf"
        assert told["content_hash"] == made["content_hash"]
        back = await api.get(f"attachments/{made['attachment_id']}/content", by="agent")
        assert back.content == data
        assert back.headers["content-type"] == "application/pdf"
        assert back.headers["content-disposition"].startswith("attachment;")
        assert back.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("by", ["agent", "system"])
    async def test_only_humans_add_files(self, api, by):
        files = {"file": ("a", b"a", "text/plain")}

        answer = await api.ask("POST", "attachments", files=files, by=by)

        assert_refused(answer, 403, "AUTHORITY_REQUIRED")
        assert not api.stage.attachment_bytes.keys()

    @pytest.mark.parametrize(
        ("files", "named"),
        [
            ({"other": ("a", b"a", "text/plain")}, "file"),
            ({"file": ("a/../b", b"a", "text/plain")}, "filename"),
            ({"file": ("a", b"a", "nonsense")}, "media_type"),
            ({"file": ("a", b"", "text/plain")}, "file"),
        ],
        ids=["another field", "a path", "no type", "nothing in it"],
    )
    async def test_what_is_no_file_is_refused(self, api, files, named):
        answer = await api.ask("POST", "attachments", files=files)

        assert_refused(answer, 400, "MALFORMED_INPUT", named)

    async def test_a_body_that_is_no_form_is_refused(self, api):
        answer = await api.post("attachments", {"file": "a"})

        assert_refused(answer, 400, "MALFORMED_INPUT")

    async def test_one_that_says_it_is_too_large_is_not_read(self, api):
        headers = {
            "content-type": "multipart/form-data; boundary=b",
            "content-length": str(101 * 1024 * 1024),
        }

        answer = await api.ask("POST", "attachments", headers=headers, content=b"--b")

        assert_refused(answer, 413, "BODY_TOO_LARGE")

    async def test_one_that_turns_out_too_large_is_not_read_to_its_end(self, api):
        head = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        )
        taken = 0

        async def endless():
            nonlocal taken
            yield head
            while True:
                taken += 2**15
                yield bytes(2**15)

        headers = {"content-type": "multipart/form-data; boundary=b"}

        answer = await api.ask(
            "POST", "attachments", headers=headers, content=endless()
        )

        assert_refused(answer, 413, "ATTACHMENT_TOO_LARGE")
        assert taken <= ATTACHMENT_BYTES_MAX + 2 * 2**15
        assert not api.stage.attachment_bytes.keys()

    @pytest.mark.parametrize(
        "more",
        [
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nb\r\n--b--\r\n',
            b"",
        ],
        ids=["another part", "no end"],
    )
    async def test_what_is_not_one_whole_file_is_refused(self, api, more):
        body = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            b"a\r\n"
        )
        headers = {"content-type": "multipart/form-data; boundary=b"}

        answer = await api.ask(
            "POST", "attachments", headers=headers, content=body + more
        )

        assert_refused(answer, 400, "MALFORMED_INPUT")
        assert not api.stage.attachment_bytes.keys()

    @pytest.mark.parametrize("path", ["attachments/{}", "attachments/{}/content"])
    async def test_what_is_not_there_is_not_found(self, api, path):
        answer = await api.get(path.format(f"attach_{ulid(9)}"))

        assert_refused(answer, 404, "NOT_FOUND")

    async def test_the_rest_of_the_face_keeps_its_bound(self, api):
        answer = await api.ask(
            "POST", "records/evaluation-notes", content=json.dumps("a" * 2**20).encode()
        )

        assert_refused(answer, 413, "BODY_TOO_LARGE")
