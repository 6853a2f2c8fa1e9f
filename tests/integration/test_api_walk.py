"""Every endpoint of the HTTP API, walked by every kind of actor, in one journey.

The table is written from what the specification says of each endpoint (SPEC 5), and from
no route of ours: who may ask, what is answered, and by which fields. Whoever may not ask
is refused, and whoever may is answered; each refusal is a problem with its code. A row's
path and body name what earlier rows left behind: ``{loop}`` is what one kept as `loop`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast
from urllib.parse import quote

import pytest

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.steps import runner
from pytest_sr.steps.oracles import ORACLES
from pytest_sr.steps.sources import SOURCES
from pytest_sr.world.accounts import Accounts, ActorName
from pytest_sr.world.world import Answer, Template, World, world

pytestmark = pytest.mark.anyio

PLACE: Final = re.compile(r"{(\w+)}")
ANY_CODE: Final = "*"

ACTORS: Final = ("nobody", "agent", "bystander", "human", "system")
"""A caller without a token, an agent, a human without a portal's role, one, the system."""

EVERYBODY: Final = frozenset(ACTORS)
ANY: Final = EVERYBODY - {"nobody"}
HUMANS: Final = frozenset({"human", "bystander"})
ROLES: Final = frozenset({"human"})
SYSTEM: Final = frozenset({"system"})
WORKERS: Final = frozenset({"system", "agent"})
OPERATORS: Final = HUMANS | SYSTEM

HASH: Final = f"sha256:{'0' * 63}7"
LATER: Final = "2099-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One endpoint, or one refusal of it: what is asked, and what is owed for it."""

    method: str
    path: str
    may: frozenset[str]
    by: str
    body: Mapping[str, Any] | None = None
    status: int = 200
    code: str = ""
    holds: tuple[str, ...] = ()
    """Fields of the answer; of a list, those of its first item follow the colon."""
    keeps: Mapping[str, str] = field(default_factory=dict)
    is_command: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether what is asked is refused to everyone."""
        return bool(self.code)


def reads(path: str, holds: str, *, may: frozenset[str] = ANY, **keeps: str) -> Row:
    """Return the row of something that is read, by everyone who may."""
    by = "human" if "human" in may else min(may)
    return Row(
        method="GET", path=path, may=may, by=by, holds=(*holds.split(),), keeps=keeps
    )


def does(
    asked: str,
    body: Mapping[str, Any] | None = None,
    *,
    may: frozenset[str],
    holds: str,
    by: str | None = None,
    status: int = 200,
    is_command: bool = True,
    **keeps: str,
) -> Row:
    """Return the row of something that is done, by one of those who may."""
    method, _, path = asked.partition(" ")
    return Row(
        method=method,
        path=path,
        may=may,
        by=by or ("human" if "human" in may else max(may)),
        body=body,
        status=status,
        holds=(*holds.split(),),
        keeps=keeps,
        is_command=is_command,
    )


def makes(asked: str, body: Mapping[str, Any] | None = None, **told: Any) -> Row:
    """Return the row of something that is created."""
    return does(f"POST {asked}", body, status=201, **told)


def refuses(
    asked: str,
    status: int,
    code: str,
    body: Mapping[str, Any] | None = None,
    *,
    by: str = "human",
) -> Row:
    """Return the row of something that is refused, whoever asks for it."""
    method, _, path = asked.partition(" ")
    return Row(
        method=method,
        path=path,
        may=EVERYBODY,
        by=by,
        body=body,
        status=status,
        code=code,
    )


def _oracle(name: str) -> dict[str, object]:
    return dict(ORACLES[name])


_OPERATIONAL: Final = (
    reads("/health", "status version", may=EVERYBODY),
    reads(
        "/ready", "ready timestamp checks:name,status,latency_ms,error", may=EVERYBODY
    ),
    reads("/api/v1/metrics", "http domain", may=EVERYBODY),
    reads("/api/v1/info", "service version description", may=EVERYBODY),
    reads("/api/v1/whoami", "actor_kind actor_id subject roles", may=EVERYBODY),
    reads("/api/v1/protected", "actor_kind actor_id"),
    refuses("GET /api/v1/no-such-thing", 404, "NO_SUCH_ROUTE"),
    refuses("GET /api/v1/loops?colour=blue", 400, "MALFORMED_INPUT"),
)

_FULL_SUITE: Final = {
    "suite_id": "suite:WALK-FULL",
    "oci_image": "ghcr.io/example/oracles:1",
    "oci_image_digest": HASH,
    "environment_constraints": {
        "runtime": "runc",
        "network": "disabled",
        "cpu_arch": "amd64",
        "os": "linux",
        "workspace_readonly": True,
        "additional_constraints": ["python=3.11"],
    },
    "oracles": [
        {
            "oracle_id": "oracle:build",
            "oracle_name": "Build",
            "command": "python3 -m compileall .",
            "timeout_seconds": 60,
            "expected_outputs": [
                {
                    "path": "reports/build.json",
                    "content_type": "application/json",
                    "required": True,
                }
            ],
            "classification": "required",
            "working_dir": "",
            "env": {"LANG": "C"},
        }
    ],
    "metadata": {"origin": "a walk"},
}
_CORE_SUITE: Final = {
    "suite_id": "suite:SR-SUITE-CORE",
    "oracles": [_oracle("build"), _oracle("unit_tests")],
}
_PROFILE: Final = {
    "profile_id": "profile:WALK",
    "name": "Of a walk",
    "description": "What a walk asks for.",
    "required_suites": ["suite:SR-SUITE-CORE"],
    "optional_suites": [],
    "waivable_failures": [],
    "integrity_conditions": [
        "ORACLE_TAMPER",
        "ORACLE_GAP",
        "ORACLE_ENV_MISMATCH",
        "ORACLE_FLAKE",
        "EVIDENCE_MISSING",
    ],
    "applicable_deliverables": ["D-02"],
    "metadata": {},
}

_ORACLES: Final = (
    makes(
        "/api/v1/oracles/suites", _FULL_SUITE, may=ROLES, holds="suite_id suite_hash"
    ),
    makes(
        "/api/v1/oracles/suites",
        _CORE_SUITE,
        may=ROLES,
        holds="suite_id suite_hash",
        suite_hash="suite_hash",
    ),
    refuses("POST /api/v1/oracles/suites", 409, "SUITE_TAKEN", _CORE_SUITE),
    refuses(
        "POST /api/v1/oracles/suites",
        400,
        "MALFORMED_INPUT",
        {**_CORE_SUITE, "suite_id": "SR-SUITE-CORE"},
    ),
    reads(
        "/api/v1/oracles/suites",
        "total limit offset oracle_suites:suite_id,suite_hash,oracle_count,oci_image,"
        "network_mode,runtime,semantic_set_id",
    ),
    reads("/api/v1/oracles/suites/suite:SR-SUITE-CORE", "suite_id suite_hash"),
    refuses("GET /api/v1/oracles/suites/suite:NONE", 404, "NOT_FOUND"),
    makes("/api/v1/oracles/profiles", _PROFILE, may=ROLES, holds=""),
    refuses(
        "POST /api/v1/oracles/profiles",
        400,
        "MALFORMED_INPUT",
        {**_PROFILE, "profile_id": "WALK"},
    ),
    reads(
        "/api/v1/oracles/profiles",
        "total profiles:profile_id,name,description,required_suites,optional_suites,"
        "waivable_failures,integrity_conditions,applicable_deliverables,metadata",
    ),
    reads("/api/v1/oracles/profiles/profile:WALK", "profile_id name required_suites"),
    reads("/api/v1/oracles/profiles/STRICT-CORE", "profile_id"),
    refuses("GET /api/v1/oracles/profiles/profile:NONE", 404, "NOT_FOUND"),
)

_LOOP: Final = {
    "goal": "Walk every way there is.",
    "directive_ref": "{directive}",
    "budgets": {
        "max_iterations": 5,
        "max_oracle_runs": 25,
        "max_wallclock_hours": 16,
    },
}
_TOLD: Final = "loop_id state event_id"
_SUMMARY: Final = {
    "intent": "walk",
    "actions": [],
    "artifacts_touched": [],
    "candidates_produced": [],
    "runs_executed": [],
    "outcomes": {"oracle_results": [], "stop_triggers_fired": []},
    "next_steps": [],
    "open_risks": [],
}
_LOOP_FIELDS: Final = (
    "loop_id,goal,work_unit,work_surface_id,state,budgets,directive_ref,created_by,"
    "created_at,activated_at,closed_at,iteration_count,paused_at,last_stop_trigger,"
    "last_recommended_portal,requires_decision,stop_triggers_fired"
)

_LOOPS: Final = (
    reads(
        "/api/v1/governed-artifacts/SR-DIRECTIVE",
        "artifact_id versions",
        directive="ref",
    ),
    makes("/api/v1/loops", _LOOP, may=ANY, holds=_TOLD, loop="loop_id"),
    makes("/api/v1/loops", _LOOP, may=ANY, by="agent", holds=_TOLD, spare="loop_id"),
    makes("/api/v1/loops", _LOOP, may=ANY, by="system", holds=_TOLD),
    refuses(
        "POST /api/v1/loops",
        400,
        "MALFORMED_INPUT",
        {**_LOOP, "directive_ref": {"kind": "doc", "id": "X", "rel": "y", "meta": {}}},
    ),
    refuses(
        "POST /api/v1/loops",
        412,
        "WORK_SURFACE_MISSING",
        {**_LOOP, "work_unit": "WU-unbound"},
    ),
    reads("/api/v1/loops", f"total limit offset loops:{_LOOP_FIELDS}"),
    reads("/api/v1/loops?state=CREATED&limit=1&offset=0", "total loops:loop_id"),
    refuses("GET /api/v1/loops?state=RUNNING", 400, "MALFORMED_INPUT"),
    reads(
        "/api/v1/loops/{loop}",
        f"{_LOOP_FIELDS.replace(',', ' ')} event_id global_seq",
    ),
    refuses("GET /api/v1/loops/loop_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "NOT_FOUND"),
    does(
        "PATCH /api/v1/loops/{loop}",
        {"goal": "Walk on.", "budgets": {"max_iterations": 9}},
        may=HUMANS,
        holds=_TOLD,
    ),
    refuses(
        "PATCH /api/v1/loops/{loop}",
        400,
        "BUDGET_DECREASED",
        {"budgets": {"max_iterations": 2}},
    ),
    refuses("PATCH /api/v1/loops/{loop}", 400, "MALFORMED_INPUT", {}),
    refuses("POST /api/v1/loops/{loop}/pause", 422, "TRANSITION_REFUSED"),
    refuses(
        "POST /api/v1/iterations",
        422,
        "TRANSITION_REFUSED",
        {"loop_id": "{loop}"},
        by="system",
    ),
    does("POST /api/v1/loops/{loop}/activate", may=OPERATORS, holds=_TOLD),
    refuses("POST /api/v1/loops/{loop}/activate", 422, "TRANSITION_REFUSED"),
    does(
        "POST /api/v1/loops/{loop}/pause",
        {"rationale": "a rest"},
        may=OPERATORS,
        holds=_TOLD,
    ),
    does(
        "POST /api/v1/loops/{loop}/resume",
        {"rationale": "rested"},
        may=HUMANS,
        holds=_TOLD,
    ),
    does("POST /api/v1/loops/{spare}/close", may=OPERATORS, holds=_TOLD, by="system"),
    refuses(
        "PATCH /api/v1/loops/{spare}", 422, "TRANSITION_REFUSED", {"goal": "Too late."}
    ),
    makes(
        "/api/v1/loops/{loop}/iterations",
        may=SYSTEM,
        holds="iteration_id loop_id state event_id",
        iteration="iteration_id",
    ),
    refuses(
        "POST /api/v1/iterations",
        412,
        "ITERATION_IN_PROGRESS",
        {"loop_id": "{loop}"},
        by="system",
    ),
    refuses("GET /api/v1/iterations/{iteration}/loop-record", 404, "NOT_FOUND"),
    refuses(
        "POST /api/v1/iterations/{iteration}/complete",
        400,
        "MALFORMED_INPUT",
        {"outcome": "FAILED", "summary": _SUMMARY},
        by="system",
    ),
    does(
        "POST /api/v1/iterations/{iteration}/complete",
        {"outcome": "SUCCESS", "summary": _SUMMARY},
        may=WORKERS,
        by="agent",
        holds="iteration_id loop_id state event_id",
    ),
    refuses(
        "POST /api/v1/iterations/{iteration}/complete",
        422,
        "TRANSITION_REFUSED",
        {"outcome": "SUCCESS", "summary": _SUMMARY},
        by="system",
    ),
    makes(
        "/api/v1/iterations",
        {"loop_id": "{loop}", "refs": []},
        may=SYSTEM,
        holds="iteration_id loop_id state event_id",
        second="iteration_id",
    ),
    does(
        "POST /api/v1/loops/{loop}/iterations/{second}/complete",
        {"outcome": "FAILURE", "summary": _SUMMARY},
        may=WORKERS,
        by="system",
        holds="iteration_id loop_id state event_id",
    ),
    makes(
        "/api/v1/iterations",
        {"loop_id": "{loop}"},
        may=SYSTEM,
        holds="iteration_id",
        at_work="iteration_id",
    ),
    reads("/api/v1/loops/{loop}/iterations", "total iterations:iteration_id,state"),
    reads("/api/v1/loops/{loop}/iterations?state=COMPLETED", "total iterations:state"),
    reads(
        "/api/v1/iterations/{iteration}",
        "iteration_id loop_id sequence state started_at completed_at refs summary",
    ),
    reads("/api/v1/iterations/{iteration}/loop-record", "type_key summary"),
)

_CANDIDATE: Final = {
    "produced_by_iteration_id": "{at_work}",
    "files": SOURCES["sound"],
    "refs": [],
}
_CANDIDATE_FIELDS: Final = (
    "candidate_id,content_hash,verification_status,verification_mode,"
    "verification_scope,verification_basis,verification_profile_id,"
    "integrity_conditions,evidence_hashes,waiver_ids,waived_oracle_ids,"
    "oracle_summaries,has_unresolved_staleness,refs"
)
_RUN: Final = {"candidate_id": "{candidate}", "oracle_suite_id": "suite:SR-SUITE-CORE"}
_EXTERNAL: Final = {**_RUN, "execution": "external"}

_CANDIDATES: Final = (
    makes(
        "/api/v1/candidates",
        _CANDIDATE,
        may=ANY,
        by="agent",
        holds="candidate_id content_hash verification_status event_id",
        candidate="candidate_id",
    ),
    refuses(
        "POST /api/v1/candidates",
        404,
        "NOT_FOUND",
        {**_CANDIDATE, "produced_by_iteration_id": "iter_01ARZ3NDEKTSV4RRFFQ69G5FAV"},
    ),
    refuses("POST /api/v1/candidates", 400, "MALFORMED_INPUT", {"files": {}}),
    reads("/api/v1/candidates", f"total limit offset candidates:{_CANDIDATE_FIELDS}"),
    reads(
        "/api/v1/candidates?verification_status=UNVERIFIED&iteration_id={at_work}",
        "total candidates:candidate_id",
    ),
    refuses("GET /api/v1/candidates?verification_status=FINE", 400, "MALFORMED_INPUT"),
    reads("/api/v1/candidates/{candidate}", _CANDIDATE_FIELDS.replace(",", " ")),
    reads("/api/v1/iterations/{at_work}/candidates", "total candidates:candidate_id"),
    refuses("GET /api/v1/candidates/git:1", 400, "MALFORMED_INPUT"),
    makes(
        "/api/v1/runs",
        {**_RUN, "oracle_suite_hash": "{suite_hash}"},
        may=SYSTEM,
        holds="run_id candidate_id state event_id",
        run="run_id",
        evidence="evidence_bundle_hash",
    ),
    refuses(
        "POST /api/v1/runs",
        409,
        "SUITE_HASH_MISMATCH",
        {**_RUN, "oracle_suite_hash": HASH},
        by="system",
    ),
    refuses(
        "POST /api/v1/runs",
        404,
        "NOT_FOUND",
        {**_RUN, "oracle_suite_id": "suite:NONE"},
        by="system",
    ),
    reads(
        "/api/v1/runs",
        "total limit offset runs:run_id,candidate_id,oracle_suite_id,"
        "oracle_suite_hash,state,evidence_bundle_hash",
    ),
    reads("/api/v1/runs?state=COMPLETED", "total runs:run_id"),
    refuses("GET /api/v1/runs?state=DONE", 400, "MALFORMED_INPUT"),
    reads("/api/v1/runs/{run}", "run_id candidate_id state evidence_bundle_hash"),
    refuses("GET /api/v1/runs/run_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "NOT_FOUND"),
    makes(
        "/api/v1/runs", _EXTERNAL, may=SYSTEM, holds="run_id state", elsewhere="run_id"
    ),
    refuses(
        "POST /api/v1/runs/{elsewhere}/complete",
        412,
        "EVIDENCE_MISSING",
        {"outcome": "SUCCESS"},
        by="system",
    ),
    refuses(
        "POST /api/v1/runs/{run}/complete",
        422,
        "TRANSITION_REFUSED",
        {"outcome": "SUCCESS"},
        by="system",
    ),
    does(
        "POST /api/v1/candidates/{candidate}/verify",
        {"verification_profile_id": "profile:STRICT-CORE"},
        may=ANY,
        by="system",
        holds="candidate_id verification_status verification_mode "
        "verification_profile_id event_id integrity_conditions verification_scope",
    ),
    reads("/api/v1/candidates/{candidate}/runs", "total runs:run_id"),
    reads("/api/v1/candidates/{candidate}/evidence", "total evidence:content_hash"),
    reads("/api/v1/candidates/{candidate}/freeze-records", "total freeze_records"),
    reads(
        "/api/v1/candidates/{candidate}/shippable",
        "candidate_id is_shippable reasons freeze_id release_approval_id "
        "has_unresolved_staleness",
    ),
)

_EVIDENCE: Final = (
    refuses(
        "POST /api/v1/evidence",
        400,
        ANY_CODE,
        {"manifest": {"artifact_type": "evidence.gate_packet"}, "blobs": {}},
        by="system",
    ),
    refuses(
        "POST /api/v1/evidence",
        400,
        ANY_CODE,
        {"manifest": "{manifest}", "blobs": {}},
        by="system",
    ),
    refuses(
        "POST /api/v1/evidence",
        404,
        "NOT_FOUND",
        {"manifest": "{manifest_of_no_run}", "blobs": "{blobs}"},
        by="system",
    ),
    refuses(
        "POST /api/v1/evidence",
        400,
        ANY_CODE,
        {"manifest": "{manifest_of_other_suite}", "blobs": "{blobs}"},
        by="system",
    ),
    makes(
        "/api/v1/evidence",
        {"manifest": "{manifest}", "blobs": "{blobs}"},
        may=SYSTEM,
        holds="content_hash bundle_id run_id candidate_id verdict stored_at "
        "template_id stage_id work_surface_id",
        handed="content_hash",
    ),
    does(
        "POST /api/v1/runs/{elsewhere}/complete",
        {"outcome": "SUCCESS", "evidence_bundle_hash": "{handed}"},
        may=SYSTEM,
        holds="run_id state event_id evidence_bundle_hash",
    ),
    reads(
        "/api/v1/evidence",
        "total limit offset evidence:content_hash,bundle_id,run_id,candidate_id,verdict",
    ),
    reads("/api/v1/evidence/{evidence}", "content_hash manifest blob_names"),
    refuses(f"GET /api/v1/evidence/{HASH}", 404, "NOT_FOUND"),
    reads(
        "/api/v1/evidence/{evidence}/status",
        "content_hash available integrity_ok last_verified_at error_code",
    ),
    does(
        "POST /api/v1/evidence/{evidence}/verify",
        may=ANY,
        by="agent",
        is_command=False,
        holds="content_hash valid verified_at",
    ),
    does(
        "POST /api/v1/evidence/{evidence}/associate",
        {"iteration_id": "{at_work}"},
        may=SYSTEM,
        holds="content_hash",
    ),
    refuses(
        "POST /api/v1/evidence/{evidence}/associate",
        400,
        "MALFORMED_INPUT",
        {},
        by="system",
    ),
    reads(
        "/api/v1/evidence/{evidence}/blobs/{blob}",
        "content_hash blob_name content size",
    ),
    refuses("GET /api/v1/evidence/{evidence}/blobs/none.txt", 404, "NOT_FOUND"),
    reads("/api/v1/runs/{run}/evidence", "total evidence:content_hash"),
)

_ABOUT: Final = [{"kind": "Candidate", "id": "{candidate}", "meta": {}}]
_APPROVAL: Final = {
    "portal_id": "ReleaseApprovalPortal",
    "decision": "APPROVED",
    "subject_refs": _ABOUT,
    "evidence_refs": ["{evidence}", "{handed}"],
    "exceptions_acknowledged": [],
    "rationale": "It holds.",
}
_DEVIATION: Final = {
    "kind": "DEVIATION",
    "scope": {"loop_id": "{spare}", "artifact_refs": []},
    "rationale": "A walk asks.",
    "target_description": "a rule of a walk",
    "expires_at": LATER,
    "requirement_ref": "SR-SPEC 3.1",
    "risk": "none",
    "mitigation": "watched",
    "resolution_criteria": "mended",
}
_WAIVER: Final = {
    "scope": {"candidate_id": "{candidate}"},
    "oracle_id": "oracle:build",
    "gate_id": "G-VERIFIED-STRICT",
    "rationale": "A walk asks.",
    "target_description": "an oracle of a walk",
    "expires_at": LATER,
    "risk": "none",
    "mitigation": "watched",
    "resolution_criteria": "mended",
}
_DECISION: Final = {
    "trigger": "BUDGET_EXHAUSTED",
    "scope": {"loop_id": "{loop}"},
    "decision": "PROCEED",
    "rationale": "It may go on.",
    "subject_refs": [],
    "evidence_refs": [],
    "exceptions_acknowledged": [],
    "is_precedent": False,
    "applicability": "This walk alone.",
}
_FREEZE: Final = {
    "baseline_id": "baseline:2026-01-09.walk",
    "candidate_id": "{candidate}",
    "release_approval_id": "{approval}",
}
_NOTE: Final = {
    "subject_refs": _ABOUT,
    "evidence_refs": ["{evidence}"],
    "content": "It looks well made.",
    "severity": "info",
    "recommendations": "Go on.",
}
_ARTIFACT: Final = {
    "artifact_id": "SR-WALK",
    "artifact_type": "governance.charter",
    "version": "1.0.0",
    "content_hash": HASH,
    "status": "governed",
    "normative_status": "normative",
    "authority_kind": "content",
    "governed_by": [],
    "tags": [],
    "supersedes": [],
    "is_current": False,
}
_NONE: Final = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

_PORTALS: Final = (
    makes(
        "/api/v1/approvals",
        _APPROVAL,
        may=ROLES,
        holds="approval_id portal_id decision",
        approval="approval_id",
    ),
    refuses(
        "POST /api/v1/approvals",
        400,
        "MALFORMED_INPUT",
        {**_APPROVAL, "portal_id": "IntakeAcceptancePortal"},
    ),
    refuses(
        "POST /api/v1/approvals",
        400,
        "MALFORMED_INPUT",
        {**_APPROVAL, "subject_refs": []},
    ),
    refuses(
        "POST /api/v1/approvals",
        400,
        "MALFORMED_INPUT",
        {name: value for name, value in _APPROVAL.items() if "exceptions" not in name},
    ),
    refuses(
        "POST /api/v1/approvals",
        400,
        ANY_CODE,
        {**_APPROVAL, "exceptions_acknowledged": [f"exc_{_NONE}"]},
    ),
    refuses(
        "POST /api/v1/approvals",
        412,
        "EVIDENCE_MISSING",
        {**_APPROVAL, "evidence_refs": [HASH]},
    ),
    reads(
        "/api/v1/approvals",
        "total limit offset approvals:approval_id,portal_id,decision,subject_refs,"
        "evidence_refs,exceptions_acknowledged,rationale",
    ),
    reads("/api/v1/approvals/{approval}", "approval_id portal_id decision event_id"),
    reads("/api/v1/portals/ReleaseApprovalPortal/approvals", "approvals:approval_id"),
    refuses(f"GET /api/v1/approvals/appr_{_NONE}", 404, "NOT_FOUND"),
    does(
        "POST /api/v1/freeze-records",
        _FREEZE,
        status=201,
        may=ROLES,
        holds="freeze_id candidate_id",
        freeze="freeze_id",
    ),
    refuses(
        "POST /api/v1/freeze-records",
        400,
        ANY_CODE,
        {**_FREEZE, "artifact_manifest": []},
    ),
    reads("/api/v1/freeze-records", "total limit offset freeze_records:freeze_id"),
    reads(
        "/api/v1/freeze-records/{freeze}",
        "freeze_id baseline_id candidate_id verification_mode oracle_suite_id "
        "oracle_suite_hash evidence_bundle_refs waiver_refs release_approval_id "
        "artifact_manifest active_exceptions verification",
    ),
    refuses(f"GET /api/v1/freeze-records/freeze_{_NONE}", 404, "NOT_FOUND"),
    makes(
        "/api/v1/exceptions",
        _DEVIATION,
        may=ROLES,
        holds="exception_id",
        exception="exception_id",
    ),
    refuses(
        "POST /api/v1/exceptions",
        400,
        "MALFORMED_INPUT",
        {**_DEVIATION, "kind": "FAVOUR"},
    ),
    refuses(
        "POST /api/v1/exceptions", 400, "MALFORMED_INPUT", {**_DEVIATION, "scope": {}}
    ),
    refuses(
        "POST /api/v1/exceptions/waivers",
        400,
        "NON_WAIVABLE",
        {**_WAIVER, "oracle_id": "ORACLE_TAMPER"},
    ),
    refuses("POST /api/v1/exceptions/waivers", 400, "NON_WAIVABLE", _WAIVER),
    reads(
        "/api/v1/exceptions",
        "total limit offset exceptions:exception_id,kind,scope,rationale,"
        "target_description,expires_at,status",
    ),
    reads("/api/v1/exceptions/{exception}", "exception_id kind status scope"),
    does(
        "POST /api/v1/exceptions/{exception}/activate",
        may=ROLES,
        holds="exception_id",
    ),
    refuses("POST /api/v1/exceptions/{exception}/activate", 422, "TRANSITION_REFUSED"),
    does(
        "POST /api/v1/exceptions/{exception}/resolve",
        {"resolution_notes": "mended"},
        may=ROLES,
        holds="exception_id",
    ),
    makes(
        "/api/v1/oracles/suites",
        {"suite_id": "suite:WALK-LINT", "oracles": [_oracle("lint")]},
        may=ROLES,
        holds="suite_id",
    ),
    makes(
        "/api/v1/candidates",
        {"produced_by_iteration_id": "{at_work}", "files": SOURCES["untested"]},
        may=ANY,
        holds="candidate_id",
        flawed="candidate_id",
    ),
    makes(
        "/api/v1/runs",
        {"candidate_id": "{flawed}", "oracle_suite_id": "suite:WALK-LINT"},
        may=SYSTEM,
        holds="run_id",
    ),
    makes(
        "/api/v1/exceptions/waivers",
        {
            **_WAIVER,
            "scope": {"candidate_id": "{flawed}"},
            "oracle_id": "oracle:lint",
        },
        may=ROLES,
        holds="exception_id",
    ),
    makes(
        "/api/v1/decisions",
        _DECISION,
        may=ROLES,
        holds="decision_id",
        decision="decision_id",
    ),
    refuses(
        "POST /api/v1/decisions", 400, "MALFORMED_INPUT", {**_DECISION, "scope": {}}
    ),
    reads(
        "/api/v1/decisions",
        "total limit offset decisions:decision_id,trigger,scope,decision,rationale,"
        "subject_refs,evidence_refs,exceptions_acknowledged,is_precedent,applicability",
    ),
    reads("/api/v1/decisions/{decision}", "decision_id trigger scope decision"),
    refuses(f"GET /api/v1/decisions/dec_{_NONE}", 404, "NOT_FOUND"),
    makes(
        "/api/v1/records/evaluation-notes",
        _NOTE,
        may=HUMANS,
        holds="record_id",
        record="record_id",
    ),
    makes(
        "/api/v1/records/assessment-notes",
        {**_NOTE, "fitness_judgment": "fit", "context": "a walk"},
        may=HUMANS,
        holds="record_id",
    ),
    makes(
        "/api/v1/records/intervention-notes",
        {**_NOTE, "actions_taken": "none", "impact": "none"},
        may=HUMANS,
        holds="record_id",
    ),
    reads(
        "/api/v1/records/{record}",
        "record_id subject_refs evidence_refs content severity recommendations "
        "is_binding",
    ),
    makes(
        "/api/v1/governed-artifacts/register",
        _ARTIFACT,
        may=OPERATORS,
        by="system",
        holds="artifact_id version",
    ),
    refuses(
        "POST /api/v1/governed-artifacts/register",
        403,
        "AUTHORITY_REQUIRED",
        {**_ARTIFACT, "version": "2.0.0", "is_current": True},
        by="system",
    ),
    reads("/api/v1/governed-artifacts/SR-WALK", "artifact_id versions"),
)

_INTAKE: Final = {
    "work_unit_id": "WU-walk",
    "title": "A memo",
    "kind": "research_memo",
    "objective": "Say what a walk shows.",
    "audience": "engineers",
    "deliverables": [
        {"name": "memo", "format": "markdown", "path": "candidate/main.md"}
    ],
    "constraints": ["short"],
    "definitions": {"walk": "a journey"},
    "inputs": [],
    "unknowns": [],
    "completion_criteria": ["One can decide by it."],
}
_STAGES: Final = [
    {
        "stage_id": "stage:FRAME",
        "stage_name": "Frame",
        "purpose": "frame it",
        "required_outputs": [],
        "guideposts": [],
        "required_oracle_suites": ["suite:SR-SUITE-CORE"],
        "requires_approval": False,
        "requires_portal": False,
        "transition_on_pass": "stage:FINAL",
    },
    {
        "stage_id": "stage:FINAL",
        "stage_name": "Final",
        "purpose": "settle it",
        "required_oracle_suites": ["suite:SR-SUITE-CORE"],
        "requires_approval": True,
        "requires_portal": True,
        "portal_id": "HumanAuthorityExceptionProcess",
        "transition_on_pass": "terminal",
    },
]
_PROCEDURE: Final = {
    "template_id": "proc:WALK",
    "name": "Two stages",
    "description": "Frame it, settle it.",
    "kind": ["research_memo"],
    "stages": _STAGES,
    "initial_stage_id": "stage:FRAME",
    "terminal_stage_id": "stage:FINAL",
}
_SURFACE: Final = {
    "work_unit_id": "WU-walk",
    "intake_id": "{intake}",
    "template_id": "proc:WALK",
    "params": {"depth": 1},
}
_INTAKE_FIELDS: Final = (
    "intake_id,work_unit_id,title,kind,objective,audience,deliverables,constraints,"
    "definitions,inputs,unknowns,completion_criteria,status"
)

_DEFINITIONS: Final = (
    makes(
        "/api/v1/templates",
        {"content": _PROCEDURE},
        may=ROLES,
        holds="template_id content_hash",
    ),
    does(
        "PUT /api/v1/templates/proc:WALK",
        {"content": {**_PROCEDURE, "description": "Frame it; settle it."}},
        may=ROLES,
        holds="template_id content_hash",
    ),
    reads("/api/v1/templates", "total templates:template_id,category,is_starter"),
    reads("/api/v1/templates/proc:WALK", "template_id content_hash content"),
    reads("/api/v1/templates/proc:GENERIC-KNOWLEDGE-WORK", "template_id is_starter"),
    refuses("GET /api/v1/templates/proc:NONE", 404, "NOT_FOUND"),
    reads(
        "/api/v1/templates/schemas", "total schemas:type_key,category,requires_portal"
    ),
    reads("/api/v1/templates/schemas/verification_profile", "type_key schema"),
    reads("/api/v1/templates/schemas/budget_config", "type_key schema"),
    makes(
        "/api/v1/agents",
        {
            "id": "walker",
            "name": "Walker",
            "actor_id": "agent:walk:1",
            "status": "active",
            "capabilities": [],
            "iterations_completed": 0,
            "proposals_produced": 0,
        },
        may=ROLES,
        holds="",
    ),
    reads(
        "/api/v1/agents",
        "total agents:id,name,actor_id,status,capabilities,current_work_unit_id,"
        "iterations_completed,proposals_produced,last_active_at",
    ),
    makes(
        "/api/v1/portals",
        {
            "portal_id": "ReleaseApprovalPortal",
            "name": "Release",
            "description": "Where releases are approved.",
            "decisions": ["APPROVED", "REJECTED", "DEFERRED"],
            "seeded": True,
        },
        may=ROLES,
        holds="",
    ),
    makes(
        "/api/v1/oracle-definitions",
        {
            "oracle_id": "oracle:walk",
            "oracle_name": "Walk",
            "description": "walks",
            "expected_outputs": [
                {
                    "path": "reports/walk.json",
                    "content_type": "application/json",
                    "required": True,
                }
            ],
            "classification": "required",
            "metadata": {},
        },
        may=ROLES,
        holds="",
    ),
    makes(
        "/api/v1/semantic-profiles",
        {
            "profile_id": "profile:SEMANTIC-WALK",
            "name": "Semantic",
            "description": "By meaning.",
            "stage_bindings": [
                {"stage_id": "stage:FRAME", "oracle_suite_id": "suite:SR-SUITE-CORE"}
            ],
            "deliverable_kinds": ["research_memo"],
        },
        may=ROLES,
        holds="",
    ),
    reads(
        "/api/v1/config/definitions?type=config.agent_definition",
        "total config_definitions:type_key,content_hash,definition",
    ),
    refuses("GET /api/v1/config/definitions?type=colour", 400, "MALFORMED_INPUT"),
)

_INTAKES: Final = (
    makes("/api/v1/intakes", _INTAKE, may=ANY, holds="intake_id", intake="intake_id"),
    refuses(
        "POST /api/v1/intakes", 400, "MALFORMED_INPUT", {**_INTAKE, "kind": "poem"}
    ),
    does(
        "PUT /api/v1/intakes/{intake}",
        {"title": "A better memo"},
        may=ANY,
        by="agent",
        holds="intake_id",
    ),
    refuses("POST /api/v1/work-surfaces", 400, ANY_CODE, _SURFACE),
    does("POST /api/v1/intakes/{intake}/activate", may=OPERATORS, holds="intake_id"),
    refuses(
        "PUT /api/v1/intakes/{intake}", 422, "TRANSITION_REFUSED", {"title": "Late"}
    ),
    reads(
        "/api/v1/intakes?status=active&kind=research_memo&work_unit_id=WU-walk"
        "&page=1&page_size=5",
        f"total page page_size intakes:{_INTAKE_FIELDS}",
    ),
    reads("/api/v1/intakes/{intake}", "intake_id content_hash", digest="content_hash"),
    reads("/api/v1/intakes/by-hash/{digest}", "intake_id"),
    refuses(f"GET /api/v1/intakes/by-hash/{HASH}", 404, "NOT_FOUND"),
    refuses(f"GET /api/v1/intakes/intake:{_NONE}", 404, "NOT_FOUND"),
    makes(
        "/api/v1/intakes/{intake}/fork", may=ANY, holds="intake_id", fork="intake_id"
    ),
    refuses("POST /api/v1/intakes/{fork}/activate", 409, "INTAKE_TAKEN"),
    does(
        "PUT /api/v1/intakes/{fork}", {"title": "Another"}, may=ANY, holds="intake_id"
    ),
    does(
        "POST /api/v1/intakes/{fork}/activate", None, may=OPERATORS, holds="intake_id"
    ),
    does(
        "POST /api/v1/intakes/{fork}/archive",
        {"reason": "a walk"},
        may=OPERATORS,
        holds="intake_id",
    ),
    refuses("POST /api/v1/intakes/{fork}/activate", 422, "TRANSITION_REFUSED"),
)

_SURFACES: Final = (
    reads(
        "/api/v1/work-surfaces/compatibility?intake_id={intake}&template_id=proc:WALK",
        "intake_id template_id",
    ),
    reads("/api/v1/work-surfaces/compatible-templates?intake_id={intake}", "templates"),
    refuses(
        "POST /api/v1/work-surfaces",
        404,
        "NOT_FOUND",
        {**_SURFACE, "template_id": "proc:NONE"},
    ),
    makes(
        "/api/v1/work-surfaces",
        _SURFACE,
        may=OPERATORS,
        holds="work_surface_id",
        surface="work_surface_id",
    ),
    refuses("POST /api/v1/work-surfaces", 409, ANY_CODE, _SURFACE),
    reads(
        "/api/v1/work-surfaces", "total page page_size work_surfaces:work_surface_id"
    ),
    reads("/api/v1/work-surfaces/{surface}", "work_surface_id status current_stage_id"),
    reads("/api/v1/work-surfaces/by-work-unit/WU-walk", "work_surface_id"),
    refuses("GET /api/v1/work-surfaces/by-work-unit/WU-none", 404, "NOT_FOUND"),
    refuses("POST /api/v1/work-surfaces/{surface}/iterations", 412, "NO_LOOP"),
    does(
        "POST /api/v1/work-surfaces/{surface}/start",
        may=OPERATORS,
        holds="work_surface_id loop_id iteration_id already_started",
        surface_iteration="iteration_id",
    ),
    does(
        "POST /api/v1/work-surfaces/{surface}/start",
        may=OPERATORS,
        holds="work_surface_id loop_id iteration_id already_started",
    ),
    reads("/api/v1/work-surfaces/{surface}/iteration-context", "refs"),
    refuses(
        "POST /api/v1/work-surfaces/{surface}/iterations", 412, "ITERATION_IN_PROGRESS"
    ),
    makes(
        "/api/v1/candidates",
        {"produced_by_iteration_id": "{surface_iteration}", "files": SOURCES["sound"]},
        may=ANY,
        by="agent",
        holds="candidate_id",
        staged="candidate_id",
    ),
    makes(
        "/api/v1/runs",
        {"candidate_id": "{staged}", "oracle_suite_id": "suite:SR-SUITE-CORE"},
        may=SYSTEM,
        holds="run_id",
        staged_evidence="evidence_bundle_hash",
    ),
    does(
        "POST /api/v1/iterations/{surface_iteration}/complete",
        {"outcome": "SUCCESS", "summary": _SUMMARY},
        may=WORKERS,
        by="agent",
        holds="iteration_id",
    ),
    makes(
        "/api/v1/work-surfaces/{surface}/iterations",
        may=OPERATORS,
        holds="iteration_id iteration_number",
    ),
    reads(
        "/api/v1/work-surfaces/{surface}/iterations", "total iterations:iteration_id"
    ),
    reads("/api/v1/work-surfaces/{surface}/evidence", "total evidence:content_hash"),
    refuses(
        "POST /api/v1/work-surfaces/{surface}/stages/stage:FRAME/complete",
        412,
        "EVIDENCE_MISSING",
        {"evidence_bundle_ref": HASH},
    ),
    does(
        "POST /api/v1/work-surfaces/{surface}/stages/stage:FRAME/complete",
        {
            "evidence_bundle_ref": "{staged_evidence}",
            "gate_result": {"status": "PASS", "oracle_results": []},
            "notes": "framed",
        },
        may=OPERATORS,
        holds="work_surface_id completed_stage_id next_stage_id is_terminal "
        "work_surface_status",
    ),
    reads(
        "/api/v1/work-surfaces/{surface}/stages/stage:FINAL/approval-status",
        "requires_approval portal_id approval",
    ),
    refuses(
        "GET /api/v1/work-surfaces/{surface}/stages/stage:NONE/approval-status",
        404,
        "NOT_FOUND",
    ),
    reads("/api/v1/procedure-instances/{surface}", "work_surface_id stages"),
    does(
        "POST /api/v1/work-surfaces/{surface}/archive",
        {"reason": "a walk"},
        may=OPERATORS,
        holds="work_surface_id",
    ),
    refuses(
        "POST /api/v1/work-surfaces/{surface}/start", 412, "WORK_SURFACE_NOT_ACTIVE"
    ),
)

_STALENESS: Final = (
    does(
        "POST /api/v1/staleness/mark",
        {
            "root_ref": {"kind": "GovernedArtifact", "id": "SR-DIRECTIVE"},
            "reason_code": "MANUAL_MARK",
            "reason_detail": "a walk",
            "max_depth": 5,
        },
        may=ANY,
        holds="stale_ids dependents_marked",
        markers="stale_ids",
    ),
    reads(
        "/api/v1/staleness/dependents?root_kind=GovernedArtifact&root_id=SR-DIRECTIVE",
        "dependents:stale_id",
    ),
    makes(
        "/api/v1/decisions",
        _DECISION,
        may=ROLES,
        holds="decision_id",
        later="decision_id",
    ),
    refuses(
        "POST /api/v1/staleness/{markers}/resolve",
        403,
        "AUTHORITY_REQUIRED",
        {"resolution_kind": "MECHANICAL", "resolution_refs": []},
    ),
    refuses(
        "POST /api/v1/staleness/{markers}/resolve",
        403,
        "AUTHORITY_REQUIRED",
        {"resolution_kind": "DECISION", "resolution_refs": []},
        by="system",
    ),
    does(
        "POST /api/v1/staleness/{markers}/resolve",
        {
            "resolution_kind": "DECISION",
            "resolution_note": "weighed",
            "resolution_refs": [{"kind": "Decision", "id": "{later}"}],
        },
        may=OPERATORS,
        holds="",
    ),
    refuses(
        "GET /api/v1/staleness/dependents?root_kind=Car&root_id=x",
        400,
        "MALFORMED_INPUT",
    ),
)

_REFERENCES: Final = (
    reads(
        "/api/v1/references?page=1&page_size=5",
        "total page page_size references:kind,id,rel,meta",
    ),
    reads("/api/v1/references?kind=Candidate&rel=about", "total references"),
    *(
        reads(f"/api/v1/references/{each}", "total references:kind,id,rel,meta")
        for each in (
            "governed-artifacts",
            "documents",
            "candidates",
            "evidence-bundles",
            "oracle-suites",
            "templates",
            "exceptions",
            "iteration-summaries",
            "agent-definitions",
            "intakes",
        )
    ),
    reads("/api/v1/references/gating-policies", "total references"),
    refuses("GET /api/v1/references/colours", 404, "NOT_FOUND"),
)

ROWS: Final = (
    *_OPERATIONAL,
    *_ORACLES,
    *_LOOPS,
    *_CANDIDATES,
    *_EVIDENCE,
    *_PORTALS,
    *_DEFINITIONS,
    *_INTAKES,
    *_SURFACES,
    *_STALENESS,
    *_REFERENCES,
)


@dataclass
class Walk:
    """The journey: what it left behind, and where an answer was not what is owed."""

    world: World
    known: dict[str, Any] = field(default_factory=dict)
    amiss: list[str] = field(default_factory=list)

    async def take(self, row: Row) -> None:
        """Play one row: who may not is refused, who may is answered."""
        for actor in ACTORS:
            if actor not in row.may:
                await self._refused(row, actor)
        if row.method == "GET" and not row.is_refusal:
            for actor in sorted(row.may - {row.by}):
                self._held(row, actor, await self._ask(row, actor))
        elif row.body is not None and not row.is_refusal:
            for actor in sorted(row.may - {row.by}):
                await self._heard(row, actor)
        answer = await self._ask(row, row.by)
        self._held(row, row.by, answer)
        for name, told in row.keeps.items():
            self.known[name] = answer.body.get(told)

    async def _heard(self, row: Row, actor: str) -> None:
        """See that an actor gets as far as the body; a bad one changes nothing."""
        told = await self._ask(replace(row, body={"no_such_field": 1}), actor)
        if told.status != 400:
            self._say(row, actor, f"not heard: {told.status} {told.code}")

    async def _refused(self, row: Row, actor: str) -> None:
        answer = await self._ask(row, actor)
        owed = 401 if actor == "nobody" else 403
        if answer.status != owed:
            self._say(row, actor, f"{answer.status} {answer.code}, not {owed}")
        self._is_problem(row, actor, answer)

    def _held(self, row: Row, actor: str, answer: Answer) -> None:
        if answer.status != row.status or (row.code not in {"", ANY_CODE, answer.code}):
            owed = f"{row.status} {row.code}".strip()
            told = f"{answer.status} {answer.code}".strip()
            self._say(row, actor, f"{told}, not {owed}: {str(answer.body)[:400]}")
        elif row.is_refusal:
            self._is_problem(row, actor, answer)
        else:
            self._say_missing(row, actor, answer)

    def _say_missing(self, row: Row, actor: str, answer: Answer) -> None:
        missing = [each for each in row.holds if not _has(answer.body, each)]
        if row.is_command:
            command = ("accepted", "correlation_id", "emitted_event_ids")
            missing += [each for each in command if each not in answer.body]
        if missing:
            self._say(row, actor, f"lacks {missing}: {str(answer.body)[:400]}")

    def _is_problem(self, row: Row, actor: str, answer: Answer) -> None:
        details = answer.body.get("details")
        inner = details.get("error_code") if isinstance(details, dict) else None
        if not (answer.body.get("error") and answer.code and inner == answer.code):
            self._say(row, actor, f"no problem: {answer.body}")

    def _say(self, row: Row, actor: str, what: str) -> None:
        self.amiss.append(f"{row.method} {row.path} as {actor}: {what}")

    async def _ask(self, row: Row, actor: str) -> Answer:
        path = filled(row.path, {k: quoted(v) for k, v in self.known.items()})
        body = filled(row.body, self.known)
        return await self.world.ask(
            cast("ActorName", actor), row.method, str(path), body
        )


def quoted(value: object) -> str:
    """Return a name as a path holds it; of several, the first."""
    first = value[0] if isinstance(value, list) and value else value
    return quote(str(first), safe=":/")


def filled(told: Any, known: Mapping[str, Any]) -> Any:
    """Return what is told, with what is known in its places."""
    if isinstance(told, Mapping):
        return {name: filled(each, known) for name, each in told.items()}
    if isinstance(told, list):
        return [filled(each, known) for each in told]
    if not isinstance(told, str):
        return told
    if (whole := PLACE.fullmatch(told)) and whole[1] in known:
        return known[whole[1]]
    return PLACE.sub(lambda each: str(known.get(each[1], each[0])), told)


def _has(body: Mapping[str, object], told: str) -> bool:
    """Tell whether the answer has a field; and, of a list, its first item those named."""
    name, _, inner = told.partition(":")
    if name not in body:
        return False
    items = body[name]
    if not inner:
        return True
    return (
        isinstance(items, list)
        and bool(items)
        and items[0].keys() >= {*inner.split(",")}
    )


@pytest.fixture
async def walk(stack: StackAddresses, worlds: Template) -> AsyncIterator[Walk]:
    accounts = Accounts(stack.issuer)
    async with world(
        stack, worlds, accounts, system="in-process", sandbox="plain"
    ) as made:
        yield Walk(made)


async def test_every_endpoint_answers_as_it_is_specified(walk):
    for row in ROWS:
        if row is _EVIDENCE[0]:
            await _pack(walk)
        if "{blob}" in row.path:
            told = await walk.world.ask(
                "human", "GET", f"/api/v1/evidence/{walk.known['evidence']}"
            )
            walk.known["blob"] = told.body["blob_names"][0]
        await walk.take(row)

    assert not walk.amiss, "\n".join(walk.amiss)


async def _pack(walk: Walk) -> None:
    """Have the evidence of the run that waits for it be known, as a runner packs it."""
    packed: dict[str, Any] = {}

    class Packing:
        async def ask(
            self, actor: ActorName, method: str, path: str, body: Any = None
        ) -> Answer:
            if method == "GET":
                return await walk.world.ask(actor, method, path)
            packed.update(body)
            return Answer(status=0, code="", body={})

    await runner.hand_in(cast("World", Packing()), run=walk.known["elsewhere"])
    manifest = packed["manifest"]
    walk.known.update(
        packed,
        manifest_of_no_run={**manifest, "run_id": f"run_{_NONE}"},
        manifest_of_other_suite={**manifest, "oracle_suite_hash": HASH},
    )


async def test_a_file_is_added_by_humans_and_read_by_everyone(walk):
    told = {
        actor: await walk.world.upload(
            actor,
            "/api/v1/attachments",
            filename="a walk.txt",
            data=b"read me",
        )
        for actor in ACTORS
    }
    walk.known["attachment"] = told["human"].body["attachment_id"]
    fields = "attachment_id content_hash size_bytes media_type filename uploaded_by"
    await walk.take(reads("/api/v1/attachments/{attachment}", f"{fields} uploaded_at"))

    assert {actor: answer.status for actor, answer in told.items()} == {
        "nobody": 401,
        "agent": 403,
        "system": 403,
        "human": 201,
        "bystander": 201,
    }
    assert told["human"].body.keys() >= {*fields.split(), "uploaded_at"}
    assert not walk.amiss, "\n".join(walk.amiss)


async def test_a_person_without_any_role_is_nobody(walk):
    """SPEC 5.0: a token without a role that is known does not become a human."""
    answer = await walk.world.ask("roleless", "GET", "/api/v1/protected")

    assert (answer.status, answer.code) == (403, "ACTOR_KIND_UNPROVEN")


async def test_a_walk_notices_what_is_amiss(walk):
    wrong = (
        reads("/health", "colour", may=EVERYBODY),
        reads("/api/v1/loops", "total", may=SYSTEM),
        refuses("GET /api/v1/loops", 404, "NOT_FOUND"),
        reads("/api/v1/none", "total"),
    )

    for row in wrong:
        await walk.take(row)

    told = {each.partition(" as ")[0] for each in walk.amiss}
    assert told == {f"GET {each.path}" for each in wrong}
