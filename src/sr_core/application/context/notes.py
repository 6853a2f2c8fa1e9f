"""Human notes about the loop, and those that the gating policy waits for (SPEC 6.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

from sr_core.application.context import exceptions
from sr_core.application.context.scene import Columns, Gathered, Scene, every_row
from sr_core.codec.canonical import canonical
from sr_core.domain.context import Category, Input
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.gating_policy import Hook, Trigger, notes_due, parse_policy
from sr_core.domain.loop import FAILURES_MAX
from sr_core.domain.ref_builders import record_ref
from sr_core.domain.refs import ContentHash, RefRelation, hash_bytes
from sr_core.domain.type_keys import GATING_POLICY, TYPE_KEYS, TypeKey, parse_type_key

_ARE_RECORDED: Final = "RecordCreated" in EVENT_TYPES
"""Whether there are notes at all; until then there is no table of them to ask."""

_GRAVE: Final = frozenset({"high", "critical"})


async def notes(scene: Scene) -> Gathered:
    """Gather the notes about the loop; what the policy waits for has to be among them."""
    rows = [each async for each in _rows_about(scene)]
    due = await _awaited(scene) - {
        _type_of(each) for each in rows if _is_of_base(each, scene)
    }
    about = scene.base.candidate_id if scene.base is not None else scene.loop.loop_id
    return Gathered(
        category=Category.RECORD,
        inputs=tuple(_input(each) for each in rows),
        due=frozenset(f"{each} about {about}" for each in due),
    )


async def _rows_about(scene: Scene) -> AsyncIterator[Columns]:
    if not _ARE_RECORDED:
        return
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


def _is_of_base(row: Columns, scene: Scene) -> bool:
    return scene.base is not None and scene.base.candidate_id in _subjects(row)


def _type_of(row: Columns) -> TypeKey:
    """Return the type of the note; a bare name is one of the records."""
    said: str = row["record_type"]
    return parse_type_key(said if said in TYPE_KEYS else f"record.{said}")


def _input(row: Columns) -> Input:
    ref = record_ref(
        row["record_id"],
        RefRelation.DEPENDS_ON,
        content_hash=_hash_of(row),
        type_key=_type_of(row),
    )
    return Input(ref=ref, found=ref.meta)


def _hash_of(row: Columns) -> ContentHash:
    """Return the hash of what the note says, and about what."""
    said = {name: row.get(name) for name in ("subject_refs", "content", "details")}
    return hash_bytes(canonical(said))


async def _awaited(scene: Scene) -> frozenset[TypeKey]:
    """Return the types of notes that a policy in effect waits for."""
    raised = frozenset([each async for each in _raised(scene)])
    reached = frozenset(_reached(scene))
    awaited: frozenset[TypeKey] = frozenset()
    for entry in scene.platform.governed.of_type(GATING_POLICY):
        awaited |= notes_due(parse_policy(entry.metadata.ext), reached, raised)
    return awaited


def _reached(scene: Scene) -> Iterator[Hook]:
    """Yield the hooks that the base candidate has come to."""
    if scene.base is not None and scene.base.status.is_verified:
        yield Hook.EVALUATION_ON_VERIFICATION
        if scene.base.candidate_id in scene.dossier.freezes:
            yield Hook.ASSESSMENT_ON_VALIDATION


async def _raised(scene: Scene) -> AsyncIterator[Trigger]:
    """Yield what makes hybrid hooks hard, at this moment."""
    if exceptions.is_any_in_force(await exceptions.active(scene)):
        yield Trigger.EXCEPTIONS_ACTIVE
    if scene.loop.failures_in_a_row >= FAILURES_MAX - 1:
        yield Trigger.REPEATED_FAILURE
    if scene.loop.iterations_started >= scene.loop.budgets.max_iterations - 1:
        yield Trigger.BUDGET_NEAR_EXHAUSTED
    if scene.dossier.freezes:
        yield Trigger.CLOSEOUT_PENDING
    summaries = [each async for each in _summaries(scene)]
    if any(_grave_risks(each) for each in summaries):
        yield Trigger.OPEN_RISK_HIGH
    paths = {f"docs/{each.path}" for each in scene.platform.governed.artifacts}
    if any(paths & {*each.get("artifacts_touched", ())} for each in summaries):
        yield Trigger.GOVERNANCE_TOUCH


async def _summaries(scene: Scene) -> AsyncIterator[Columns]:
    """Yield the structured summaries that the loop's iterations left."""
    key = {"loop_id": scene.loop.loop_id}
    async for row in every_row(scene.platform.rows, "iterations", key):
        summary = row.get("summary")
        if isinstance(summary, Mapping):
            yield summary


def _grave_risks(summary: Columns) -> bool:
    risks = summary.get("open_risks", ())
    return any(each["severity"] in _GRAVE for each in risks)
