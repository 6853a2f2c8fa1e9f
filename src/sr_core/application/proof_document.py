"""A replay proof as the document that is kept of it (SPEC 12.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sr_core.application.proof import PlanState, Proof
from sr_core.codec.canonical import plain
from sr_core.codec.envelope import rfc3339
from sr_core.ports.read_copy import Difference

PLACES = ("here", "in another process")


def document(proof: Proof) -> Mapping[str, Any]:
    """Return the proof as JSON is made of; nothing in it is left to the reader's trust."""
    return {
        "proof_id": proof.proof_id,
        "verdict": proof.verdict,
        "deterministic": proof.is_deterministic,
        "event_count": proof.end,
        "first_event_id": proof.first and proof.first.event_id,
        "last_event_id": proof.last and proof.last.event_id,
        "chain_hash": proof.last and f"sha256:{proof.last.chain_hash.hex()}",
        "original_state_hash": proof.original.state_hash,
        "replayed_state_hash": _hash(proof, 0),
        "replayed_state_hash_in_another_process": _hash(proof, 1),
        "discrepancy_rows": sum(each.compared.rows for each in proof.replays),
        "discrepancies": [*_discrepancies(proof)],
        "tables": {name: _table(proof, name) for name in proof.original.tables},
        "plans": [*_plans(proof)],
        "controls": [plain(each) for each in proof.controls],
        "proof_computed_at": rfc3339(proof.computed_at),
    }


def _hash(proof: Proof, place: int) -> str | None:
    replays = proof.replays
    return replays[place].digests.state_hash if place < len(replays) else None


def _discrepancies(proof: Proof) -> Iterator[Mapping[str, Any]]:
    for place, replayed in zip(PLACES, proof.replays, strict=False):
        for each in replayed.compared.differences:
            yield {
                "table": each.table,
                "key": dict(each.key),
                "field": each.column,
                "original_value": each.live,
                "replayed_value": each.replayed,
                "description": f"{_described(each)}, replayed {place}",
            }


def _described(each: Difference) -> str:
    if each.column is not None:
        return f"{each.column} is another"
    if each.live is None:
        return "the live table lacks the row"
    if each.replayed is None:
        return "the log does not give the row"
    return "the row is written in another way"


def _table(proof: Proof, name: str) -> Mapping[str, Any]:
    digests = (each.digests.tables.get(name) for each in proof.replays)
    replayed = [each and each.content_hash for each in digests]
    original = proof.original.tables[name]
    return {
        "rows": original.rows,
        "original_hash": original.content_hash,
        "replayed_hashes": replayed,
    }


def _plans(proof: Proof) -> Iterator[Mapping[str, Any]]:
    """Yield how far each plan is, as two processes read the log."""
    if not proof.replays:
        return
    here, there = proof.replays[0].plans, proof.replays[-1].plans
    for name in sorted({*here, *there}):
        one, other = here.get(name), there.get(name)
        yield {
            "plan_instance_id": name,
            "work_unit_count": one.units if one else 0,
            "original_state_hash": one and one.state_hash,
            "replayed_state_hash": other and other.state_hash,
            **_sets(one, other),
        }


def _sets(one: PlanState | None, other: PlanState | None) -> Mapping[str, Any]:
    original = one.eligible if one else ()
    replayed = other.eligible if other else ()
    return {
        "original_eligible": list(original),
        "replayed_eligible": list(replayed),
        "sets_match": original == replayed,
        "only_in_original": sorted(set(original) - set(replayed)),
        "only_in_replayed": sorted(set(replayed) - set(original)),
    }
