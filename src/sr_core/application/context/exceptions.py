"""Active exceptions whose scope takes in the iteration (C-EXC-2, SPEC 8.3)."""

from __future__ import annotations

from typing import Final

from sr_core.application.context.scene import Columns, Gathered, Scene, every_row
from sr_core.codec.envelope import rfc3339
from sr_core.domain.context import Category, Input
from sr_core.domain.events import stream_name
from sr_core.domain.ref_builders import exception_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.ports.event_store import StreamId

_KINDS: Final = {
    "DEFERRAL": RefKind.DEFERRAL,
    "DEVIATION": RefKind.DEVIATION,
    "WAIVER": RefKind.WAIVER,
}


async def active(scene: Scene) -> Gathered:
    """Gather every exception in force whose scope takes in this iteration."""
    rows = every_row(scene.platform.rows, "exceptions", {"status": "ACTIVE"})
    in_force = [each async for each in rows if _is_in_force(each, scene)]
    return Gathered(
        category=Category.EXCEPTION,
        inputs=tuple([await _input(scene, each) for each in in_force]),
        due=frozenset(each["exception_id"] for each in in_force),
    )


def is_any_in_force(gathered: Gathered) -> bool:
    """Whether something was gathered."""
    return bool(gathered.inputs)


def _is_in_force(row: Columns, scene: Scene) -> bool:
    return bool(scene.now < row["expires_at"]) and _takes_in(_scope(row), scene)


def _takes_in(scope: Columns, scene: Scene) -> bool:
    """Whether it names the loop, its work unit, the base candidate or a document."""
    base = scene.base.candidate_id if scene.base is not None else None
    documents = {each.doc_id for each in scene.platform.governed.artifacts}
    named = {each["id"] for each in scope.get("artifact_refs") or ()}
    return (
        scope.get("loop_id") == scene.loop.loop_id
        or scope.get("work_unit_id") == scene.work_unit
        or (base is not None and scope.get("candidate_id") == base)
        or bool(documents & named)
    )


def _scope(row: Columns) -> Columns:
    """Return the scope as a map; a scope in one word is that of a candidate's waiver."""
    scope = row["scope"]
    if isinstance(scope, str):
        return {
            "scope_kind": scope,
            **{k: row[k] for k in ("candidate_id", "oracle_id")},
        }
    return dict(scope)


async def _input(scene: Scene, row: Columns) -> Input:
    ref = _ref(row)
    stream = StreamId(stream_name("exc", row["exception_id"]))
    boundary = await scene.platform.recorder.store.boundary_of(stream)
    return Input(ref=ref, found=None if boundary is None else ref.meta)


def _ref(row: Columns) -> Ref:
    scope = _scope(row)
    meta = {
        "scope": str(scope["scope_kind"]),
        "expires_at": rfc3339(row["expires_at"]),
    }
    if scope.get("oracle_id"):
        failed = str(scope["oracle_id"]).removeprefix("oracle:")
        meta["applies_to"] = f"ORACLE_FAIL:{failed}"
    bare = exception_ref(
        row["exception_id"], RefRelation.DEPENDS_ON, kind=_KINDS[row["kind"]]
    )
    return Ref(kind=bare.kind, id=bare.id, rel=bare.rel, meta=meta)
