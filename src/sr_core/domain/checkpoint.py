"""Checkpoints: what a log was like at one size, in one hash (C-EVT-2, R-EVT-9).

A checkpoint names the root of the Merkle tree over the log's first `size` events. Who
holds one that is signed can tell whether any of these events has changed since, even if
all that lies in the database was made anew to fit. Beside it lie the leaves that came
since the checkpoint before; they say which event it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sr_core.domain.merkle import Frontier, frontier_of, hash_leaf
from sr_core.domain.refs import ContentHash

LEAVES_MAX: Final = 65_536
"""How many events come between two checkpoints at most, so that 2 MiB hold their leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log named `origin` had `size` events, over which the tree's root is `root`."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, kw_only=True)
class Leaves:
    """The leaf hashes of the events that follow on `before`, in the log's order.

    They prove themselves: only the right ones lead from `before` to the signed root.
    """

    before: Frontier
    hashes: tuple[bytes, ...]

    @cached_property
    def after(self) -> Frontier:
        """The frontier that they lead to."""
        return frontier_of(self.hashes, before=self.before)

    def at(self, position: int) -> bytes | None:
        """Return the leaf of the event at `position`, if it is among them."""
        index = position - self.before.size - 1
        return self.hashes[index] if 0 <= index < len(self.hashes) else None


def leaf_of(position: int, envelope_hash: ContentHash) -> bytes:
    """Return the leaf hash of one event.

    The leaf's data are the position (8 bytes, big-endian) and the 32 bytes of the
    envelope hash.
    """
    digest = bytes.fromhex(envelope_hash.removeprefix("sha256:"))
    return hash_leaf(position.to_bytes(8, "big") + digest)
