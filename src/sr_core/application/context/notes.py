"""Human notes about the loop: an iteration starts from all of them (SPEC 8.1).

Whether one has to be there first is the gating policy's to say
(`sr_core.application.gating`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from sr_core.application.context.scene import Columns, Gathered, Scene, every_row
from sr_core.domain.context import Category, Input
from sr_core.domain.ref_builders import record_ref
from sr_core.domain.refs import RefRelation, parse_content_hash
from sr_core.domain.type_keys import TYPE_KEYS, TypeKey, parse_type_key


async def notes(scene: Scene) -> Gathered:
    """Gather the notes about the loop, its iterations and its candidates."""
    rows = [each async for each in _rows_about(scene)]
    return Gathered(
        category=Category.RECORD, inputs=tuple(_input(each) for each in rows)
    )


async def _rows_about(scene: Scene) -> AsyncIterator[Columns]:
    own = {
        scene.loop.loop_id,
        scene.work_unit,
        *scene.dossier.iterations,
        *scene.dossier.candidates,
    }
    async for row in every_row(scene.platform.rows, "human_judgment_records", {}):
        if own & _subjects(row):
            yield row


def _subjects(row: Columns) -> frozenset[str]:
    return frozenset(each["id"] for each in row["subject_refs"])


def _type_of(row: Columns) -> TypeKey:
    """Return the type of the note; a bare name is one of the records."""
    said: str = row["record_type"]
    return parse_type_key(said if said in TYPE_KEYS else f"record.{said}")


def _input(row: Columns) -> Input:
    ref = record_ref(
        row["record_id"],
        RefRelation.DEPENDS_ON,
        content_hash=parse_content_hash(row["content_hash"]),
        type_key=_type_of(row),
    )
    return Input(ref=ref, found=ref.meta)
