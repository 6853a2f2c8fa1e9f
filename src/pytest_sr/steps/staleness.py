"""Steps about staleness: mark, look, answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.results import Told
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import Answer, World


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkMade:
    """The markers of one mark: `first` is that of what depends on the root itself.

    `last` is that of what was reached through others; where nothing was, it is `first`.
    Both are empty where nothing depends on the root.
    """

    answer: Answer
    first: str
    last: str


@step("staleness.mark")
async def mark(
    world: World,
    *,
    kind: str,
    root: str,
    include_root: bool = False,
    by: ActorName = "human",
) -> MarkMade:
    """Mark as stale what depends on a root.

    Args:
        kind: the root's kind, such as GovernedArtifact
        root: its identifier
        include_root: whether the root itself is marked as well

    """
    body = {"root_ref": {"kind": kind, "id": root}, "include_root": include_root}
    answer = await world.ask(by, "POST", f"{API}/staleness/mark", body)
    given = answer.body.get("stale_ids")
    markers = [str(each) for each in given] if isinstance(given, list) else []
    return MarkMade(
        answer=answer,
        first=markers[0] if markers else "",
        last=markers[-1] if markers else "",
    )


@step("staleness.resolve")
async def resolve(
    world: World,
    *,
    marker: str,
    kind: Literal["MECHANICAL", "DECISION"],
    run: str | None = None,
    decision: str | None = None,
    only_candidate: str | None = None,
    by: ActorName = "human",
) -> Told:
    """Answer a marker by a run, or by a decision; by nothing if neither is named.

    Args:
        only_candidate: the one dependent that is answered; all of them if left out

    """
    named = {"Run": run, "Decision": decision}
    body: dict[str, object] = {
        "resolution_kind": kind,
        "resolution_refs": [
            {"kind": what, "id": which} for what, which in named.items() if which
        ],
    }
    if only_candidate is not None:
        body["dependents"] = [{"kind": "Candidate", "id": only_candidate}]
    path = f"{API}/staleness/{marker}/resolve"
    return Told(answer=await world.ask(by, "POST", path, body))


@step("staleness.dependents")
async def dependents(
    world: World, *, kind: str, root: str, by: ActorName = "human"
) -> Told:
    """Ask what is stale because of a root, and not resolved."""
    path = f"{API}/staleness/dependents?root_kind={kind}&root_id={root}"
    return Told(answer=await world.ask(by, "GET", path))
