"""The steps of someone who only looks: lists, and single things with all their fields."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.results import Told, text
from pytest_sr.steps.work import IntakeMade
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import World

DocumentName = Literal[
    "program/SR-DIRECTIVE.md",
    "platform/SR-CONTRACT.md",
    "platform/SR-SPEC.md",
    "platform/SR-TYPES.md",
    "config/SR-AGENT.yaml",
    "config/SR-GATING-POLICY.yaml",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSeen:
    """A governed document on disk, `digest` being the hash of its bytes."""

    digest: str


@step("document.hash")
async def hash_document(_: World, *, document: DocumentName) -> DocumentSeen:
    """Hash a governed document as it lies on disk, without asking the system."""
    packaged = Path(str(files("sr_core"))) / "bootstrap" / "governed"
    folder = packaged if packaged.is_dir() else packaged.parents[3] / "docs"
    data = (folder / document).read_bytes()
    return DocumentSeen(digest=f"sha256:{hashlib.sha256(data).hexdigest()}")


@step("loop.list")
async def list_loops(world: World, *, by: ActorName = "human") -> Told:
    """List the loops."""
    return Told(answer=await world.ask(by, "GET", f"{API}/loops"))


@step("iteration.list")
async def list_iterations(world: World, *, loop: str, by: ActorName = "human") -> Told:
    """List the iterations of a loop."""
    path = f"{API}/loops/{loop}/iterations"
    return Told(answer=await world.ask(by, "GET", path))


@step("surface.read")
async def read_surface(world: World, *, surface: str, by: ActorName = "human") -> Told:
    """Read what the platform says of a work surface."""
    path = f"{API}/work-surfaces/{surface}"
    return Told(answer=await world.ask(by, "GET", path))


@step("intake.read-bound")
async def read_bound_intake(
    world: World, *, surface: str, by: ActorName = "human"
) -> IntakeMade:
    """Read the intake that a work surface says it is bound to."""
    told = await world.ask(by, "GET", f"{API}/work-surfaces/{surface}")
    intake = text(told, "intake_id")
    answer = await world.ask(by, "GET", f"{API}/intakes/{intake}")
    return IntakeMade(answer=answer, intake=intake)


@step("exception.list")
async def list_exceptions(world: World, *, loop: str, by: ActorName = "human") -> Told:
    """List the exceptions of a loop that are in force."""
    path = f"{API}/exceptions?loop_id={loop}&status=ACTIVE"
    return Told(answer=await world.ask(by, "GET", path))
