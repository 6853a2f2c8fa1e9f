"""Intakes, definitions and work surfaces over HTTP (SPEC 5.6)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sr_core.domain.loop import LoopCreated, StopTriggered
from sr_core.domain.verification import EvidenceMissingDetected
from sr_core.domain.work_surface_events import StageCompleted
from sr_core.testing import CORE, DIRECTIVE, SOME_HASH, UNIT_TESTS, build_suite, fails
from sr_core.testing.work import FINAL, FRAME, REFS, STRUCTURE

pytestmark = pytest.mark.anyio

SUITE = {
    "oracles": [
        {
            "oracle_id": each.oracle_id,
            "argv": list(each.argv),
            "report": each.report,
            "classification": each.classification.value,
        }
        for each in build_suite().oracles
    ],
}
LOOP = {
    "goal": "a goal",
    "directive_ref": {
        "kind": DIRECTIVE.kind.value,
        "id": DIRECTIVE.id,
        "rel": DIRECTIVE.rel.value,
        "meta": dict(DIRECTIVE.meta),
    },
}
INTAKE = {
    "work_unit_id": "WU-0001",
    "title": "A memo",
    "kind": "research_memo",
    "objective": "Say what is known of the matter.",
    "audience": "engineers",
    "deliverables": [
        {"name": "memo", "format": "markdown", "path": "candidate/main.md"}
    ],
    "completion_criteria": ["it names its sources"],
}
ULID = "0" * 26
TEMPLATE: dict[str, Any] = {
    "template_id": "proc:TWO-STAGES",
    "name": "Two stages",
    "description": "Frame it, settle it.",
    "kind": ["research_memo"],
    "stages": [
        {
            "stage_id": FRAME,
            "stage_name": "Frame",
            "purpose": "say what is asked",
            "required_oracle_suites": [STRUCTURE],
            "transition_on_pass": FINAL,
        },
        {
            "stage_id": FINAL,
            "stage_name": "Final",
            "purpose": "settle it",
            "required_oracle_suites": [REFS],
            "transition_on_pass": "terminal",
        },
    ],
    "initial_stage_id": FRAME,
    "terminal_stage_id": FINAL,
}
START = {"directive_ref": LOOP["directive_ref"]}


async def an_intake(api, **changes: Any) -> str:
    made = await api.done("intakes", {**INTAKE, **changes})
    await api.done(f"intakes/{made['intake_id']}/activate")
    return str(made["intake_id"])


async def a_surface(api, *, template: str = "proc:TWO-STAGES") -> str:
    for suite in (STRUCTURE, REFS):
        await api.done("oracles/suites", {**SUITE, "suite_id": suite})
    if template == "proc:TWO-STAGES":
        await api.done("templates", {"content": TEMPLATE})
    body = {
        "work_unit_id": "WU-0001",
        "intake_id": await an_intake(api),
        "template_id": template,
    }
    return str((await api.done("work-surfaces", body))["work_surface_id"])


async def a_bundle(api, iteration_id: str, *, suites=(STRUCTURE,)) -> str:
    """A candidate of the iteration, judged by the suites; the last one's bundle."""
    made = await api.done(
        "candidates",
        {"produced_by_iteration_id": iteration_id, "files": {"src/a.py": "YSA9IDEK"}},
        by="agent",
    )
    told: dict[str, Any] = {}
    for suite in suites:
        body = {"candidate_id": made["candidate_id"], "oracle_suite_id": suite}
        run = await api.done("runs", body, by="system")
        told = (await api.get(f"runs/{run['run_id']}")).json()
    return str(told["evidence_bundle_hash"])


async def candidate_of(api, bundle: str) -> str:
    row = await api.stage.rows.row("evidence_bundles", {"content_hash": bundle})
    assert row is not None
    return str(row["candidate_id"])


def subject_of(kind: str, surface: str, *, stage: str = FINAL) -> dict[str, Any]:
    """A stage of a surface, named in one of the two ways that there are."""
    if kind == "WorkSurface":
        return {"kind": kind, "id": surface, "meta": {"stage_id": stage}}
    return {"kind": kind, "id": stage, "meta": {"work_surface_id": surface}}


class TestIntakes:
    """SPEC 4.7, 5.6."""

    async def test_from_draft_to_archive(self, api):
        made = await api.done("intakes", INTAKE, by="agent")
        name = made["intake_id"]
        assert (made["status"], made["version"]) == ("draft", 1)

        edited = await api.ask("PUT", f"intakes/{name}", json={"title": "Another"})
        assert edited.status_code == 200, edited.text
        active = await api.done(f"intakes/{name}/activate")
        assert active["content_hash"] == active["canonical_json_hash"]
        told = (await api.get(f"intakes/{name}")).json()
        assert (told["title"], told["status"]) == ("Another", "active")
        assert told["deliverables"][0]["path"] == "candidate/main.md"
        found = (await api.get(f"intakes/by-hash/{told['content_hash']}")).json()
        assert found["intake_id"] == name

        await api.done(f"intakes/{name}/archive", {"reason": "done"})
        again = (await api.get(f"intakes/by-hash/{told['content_hash']}")).json()
        assert (again["status"], again["archive_reason"]) == ("archived", "done")

    async def test_a_fork_is_a_new_draft(self, api):
        source = await an_intake(api)

        forked = await api.done(f"intakes/{source}/fork")

        assert (forked["status"], forked["version"], forked["supersedes"]) == (
            "draft",
            2,
            source,
        )

    async def test_what_is_fixed_is_not_edited(self, api):
        name = await an_intake(api)

        answer = await api.ask("PUT", f"intakes/{name}", json={"title": "x"})

        assert answer.status_code == 422
        assert answer.json()["code"] == "TRANSITION_REFUSED"

    async def test_the_same_content_is_active_once(self, api):
        await an_intake(api)
        second = await api.done("intakes", INTAKE)

        answer = await api.post(f"intakes/{second['intake_id']}/activate")

        assert answer.status_code == 409
        assert answer.json()["code"] == "INTAKE_TAKEN"

    @pytest.mark.parametrize(
        "change",
        [
            {"kind": "poem"},
            {"title": ""},
            {"title": "x" * 501},
            {"work_unit_id": "0001"},
            {"work_unit_id": f"loop_{ULID}"},
            {"deliverables": [{"name": "a", "format": "b", "path": "../c"}]},
            {"inputs": [{"kind": "doc", "id": "x", "rel": "governs", "meta": {}}]},
            {"surprise": 1},
            {"objective": "two\nlines"},
        ],
        ids=str,
    )
    async def test_what_is_none_is_refused(self, api, change):
        answer = await api.post("intakes", {**INTAKE, **change})

        assert answer.status_code == 400, answer.text

    async def test_an_empty_edit_is_refused(self, api):
        made = await api.done("intakes", INTAKE)

        answer = await api.ask("PUT", f"intakes/{made['intake_id']}", json={})

        assert answer.status_code == 400

    async def test_an_agent_does_not_activate(self, api):
        made = await api.done("intakes", INTAKE, by="agent")

        answer = await api.post(f"intakes/{made['intake_id']}/activate", by="agent")

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "path",
        [f"intakes/intake:{ULID}", f"intakes/by-hash/{SOME_HASH}"],
    )
    async def test_what_is_not_there_is_not_found(self, api, path):
        assert (await api.get(path)).status_code == 404

    async def test_they_are_listed_by_what_is_asked(self, api):
        await an_intake(api)
        await api.done("intakes", {**INTAKE, "title": "Second"})

        active = (await api.get("intakes?status=active")).json()
        second = (await api.get("intakes?page=2&page_size=1")).json()
        other = (await api.get("intakes?work_unit_id=WU-9&kind=custom")).json()

        assert (active["total"], active["page"]) == (1, 1)
        assert [each["title"] for each in second["intakes"]] == ["Second"]
        assert (second["total"], second["offset"], second["page_size"]) == (2, 1, 1)
        assert other["intakes"] == []
        assert (await api.get("intakes?status=open")).status_code == 400


AGENT = {"id": "worker-1", "name": "Worker", "actor_id": "agent:lab:1"}
PORTAL = {
    "portal_id": "ReleaseApprovalPortal",
    "name": "Release",
    "description": "Where releases are approved.",
    "decisions": ["APPROVED", "REJECTED"],
    "seeded": True,
}
ORACLE = {"oracle_id": "oracle:build", "oracle_name": "Build"}
SEMANTIC = {
    "profile_id": "profile:SEMANTIC",
    "name": "Semantic",
    "description": "Drafts are measured.",
    "stage_bindings": [{"stage_id": FRAME, "oracle_suite_id": STRUCTURE}],
}
PROFILE = {
    "profile_id": "profile:MINE",
    "name": "Mine",
    "description": "What I ask for.",
    "required_suites": ["suite:A"],
    "optional_suites": ["suite:B"],
    "waivable_failures": ["LINT_FAIL"],
    "applicable_deliverables": ["D-05"],
}
DEFINITIONS = {
    "agents": AGENT,
    "portals": PORTAL,
    "oracle-definitions": ORACLE,
    "semantic-profiles": SEMANTIC,
    "oracles/profiles": PROFILE,
    "templates": {"content": TEMPLATE},
}


class TestDefinitions:
    """SPEC 5.6, C-TB-1: humans with the governance role lay them down."""

    @pytest.mark.parametrize("path", DEFINITIONS)
    @pytest.mark.parametrize("by", ["agent", "system", "bystander"])
    async def test_nobody_else_does(self, api, path, by):
        answer = await api.post(path, DEFINITIONS[path], by=by)

        assert answer.status_code == 403

    @pytest.mark.parametrize("path", DEFINITIONS)
    async def test_each_is_recorded_once(self, api, path):
        told = await api.done(path, DEFINITIONS[path])
        again = await api.post(path, DEFINITIONS[path])
        listed = (await api.get("config/definitions")).json()

        assert told["content_hash"].startswith("sha256:")
        assert again.status_code == 409
        assert listed["total"] == 1
        (row,) = listed["config_definitions"]
        assert (row["version"], row["is_current"]) == (1, True)
        assert row["recorded_by_kind"] == "HUMAN"

    async def test_a_changed_one_follows(self, api):
        await api.done("agents", AGENT)
        await api.done("agents", {**AGENT, "status": "retired"})

        agents = (await api.get("agents")).json()
        key = "config.agent_definition"
        versions = (await api.get(f"config/definitions?type={key}")).json()

        assert [each["status"] for each in agents["agents"]] == ["retired"]
        assert [each["version"] for each in versions["config_definitions"]] == [1, 2]
        assert [each["is_current"] for each in versions["config_definitions"]] == [
            False,
            True,
        ]

    async def test_an_unknown_type_is_refused(self, api):
        answer = await api.get("config/definitions?type=config.poem")

        assert answer.status_code == 400

    @pytest.mark.parametrize(
        "portal",
        ["release-portal", "IntakeAcceptancePortal", "PORTAL-GOVERNANCE-CHANGE"],
    )
    async def test_only_the_three_portals_can_be_defined(self, api, portal):
        answer = await api.post("portals", {**PORTAL, "portal_id": portal})

        assert answer.status_code == 400
        assert portal in answer.text


class TestProfiles:
    """SPEC 7.3."""

    async def test_three_are_built_in(self, api):
        told = (await api.get("oracles/profiles")).json()

        assert [each["profile_id"] for each in told["profiles"]] == [
            "profile:GOV-CORE",
            "profile:STRICT-CORE",
            "profile:STRICT-FULL",
        ]
        assert all(each["is_built_in"] for each in told["profiles"])

    @pytest.mark.parametrize("name", ["STRICT-CORE", "profile:STRICT-CORE"])
    async def test_each_is_found_with_its_prefix_or_without(self, api, name):
        told = (await api.get(f"oracles/profiles/{name}")).json()

        assert told["profile_id"] == "profile:STRICT-CORE"
        assert told["waivable_failures"] == [
            "BUILD_FAIL",
            "LINT_FAIL",
            "SCHEMA_FAIL",
            "UNIT_FAIL",
        ]

    async def verify(self, api, name: str):
        """Have a candidate that the core suite has passed verified by the profile."""
        _, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)
        body = {"verification_profile_id": name}
        return await api.post(f"candidates/{candidate_id}/verify", body, by="system")

    async def test_one_that_was_laid_down_is_verified_by(self, api):
        """SPEC 6.1, step 1: what it requires beside the assigned suite is required."""
        await api.done("oracles/suites", {**SUITE, "suite_id": STRUCTURE})
        mine = {**PROFILE, "required_suites": [CORE, STRUCTURE]}
        await api.done("oracles/profiles", mine)

        answer = await self.verify(api, "MINE")

        told = answer.json()
        assert answer.is_success, answer.text
        assert told["verification_profile_id"] == "profile:MINE"
        assert told["verification_status"] == "UNVERIFIED"
        assert "ORACLE_GAP" in str(told)

    @pytest.mark.parametrize("name", ["MINE", "profile:MINE"])
    async def test_one_that_asks_for_less_is_not(self, api, name):
        await api.done("oracles/profiles", PROFILE)

        answer = await self.verify(api, name)

        assert answer.json()["code"] == "PROFILE_TOO_WEAK"

    async def test_one_that_lets_more_be_waived_is_not(self, api):
        every = ["BUILD_FAIL", "UNIT_FAIL", "LINT_FAIL", "SCHEMA_FAIL", "E2E_FAIL"]
        lax = {**PROFILE, "required_suites": [CORE], "waivable_failures": every}
        await api.done("oracles/profiles", lax)

        answer = await self.verify(api, "MINE")

        assert answer.json()["code"] == "PROFILE_TOO_WEAK"

    async def test_one_that_nobody_laid_down_is_not(self, api):
        answer = await self.verify(api, "MINE")

        assert answer.status_code == 404
        assert "profile:MINE" in answer.text

    async def test_another_may_be_laid_down(self, api):
        await api.done("oracles/profiles", PROFILE)

        told = (await api.get("oracles/profiles/MINE")).json()

        assert told["optional_suites"] == ["suite:B"]
        assert told["allow_with_exceptions"]
        assert not told["is_built_in"]

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"profile_id": "MINE"}, 400),
            ({"profile_id": "profile:STRICT-CORE"}, 409),
            ({"required_suites": []}, 400),
            ({"required_suites": ["A"]}, 400),
            ({"waivable_failures": ["ORACLE_GAP"]}, 400),
            ({"integrity_conditions": ["ORACLE_GAP"]}, 400),
            ({"applicable_deliverables": ["everything"]}, 400),
        ],
        ids=str,
    )
    async def test_what_is_none_is_refused(self, api, change, status):
        answer = await api.post("oracles/profiles", {**PROFILE, **change})

        assert answer.status_code == status, answer.text

    async def test_an_unknown_one_is_not_found(self, api):
        assert (await api.get("oracles/profiles/NONE")).status_code == 404


class TestTemplates:
    """SPEC 5.6, 7.10."""

    async def test_the_starters_are_marked(self, api):
        told = (await api.get("templates?type_key=config.procedure_template")).json()

        assert {
            each["template_id"]: each["is_starter"] for each in told["templates"]
        } == {
            "proc:GENERIC-KNOWLEDGE-WORK": True,
            "proc:PROBLEM-STATEMENT-INGESTION": True,
            "proc:RESEARCH-MEMO": True,
        }

    async def test_eleven_categories_have_schemas(self, api):
        told = (await api.get("templates/schemas")).json()

        assert len(told["categories"]) == 11
        assert {each["category"] for each in told["schemas"]} == set(told["categories"])
        assert {
            each["type_key"] for each in told["schemas"] if each["requires_portal"]
        } == {
            "verification_profile",
            "config.semantic_set",
            "record.waiver",
            "record.deviation",
            "record.deferral",
            "record.freeze",
        }

    async def test_one_schema(self, api):
        told = (await api.get("templates/schemas/config.procedure_template")).json()

        assert "ProcedureTemplate" in told["schema"]["$defs"]
        assert "proc:RESEARCH-MEMO" in told["starters"]

    @pytest.mark.parametrize("key", ["config.poem", "config.agent_definition"])
    async def test_no_schema(self, api, key):
        assert (await api.get(f"templates/schemas/{key}")).status_code == 400

    async def test_a_revision_follows(self, api):
        await api.done("templates", {"content": TEMPLATE})
        content = {**TEMPLATE, "version": "1.1.0"}

        told = await api.ask(
            "PUT", "templates/proc:TWO-STAGES", json={"content": content}
        )
        same = await api.ask(
            "PUT", "templates/proc:TWO-STAGES", json={"content": content}
        )

        assert told.status_code == 200, told.text
        assert same.json()["emitted_event_ids"] == []
        read = (await api.get("templates/proc:TWO-STAGES")).json()
        assert (read["revision"], read["content"]["version"]) == (2, "1.1.0")
        assert read["content_hash"] == told.json()["content_hash"]

    async def test_a_starter_stays(self, api):
        starter = (await api.get("templates/proc:RESEARCH-MEMO")).json()
        content = {**starter["content"], "version": "2.0.0"}

        put = await api.ask(
            "PUT", "templates/proc:RESEARCH-MEMO", json={"content": content}
        )
        post = await api.post("templates", {"content": content})

        assert [put.status_code, post.status_code] == [409, 409]
        assert put.json()["code"] == "STARTER_FIXED"

    @pytest.mark.parametrize(
        "body",
        [
            {"content": {}},
            {"content": {**TEMPLATE, "terminal_stage_id": FRAME}},
            {"content": {**TEMPLATE, "surprise": 1}},
            {"content": TEMPLATE, "template_id": "proc:OTHER"},
            {"content": TEMPLATE, "type_key": "config.agent_definition"},
            {"type_key": "budget_config", "content": {"max_iterations": 1}},
            {
                "type_key": "budget_config",
                "content": {
                    "max_iterations": 1,
                    "max_oracle_runs": 1,
                    "max_wallclock_hours": 1,
                },
            },
        ],
        ids=lambda each: str(each)[-60:],
    )
    async def test_what_is_none_is_refused(self, api, body):
        answer = await api.post("templates", body)

        assert answer.status_code == 400, answer.text

    async def test_other_types_have_names_of_their_own(self, api):
        body = {
            "type_key": "budget_config",
            "template_id": "small",
            "content": {
                "max_iterations": 1,
                "max_oracle_runs": 5,
                "max_wallclock_hours": 4,
            },
        }

        await api.done("templates", body)

        told = (await api.get("templates?category=Execution")).json()
        assert [each["template_id"] for each in told["templates"]] == ["small"]

    async def test_a_name_of_two_types_asks_for_the_type(self, api):
        note = {"prompts": ["What was done?"]}
        await api.done(
            "templates",
            {
                "type_key": "record.intervention_note",
                "template_id": "x",
                "content": note,
            },
        )
        policy = {"hooks": {"closeout": "hard"}}
        await api.done(
            "templates",
            {"type_key": "config.gating_policy", "template_id": "x", "content": policy},
        )

        unclear = await api.get("templates/x")
        clear = await api.get("templates/x?type_key=config.gating_policy")

        assert unclear.status_code == 400
        assert clear.json()["content"] == policy

    async def test_an_unknown_one_is_not_found(self, api):
        put = await api.ask("PUT", "templates/proc:NONE", json={"content": TEMPLATE})

        assert (await api.get("templates/proc:NONE")).status_code == 404
        assert put.status_code == 404


class TestBinding:
    """SPEC 4.6, 5.6."""

    async def test_what_is_bound_is_told(self, api):
        name = await a_surface(api)

        told = (await api.get(f"work-surfaces/{name}")).json()

        assert (told["status"], told["current_stage_id"]) == ("active", FRAME)
        assert told["stage_ids"] == [FRAME, FINAL]
        assert told["stage_status"] == {FRAME: "entered", FINAL: "pending"}
        (suite,) = told["current_oracle_suites"]
        registered = (await api.get(f"oracles/suites/{STRUCTURE}")).json()
        assert suite == {"suite_id": STRUCTURE, "suite_hash": registered["suite_hash"]}
        by_unit = (await api.get("work-surfaces/by-work-unit/WU-0001")).json()
        assert by_unit["work_surface_id"] == name
        assert (await api.get("work-surfaces?status=active")).json()["total"] == 1

    async def test_a_second_active_one_is_refused(self, api):
        name = await a_surface(api)
        told = (await api.get(f"work-surfaces/{name}")).json()
        body = {key: told[key] for key in ("work_unit_id", "intake_id", "template_id")}

        answer = await api.post("work-surfaces", body)

        assert answer.status_code == 409
        assert answer.json()["code"] == "WORK_SURFACE_TAKEN"

    async def test_an_archived_one_makes_room(self, api):
        name = await a_surface(api)
        told = (await api.get(f"work-surfaces/{name}")).json()
        body = {key: told[key] for key in ("work_unit_id", "intake_id", "template_id")}

        gone = await api.done(f"work-surfaces/{name}/archive", {"reason": "anew"})
        await api.done("work-surfaces", body)

        assert gone["status"] == "archived"
        again = await api.post(f"work-surfaces/{name}/archive")
        assert again.status_code == 422

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"template_id": "proc:NONE"}, 404, "NOT_FOUND"),
            ({"intake_id": f"intake:{ULID}"}, 404, "NOT_FOUND"),
            ({"work_unit_id": "WU-2"}, 400, "INTAKE_UNFIT"),
            (
                {"template_id": "proc:PROBLEM-STATEMENT-INGESTION"},
                400,
                "INTAKE_UNFIT",
            ),
            ({"template_id": "proc:RESEARCH-MEMO"}, 412, "SEMANTIC_PROFILE_MISSING"),
            ({"intake_id": "intake:1"}, 400, "MALFORMED_INPUT"),
            ({"params": {"a": []}}, 400, "MALFORMED_INPUT"),
        ],
        ids=str,
    )
    async def test_what_does_not_fit_is_refused(self, api, change, status, code):
        body = {
            "work_unit_id": "WU-0001",
            "intake_id": await an_intake(api),
            "template_id": "proc:RESEARCH-MEMO",
        }

        answer = await api.post("work-surfaces", {**body, **change})

        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_a_draft_is_not_bound(self, api):
        made = await api.done("intakes", INTAKE)
        body = {
            "work_unit_id": "WU-0001",
            "intake_id": made["intake_id"],
            "template_id": "proc:RESEARCH-MEMO",
        }

        answer = await api.post("work-surfaces", body)

        assert (answer.status_code, answer.json()["code"]) == (400, "INTAKE_UNFIT")

    async def test_an_agent_does_not_bind(self, api):
        body = {"work_unit_id": "WU-1", "intake_id": "x", "template_id": "y"}

        assert (await api.post("work-surfaces", body, by="agent")).status_code == 403

    async def test_compatible_or_not(self, api):
        intake = await an_intake(api)

        good = await api.get(
            f"work-surfaces/compatibility?intake_id={intake}&template_id=proc:RESEARCH-MEMO"
        )
        bad = await api.get(
            f"work-surfaces/compatibility?intake_id={intake}"
            "&template_id=proc:PROBLEM-STATEMENT-INGESTION"
        )
        fitting = await api.get(
            f"work-surfaces/compatible-templates?intake_id={intake}"
        )

        assert good.json()["is_compatible"]
        assert not bad.json()["is_compatible"]
        assert "is of kind research_memo" in bad.json()["reasons"][0]
        assert [each["template_id"] for each in fitting.json()["templates"]] == [
            "proc:GENERIC-KNOWLEDGE-WORK",
            "proc:RESEARCH-MEMO",
        ]

    @pytest.mark.parametrize(
        "path", ["", "/evidence", "/iterations", "/iteration-context"]
    )
    async def test_an_unknown_one_is_not_found(self, api, path):
        assert (await api.get(f"work-surfaces/ws:{ULID}{path}")).status_code == 404

    async def test_a_unit_without_one_is_told_so(self, api):
        assert (await api.get("work-surfaces/by-work-unit/WU-9")).status_code == 404
        assert (await api.get(f"procedure-instances/ws:{ULID}")).status_code == 404


class TestStart:
    """SPEC 5.6: a start can be asked for again, whatever happened in between."""

    async def test_it_opens_activates_and_begins(self, api):
        name = await a_surface(api)

        told = await api.done(f"work-surfaces/{name}/start", START)

        loop = (await api.get(f"loops/{told['loop_id']}")).json()
        assert (loop["state"], loop["work_unit"]) == ("ACTIVE", "WU-0001")
        assert loop["work_surface_id"] == name
        assert loop["goal"] == INTAKE["objective"]
        assert not told["already_started"]
        started = [
            each
            for each in await api.events()
            if type(each.event).__name__ == "IterationStarted"
        ]
        assert [each.by.actor_id for each in started] == [
            "svc:sr-core:work-surface-start"
        ]
        assert started[0].event.work_surface_id == name
        listed = (await api.get(f"work-surfaces/{name}/iterations")).json()
        assert [each["iteration_id"] for each in listed["iterations"]] == [
            told["iteration_id"]
        ]

    async def test_again_it_says_what_goes_on(self, api):
        name = await a_surface(api)
        first = await api.done(f"work-surfaces/{name}/start", START)
        before = len(await api.events())

        again = await api.done(f"work-surfaces/{name}/start")

        assert again["already_started"]
        assert again["loop_id"] == first["loop_id"]
        assert again["iteration_id"] == first["iteration_id"]
        assert again["emitted_event_ids"] == []
        assert len(await api.events()) == before

    async def test_two_at_once_start_one(self, api):
        name = await a_surface(api)

        told = await asyncio.gather(
            *(api.done(f"work-surfaces/{name}/start", START) for _ in range(4))
        )

        assert len({(each["loop_id"], each["iteration_id"]) for each in told}) == 1
        assert (await api.get("loops")).json()["total"] == 1

    @pytest.mark.parametrize("steps", [1, 2])
    async def test_one_that_was_left_half_done_is_gone_on_with(self, api, steps):
        name = await a_surface(api)
        loop_id = f"loop_{name.removeprefix('ws:')}"
        made = await api.done("loops", {**LOOP, "work_unit": "WU-0001"})
        if steps == 2:
            await api.done(f"loops/{made['loop_id']}/activate")

        told = await api.done(f"work-surfaces/{name}/start")

        assert told["loop_id"] == made["loop_id"] != loop_id
        assert not told["already_started"]

    async def test_after_its_loop_is_closed_another_is_opened(self, api):
        name = await a_surface(api)
        first = await api.done(f"work-surfaces/{name}/start", START)
        await api.done(f"loops/{first['loop_id']}/close")

        again = await api.done(f"work-surfaces/{name}/start", START)

        assert again["loop_id"] != first["loop_id"]
        assert not again["already_started"]

    async def test_a_paused_loop_is_not_started(self, api):
        name = await a_surface(api)
        first = await api.done(f"work-surfaces/{name}/start", START)
        await api.done(f"loops/{first['loop_id']}/pause")

        answer = await api.post(f"work-surfaces/{name}/start")

        assert (answer.status_code, answer.json()["code"]) == (412, "LOOP_NOT_ACTIVE")

    async def test_an_archived_surface_is_not_started(self, api):
        name = await a_surface(api)
        await api.done(f"work-surfaces/{name}/archive")

        answer = await api.post(f"work-surfaces/{name}/start", START)

        assert (answer.status_code, answer.json()["code"]) == (
            412,
            "WORK_SURFACE_NOT_ACTIVE",
        )

    async def test_an_agent_does_not_start(self, api):
        name = await a_surface(api)

        answer = await api.post(f"work-surfaces/{name}/start", START, by="agent")

        assert answer.status_code == 403

    async def test_where_no_directive_is_named_the_recorded_one_is_taken(self, api):
        name = await a_surface(api)

        await api.done(f"work-surfaces/{name}/start")

        (opened,) = [
            each.event
            for each in await api.events()
            if isinstance(each.event, LoopCreated)
        ]
        assert DIRECTIVE in opened.refs

    async def test_where_none_is_recorded_there_is_none_to_take(self, undocumented):
        name = await a_surface(undocumented)

        answer = await undocumented.post(f"work-surfaces/{name}/start")

        assert answer.status_code == 404
        assert DIRECTIVE.id in answer.text


class TestNextIteration:
    """SPEC 5.6: in this order: surface, loop, its state, stage, progress, budget."""

    async def iterate(self, api, name: str):
        return await api.post(f"work-surfaces/{name}/iterations")

    async def end(self, api, iteration_id: str, outcome: str = "SUCCESS") -> None:
        await api.done(
            f"iterations/{iteration_id}/complete",
            {"outcome": outcome, "summary": "told"},
            by="agent",
        )

    async def test_it_counts_on(self, api):
        name = await a_surface(api)
        first = await api.done(f"work-surfaces/{name}/start", START)
        await self.end(api, first["iteration_id"])

        answer = await self.iterate(api, name)

        assert answer.status_code == 201, answer.text
        assert answer.json()["iteration_number"] == 2
        assert answer.json()["loop_id"] == first["loop_id"]

    async def test_an_archived_surface(self, api):
        name = await a_surface(api)
        await api.done(f"work-surfaces/{name}/archive")

        answer = await self.iterate(api, name)

        assert answer.json()["code"] == "WORK_SURFACE_NOT_ACTIVE"

    async def test_no_loop(self, api):
        name = await a_surface(api)

        answer = await self.iterate(api, name)
        context = await api.get(f"work-surfaces/{name}/iteration-context")

        assert (answer.status_code, answer.json()["code"]) == (412, "NO_LOOP")
        assert (context.status_code, context.json()["code"]) == (412, "NO_LOOP")

    @pytest.mark.parametrize("act", ["pause", "close"])
    async def test_a_loop_that_is_not_active(self, api, act):
        name = await a_surface(api)
        first = await api.done(f"work-surfaces/{name}/start", START)
        await api.done(f"loops/{first['loop_id']}/{act}")

        answer = await self.iterate(api, name)

        assert (answer.status_code, answer.json()["code"]) == (412, "LOOP_NOT_ACTIVE")

    async def test_an_early_call_stops_nothing(self, api):
        """What runs is asked before what is left: the last one may end in peace."""
        name = await a_surface(api)
        budgets = {"max_iterations": 1}
        first = await api.done(
            f"work-surfaces/{name}/start", {**START, "budgets": budgets}
        )

        early = await self.iterate(api, name)
        loop = (await api.get(f"loops/{first['loop_id']}")).json()

        assert (early.status_code, early.json()["code"]) == (
            412,
            "ITERATION_IN_PROGRESS",
        )
        assert loop["state"] == "ACTIVE"

    async def test_a_used_up_budget_stops_the_loop(self, api):
        name = await a_surface(api)
        budgets = {"max_iterations": 1}
        first = await api.done(
            f"work-surfaces/{name}/start", {**START, "budgets": budgets}
        )
        await self.end(api, first["iteration_id"])

        answer = await self.iterate(api, name)
        loop = (await api.get(f"loops/{first['loop_id']}")).json()

        assert (answer.status_code, answer.json()["code"]) == (412, "BUDGET_EXHAUSTED")
        assert (loop["state"], loop["last_stop_trigger"]) == (
            "PAUSED",
            "BUDGET_EXHAUSTED",
        )

    async def test_the_context_is_that_of_the_one_builder(self, api):
        name = await a_surface(api)
        first = await api.done(f"work-surfaces/{name}/start", START)

        told = (await api.get(f"work-surfaces/{name}/iteration-context")).json()

        assert {"Loop", "GovernedArtifact"} <= {each["kind"] for each in told["refs"]}
        assert first["loop_id"] in {each["id"] for each in told["refs"]}


class TestStages:
    """SPEC 4.6: a stage is left on evidence, and on nothing that is declared."""

    def path(self, name: str, stage: str = FRAME) -> str:
        return f"work-surfaces/{name}/stages/{stage}/complete"

    async def test_through_all_stages(self, api):
        name = await a_surface(api)
        started = await api.done(f"work-surfaces/{name}/start", START)
        bundle = await a_bundle(api, started["iteration_id"])

        first = await api.done(
            self.path(name),
            {"evidence_bundle_ref": bundle, "gate_result": {"status": "PASS"}},
        )
        bundle = await a_bundle(api, started["iteration_id"], suites=(REFS,))
        last = await api.done(
            self.path(name, FINAL), {"evidence_bundle_ref": bundle, "notes": "at last"}
        )

        assert (first["next_stage_id"], first["is_terminal"]) == (FINAL, False)
        assert (last["next_stage_id"], last["is_terminal"]) == (None, True)
        assert last["work_surface_status"] == "completed"
        instance = (await api.get(f"procedure-instances/{name}")).json()
        assert [
            (each["stage_id"], each["status"], each["gate_result"]["status"])
            for each in instance["stages"]
        ] == [(FRAME, "completed", "PASS"), (FINAL, "completed", "PASS")]
        assert [each["iteration_count"] for each in instance["stages"]] == [1, 0]
        listed = (await api.get(f"work-surfaces/{name}/evidence")).json()
        assert listed["total"] == 2

    async def test_a_failure_does_not_advance_whatever_is_declared(self, api):
        name = await a_surface(api)
        started = await api.done(f"work-surfaces/{name}/start", START)
        api.runner.scripts[UNIT_TESTS] = fails
        bundle = await a_bundle(api, started["iteration_id"])

        declared = await api.post(
            self.path(name),
            {"evidence_bundle_ref": bundle, "gate_result": {"status": "PASS"}},
        )
        silent = await api.post(self.path(name), {"evidence_bundle_ref": bundle})

        assert (declared.status_code, declared.json()["code"]) == (409, "GATE_MISMATCH")
        assert (silent.status_code, silent.json()["code"]) == (412, "GATE_FAILED")
        assert not any(
            isinstance(each.event, StageCompleted) for each in await api.events()
        )

    async def test_evidence_that_nobody_recorded(self, api):
        name = await a_surface(api)

        answer = await api.post(self.path(name), {"evidence_bundle_ref": SOME_HASH})

        assert (answer.status_code, answer.json()["code"]) == (412, "EVIDENCE_MISSING")

    async def gone(self, api) -> tuple[str, str, dict[str, Any]]:
        """A surface, a bundle for its stage whose blobs are altered, and its loop."""
        name = await a_surface(api)
        started = await api.done(f"work-surfaces/{name}/start", START)
        bundle = await a_bundle(api, started["iteration_id"])
        for key in api.stage.evidence_bytes.keys():  # noqa: SIM118 - a store, no dict
            if "/blobs/" in key:
                api.stage.evidence_bytes.overwrite(key, b"altered")
        return name, bundle, started

    async def test_evidence_that_is_gone(self, api):
        """C-EVID-6: it is remembered in the loop's history, and stops the loop."""
        name, bundle, started = await self.gone(api)

        answer = await api.post(self.path(name), {"evidence_bundle_ref": bundle})

        assert (answer.status_code, answer.json()["code"]) == (412, "EVIDENCE_MISSING")
        assert bundle in answer.json()["detail"]
        *_, found, stopped = [each.event for each in await api.events()]
        assert isinstance(found, EvidenceMissingDetected)
        assert found.content_hash == bundle
        assert isinstance(stopped, StopTriggered)
        loop = (await api.get(f"loops/{started['loop_id']}")).json()
        assert (loop["state"], loop["last_stop_trigger"]) == (
            "PAUSED",
            "EVIDENCE_MISSING",
        )

    async def test_evidence_that_is_gone_is_found_so_once(self, api):
        name, bundle, _ = await self.gone(api)
        body = {"evidence_bundle_ref": bundle}
        await api.post(self.path(name), body)
        before = len(await api.events())

        again = await api.post(self.path(name), body)

        assert (again.status_code, again.json()["code"]) == (412, "EVIDENCE_MISSING")
        assert len(await api.events()) == before

    async def test_new_evidence_cures_what_is_gone(self, api):
        name, bundle, started = await self.gone(api)
        await api.post(self.path(name), {"evidence_bundle_ref": bundle})
        resume = f"loops/{started['loop_id']}/resume"
        decision = await api.done(
            "decisions",
            {
                "scope": {"loop_id": started["loop_id"]},
                "trigger": "EVIDENCE_MISSING",
                "decision": "PROCEED",
                "rationale": "it is judged again",
                "exceptions_acknowledged": [],
            },
        )
        early = await api.post(resume, {"decision_id": decision["decision_id"]})

        again = await api.done(
            "runs",
            {
                "candidate_id": await candidate_of(api, bundle),
                "oracle_suite_id": STRUCTURE,
            },
            by="system",
        )
        fresh = (await api.get(f"runs/{again['run_id']}")).json()
        await api.done(resume, {"decision_id": decision["decision_id"]})
        left = await api.done(
            self.path(name), {"evidence_bundle_ref": fresh["evidence_bundle_hash"]}
        )

        assert (early.status_code, early.json()["code"]) == (
            412,
            "INTEGRITY_UNRESOLVED",
        )
        assert left["next_stage_id"] == FINAL

    async def test_evidence_of_an_earlier_stage(self, api):
        """What is judged in one stage proves nothing of the next."""
        name = await a_surface(api)
        started = await api.done(f"work-surfaces/{name}/start", START)
        early = await a_bundle(api, started["iteration_id"], suites=(REFS,))
        bundle = await a_bundle(api, started["iteration_id"])
        await api.done(self.path(name), {"evidence_bundle_ref": bundle})

        answer = await api.post(self.path(name, FINAL), {"evidence_bundle_ref": early})

        assert (answer.status_code, answer.json()["code"]) == (400, "EVIDENCE_UNFIT")
        assert f"was made for {FRAME}, not for {FINAL}" in answer.json()["detail"]

    async def test_evidence_of_another_loop(self, api):
        name = await a_surface(api)
        await api.done("oracles/suites", {**SUITE, "suite_id": CORE})
        loop_id = await api.a_loop()
        begun = await api.done(f"loops/{loop_id}/iterations", by="system")
        bundle = await a_bundle(api, begun["iteration_id"])

        answer = await api.post(self.path(name), {"evidence_bundle_ref": bundle})

        assert (answer.status_code, answer.json()["code"]) == (400, "EVIDENCE_UNFIT")

    async def test_evidence_of_another_suite(self, api):
        name = await a_surface(api)
        started = await api.done(f"work-surfaces/{name}/start", START)
        bundle = await a_bundle(api, started["iteration_id"], suites=(REFS,))

        answer = await api.post(self.path(name), {"evidence_bundle_ref": bundle})

        assert (answer.status_code, answer.json()["code"]) == (400, "EVIDENCE_UNFIT")

    @pytest.mark.parametrize(
        ("stage", "status", "code"),
        [(FINAL, 422, "TRANSITION_REFUSED"), ("stage:NONE", 412, "STAGE_UNKNOWN")],
    )
    async def test_another_stage(self, api, stage, status, code):
        name = await a_surface(api)

        answer = await api.post(
            self.path(name, stage), {"evidence_bundle_ref": SOME_HASH}
        )

        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_an_agent_does_not_complete(self, api):
        name = await a_surface(api)

        answer = await api.post(
            self.path(name), {"evidence_bundle_ref": SOME_HASH}, by="agent"
        )

        assert answer.status_code == 403

    async def approvable(self, api) -> tuple[str, str]:
        """A surface in a stage that a human has to approve, and a bundle for it."""
        stages = [
            {
                **TEMPLATE["stages"][1],
                "requires_approval": True,
                "requires_portal": True,
                "portal_id": "HumanAuthorityExceptionProcess",
            }
        ]
        content = {
            **TEMPLATE,
            "template_id": "proc:APPROVED",
            "stages": stages,
            "initial_stage_id": FINAL,
        }
        await api.done("templates", {"content": content})
        name = await a_surface(api, template="proc:APPROVED")
        started = await api.done(f"work-surfaces/{name}/start", START)
        return name, await a_bundle(api, started["iteration_id"], suites=(REFS,))

    async def approve(self, api, subject: dict[str, Any], bundle: str, **changes: Any):
        body = {
            "portal_id": "HumanAuthorityExceptionProcess",
            "request_type": "ENG_ACCEPT",
            "decision": "APPROVED",
            "subject_refs": [subject],
            "evidence_refs": [bundle],
            "exceptions_acknowledged": [],
            "rationale": "as reviewed",
            **changes,
        }
        return await api.done("approvals", body)

    async def status(self, api, name: str) -> dict[str, Any]:
        path = f"work-surfaces/{name}/stages/{FINAL}/approval-status"
        told: dict[str, Any] = (await api.get(path)).json()
        return told

    async def test_a_stage_that_a_human_has_to_approve_is_held(self, api):
        name, bundle = await self.approvable(api)

        answer = await api.post(self.path(name, FINAL), {"evidence_bundle_ref": bundle})
        status = await api.get(f"work-surfaces/{name}/stages/{FINAL}/approval-status")

        assert (answer.status_code, answer.json()["code"]) == (412, "APPROVAL_REQUIRED")
        assert answer.json()["details"] == {
            "error_code": "APPROVAL_REQUIRED",
            "work_surface_id": name,
            "stage_id": FINAL,
            "portal_id": "HumanAuthorityExceptionProcess",
        }
        told = status.json()
        assert (told["requires_approval"], told["is_approved"]) == (True, False)
        assert told["request_type"] == "ENG_ACCEPT"
        assert told["approval"] is None

    @pytest.mark.parametrize("kind", ["WorkSurface", "ProcedureStage"])
    async def test_it_is_left_once_a_human_has_approved_it(self, api, kind):
        name, bundle = await self.approvable(api)

        given = await self.approve(api, subject_of(kind, name), bundle)

        told = await self.status(api, name)
        assert (told["is_approved"], told["why_not"]) == (True, None)
        assert told["approval"]["approval_id"] == given["approval_id"]
        left = await api.done(self.path(name, FINAL), {"evidence_bundle_ref": bundle})
        assert (left["is_terminal"], left["work_surface_status"]) == (True, "completed")

    @pytest.mark.parametrize("said", ["REJECTED", "DEFERRED"])
    async def test_it_is_held_by_any_other_word(self, api, said):
        name, bundle = await self.approvable(api)
        stage = subject_of("WorkSurface", name)
        await self.approve(api, stage, bundle)
        given = await self.approve(api, stage, bundle, decision=said)

        answer = await api.post(self.path(name, FINAL), {"evidence_bundle_ref": bundle})

        told = await self.status(api, name)
        assert told["is_approved"] is False
        assert told["why_not"] == f"{given['approval_id']} says {said}"
        assert (answer.status_code, answer.json()["code"]) == (412, "APPROVAL_REQUIRED")

    @pytest.mark.parametrize(
        "changes",
        [
            {
                "portal_id": "GovernanceChangePortal",
                "request_type": "GOVERNANCE_CHANGE",
            },
            {"request_type": "BUDGET_ESCALATION"},
        ],
        ids=["portal", "request"],
    )
    async def test_it_is_held_by_a_word_of_another_kind(self, api, changes):
        name, bundle = await self.approvable(api)
        await self.approve(api, subject_of("WorkSurface", name), bundle, **changes)

        answer = await api.post(self.path(name, FINAL), {"evidence_bundle_ref": bundle})

        assert (await self.status(api, name))["is_approved"] is False
        assert (answer.status_code, answer.json()["code"]) == (412, "APPROVAL_REQUIRED")

    async def test_a_word_on_another_stage_approves_nothing(self, api):
        name, bundle = await self.approvable(api)
        other = subject_of("WorkSurface", name, stage=FRAME)
        await self.approve(api, other, bundle)

        assert (await self.status(api, name))["approval"] is None
