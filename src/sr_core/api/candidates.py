"""Candidates and what their evidence supports (SPEC 5.3): parse, give, answer.

There is no way in for a verdict: it is computed, on request and after every run.
"""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from sr_core.api.answers import Limit, Offset, member
from sr_core.api.authority import ANYONE
from sr_core.api.bodies.base import RefBody
from sr_core.api.bodies.candidates import NewCandidate, VerifyCandidate
from sr_core.api.views.base import accept, show_page, shown
from sr_core.api.views.evidence import BundlePage, BundleView
from sr_core.api.views.runs import RunPage, RunView
from sr_core.api.views.verification import (
    CandidateMade,
    CandidatePage,
    CandidateVerified,
    CandidateView,
    Shippability,
    basis_of,
)
from sr_core.application.candidates import Candidates
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.verification import Verification
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import (
    CandidateId,
    candidate_hash,
    parse_candidate_id,
    parse_git_sha,
    parse_iteration_id,
)
from sr_core.domain.refs import Ref, RefKind, RefRelation, parse_content_hash
from sr_core.domain.verification import VerificationStatus
from sr_core.ports.read_model import Row

CANDIDATE_BYTES_MAX = 64 * 1024 * 1024
"""How large the body of a candidate may be, its files in base64."""


@post("/candidates", request_max_body_size=CANDIDATE_BYTES_MAX, authority=ANYONE)
async def register(
    data: JSONBody[NewCandidate],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> CandidateMade:
    """Store a candidate's files under the hash that is computed of them."""
    candidate_id, events = await Candidates(platform=platform).register(
        parse_iteration_id(data.produced_by_iteration_id),
        data.files,
        declared=parse_content_hash(data.content_hash) if data.content_hash else None,
        asked=asked,
        git_sha=parse_git_sha(data.git_sha) if data.git_sha else None,
        description=data.description,
        refs=tuple(_ref(each) for each in data.refs),
    )
    return accept(
        CandidateMade,
        events,
        asked,
        candidate_id=candidate_id,
        content_hash=candidate_hash(candidate_id),
        verification_status=VerificationStatus.UNVERIFIED,
    )


@get("/candidates", authority=ANYONE)
async def candidates(
    platform: NamedDependency[Platform],
    verification_status: FromQuery[VerificationStatus | None] = None,
    iteration_id: FromQuery[str | None] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> CandidatePage:
    """List candidates, oldest first."""
    where: dict[str, str] = {}
    if verification_status is not None:
        where["verification_status"] = verification_status
    if iteration_id is not None:
        where["produced_by_iteration_id"] = parse_iteration_id(iteration_id)
    return await _page(platform, where, (limit, offset))


@get("/iterations/{iteration_id:str}/candidates", authority=ANYONE)
async def iteration_candidates(
    iteration_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> CandidatePage:
    """List the candidates that an iteration brought forth, oldest first."""
    identifier = parse_iteration_id(iteration_id)
    if await platform.rows.row("iterations", {"iteration_id": identifier}) is None:
        raise NotFound(kind="iteration", identifier=identifier)
    where = {"produced_by_iteration_id": identifier}
    return await _page(platform, where, (limit, offset))


@get("/candidates/{candidate_id:str}", authority=ANYONE)
async def candidate(
    candidate_id: FromPath[str], platform: NamedDependency[Platform]
) -> CandidateView:
    """Return one candidate."""
    row = await _row(platform, parse_candidate_id(candidate_id))
    return shown(basis_of(dict(row)), CandidateView)


@post("/candidates/{candidate_id:str}/verify", status_code=200, authority=ANYONE)
async def verify(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
    data: JSONBody[VerifyCandidate | None] = None,
) -> CandidateVerified:
    """Compute what the evidence supports, every byte of it read anew."""
    identifier = parse_candidate_id(candidate_id)
    events = await Verification(platform=platform).verify(
        identifier, asked, profile=data.verification_profile_id if data else None
    )
    row = await _row(platform, identifier)
    return accept(CandidateVerified, events, asked, **row)


@get("/candidates/{candidate_id:str}/shippable", authority=ANYONE)
async def shippable(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Shippability:
    """Return whether the candidate may ship, and every reason why not."""
    identifier = parse_candidate_id(candidate_id)
    ready = await Verification(platform=platform).shippable(identifier, asked)
    return Shippability(
        candidate_id=identifier,
        is_shippable=ready.is_shippable,
        reasons=list(ready.reasons),
        freeze_id=ready.freeze_id,
        release_approval_id=ready.release_approval_id,
        has_unresolved_staleness=ready.has_unresolved_staleness,
    )


@get("/candidates/{candidate_id:str}/runs", authority=ANYONE)
async def candidate_runs(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> RunPage:
    """List a candidate's runs, oldest first."""
    key: dict[str, str | None] = {"candidate_id": parse_candidate_id(candidate_id)}
    return await show_page(
        platform.rows, "runs", key, (limit, offset), RunView, RunPage
    )


@get("/candidates/{candidate_id:str}/evidence", authority=ANYONE)
async def candidate_evidence(
    candidate_id: FromPath[str],
    platform: NamedDependency[Platform],
    limit: Limit = 50,
    offset: Offset = 0,
) -> BundlePage:
    """List a candidate's evidence bundles, oldest first."""
    key: dict[str, str | None] = {"candidate_id": parse_candidate_id(candidate_id)}
    return await show_page(
        platform.rows,
        "evidence_bundles",
        key,
        (limit, offset),
        BundleView,
        BundlePage,
        under="evidence",
    )


def _ref(body: RefBody) -> Ref:
    return Ref(
        kind=member(RefKind, body.kind, field="refs.kind"),
        id=body.id,
        rel=member(RefRelation, body.rel, field="refs.rel"),
        meta=body.meta,
    )


async def _page(
    platform: Platform, where: Mapping[str, str], page: tuple[int, int]
) -> CandidatePage:
    limit, offset = page
    found = await platform.rows.rows("candidates", where, limit=limit, offset=offset)
    return CandidatePage(
        candidates=[shown(basis_of(dict(each)), CandidateView) for each in found.rows],
        total=found.total,
        limit=limit,
        offset=offset,
    )


async def _row(platform: Platform, candidate_id: CandidateId) -> Row:
    row = await platform.rows.row("candidates", {"candidate_id": candidate_id})
    if row is None:
        raise NotFound(kind="candidate", identifier=candidate_id)
    return row


router = Router(
    path="",
    tags=["candidates"],
    route_handlers=[
        register,
        candidates,
        iteration_candidates,
        candidate,
        verify,
        shippable,
        candidate_runs,
        candidate_evidence,
    ],
)
