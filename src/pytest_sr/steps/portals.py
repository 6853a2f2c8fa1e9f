"""What humans bind, note and attach: exceptions, approvals, freezes, notes, files."""

from __future__ import annotations

from typing import Final, Literal

from pytest_sr.registry import step
from pytest_sr.steps.results import (
    ApprovalMade,
    AttachmentMade,
    ExceptionMade,
    FreezeMade,
    RecordMade,
    Told,
    text,
)
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import World

API: Final = "/api/v1"
LATER: Final = "2099-01-01T00:00:00Z"
_DEFERRED: Final = {
    "kind": "GovernedArtifact",
    "id": "SR-DIRECTIVE",
    "meta": {"content_hash": f"sha256:{'0' * 63}1", "version": "1.0.0"},
}


@step("waiver.request")
async def request_waiver(
    world: World,
    *,
    candidate: str,
    target: str,
    gate: str = "G-VERIFIED-STRICT",
    by: ActorName = "human",
) -> ExceptionMade:
    """Ask that an oracle's failure be accepted for a candidate.

    Args:
        target: an oracle, such as oracle:lint; or an integrity condition
        gate: the gate at which it is to hold

    """
    body = {
        "scope": {"candidate_id": candidate},
        "oracle_id": target,
        "gate_id": gate,
        "target_description": "what a scenario asks about",
        "rationale": "a scenario asks",
        "risk": "none that matters",
        "mitigation": "watched",
        "resolution_criteria": "mended",
        "expires_at": LATER,
    }
    answer = await world.ask(by, "POST", f"{API}/exceptions/waivers", body)
    return ExceptionMade(answer=answer, exception=text(answer, "exception_id"))


@step("waiver.activate")
async def activate_waiver(
    world: World, *, exception: str, by: ActorName = "human"
) -> ExceptionMade:
    """Bring a waiver into force."""
    return await activate_exception(world, exception=exception, by=by)


@step("exception.create")
async def create_exception(
    world: World,
    *,
    loop: str,
    kind: Literal["DEVIATION", "DEFERRAL"] = "DEVIATION",
    about: str = "what a scenario asks about",
    expires_at: str = LATER,
    by: ActorName = "human",
) -> ExceptionMade:
    """Draw up a deviation or a deferral, bounded by a loop.

    Args:
        about: what it is about, in words

    """
    body: dict[str, object] = {
        "kind": kind,
        "scope": {"loop_id": loop},
        "target_description": about,
        "rationale": "a scenario asks",
        "expires_at": expires_at,
    }
    if kind == "DEVIATION":
        body |= {
            "requirement_ref": "SR-SPEC 3.1",
            "risk": "none that matters",
            "mitigation": "watched",
            "resolution_criteria": "mended",
        }
    else:
        body |= {
            "subject_ref": _DEFERRED,
            "target_deliverable": "D-35",
            "compensating_controls": "watched",
        }
    answer = await world.ask(by, "POST", f"{API}/exceptions", body)
    return ExceptionMade(answer=answer, exception=text(answer, "exception_id"))


@step("exception.activate")
async def activate_exception(
    world: World, *, exception: str, by: ActorName = "human"
) -> ExceptionMade:
    """Bring an exception into force."""
    path = f"{API}/exceptions/{exception}/activate"
    return ExceptionMade(answer=await world.ask(by, "POST", path), exception=exception)


@step("exception.resolve")
async def resolve_exception(
    world: World, *, exception: str, by: ActorName = "human"
) -> ExceptionMade:
    """Lift an exception."""
    path = f"{API}/exceptions/{exception}/resolve"
    body = {"resolution_notes": "a scenario lifts it"}
    answer = await world.ask(by, "POST", path, body)
    return ExceptionMade(answer=answer, exception=exception)


@step("exception.read")
async def read_exception(
    world: World, *, exception: str, by: ActorName = "human"
) -> Told:
    """Read what the platform says of an exception."""
    path = f"{API}/exceptions/{exception}"
    return Told(answer=await world.ask(by, "GET", path))


@step("approval.record")
async def record_approval(
    world: World,
    *,
    candidate: str,
    evidence: str,
    portal: str = "ReleaseApprovalPortal",
    request: str | None = None,
    decision: Literal["APPROVED", "REJECTED", "DEFERRED"] = "APPROVED",
    exceptions: tuple[str, ...] = (),
    by: ActorName = "human",
) -> ApprovalMade:
    """Say at a portal what is to become of a candidate, citing what was reviewed.

    Args:
        request: what it answers, if not the portal's usual request
        exceptions: those that are acknowledged

    """
    body: dict[str, object] = {
        "portal_id": portal,
        "decision": decision,
        "subject_refs": [{"kind": "Candidate", "id": candidate, "meta": {}}],
        "evidence_refs": [evidence],
        "exceptions_acknowledged": list(exceptions),
    }
    if request is not None:
        body["request_type"] = request
    answer = await world.ask(by, "POST", f"{API}/approvals", body)
    return ApprovalMade(answer=answer, approval=text(answer, "approval_id"))


@step("freeze.create")
async def create_freeze(
    world: World,
    *,
    candidate: str,
    approval: str,
    claims: Literal["nothing", "no exceptions", "no artifacts"] = "nothing",
    by: ActorName = "human",
) -> FreezeMade:
    """Fix a candidate as shippable, on the strength of an approval.

    Args:
        claims: what the caller says of the record, which the platform computes

    """
    body: dict[str, object] = {
        "baseline_id": "baseline:scenario",
        "candidate_id": candidate,
        "release_approval_id": approval,
    }
    if claims == "no exceptions":
        body["active_exceptions"] = []
    if claims == "no artifacts":
        body["artifact_manifest"] = []
    answer = await world.ask(by, "POST", f"{API}/freeze-records", body)
    return FreezeMade(answer=answer, freeze=text(answer, "freeze_id"))


@step("record.create")
async def create_record(
    world: World,
    *,
    candidate: str,
    kind: Literal["evaluation", "assessment", "intervention"] = "assessment",
    supersedes: str | None = None,
    by: ActorName = "human",
) -> RecordMade:
    """Write a note about a candidate, which binds nobody.

    Args:
        supersedes: the note whose place it takes

    """
    body: dict[str, object] = {
        "subject_refs": [{"kind": "Candidate", "id": candidate, "meta": {}}],
        "evidence_refs": [],
        "content": "approved, if anyone asks a scenario",
    }
    if supersedes is not None:
        body["supersedes"] = supersedes
    answer = await world.ask(by, "POST", f"{API}/records/{kind}-notes", body)
    return RecordMade(answer=answer, record=text(answer, "record_id"))


@step("attachment.add")
async def add_attachment(
    world: World,
    *,
    content: str,
    filename: str = "scenario.txt",
    by: ActorName = "human",
) -> AttachmentMade:
    """Add a file, for people to read."""
    answer = await world.upload(
        by, f"{API}/attachments", filename=filename, data=content.encode()
    )
    return AttachmentMade(
        answer=answer,
        attachment=text(answer, "attachment_id"),
        digest=text(answer, "content_hash"),
    )
