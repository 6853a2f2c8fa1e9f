"""Candidates, runs, evidence and suites over HTTP (SPEC 5.3, 5.4, 5.6)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sr_core.codec.canonical import plain
from sr_core.domain.evidence import EvidenceManifest
from sr_core.testing import (
    BUILD,
    CORE,
    SOME_HASH,
    SYSTEM,
    build_manifest,
    fails,
    ulid,
)

pytestmark = pytest.mark.anyio

COMPLETE_SUITE: dict[str, Any] = {
    "suite_id": "suite:COMPLETE",
    "suite_version": "2.1.0",
    "description": "everything that can be said",
    "oci_image": "oracles:1",
    "oci_image_digest": SOME_HASH,
    "environment_constraints": {
        "runner": "ci",
        "runtime": "bubblewrap",
        "network": "disabled",
        "cpu_arch": "amd64",
        "os": "linux",
        "workspace_readonly": True,
        "additional_constraints": ["postgres_available=true"],
    },
    "oracles": [
        {
            "oracle_id": "oracle:build",
            "oracle_name": "Build",
            "purpose": "it compiles",
            "command": "python3 -I 'a file.py' --all",
            "timeout_seconds": 30,
            "retries": 0,
            "expected_outputs": [
                {
                    "path": "reports/build.json",
                    "content_type": "application/json",
                    "role": "report",
                },
                {"path": "logs/build.log", "content_type": "text/plain", "role": "log"},
            ],
            "working_dir": "src",
            "env": {"LANG": "C"},
            "semantic_set_id": "semantic_set:SOME",
            "semantic_set_hash": SOME_HASH,
            "target_axis": "coverage",
        }
    ],
    "flake_policy": {"required": "stop_the_line", "advisory": "warn_only"},
    "evidence_capture_policy": {"stdout": False},
    "metadata": {"owner": "us"},
}


TWO_JSON = [
    {"path": f"{name}.json", "content_type": "application/json"} for name in "ab"
]


def with_oracle(**changes: Any) -> dict[str, Any]:
    """The complete suite, its oracle changed; ... leaves a field out."""
    oracle = {**COMPLETE_SUITE["oracles"][0], **changes}
    kept = {name: value for name, value in oracle.items() if value is not ...}
    return {**COMPLETE_SUITE, "oracles": [kept]}


def longer(suite: dict[str, Any]) -> dict[str, Any]:
    """The suite with more time for each oracle, and without its name."""
    oracles = [{**each, "timeout_s": 1200} for each in suite["oracles"]]
    return {"oracles": oracles}


class TestSuites:
    """SPEC 5.6, 7.4: the complete definition goes in, and comes back."""

    async def test_the_complete_definition_is_kept(self, api):
        made = await api.done("oracles/suites", COMPLETE_SUITE)

        told = (await api.get("oracles/suites/suite:COMPLETE")).json()
        oracle = told["definition"]["oracles"][0]
        assert told["suite_hash"] == made["suite_hash"]
        assert oracle["argv"] == ["python3", "-I", "a file.py", "--all"]
        assert oracle["report"] == "reports/build.json"
        assert [each["path"] for each in oracle["expected_outputs"]] == [
            "logs/build.log"
        ]
        assert told["definition"]["environment_constraints"] == {
            "network": "disabled",
            "workspace_readonly": True,
            "runner": "ci",
            "runtime": "bubblewrap",
            "oci_image": "oracles:1",
            "oci_image_digest": SOME_HASH,
            "cpu_arch": "amd64",
            "os": "linux",
            "additional_constraints": {"postgres_available": "true"},
        }
        assert [each["change"] for each in told["versions"]] == ["registered"]

    async def test_the_only_json_that_has_to_be_left_is_the_report(self, api):
        json = {"path": "reports/b.json", "content_type": "application/json"}
        text = {"path": "b.txt", "content_type": "text/plain"}
        suite = with_oracle(expected_outputs=[text, json])

        await api.done("oracles/suites", suite)

        told = (await api.get("oracles/suites/suite:COMPLETE")).json()
        (oracle,) = told["definition"]["oracles"]
        assert oracle["report"] == "reports/b.json"
        assert [each["path"] for each in oracle["expected_outputs"]] == ["b.txt"]

    async def test_a_row_of_the_list_says_it_in_short(self, api):
        await api.done("oracles/suites", COMPLETE_SUITE)

        (row,) = (await api.get("oracles/suites")).json()["oracle_suites"]

        assert {
            name: row[name]
            for name in (
                "suite_id",
                "oracle_count",
                "oci_image",
                "network_mode",
                "runtime",
                "semantic_set_id",
                "state",
                "status",
            )
        } == {
            "suite_id": "suite:COMPLETE",
            "oracle_count": 1,
            "oci_image": "oracles:1",
            "network_mode": "disabled",
            "runtime": "bubblewrap",
            "semantic_set_id": "semantic_set:SOME",
            "state": "REGISTERED",
            "status": "active",
        }

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            ({**COMPLETE_SUITE, "suite_id": "COMPLETE"}, "suite id"),
            (with_oracle(argv=["make"]), "command of oracle:build"),
            (with_oracle(command=...), "command of oracle:build"),
            (with_oracle(command="make 'all"), "closed quotes"),
            (with_oracle(report="reports/b.json"), "report of oracle:build"),
            (with_oracle(expected_outputs=[]), "report of oracle:build"),
            (with_oracle(expected_outputs=TWO_JSON), "report of oracle:build"),
            (with_oracle(timeout_s=3), "timeout of oracle:build"),
            (with_oracle(retries=1), "retries"),
            (with_oracle(target_axis=...), "semantic set of oracle:build"),
            (with_oracle(classification="sometimes"), "classification"),
            (with_oracle(colour="red"), "colour"),
            ({**COMPLETE_SUITE, "flake_policy": {"required": "warn_only"}}, "required"),
            (
                {
                    **COMPLETE_SUITE,
                    "environment_constraints": {"additional_constraints": ["postgres"]},
                },
                "name=value",
            ),
            (
                {
                    **COMPLETE_SUITE,
                    "environment_constraints": {"oci_image_digest": "sha256:0"},
                },
                "one digest",
            ),
            (
                {**COMPLETE_SUITE, "environment_constraints": {"network": "some"}},
                "some",
            ),
        ],
    )
    async def test_what_is_not_to_be_had_is_refused_with_its_place(
        self, api, body, complaint
    ):
        answer = await api.post("oracles/suites", body)

        assert answer.status_code == 400
        assert complaint in answer.json()["detail"]

    async def test_a_command_may_be_a_list(self, api):
        await api.done("oracles/suites", with_oracle(command=["make", "all; true"]))

        told = (await api.get("oracles/suites/suite:COMPLETE")).json()
        assert told["definition"]["oracles"][0]["argv"] == ["make", "all; true"]

    async def test_it_is_updated_until_it_has_judged(self, api, suite):
        _, candidate_id = await api.a_candidate()

        before = await api.ask("PUT", f"oracles/suites/{CORE}", json=longer(suite))
        await api.a_run(candidate_id)
        after = await api.ask(
            "PUT", f"oracles/suites/{CORE}", json={"oracles": suite["oracles"]}
        )

        assert before.status_code == 200
        assert before.json()["suite_hash"] != after.json().get("suite_hash")
        assert (after.status_code, after.json()["code"]) == (422, "TRANSITION_REFUSED")

    async def test_then_it_is_rebased_and_what_it_judged_is_computed_anew(
        self, api, suite
    ):
        _, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)
        path = f"candidates/{candidate_id}"
        assert (await api.get(path)).json()["verification_status"] == "VERIFIED_STRICT"

        body = {**longer(suite), "rationale": "slow machines"}
        await api.done(f"oracles/suites/{CORE}/rebase", body)

        told = (await api.get(path)).json()
        assert told["verification_status"] == "UNVERIFIED"
        assert told["integrity_conditions"] == ["ORACLE_GAP"]
        versions = (await api.get(f"oracles/suites/{CORE}")).json()["versions"]
        assert [each["change"] for each in versions] == ["registered", "rebased"]
        assert versions[1]["previous_hash"] == versions[0]["suite_hash"]

    async def test_asking_less_needs_an_approval_that_is_recorded(self, api, suite):
        await api.done("oracles/suites", suite)
        body = {"oracles": suite["oracles"][:2], "rationale": "who needs it"}
        path = f"oracles/suites/{CORE}/rebase"

        without = await api.post(path, body)
        invented = await api.post(path, {**body, "approval_id": f"appr_{ulid(9)}"})

        assert (without.status_code, without.json()["code"]) == (
            412,
            "SUITE_APPROVAL_REQUIRED",
        )
        assert (invented.status_code, invented.json()["code"]) == (404, "NOT_FOUND")

    @pytest.mark.parametrize("by", ["bystander", "agent", "system"])
    async def test_only_a_steward_defines(self, api, suite, by):
        await api.done("oracles/suites", suite)
        again = {**longer(suite), "rationale": "so"}

        for answer in (
            await api.post("oracles/suites", COMPLETE_SUITE, by=by),
            await api.ask("PUT", f"oracles/suites/{CORE}", by=by, json=longer(suite)),
            await api.post(f"oracles/suites/{CORE}/rebase", again, by=by),
        ):
            assert answer.status_code == 403

    async def test_one_that_is_not_registered_is_not_found(self, api):
        answer = await api.get("oracles/suites/suite:NONE")

        assert answer.status_code == 404


class TestCandidates:
    """SPEC 5.3: what is known of a candidate, and of what it rests on."""

    async def test_it_says_what_its_maker_said(self, api):
        loop_id, _ = await api.a_candidate()
        page = (await api.get(f"loops/{loop_id}/iterations")).json()
        iteration_id = page["iterations"][0]["iteration_id"]
        directive = {
            "kind": "GovernedArtifact",
            "id": "SR-DIRECTIVE",
            "rel": "depends_on",
            "meta": {"content_hash": SOME_HASH, "version": "1.0.0"},
        }
        made = await api.done(
            "candidates",
            {
                "produced_by_iteration_id": iteration_id,
                "files": {"a.py": "YQ=="},
                "git_sha": "0123abc",
                "description": "the second try",
                "refs": [directive],
            },
            by="agent",
        )

        told = (await api.get(f"candidates/{made['candidate_id']}")).json()

        assert made["candidate_id"].startswith("git:0123abc|sha256:")
        assert told["git_sha"] == "0123abc"
        assert told["description"] == "the second try"
        assert directive in told["refs"]
        assert told["verification_basis"] is None
        assert told["has_unresolved_staleness"] is False
        both = await api.get(f"iterations/{iteration_id}/candidates")
        assert both.json()["total"] == 2

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("verification_status=UNVERIFIED", 200),
            ("verification_status=GREEN", 400),
            (f"iteration_id=iter_{ulid(1)}", 200),
            ("iteration_id=first", 400),
        ],
    )
    async def test_filters_are_of_a_closed_set(self, api, query, status):
        await api.a_candidate()

        answer = await api.get(f"candidates?{query}")

        assert answer.status_code == status

    async def test_a_filter_filters(self, api):
        await api.a_candidate()

        for query, total in [
            ("verification_status=UNVERIFIED", 1),
            ("verification_status=VERIFIED_STRICT", 0),
            (f"iteration_id=iter_{ulid(999)}", 0),
        ]:
            page = (await api.get(f"candidates?{query}")).json()
            assert page["total"] == len(page["candidates"]) == total

    async def test_one_of_no_iteration_is_not_taken(self, api):
        """C-LOOP-1: its runs would count against no loop's bound."""
        before = await api.events()

        answer = await api.post("candidates", {"files": {"a.py": "YQ=="}}, by="agent")

        assert answer.status_code == 400
        assert "produced_by_iteration_id" in answer.json()["detail"]
        assert await api.events() == before

    async def test_candidates_of_no_iteration_are_not_found(self, api):
        answer = await api.get(f"iterations/iter_{ulid(999)}/candidates")

        assert answer.status_code == 404

    @pytest.mark.parametrize(
        ("profile", "status"),
        [
            ("STRICT-CORE", 200),
            ("profile:STRICT-CORE", 200),
            ("GOV-CORE", 400),
            ("OTHER", 404),
        ],
    )
    async def test_a_profile_may_be_asked_for_but_no_weaker_one(
        self, api, profile, status
    ):
        _, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)

        answer = await api.post(
            f"candidates/{candidate_id}/verify", {"verification_profile_id": profile}
        )

        assert answer.status_code == status
        if status == 400:
            assert answer.json()["code"] == "PROFILE_TOO_WEAK"

    async def test_a_verification_says_all_that_it_rests_on(self, api):
        api.runner.scripts[BUILD] = fails
        loop_id, candidate_id = await api.a_candidate()
        run = await api.a_run(candidate_id)

        told = await api.done(f"candidates/{candidate_id}/verify")

        assert told["verification_mode"] is None
        assert told["verification_scope"]["work_unit_id"] == loop_id
        basis = told["verification_basis"]
        assert basis["run_ids"] == [run["run_id"]]
        assert [
            (each["oracle_id"], each["failure_class"]) for each in basis["failed"]
        ] == [("oracle:build", "BUILD_FAIL")]
        assert [each["oracle_id"] for each in basis["others"]] == ["oracle:sbom"]


async def started(api, **more: Any) -> dict[str, Any]:
    _, candidate_id = await api.a_candidate()
    body = {
        "candidate_id": candidate_id,
        "oracle_suite_id": CORE,
        "execution": "external",
        **more,
    }
    told: dict[str, Any] = await api.done("runs", body, by="system")
    return told


async def manifest_of(api, run: dict[str, Any]) -> EvidenceManifest:
    platform = api.stage.platform
    case = await platform.candidate_case(run["candidate_id"])
    dossier = await platform.recorder.state(case)
    suite = await platform.suite(CORE)
    known = dossier.run(run["run_id"])
    return build_manifest(known, suite.definition, {}, by=SYSTEM)


def body_of(manifest: EvidenceManifest) -> dict[str, Any]:
    blobs = {
        each.name: base64.b64encode(each.name.encode()).decode()
        for each in manifest.artifacts
    }
    return {"manifest": plain(manifest), "blobs": blobs}


class TestRunsElsewhere:
    """SPEC 5.4: started, handed in, completed; every step by the system."""

    async def test_from_start_to_end(self, api):
        run = await started(api)
        manifest = await manifest_of(api, run)

        handed_in = await api.done("evidence", body_of(manifest), by="system")
        ended = await api.done(
            f"runs/{run['run_id']}/complete",
            {"outcome": "SUCCESS", "evidence_bundle_hash": handed_in["content_hash"]},
            by="system",
        )

        assert (run["state"], run["execution"]) == ("STARTED", "external")
        assert handed_in["verdict"] == "PASS"
        assert handed_in["bundle_id"] == manifest.bundle_id
        assert (ended["state"], ended["outcome"]) == ("COMPLETED", "SUCCESS")
        told = (await api.get(f"candidates/{run['candidate_id']}")).json()
        assert told["verification_status"] == "VERIFIED_STRICT"
        listed = (await api.get(f"runs/{run['run_id']}/evidence")).json()
        assert [each["content_hash"] for each in listed["evidence"]] == [
            handed_in["content_hash"]
        ]

    async def test_a_run_of_no_such_name_has_no_evidence(self, api):
        answer = await api.get(f"runs/run_{ulid(999)}/evidence")

        assert answer.status_code == 404

    async def test_another_suite_than_registered_is_not_started(self, api):
        _, candidate_id = await api.a_candidate()
        body = {
            "candidate_id": candidate_id,
            "oracle_suite_id": CORE,
            "oracle_suite_hash": SOME_HASH,
        }

        answer = await api.post("runs", body, by="system")

        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "SUITE_HASH_MISMATCH",
        )

    @pytest.mark.parametrize(
        ("spoil", "status", "code"),
        [
            (lambda it: it["blobs"].clear(), 400, "MANIFEST_INVALID"),
            (lambda it: it["blobs"].update(extra="YQ=="), 400, "MANIFEST_INVALID"),
            (
                lambda it: it["manifest"].update(verdict="FAIL"),
                400,
                "MANIFEST_INVALID",
            ),
            (
                lambda it: it["manifest"].update(run_id=f"run_{ulid(999)}"),
                404,
                "NOT_FOUND",
            ),
            (lambda it: it["manifest"].clear(), 400, "MANIFEST_INVALID"),
            (lambda it: it.pop("blobs"), 400, "MALFORMED_INPUT"),
        ],
        ids=["no blobs", "undeclared", "verdict", "no run", "empty", "no field"],
    )
    async def test_what_does_not_fit_is_refused_whole(self, api, spoil, status, code):
        run = await started(api)
        body = body_of(await manifest_of(api, run))
        spoil(body)

        answer = await api.post("evidence", body, by="system")

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await api.get("evidence")).json()["total"] == 0

    async def test_a_run_that_cannot_be_carried_out_fails(self, api):
        run = await started(api)
        path = f"runs/{run['run_id']}"

        failed = await api.done(f"{path}/fail", {"reason": "no disk"}, by="system")
        again = await api.post(f"{path}/complete", {"outcome": "FAILURE"}, by="system")

        assert failed["state"] == "FAILED"
        assert (await api.get(path)).json()["reason"] == "no disk"
        assert again.status_code == 422


class TestEvidence:
    """SPEC 5.4: what a bundle holds, and whether it still does."""

    @pytest.fixture
    async def run(self, api) -> dict[str, Any]:
        _, candidate_id = await api.a_candidate()
        told: dict[str, Any] = await api.a_run(candidate_id)
        return told

    async def test_its_blobs_are_named_and_can_be_had(self, api, run):
        bundle = (await api.get(f"evidence/{run['evidence_bundle_hash']}")).json()

        for name in bundle["blob_names"]:
            path = f"evidence/{bundle['content_hash']}/blobs/{name}"
            told = (await api.get(path)).json()
            assert told["blob_name"] == name
            assert len(base64.b64decode(told["content"])) == told["size"]
        assert bundle["blob_names"]
        assert bundle["manifest"]["attribution"]["actor_kind"] == "SYSTEM"

    async def test_a_blob_that_it_does_not_name_is_not_found(self, api, run):
        path = f"evidence/{run['evidence_bundle_hash']}/blobs/build/none.json"

        assert (await api.get(path)).status_code == 404

    async def test_one_that_was_altered_is_not_given_out(self, api, run):
        store = api.stage.evidence_bytes
        key, *_ = [each for each in store.keys() if "/blobs/" in each]  # noqa: SIM118 - no dict
        store.overwrite(key, b"other")
        bundle = run["evidence_bundle_hash"]
        names = [
            each
            for each in (await self.names(api, bundle))
            if (await api.get(f"evidence/{bundle}/blobs/{each}")).status_code == 412
        ]

        verified = await api.done(f"evidence/{bundle}/verify")

        assert names
        assert (verified["valid"], verified["error_code"]) == (
            False,
            "EVIDENCE_INTEGRITY_FAILED",
        )

    async def names(self, api, bundle: str) -> list[str]:
        row = await api.stage.rows.row("evidence_bundles", {"content_hash": bundle})
        return [
            f"{each.removeprefix('oracle:')}/reports/{each.removeprefix('oracle:')}.json"
            for each in row["results"]
        ]

    async def test_without_its_manifest_no_blob_is_given_out(self, api, run):
        store = api.stage.evidence_bytes
        store.lose(store.keys()[-1])
        path = f"evidence/{run['evidence_bundle_hash']}/blobs/build/reports/build.json"

        answer = await api.get(path)

        assert (answer.status_code, answer.json()["code"]) == (412, "EVIDENCE_MISSING")

    async def test_it_is_valid_as_long_as_it_is_there(self, api, run):
        verified = await api.done(f"evidence/{run['evidence_bundle_hash']}/verify")

        assert (verified["valid"], verified["lost"]) == (True, {})

    async def test_it_is_associated_with_more_than_its_run(self, api, run):
        path = f"evidence/{run['evidence_bundle_hash']}"
        body = {"candidate_id": run["candidate_id"], "run_id": run["run_id"]}

        await api.done(f"{path}/associate", body, by="system")
        again = await api.post(f"{path}/associate", body, by="system")
        nothing = await api.post(f"{path}/associate", {}, by="system")

        told = (await api.get(path)).json()["associations"]
        assert {each["entity_type"] for each in told} == {"run", "candidate"}
        assert again.json()["code"] == "ASSOCIATION_TAKEN"
        assert nothing.status_code == 400

    async def test_but_not_with_what_its_loop_does_not_have(self, api, run):
        path = f"evidence/{run['evidence_bundle_hash']}/associate"

        for body in (
            {"run_id": f"run_{ulid(999)}"},
            {"candidate_id": f"{SOME_HASH}|cand_{ulid(999)}"},
            {"iteration_id": f"iter_{ulid(999)}"},
        ):
            assert (await api.post(path, body, by="system")).status_code == 404

    @pytest.mark.parametrize("path", ["", "/status", "/blobs/a"])
    async def test_one_that_nobody_recorded_is_not_found(self, api, path):
        assert (await api.get(f"evidence/{SOME_HASH}{path}")).status_code == 404
