"""The tree of RFC 6962, against its known answers and another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from sr_core.domain.merkle import Frontier, frontier_of, grown, hash_leaf

LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The roots of the first 0 to 8 leaves, from the tests of Certificate Transparency."""


def root_of(entries: list[bytes]) -> bytes:
    return frontier_of(map(hash_leaf, entries), before=Frontier()).root


class TestTheRoot:
    """RFC 6962, 2.1."""

    @pytest.mark.parametrize("size", range(9))
    def test_is_the_known_answer(self, size):
        assert root_of(LEAVES[:size]).hex() == ROOTS[size]

    @given(st.lists(st.binary(max_size=8), max_size=70))
    def test_is_what_another_implementation_gives(self, entries):
        other = InmemoryTree(algorithm="sha256")
        for each in entries:
            other.append_entry(each)

        assert root_of(entries) == other.get_root()

    @given(st.lists(st.binary(max_size=2), min_size=1, max_size=20), st.data())
    def test_is_another_where_one_leaf_is(self, entries, data):
        index = data.draw(st.integers(0, len(entries) - 1))
        changed = [*entries]
        changed[index] += b"!"

        assert root_of(changed) != root_of(entries)

    def test_tells_a_leaf_from_a_node(self):
        left, right = hash_leaf(b"a"), hash_leaf(b"b")

        assert root_of([left + right]) != root_of([b"a", b"b"])


class TestTheFrontier:
    @given(st.integers(0, 300))
    def test_has_a_root_for_each_bit_of_its_size(self, size):
        frontier = Frontier()
        for number in range(size):
            frontier = grown(frontier, hash_leaf(b"%d" % number))

        assert (frontier.size, len(frontier.roots)) == (size, size.bit_count())
