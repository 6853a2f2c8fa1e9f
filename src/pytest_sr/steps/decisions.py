"""The steps of decisions."""

from __future__ import annotations

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.results import DecisionMade, Told, text
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import World


@step("decision.record")
async def record_decision(
    world: World,
    *,
    loop: str | None = None,
    trigger: str | None = None,
    decision: str = "PROCEED",
    kind: str | None = None,
    candidate: str | None = None,
    work_unit: str | None = None,
    by: ActorName = "human",
) -> DecisionMade:
    """Record a decision: about what stopped a loop, or about anything else.

    Args:
        decision: the text; its first word says which way it goes, if no kind does
        kind: such as PROCEED, REJECTED or BUDGET_ESCALATION
        loop: the scope; so are candidate and work_unit

    """
    scope = {"loop_id": loop, "candidate_id": candidate, "work_unit_id": work_unit}
    body: dict[str, object] = {
        "scope": {name: value for name, value in scope.items() if value is not None},
        "decision": decision,
        "rationale": "a scenario decides",
        "exceptions_acknowledged": [],
    }
    if trigger is not None:
        body["trigger"] = trigger
    if kind is not None:
        body["kind"] = kind
    answer = await world.ask(by, "POST", f"{API}/decisions", body)
    return DecisionMade(answer=answer, decision=text(answer, "decision_id"))


@step("decision.read")
async def read_decision(
    world: World, *, decision: str, by: ActorName = "human"
) -> Told:
    """Read a decision."""
    return Told(answer=await world.ask(by, "GET", f"{API}/decisions/{decision}"))
