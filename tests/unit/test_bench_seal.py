"""`bench/seal.py` measures what it says, on a blob that is soon sealed."""

from __future__ import annotations

import asyncio

from bench.seal import Floor, Sizes, measure


def test_there_is_a_figure_for_sealing_and_one_for_opening():
    found = asyncio.run(measure(Sizes(mib=1, pairs=1)))

    assert [(each.name, each.wanted) for each in found] == [
        ("restricted_over_floor", ">= 0.7"),
        ("restricted_open_over_floor", ">= 0.7"),
    ]
    assert all(each.ours > 0 and each.floor > 0 for each in found)


def test_the_floor_takes_every_byte():
    floor = Floor()
    blob = bytes(200_000)
    pieces = floor.sealed(blob)

    assert [len(sealed) for _, sealed in pieces] == [65_552] * 3 + [3_408]
    assert b"".join(floor.opened(pieces)) == blob
