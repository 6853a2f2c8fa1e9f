"""The Merkle tree of RFC 6962, grown a leaf at a time.

A frontier keeps the roots of the perfect subtrees that the leaves so far make up, the
largest first: one for each bit that is set in their number.

    5 leaves, 101 in binary          root = H(1 | a | b)
    a: of leaves 1 to 4              b: leaf 5

So a log of a million events is known by twenty hashes, and any two logs that differ in
one leaf have different roots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What is kept of `size` leaves: as many roots as `size` has bits set."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The root of the whole tree (RFC 6962, 2.1)."""
        if not self.roots:
            return EMPTY_ROOT
        return reduce(lambda right, left: hash_node(left, right), reversed(self.roots))


def grown(frontier: Frontier, leaf: bytes) -> Frontier:
    """Return the frontier with one leaf more; `leaf` is the leaf's hash."""
    size, roots, node = frontier.size, frontier.roots, leaf
    while size & 1:
        node = hash_node(roots[-1], node)
        size, roots = size >> 1, roots[:-1]
    return Frontier(frontier.size + 1, (*roots, node))


def frontier_of(leaves: Iterable[bytes], *, before: Frontier) -> Frontier:
    """Return the frontier `before` with all these leaves more."""
    return reduce(grown, leaves, before)


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of the leaf that holds `data`."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()
