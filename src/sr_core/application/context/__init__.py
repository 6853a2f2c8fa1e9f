"""The context of an iteration: look up every input, and have the one builder judge it.

Whoever starts an iteration goes through `iteration_context`: a caller over HTTP, a work
surface, the governor. Each input is looked up where it is held: versions of documents in
the log, suites in their registry, what belongs to the loop in its dossier. A look-up that
fails ends the start; it never leaves a category empty (SPEC 8.1, SPEC 8.3).
"""

from __future__ import annotations

from typing import Final

from sr_core.application.context import (
    documents,
    exceptions,
    notes,
    own,
    planned,
    staged,
)
from sr_core.application.context.scene import Gathered, Lookup, Scene, set_scene
from sr_core.application.platform import Platform
from sr_core.domain.context import ContextFacts, build_context
from sr_core.domain.dossier import Dossier
from sr_core.domain.ids import CandidateId
from sr_core.domain.refs import Ref

__all__ = ["LOOKUPS", "Gathered", "Lookup", "Scene", "iteration_context"]

LOOKUPS: Final[tuple[Lookup, ...]] = (
    own.loop,
    documents.documents,
    own.prior_iterations,
    own.base_candidate,
    staged.suites,
    exceptions.active,
    notes.notes,
    documents.agent_definitions,
    documents.gating_policies,
    staged.intake,
    staged.template,
    planned.plan,
    planned.eligibility,
)
"""One look-up for each category; what one gathers is judged with all the rest."""


async def iteration_context(
    platform: Platform,
    dossier: Dossier,
    *,
    base: CandidateId | None = None,
    asked_for: tuple[Ref, ...] = (),
) -> tuple[Ref, ...]:
    """Return all that the loop's next iteration starts from.

    The candidate to go on from is `base`, or the loop's latest where there is one. Refs
    that a caller gave are `asked_for`: they add nothing, and each has to be among the
    rest.

    Raises:
        ContextInadmissible: an input is missing, unpinned, not to be found, or related
            in the wrong way; all of them are named.
        NotFound: `base` is no candidate of the loop.

    """
    scene = await set_scene(platform, dossier, base)
    gathered = [await look_up(scene) for look_up in LOOKUPS]
    facts = ContextFacts(
        loop_id=scene.loop.loop_id,
        asked_for=asked_for,
        inputs={each.category: each.inputs for each in gathered},
        due={each.category: each.due for each in gathered},
    )
    return build_context(facts)
