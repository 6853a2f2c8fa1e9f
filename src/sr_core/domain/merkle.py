"""The Merkle tree of RFC 6962, grown a leaf at a time.

A frontier keeps the roots of the perfect subtrees that the leaves so far make up, the
largest first: one for each bit that is set in their number.

    5 leaves, 101 in binary          root = H(1 | a | b)
    a: of leaves 1 to 4              b: leaf 5

So a log of a million events is known by twenty hashes, and any two logs that differ in
one leaf have different roots. That one leaf is among them, its inclusion path shows: the
roots of the subtrees beside the way from the leaf up to the root (RFC 6962, 2.1.1). That
a tree is the beginning of a larger one, its consistency path shows (2.1.2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
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


def inclusion_path(
    before: Frontier, leaves: Sequence[bytes], index: int
) -> tuple[bytes, ...]:
    """Return the inclusion path of one of `leaves`, from its sibling up (RFC 6962, 2.1.1).

    The tree is that of the leaves of `before` and then `leaves`; `index` counts from 0
    over all of them. What lies before is known by its frontier alone, and that suffices:
    a subtree beside the path that lies before is one that the frontier keeps.
    """
    low, high = 0, before.size + len(leaves)
    assert before.size <= index < high, "only a leaf that is there has a path"
    path: list[bytes] = []
    while high - low > 1:
        middle = low + _left_size(high - low)
        if index < middle:
            path.append(_subtree(before, leaves, middle, high))
            high = middle
        else:
            path.append(_subtree(before, leaves, low, middle))
            low = middle
    return tuple(reversed(path))


def root_by_path(
    leaf: bytes, path: Sequence[bytes], *, index: int, size: int
) -> bytes | None:
    """Return the root that `path` leads to from the leaf at `index`, in a tree of `size`.

    None if there is no such leaf, or the path has not the length of such a one (RFC 9162,
    2.1.3.2).
    """
    if not 0 <= index < size:
        return None
    node, place, last = leaf, index, size - 1
    for each in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            node = hash_node(each, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = hash_node(node, each)
        place, last = place >> 1, last >> 1
    return node if last == 0 else None


def consistency_path(before: Frontier, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return what shows that the tree of `before` is that of `leaves` too, cut short.

    It is the consistency path from the one to the other, the lowest first (RFC 6962,
    2.1.2); it is empty where there are no leaves more.
    """
    low, high = 0, before.size + len(leaves)
    assert before.size, "every tree begins with the empty one"
    path: list[bytes] = []
    while high > before.size:
        middle = low + _left_size(high - low)
        if before.size <= middle:
            path.append(_subtree(before, leaves, middle, high))
            high = middle
        else:
            path.append(_subtree(before, leaves, low, middle))
            low = middle
    if low:  # otherwise it is the root of the smaller tree, which whoever asks has
        path.append(_subtree(before, leaves, low, high))
    return tuple(reversed(path))


def is_extension(
    path: Sequence[bytes], *, old: tuple[int, bytes], new: tuple[int, bytes]
) -> bool:
    """Return whether the path shows that the old tree is the beginning of the new one.

    Both are given by size and root (RFC 9162, 2.1.4.2).
    """
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 < old_size < new_size:
        return old == new and old_size > 0 and not path
    nodes = [*path]
    if old_size.bit_count() == 1:
        nodes.insert(0, old_root)
    if not nodes:
        return False
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    smaller = larger = nodes[0]
    for each in nodes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            smaller, larger = hash_node(each, smaller), hash_node(each, larger)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            larger = hash_node(larger, each)
        place, last = place >> 1, last >> 1
    return (smaller, larger, last) == (old_root, new_root, 0)


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of the leaf that holds `data`."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _left_size(size: int) -> int:
    """Return how many of so many leaves are below the left of two nodes."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtree(before: Frontier, leaves: Sequence[bytes], low: int, high: int) -> bytes:
    """Return the root over the leaves from `low` up to `high`."""
    if low >= before.size:
        some = leaves[low - before.size : high - before.size]
        return frontier_of(some, before=Frontier()).root
    if high <= before.size:
        return before.roots[low.bit_count()]  # as many larger ones come before it
    middle = low + _left_size(high - low)
    return hash_node(
        _subtree(before, leaves, low, middle), _subtree(before, leaves, middle, high)
    )
