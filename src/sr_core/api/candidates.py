"""Candidates, runs, evidence and verification (SPEC 5.3, 5.4): parse, give, answer.

There is no way in for a verdict: a run is started and read, never completed from here.
"""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from sr_core.api.answers import Answer, Limit, Offset, State, accepted, listed, one
from sr_core.api.authority import ANYONE, SYSTEM
from sr_core.api.bodies.candidates import NewCandidate, NewRun
from sr_core.application.candidates import Candidates
from sr_core.application.evidence import read_bundle
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.runs import Runs
from sr_core.application.verification import Verification
from sr_core.codec.canonical import plain
from sr_core.domain.errors import EvidenceMissing
from sr_core.domain.evidence import BundleReading
from sr_core.domain.ids import (
    candidate_hash,
    parse_candidate_id,
    parse_iteration_id,
    parse_run_id,
    parse_suite_id,
)
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.refs import parse_content_hash

CANDIDATE_BYTES_MAX = 64 * 1024 * 1024
"""How large the body of a candidate may be, its files in base64."""


@post("/candidates", request_max_body_size=CANDIDATE_BYTES_MAX, authority=ANYONE)
async def register(
    data: JSONBody[NewCandidate],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Store a candidate's files under the hash that is computed of them."""
    candidate_id, events = await Candidates(platform=platform).register(
        parse_iteration_id(data.produced_by_iteration_id),
        data.files,
        declared=parse_content_hash(data.content_hash) if data.content_hash else None,
        asked=asked,
    )
    return accepted(
        events,
        asked,
        candidate_id=candidate_id,
        content_hash=candidate_hash(candidate_id),
        verification_status="UNVERIFIED",
    )


@get("/candidates", authority=ANYONE)
async def candidates(
    platform: NamedDependency[Platform],
    verification_status: FromQuery[str | None] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Answer:
    """List candidates, oldest first."""
    where = {"verification_status": verification_status}
    return await listed(platform.rows, "candidates", where, (limit, offset))


@get("/candidates/{candidate_id:str}", authority=ANYONE)
async def candidate(
    candidate_id: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return one candidate."""
    key = {"candidate_id": parse_candidate_id(candidate_id)}
    return await one(platform.rows, "candidates", key, kind="candidate")


@post("/candidates/{candidate_id:str}/verify", status_code=200, authority=ANYONE)
async def verify(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Compute what the evidence supports, every byte of it read anew."""
    identifier = parse_candidate_id(candidate_id)
    events = await Verification(platform=platform).verify(identifier, asked)
    key = {"candidate_id": identifier}
    row = await one(platform.rows, "candidates", key, kind="candidate")
    return accepted(
        events,
        asked,
        candidate_id=identifier,
        verification_status=row["verification_status"],
        verification_profile_id=row["verification_profile_id"],
        verification_basis=row["verification_basis"],
        integrity_conditions=row["integrity_conditions"],
    )


@get("/candidates/{candidate_id:str}/shippable", authority=ANYONE)
async def shippable(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Return whether the candidate may ship, and every reason why not."""
    identifier = parse_candidate_id(candidate_id)
    ready = await Verification(platform=platform).shippable(identifier, asked)
    return {
        "candidate_id": identifier,
        "is_shippable": ready.is_shippable,
        "reasons": list(ready.reasons),
        "freeze_id": ready.freeze_id,
        "release_approval_id": ready.release_approval_id,
    }


@get("/candidates/{candidate_id:str}/runs", authority=ANYONE)
async def candidate_runs(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> Answer:
    """List a candidate's runs, oldest first."""
    key = {"candidate_id": parse_candidate_id(candidate_id)}
    return await listed(platform.rows, "runs", key, (limit, offset))


@get("/candidates/{candidate_id:str}/evidence", authority=ANYONE)
async def candidate_evidence(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> Answer:
    """List a candidate's evidence bundles, oldest first."""
    key = {"candidate_id": parse_candidate_id(candidate_id)}
    return await listed(platform.rows, "evidence_bundles", key, (limit, offset))


@post("/runs", authority=SYSTEM)
async def judge(
    data: JSONBody[NewRun],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Answer:
    """Have a suite judge a candidate; the answer comes when the run has ended."""
    run_id = await Runs(platform=platform).judge(
        parse_candidate_id(data.candidate_id),
        parse_suite_id(data.oracle_suite_id),
        asked,
    )
    row = await one(platform.rows, "runs", {"run_id": run_id}, kind="run")
    return {"accepted": True, "correlation_id": asked.correlation_id, **row}


@get("/runs", authority=ANYONE)
async def runs(
    platform: NamedDependency[Platform],
    phase: State = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Answer:
    """List runs, oldest first."""
    return await listed(platform.rows, "runs", {"state": phase}, (limit, offset))


@get("/runs/{run_id:str}", authority=ANYONE)
async def run(run_id: FromPath[str], platform: NamedDependency[Platform]) -> Answer:
    """Return one run, with the integrity violations recorded against it."""
    key = {"run_id": parse_run_id(run_id)}
    row = await one(platform.rows, "runs", key, kind="run")
    found = await listed(platform.rows, "integrity_violations", key, (200, 0))
    return {**row, "integrity_violations": found["integrity_violations"]}


@get("/evidence", authority=ANYONE)
async def evidence(
    platform: NamedDependency[Platform], limit: Limit = 50, offset: Offset = 0
) -> Answer:
    """List evidence bundles, oldest first."""
    return await listed(platform.rows, "evidence_bundles", {}, (limit, offset))


@get("/evidence/{content_hash:str}", authority=ANYONE)
async def bundle(
    content_hash: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return a bundle's manifest, every byte of the bundle read anew."""
    identifier = parse_content_hash(content_hash)
    key = {"content_hash": identifier}
    row = await one(platform.rows, "evidence_bundles", key, kind="evidence bundle")
    reading = await read_bundle(platform.evidence_bytes, identifier)
    if not reading.is_intact or reading.manifest is None:
        raise EvidenceMissing(subject=str(row["run_id"]), evidence=[identifier])
    return {**row, "manifest": plain(reading.manifest)}


@get("/evidence/{content_hash:str}/status", authority=ANYONE)
async def bundle_status(
    content_hash: FromPath[str], platform: NamedDependency[Platform]
) -> Answer:
    """Return whether every part of a bundle can be read as it was written."""
    identifier = parse_content_hash(content_hash)
    key = {"content_hash": identifier}
    await one(platform.rows, "evidence_bundles", key, kind="evidence bundle")
    reading = await read_bundle(platform.evidence_bytes, identifier)
    return {
        "content_hash": identifier,
        "available": reading.manifest is not None,
        "integrity_ok": reading.is_intact and reading.flaw is None,
        "lost": {name: str(state) for name, state in reading.lost.items()},
        "error_code": _error_code(reading),
    }


def _error_code(reading: BundleReading) -> str | None:
    if not reading.is_intact:
        return EvidenceMissing.code
    return IntegrityCondition.MANIFEST_INVALID if reading.flaw else None


router = Router(
    path="",
    tags=["candidates"],
    route_handlers=[
        register,
        candidates,
        candidate,
        verify,
        shippable,
        candidate_runs,
        candidate_evidence,
        judge,
        runs,
        run,
        evidence,
        bundle,
        bundle_status,
    ],
)
