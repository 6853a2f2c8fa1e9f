"""Checkpoints in the form of C2SP tlog-checkpoint, and their leaves."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from sr_core.codec.checkpoint import (
    checkpoint_key,
    leaves_key,
    read_checkpoint,
    read_leaves,
    write_checkpoint,
    write_leaves,
)
from sr_core.codec.note import SigningKey, parse_verifier_key, signed
from sr_core.domain.checkpoint import Checkpoint, Leaves, leaf_of
from sr_core.domain.errors import MalformedInput
from sr_core.domain.merkle import Frontier, frontier_of
from sr_core.domain.refs import hash_bytes

PAGE = Path(__file__).parents[3] / "docs/explanation/tamper-evidence.md"
KEY = SigningKey(name="solver-ralph/log", seed=bytes(range(32)))
ROOT = bytes(range(100, 132))
IN_BASE64 = base64.b64encode(ROOT).decode()
CHECKPOINT = Checkpoint(origin="solver-ralph/log", size=200, root=ROOT)


def read(text: str) -> Checkpoint:
    return read_checkpoint(signed(text, KEY), KEY.verifier, what="checkpoint/200")


class TestACheckpoint:
    def test_is_a_note_of_origin_size_and_root(self):
        text, _, signature = write_checkpoint(CHECKPOINT, KEY).partition(b"\n\n")

        assert text.decode() == f"solver-ralph/log\n200\n{IN_BASE64}"
        assert signature.startswith("— solver-ralph/log ".encode())

    def test_reads_back(self):
        data = write_checkpoint(CHECKPOINT, KEY)

        assert read_checkpoint(data, KEY.verifier, what="it") == CHECKPOINT

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (f"log\n0\n{IN_BASE64}\n", "line 2: found '0'"),
            (f"log\n007\n{IN_BASE64}\n", "line 2: found '007'"),
            (f"log\n-7\n{IN_BASE64}\n", "line 2: found '-7'"),
            (f"log\n\N{ARABIC-INDIC DIGIT SEVEN}\n{IN_BASE64}\n", "line 2"),
            (f"log\n{'9' * 20}\n{IN_BASE64}\n", "line 2"),
            (f"log\n7\n{IN_BASE64[:-4]}\n", "line 3"),
            (f"log\n7\n{IN_BASE64} \n", "line 3"),
            (f"log\n7\n{IN_BASE64}\nmore\n", "found '4 lines'"),
            ("log\n7\n", "found '2 lines'"),
            (f"\n7\n{IN_BASE64}\n", "line 1"),
        ],
    )
    def test_of_another_form_is_refused_though_signed(self, text, said):
        with pytest.raises(MalformedInput, match=said):
            read(text)

    def test_on_the_page_is_one_that_can_be_read(self):
        page = PAGE.read_text(encoding="utf-8")
        note = page.partition("```text\nsolver-ralph/log\n")[2].partition("```")[0]
        _, _, told = page.partition("This one is signed by `")
        key = parse_verifier_key(told.partition("`")[0], field="the page's key")
        leaves = (leaf_of(n, hash_bytes(b"%d" % n)) for n in range(1, 201))

        shown = read_checkpoint(
            f"solver-ralph/log\n{note}".encode(), key, what="the page's checkpoint"
        )

        assert shown.root == frontier_of(leaves, before=Frontier()).root
        assert shown.size == 200

    def test_lies_under_a_name_that_sorts_by_size(self):
        sizes = [10, 9, 200, 65_536]

        names = sorted(map(checkpoint_key, sizes))

        assert names == [checkpoint_key(each) for each in sorted(sizes)]
        assert names[-2] == "checkpoint/00000000000000000200"
        assert leaves_key(200) == "leaves/00000000000000000200"


class TestLeaves:
    HASHES = tuple(leaf_of(n, hash_bytes(b"%d" % n)) for n in range(1, 12))

    @pytest.mark.parametrize("start", range(11))
    def test_read_back_whatever_came_before(self, start):
        before = frontier_of(self.HASHES[:start], before=Frontier())
        leaves = Leaves(before=before, hashes=self.HASHES[start:])

        data = write_leaves(leaves)

        assert read_leaves(data, what="leaves") == leaves
        assert len(data) == 8 + 32 * (start.bit_count() + 11 - start)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            bytes(7),
            bytes(8),
            bytes(8 + 31),
            (3).to_bytes(8, "big") + bytes(64),
            b"\xff" * 40,
        ],
    )
    def test_of_another_form_are_refused(self, data):
        with pytest.raises(MalformedInput, match="a frontier and 1 to 65536 leaves"):
            read_leaves(data, what="leaves")
