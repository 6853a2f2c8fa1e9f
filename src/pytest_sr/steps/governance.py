"""The steps of governed documents: directives, and versions of artifacts."""

from __future__ import annotations

import hashlib

from pytest_sr.registry import step
from pytest_sr.steps.loops import API, DIRECTIVE
from pytest_sr.steps.results import Told
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import World


@step("directive.try")
async def try_directive(
    world: World,
    *,
    directive: str = DIRECTIVE,
    content_hash: str = "sha256:" + "0" * 64,
    rel: str = "depends_on",
    by: ActorName = "human",
) -> Told:
    """Try to open a loop under a directive that is named and pinned like this."""
    ref = {
        "kind": "GovernedArtifact",
        "id": directive,
        "rel": rel,
        "meta": {"content_hash": content_hash, "version": "1.0.0"},
    }
    body = {"goal": "try a directive", "directive_ref": ref}
    return Told(answer=await world.ask(by, "POST", f"{API}/loops", body))


@step("artifact.register")
async def register_artifact(
    world: World,
    *,
    artifact: str,
    current: bool = False,
    version: str = "1.0.0",
    approval: str | None = None,
    by: ActorName = "human",
) -> Told:
    """Register a version of a normative artifact, to be current or not.

    Args:
        current: whether it is to be the version that people go by
        approval: what carries that, if anything does

    """
    body = {
        "artifact_id": artifact,
        "artifact_type": "governance.charter",
        "version": version,
        "content_hash": f"sha256:{hashlib.sha256(version.encode()).hexdigest()}",
        "status": "governed",
        "normative_status": "normative",
        "authority_kind": "content",
        "is_current": current,
        "approval_id": approval,
    }
    path = f"{API}/governed-artifacts/register"
    return Told(answer=await world.ask(by, "POST", path, body))
