"""What the procedure prescribes: the suites of the stage, the intake, the template."""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.application.context.scene import Columns, Gathered, Scene
from sr_core.application.definitions import DefinitionBook
from sr_core.domain.context import Category, Input
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import parse_suite_id, parse_template_id
from sr_core.domain.ref_builders import suite_ref
from sr_core.domain.refs import (
    ContentHash,
    Ref,
    RefKind,
    RefRelation,
    parse_content_hash,
)


async def suites(scene: Scene) -> Gathered:
    """Gather the suites that will judge the work, pinned by what their registry holds.

    A stage of a work surface prescribes them with their hashes; where nothing is staged,
    it is the profile that requires them.
    """
    prescribed = _prescribed(scene)
    inputs = [await _suite(scene, name, pinned) for name, pinned in prescribed]
    return Gathered(
        category=Category.ORACLE_SUITE,
        inputs=tuple(each for each in inputs if each is not None),
        due=frozenset(name for name, _ in prescribed),
    )


async def intake(scene: Scene) -> Gathered:
    """Gather the intake of the work surface, if one is bound."""
    category = Category.INTAKE
    if scene.surface_id is None:
        return Gathered(category=category)
    if scene.surface is None:
        return Gathered(category=category, due=frozenset({scene.surface_id}))
    name = scene.surface["intake_id"]
    pinned = {"content_hash": scene.surface["intake_content_hash"]}
    row = await scene.platform.rows.row("intakes", {"intake_id": name})
    found = None if row is None else {"content_hash": str(row["content_hash"])}
    return _one(category, _depended_on(RefKind.INTAKE, name, pinned), found)


async def template(scene: Scene) -> Gathered:
    """Gather the procedure template of the work surface, at the stage that is on."""
    category = Category.PROCEDURE_TEMPLATE
    if scene.surface_id is None:
        return Gathered(category=category)
    if scene.surface is None:
        return Gathered(category=category, due=frozenset({scene.surface_id}))
    name = scene.surface["template_id"]
    stage_id = scene.surface["current_stage_id"]
    pinned = {
        "content_hash": scene.surface["template_hash"],
        "current_stage_id": stage_id,
    }
    found = await _template(scene, name, scene.surface)
    ref = _depended_on(RefKind.PROCEDURE_TEMPLATE, name, pinned)
    return _one(category, ref, found)


def _prescribed(scene: Scene) -> tuple[tuple[str, str | None], ...]:
    """Return the suites' names; with the hashes that they were bound with, if any."""
    if scene.surface is None:
        profiles = scene.platform.profiles
        profile = profiles.resolved(None, work_unit_id=scene.work_unit)
        return tuple((each, None) for each in profile.required_suites)
    bound: Iterable[Columns] = scene.surface["current_oracle_suites"]
    return tuple((each["suite_id"], each["suite_hash"]) for each in bound)


async def _suite(scene: Scene, name: str, pinned: str | None) -> Input | None:
    """Return the suite; None, if it is pinned to nothing and nothing is registered."""
    suite_id = parse_suite_id(name)
    registered = await scene.platform.suite(suite_id)
    actual = registered.suite_hash if registered is not None else None
    wanted = parse_content_hash(pinned) if pinned is not None else actual
    if wanted is None:
        return None
    ref = suite_ref(suite_id, wanted, RefRelation.DEPENDS_ON)
    return Input(ref=ref, found=None if actual is None else _suite_meta(actual))


def _suite_meta(suite_hash: ContentHash) -> dict[str, str]:
    return {"content_hash": suite_hash, "suite_hash": suite_hash}


async def _template(scene: Scene, name: str, surface: Columns) -> dict[str, str] | None:
    """Return what is known of the version of the template that was bound."""
    pinned = parse_content_hash(surface["template_hash"])
    book = DefinitionBook(platform=scene.platform)
    try:
        bound = await book.template(parse_template_id(name), pinned)
    except NotFound:
        return None
    known = {each.stage_id for each in bound.stages}
    stage_id = surface["current_stage_id"]
    return {
        "content_hash": pinned,
        "current_stage_id": stage_id if stage_id in known else "no such stage",
    }


def _depended_on(kind: RefKind, name: str, meta: dict[str, str]) -> Ref:
    return Ref(kind=kind, id=name, rel=RefRelation.DEPENDS_ON, meta=meta)


def _one(category: Category, ref: Ref, found: dict[str, str] | None) -> Gathered:
    return Gathered(
        category=category,
        inputs=(Input(ref=ref, found=found),),
        due=frozenset({ref.id}),
    )
