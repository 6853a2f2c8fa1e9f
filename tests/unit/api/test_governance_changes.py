"""Governance over HTTP, end to end: what a portal approves can be done, and no more.

C-OR-6: a suite asks less only on the word of GovernanceChangePortal. SPEC 5.5: so does a
normative version become current.
"""

from __future__ import annotations

from typing import Any

import pytest

from sr_core.domain.refs import hash_bytes
from sr_core.testing import CORE, DIRECTIVE, SOME_HASH

pytestmark = pytest.mark.anyio

OTHER_HASH = hash_bytes(b"something else")
REBASE = f"oracles/suites/{CORE}/rebase"
REGISTER = "governed-artifacts/register"
CHARTER = {
    "artifact_id": "SR-CHARTER",
    "artifact_type": "governance.charter",
    "version": "1.0.0",
    "content_hash": SOME_HASH,
    "status": "governed",
    "normative_status": "normative",
    "authority_kind": "content",
    "is_current": True,
}


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def approval(api: Any, subject: dict[str, Any], **changes: Any) -> str:
    """What a steward says at GovernanceChangePortal; its identifier."""
    body = {
        "portal_id": "GovernanceChangePortal",
        "decision": "APPROVED",
        "subject_refs": [subject],
        "evidence_refs": [],
        "exceptions_acknowledged": [],
        "rationale": "as weighed",
        **changes,
    }
    told = await api.done("approvals", body)
    return str(told["approval_id"])


def about_suite(suite_hash: str, **changes: Any) -> dict[str, Any]:
    pins = {"content_hash": suite_hash, "suite_hash": suite_hash}
    return {"kind": "OracleSuite", "id": CORE, "meta": pins, **changes}


def about_charter(content_hash: str = SOME_HASH) -> dict[str, Any]:
    pins = {"content_hash": content_hash, "version": "1.0.0"}
    return {"kind": "GovernedArtifact", "id": "SR-CHARTER", "meta": pins}


async def suite_hash(api: Any) -> str:
    told = (await api.get(f"oracles/suites/{CORE}")).json()
    return str(told["suite_hash"])


class TestSuites:
    """POST /oracles/suites/{id}/rebase, to ask less."""

    @pytest.fixture
    async def weaker(self, api: Any, suite: dict[str, Any]) -> dict[str, Any]:
        """A definition that leaves oracles out, of a suite that has judged."""
        _, candidate_id = await api.a_candidate()
        await api.a_run(candidate_id)
        return {"oracles": suite["oracles"][:1], "rationale": "the others are gone"}

    async def test_with_an_approval_it_may(self, api, weaker):
        before = await suite_hash(api)
        approval_id = await approval(api, about_suite(before))

        told = await api.done(REBASE, {**weaker, "approval_id": approval_id})

        assert told["suite_hash"] == await suite_hash(api) != before
        rebased = next(
            each.event
            for each in await api.events()
            if type(each.event).__name__ == "OracleSuiteRebased"
        )
        assert rebased.approval_id == approval_id
        assert "oracle:unit_tests is left out" in rebased.weakenings

    async def test_what_it_judged_is_stale_from_then_on(self, api, weaker):
        approval_id = await approval(api, about_suite(await suite_hash(api)))
        await api.done(REBASE, {**weaker, "approval_id": approval_id})

        page = (await api.get("staleness")).json()

        kinds = {each["dependent_kind"] for each in page["markers"]}
        assert kinds == {"Candidate", "Iteration", "Run"}
        roots = {each["root_id"] for each in page["markers"]}
        assert roots == {CORE}

    async def test_without_one_it_may_not(self, api, weaker):
        before = await suite_hash(api)

        answer = await api.post(REBASE, weaker)

        assert problem(answer) == (412, "SUITE_APPROVAL_REQUIRED")
        assert await suite_hash(api) == before

    @pytest.mark.parametrize(
        "changes",
        [
            {"decision": "REJECTED"},
            {"decision": "DEFERRED"},
            {"subject_refs": [about_charter()]},
            {"subject_refs": [about_suite(OTHER_HASH)]},
            {"subject_refs": [about_suite(SOME_HASH, id="suite:OTHER")]},
            {
                "subject_refs": [
                    {"kind": "GovernedArtifact", "id": CORE, "meta": DIRECTIVE.meta}
                ]
            },
        ],
        ids=["no", "later", "charter", "another definition", "another", "kind"],
    )
    async def test_any_other_word_is_none(self, api, weaker, changes):
        before = await suite_hash(api)
        given = {
            name: [{**each, "meta": dict(each["meta"])} for each in said]
            if name == "subject_refs"
            else said
            for name, said in changes.items()
        }
        approval_id = await approval(api, about_suite(before), **given)

        answer = await api.post(REBASE, {**weaker, "approval_id": approval_id})

        assert problem(answer) == (400, "APPROVAL_UNFIT")
        assert await suite_hash(api) == before

    async def test_it_holds_for_one_change(self, api, weaker, suite):
        """What was said of the suite as it was says nothing of it as it is."""
        approval_id = await approval(api, about_suite(await suite_hash(api)))
        await api.done(REBASE, {**weaker, "approval_id": approval_id})
        again = {"oracles": suite["oracles"][1:2], "rationale": "and once more"}

        answer = await api.post(REBASE, {**again, "approval_id": approval_id})

        assert problem(answer) == (400, "APPROVAL_UNFIT")


class TestGovernedArtifacts:
    """POST /governed-artifacts/register, to make a normative version current."""

    async def test_with_an_approval_it_may(self, api):
        approval_id = await approval(api, about_charter())

        told = await api.done(REGISTER, {**CHARTER, "approval_id": approval_id})

        assert told["is_current"] is True
        current = (await api.get("governed-artifacts/SR-CHARTER")).json()["current"]
        assert current["content_hash"] == SOME_HASH

    async def test_without_one_it_may_not(self, api):
        answer = await api.post(REGISTER, CHARTER)

        assert problem(answer) == (412, "GOVERNANCE_APPROVAL_REQUIRED")

    @pytest.mark.parametrize(
        "changes",
        [
            {"decision": "REJECTED"},
            {"subject_refs": [about_charter(OTHER_HASH)]},
            {"subject_refs": [about_suite(SOME_HASH)]},
        ],
        ids=["no", "other bytes", "suite"],
    )
    async def test_any_other_word_is_none(self, api, changes):
        approval_id = await approval(api, about_charter(), **changes)

        answer = await api.post(REGISTER, {**CHARTER, "approval_id": approval_id})

        assert problem(answer) == (412, "GOVERNANCE_APPROVAL_REQUIRED")
        missing = await api.get("governed-artifacts/SR-CHARTER")
        assert missing.status_code == 404
