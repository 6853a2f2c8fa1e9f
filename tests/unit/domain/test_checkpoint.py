"""A checkpoint's leaves, which prove themselves by the root that they lead to."""

from __future__ import annotations

import hashlib

import pytest

from sr_core.domain.checkpoint import Leaves, leaf_of
from sr_core.domain.merkle import Frontier, frontier_of
from sr_core.domain.refs import hash_bytes

HASHES = tuple(leaf_of(n, hash_bytes(b"%d" % n)) for n in range(1, 8))
LEAVES = Leaves(before=frontier_of(HASHES[:3], before=Frontier()), hashes=HASHES[3:])


class TestALeaf:
    def test_is_of_position_and_envelope_hash(self):
        data = (7).to_bytes(8, "big") + hashlib.sha256(b"7").digest()

        assert leaf_of(7, hash_bytes(b"7")) == hashlib.sha256(b"\0" + data).digest()


class TestLeaves:
    def test_lead_to_the_frontier_of_all(self):
        assert LEAVES.after == frontier_of(HASHES, before=Frontier())

    @pytest.mark.parametrize("position", range(4, 8))
    def test_are_found_by_position(self, position):
        assert LEAVES.at(position) == HASHES[position - 1]

    @pytest.mark.parametrize("position", [-1, 0, 3, 8])
    def test_of_other_positions_are_not_there(self, position):
        assert LEAVES.at(position) is None
