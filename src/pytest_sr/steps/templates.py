"""The steps of procedures that change."""

from __future__ import annotations

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.results import Told
from pytest_sr.steps.work import STAGES, SUITES, TEMPLATE
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import World


@step("template.shorten")
async def shorten_template(
    world: World, *, template: str = TEMPLATE, by: ActorName = "human"
) -> Told:
    """Lay down a procedure's next version, which has the stage FINAL alone."""
    _, final = STAGES
    content = {
        "template_id": template,
        "name": "One stage",
        "description": "Settle it.",
        "kind": ["research_memo"],
        "stages": [
            {
                "stage_id": final,
                "stage_name": "Final",
                "purpose": "as its name says",
                "required_oracle_suites": [SUITES[1]],
                "transition_on_pass": "terminal",
            }
        ],
        "initial_stage_id": final,
        "terminal_stage_id": final,
    }
    path = f"{API}/templates/{template}"
    return Told(answer=await world.ask(by, "PUT", path, {"content": content}))
