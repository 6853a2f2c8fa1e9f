"""The tree of RFC 6962, against its known answers and another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from sr_core.domain.merkle import (
    Frontier,
    consistency_path,
    frontier_of,
    grown,
    hash_leaf,
    inclusion_path,
    is_extension,
    root_by_path,
)

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


PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
"""Index and size, and the path, from the tests of Certificate Transparency."""
HASHES = [hash_leaf(b"%d" % number) for number in range(70)]


class TestAnInclusionPath:
    """RFC 6962, 2.1.1; R-ATT-9."""

    @pytest.mark.parametrize(("index", "size"), PATHS)
    def test_is_the_known_answer(self, index, size):
        leaves = [hash_leaf(each) for each in LEAVES[:size]]

        path = inclusion_path(Frontier(), leaves, index)

        assert [each.hex() for each in path] == PATHS[index, size]

    @given(st.data())
    def test_leads_to_the_root_that_another_implementation_has(self, data):
        size = data.draw(st.integers(1, 70))
        kept = data.draw(st.integers(0, size - 1))
        index = data.draw(st.integers(kept, size - 1))
        other = InmemoryTree(algorithm="sha256")
        for number in range(size):
            other.append_entry(b"%d" % number)
        before = frontier_of(HASHES[:kept], before=Frontier())

        path = inclusion_path(before, HASHES[kept:size], index)

        assert (
            root_by_path(HASHES[index], path, index=index, size=size)
            == other.get_root()
        )

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 21])
    def test_leads_nowhere_else(self, size):
        leaves = HASHES[:size]
        root = frontier_of(leaves, before=Frontier()).root
        for index in range(size):
            path = inclusion_path(Frontier(), leaves, index)
            wrong = [
                (HASHES[-1], path, index, size),
                (leaves[index], (*path, HASHES[-1]), index, size),
                (leaves[index], path, size, size),
                (leaves[index], path, -1, size),
                *((leaves[index], path[:-1], index, size) for _ in path[:1]),
                *((leaves[index], path[::-1], index, size) for _ in path[1:]),
                *(
                    (leaves[index], path, other, size)
                    for other in range(size)
                    if other != index
                ),
            ]
            for leaf, hashes, at, of in wrong:
                assert root_by_path(leaf, hashes, index=at, size=of) != root

    def test_is_refused_by_every_bit(self):
        path = inclusion_path(Frontier(), HASHES[:21], 13)
        root = frontier_of(HASHES[:21], before=Frontier()).root
        data = b"".join(path)
        for bit in range(len(data) * 8):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            hashes = [bytes(changed[n : n + 32]) for n in range(0, len(changed), 32)]

            assert root_by_path(HASHES[13], hashes, index=13, size=21) != root


CONSISTENT = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
"""Two sizes, and the path, from the tests of Certificate Transparency."""


def sized(leaves: list[bytes]) -> tuple[int, bytes]:
    return len(leaves), frontier_of(leaves, before=Frontier()).root


def consistent(old: list[bytes], more: list[bytes]) -> tuple[bytes, ...]:
    return consistency_path(frontier_of(old, before=Frontier()), more)


def defined(old: int, leaves: list[bytes], *, is_whole: bool) -> list[bytes]:
    """Return SUBPROOF of RFC 6962, 2.1.2, word for word."""
    if old == len(leaves):
        return [] if is_whole else [sized(leaves)[1]]
    half = max(1 << n for n in range(8) if 1 << n < len(leaves))
    if old <= half:
        part = defined(old, leaves[:half], is_whole=is_whole)
        return [*part, sized(leaves[half:])[1]]
    return [
        *defined(old - half, leaves[half:], is_whole=False),
        sized(leaves[:half])[1],
    ]


class TestAConsistencyPath:
    """RFC 6962, 2.1.2; R-ATT-8."""

    @pytest.mark.parametrize(("old", "new"), CONSISTENT)
    def test_is_the_known_answer(self, old, new):
        leaves = [hash_leaf(each) for each in LEAVES[:new]]

        path = consistent(leaves[:old], leaves[old:])

        assert [each.hex() for each in path] == CONSISTENT[old, new]

    def test_is_that_of_the_definition_and_leads_from_root_to_root(self):
        tree = InmemoryTree(algorithm="sha256")
        roots = [tree.append_entry(b"%d" % n) and tree.get_root() for n in range(40)]
        for new in range(1, 41):
            for old in range(1, new + 1):
                path = consistent(HASHES[:old], HASHES[old:new])
                first, last = (old, roots[old - 1]), (new, roots[new - 1])

                assert [*path] == defined(old, HASHES[:new], is_whole=True)
                assert is_extension(path, old=first, new=last)

    @pytest.mark.parametrize("new", [2, 3, 7, 8, 21])
    def test_leads_nowhere_else(self, new):
        last = sized(HASHES[:new])
        for old in range(1, new):
            path = consistent(HASHES[:old], HASHES[old:new])
            first = sized(HASHES[:old])
            other = sized([*HASHES[: old - 1], HASHES[-1]])
            fork = sized([*HASHES[: old - 1], HASHES[-1], *HASHES[old:new]])
            cut = sized(HASHES[: new - 1])
            wrong = [
                (path, other, last),
                (path, first, fork),
                (path, first, cut),
                (path, last, first),
                ((*path, HASHES[-1]), first, last),
                ((), first, last),
                (path[:-1], first, last),
                *((path[::-1], first, last) for _ in path[1:]),
                *(
                    (path, sized(HASHES[:at]), last)
                    for at in range(1, new)
                    if at != old
                ),
                (path, (0, sized([])[1]), last),
                (path, (-1, first[1]), last),
            ]
            for hashes, one, two in wrong:
                assert not is_extension(hashes, old=one, new=two)

    def test_of_one_size_is_empty(self):
        size = sized(HASHES[:5])

        assert is_extension((), old=size, new=size)
        assert not is_extension(HASHES[:1], old=size, new=size)
        assert not is_extension((), old=size, new=(5, HASHES[0]))
        assert not is_extension((), old=sized([]), new=sized([]))

    def test_is_refused_by_every_bit(self):
        path = consistent(HASHES[:13], HASHES[13:21])
        first, last = sized(HASHES[:13]), sized(HASHES[:21])
        data = b"".join(path)
        for bit in range(len(data) * 8):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            hashes = [bytes(changed[n : n + 32]) for n in range(0, len(changed), 32)]

            assert not is_extension(hashes, old=first, new=last)
