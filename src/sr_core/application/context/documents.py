"""Governed documents: what the process was started with, looked up in the log."""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.application.context.scene import Gathered, Scene
from sr_core.domain.context import Category, Input
from sr_core.domain.governed_manifest import (
    DIRECTIVE_ID,
    NOT_DEPENDED_ON,
    ManifestEntry,
)
from sr_core.domain.ref_builders import governed_artifact_ref
from sr_core.domain.refs import RefRelation
from sr_core.domain.type_keys import AGENT_DEFINITION, GATING_POLICY, TypeKey


async def documents(scene: Scene) -> Gathered:
    """Gather the documents that every iteration depends on, the directive above all."""
    entries = [
        each
        for each in scene.platform.governed.artifacts
        if each.type_key not in NOT_DEPENDED_ON
    ]
    return Gathered(
        category=Category.GOVERNED_DOCUMENT,
        inputs=_inputs(scene, entries, RefRelation.DEPENDS_ON),
        due=frozenset({DIRECTIVE_ID}),
    )


async def agent_definitions(scene: Scene) -> Gathered:
    """Gather the definition of the agents that may do the work."""
    return _of_type(scene, Category.AGENT_DEFINITION, AGENT_DEFINITION)


async def gating_policies(scene: Scene) -> Gathered:
    """Gather the policy that says which human notes are wanted."""
    return _of_type(scene, Category.GATING_POLICY, GATING_POLICY)


def _of_type(scene: Scene, category: Category, type_key: TypeKey) -> Gathered:
    entries = scene.platform.governed.of_type(type_key)
    inputs = _inputs(scene, entries, RefRelation.SUPPORTED_BY)
    return Gathered(category=category, inputs=inputs)


def _inputs(
    scene: Scene, entries: Iterable[ManifestEntry], rel: RefRelation
) -> tuple[Input, ...]:
    return tuple(_input(scene, each, rel) for each in entries)


def _input(scene: Scene, entry: ManifestEntry, rel: RefRelation) -> Input:
    """Return the document as the manifest has it, beside what the log has of it."""
    recorded = scene.artifacts.version(entry.doc_id, entry.content_hash)
    return Input(
        ref=governed_artifact_ref(
            entry.doc_id,
            rel,
            content_hash=entry.content_hash,
            version=entry.version,
            type_key=entry.type_key,
        ),
        found=recorded.ref(rel).meta if recorded is not None else None,
    )
