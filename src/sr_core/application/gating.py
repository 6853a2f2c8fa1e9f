"""The gating policy, asked before an iteration starts (SPEC 6.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sr_core.application.platform import Platform
from sr_core.domain.dossier import Dossier
from sr_core.domain.gating_facts import facts_of
from sr_core.domain.gating_policy import (
    HYBRID_POLICY,
    GatingPolicy,
    Hook,
    NoteType,
    evaluate,
    require,
)
from sr_core.ports.read_model import Row

_PAGE: Final = 200


async def pending_hooks(
    platform: Platform, dossier: Dossier, policy: GatingPolicy = HYBRID_POLICY
) -> tuple[Hook, ...]:
    """Return the hooks that wait for a note and let the loop go on all the same.

    Raises:
        HookPending: one of them does not.

    """
    now = platform.clock.now()
    facts = facts_of(dossier, notes=(), now=now)
    if not evaluate(policy, facts).may_proceed:
        notes = await _notes_about(platform, dossier)
        facts = facts_of(dossier, notes=notes, now=now)
    return require(dossier.the_loop().loop_id, policy, facts)


async def _notes_about(platform: Platform, dossier: Dossier) -> frozenset[NoteType]:
    """Return the types of the notes that humans recorded about the loop or its work."""
    named = {dossier.the_loop().loop_id, *dossier.candidates, *dossier.iterations}
    subjects = frozenset[str](named)
    found: set[NoteType] = set()
    for each in NoteType:
        if await _is_noted(platform, each, subjects):
            found.add(each)
    return frozenset(found)


async def _is_noted(
    platform: Platform, kind: NoteType, subjects: frozenset[str]
) -> bool:
    where = {"record_type": kind}
    offset, total = 0, 1
    while offset < total:
        page = await platform.rows.rows(
            "human_judgment_records", where, limit=_PAGE, offset=offset
        )
        if any(subjects & _subjects(row) for row in page.rows):
            return True
        offset, total = offset + _PAGE, page.total
    return False


def _subjects(row: Row) -> set[str]:
    refs = row["subject_refs"]
    assert isinstance(refs, list), "a record names its subjects"
    return {str(each["id"]) for each in refs if isinstance(each, Mapping)}
