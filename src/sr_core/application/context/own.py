"""What the loop itself brings along: its name, its past iterations, its last candidate."""

from __future__ import annotations

from sr_core.application.context.scene import Gathered, Scene
from sr_core.codec.canonical import canonical
from sr_core.domain.context import Category, Input
from sr_core.domain.ids import IterationId
from sr_core.domain.ref_builders import candidate_ref, loop_ref, summary_ref
from sr_core.domain.refs import RefRelation, hash_bytes


async def loop(scene: Scene) -> Gathered:
    """Gather the loop; its dossier is what the start is decided over."""
    found = Input(ref=loop_ref(scene.loop.loop_id), found={})
    return Gathered(
        category=Category.LOOP,
        inputs=(found,),
        due=frozenset({scene.loop.loop_id}),
    )


async def prior_iterations(scene: Scene) -> Gathered:
    """Gather every iteration before this one, pinned by the summary that it left."""
    before = tuple(scene.dossier.iterations)
    inputs = [await _iteration(scene, each) for each in before]
    return Gathered(
        category=Category.PRIOR_ITERATION,
        inputs=tuple(each for each in inputs if each is not None),
        due=frozenset(before),
    )


async def base_candidate(scene: Scene) -> Gathered:
    """Gather the candidate that the iteration goes on from, if there is one."""
    if scene.base is None:
        return Gathered(category=Category.BASE_CANDIDATE)
    ref = candidate_ref(scene.base.candidate_id, RefRelation.DEPENDS_ON)
    row = await scene.platform.rows.row("candidates", {"candidate_id": ref.id})
    found = None if row is None else {"content_hash": str(row["content_hash"])}
    return Gathered(
        category=Category.BASE_CANDIDATE,
        inputs=(Input(ref=ref, found=found),),
        due=frozenset({ref.id}),
    )


async def _iteration(scene: Scene, iteration_id: IterationId) -> Input | None:
    """Return the iteration with the hash of how it ended; None, if that is not known."""
    row = await scene.platform.rows.row("iterations", {"iteration_id": iteration_id})
    if row is None:
        return None
    ended = {name: row.get(name) for name in ("state", "outcome", "summary")}
    ref = summary_ref(
        iteration_id, RefRelation.DEPENDS_ON, summary_hash=hash_bytes(canonical(ended))
    )
    return Input(ref=ref, found=ref.meta)
