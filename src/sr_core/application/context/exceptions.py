"""Active exceptions whose scope takes in the iteration (C-EXC-2, SPEC 8.3)."""

from __future__ import annotations

from datetime import datetime

from sr_core.application.context.scene import Columns, Gathered, Scene, every_row
from sr_core.application.exceptions import exception_case
from sr_core.codec.canonical import restored
from sr_core.codec.envelope import rfc3339
from sr_core.domain.context import Category, Input
from sr_core.domain.exception_scope import ExceptionKind, ExceptionScope, Place
from sr_core.domain.governed_exception import ExceptionPhase, GovernedException
from sr_core.domain.ids import parse_exception_id
from sr_core.domain.ref_builders import exception_ref
from sr_core.domain.refs import Ref, RefRelation


async def active(scene: Scene) -> Gathered:
    """Gather every exception in force whose scope takes in this iteration.

    Those that the loop's own history has in force have to be among them.
    """
    place = _place(scene)
    rows = every_row(
        scene.platform.rows, "exceptions", {"status": ExceptionPhase.ACTIVE}
    )
    in_force = [each async for each in rows if _is_in_force(each, place, scene.now)]
    own = scene.dossier.active_exceptions(place, now=scene.now)
    return Gathered(
        category=Category.EXCEPTION,
        inputs=tuple([await _input(scene, each) for each in in_force]),
        due=frozenset({*own, *(each["exception_id"] for each in in_force)}),
    )


def _place(scene: Scene) -> Place:
    """Return where the iteration is: its loop, its work unit, its base, its documents."""
    return Place(
        loop_id=scene.loop.loop_id,
        work_unit_id=scene.work_unit,
        candidate_id=scene.base.candidate_id if scene.base is not None else None,
        artifact_ids=frozenset(
            each.doc_id for each in scene.platform.governed.artifacts
        ),
    )


def _is_in_force(row: Columns, place: Place, now: datetime) -> bool:
    return bool(now < row["expires_at"]) and _scope(row).reaches(place)


def _scope(row: Columns) -> ExceptionScope:
    return restored(ExceptionScope, row["scope"], what="the scope of an exception")


async def _input(scene: Scene, row: Columns) -> Input:
    """Return the exception as the read model has it, beside what the log has of it."""
    known = await _known(scene, str(row["exception_id"]))
    found = None if known is None else _meta_of(known)
    return Input(ref=_ref(row), found=found)


async def _known(scene: Scene, name: str) -> GovernedException | None:
    """Return the exception from the loop's history, or from its own if no loop's."""
    exception_id = parse_exception_id(name)
    own = scene.dossier.exceptions.get(exception_id)
    if own is not None:
        return own
    return await scene.platform.recorder.state(exception_case(exception_id))


def _ref(row: Columns) -> Ref:
    bare = exception_ref(
        row["exception_id"],
        RefRelation.DEPENDS_ON,
        kind=ExceptionKind(row["kind"]).ref_kind,
    )
    meta = _meta(_scope(row), row["expires_at"], row["applies_to"])
    return Ref(kind=bare.kind, id=bare.id, rel=bare.rel, meta=meta)


def _meta_of(known: GovernedException) -> dict[str, str]:
    return _meta(known.scope, known.expires_at, known.applies_to)


def _meta(
    scope: ExceptionScope, expires_at: datetime, applies_to: str | None
) -> dict[str, str]:
    meta = {"scope": scope.scope_kind.value, "expires_at": rfc3339(expires_at)}
    return meta if applies_to is None else {**meta, "applies_to": applies_to}
