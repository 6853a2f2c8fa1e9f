"""That the log of an older checkpoint is the beginning of that of a newer one (R-ATT-8).

    older checkpoint ──its leaves──▶ frontier ─┐
    those after it ──leaves of each──▶ hashes ─┴─▶ path, with the newest checkpoint

Whoever has kept a checkpoint checks the path by it and the key alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from sr_core.application.checkpoints import Archive
from sr_core.codec.checkpoint import read_checkpoint
from sr_core.codec.log_proof import (
    ConsistencyProof,
    read_consistency,
    write_consistency,
)
from sr_core.codec.note import VerifierKey
from sr_core.domain.checkpoint import Checkpoint
from sr_core.domain.errors import MalformedInput
from sr_core.domain.merkle import consistency_path, is_extension
from sr_core.ports.checkpoints import LogUnsound


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Two checkpoints of one log, and whether the older is the beginning of the newer."""

    old: Checkpoint
    new: Checkpoint
    is_shown: bool


async def prove(archive: Archive, old_note: bytes) -> str:
    """Return the proof from the checkpoint in `old_note` to the newest one.

    Raises:
        MalformedInput: it is no checkpoint that the log's key has signed.
        LogUnsound: the archive does not lead from it to the newest one.
        Unavailable: no answer in time.

    """
    old = read_checkpoint(old_note, archive.key, what="the older checkpoint")
    start = (await archive.proven_leaves(old)).after
    end, note, hashes = start, old_note, list[bytes]()
    async for each in archive.following(old.size):
        if each.leaves.before != end:
            raise LogUnsound(
                why=f"the leaves of {each.checkpoint.size} do not follow on {end.size}"
            )
        end, note = each.leaves.after, each.note
        hashes += each.leaves.hashes
    path = consistency_path(start, hashes)
    return write_consistency(ConsistencyProof(old=old.size, path=path, note=note))


def check(proof_text: str, old_note: bytes, key: VerifierKey) -> Extension:
    """Return what the proof comes to for who has the checkpoint in `old_note`.

    Raises:
        MalformedInput: one of them is not of the form, not signed by `key`, or the proof
            is about another checkpoint.

    """
    old = read_checkpoint(old_note, key, what="the older checkpoint")
    proof = read_consistency(proof_text, what="the proof")
    new = read_checkpoint(proof.note, key, what="the proof's checkpoint")
    if (proof.old, new.origin) != (old.size, old.origin):
        raise MalformedInput(
            field="the proof",
            found=f"about {proof.old} events of {new.origin}",
            expected=f"about {old.size} events of {old.origin}",
        )
    is_shown = is_extension(
        proof.path, old=(old.size, old.root), new=(new.size, new.root)
    )
    return Extension(old=old, new=new, is_shown=is_shown)
