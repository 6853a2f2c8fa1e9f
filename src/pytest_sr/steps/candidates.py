"""The steps of someone who looks at candidates."""

from __future__ import annotations

from urllib.parse import quote

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.results import Told
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import World


@step("candidate.read")
async def read_candidate(
    world: World, *, candidate: str, by: ActorName = "human"
) -> Told:
    """Read what the platform says of a candidate."""
    return Told(answer=await world.ask(by, "GET", _path(candidate)))


@step("candidate.runs")
async def list_runs(world: World, *, candidate: str, by: ActorName = "human") -> Told:
    """List the runs that judged a candidate."""
    return Told(answer=await world.ask(by, "GET", f"{_path(candidate)}/runs"))


def _path(candidate: str) -> str:
    return f"{API}/candidates/{quote(candidate, safe='')}"
