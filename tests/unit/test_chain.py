"""The hash chain, against answers that were worked out from its definition."""

from __future__ import annotations

import hashlib

import pytest

from sr_core.domain.chain import CHAIN_START, link
from sr_core.domain.refs import ContentHash, hash_bytes

FIRST = hash_bytes(b"first")
SECOND = hash_bytes(b"second")
KNOWN = "6fc9e45067f45747c2e6e04f9886aa119ff2abb66bb34f7ff465007b1a9776b8"
"""From coreutils: 32 zero bytes, 00..01, and the digest of "first", through sha256sum."""


class TestALink:
    """C-EVT-2: previous hash, position, envelope hash."""

    def test_is_sha256_over_72_bytes(self):
        by_hand = hashlib.sha256(
            b"\x00" * 32
            + b"\x00\x00\x00\x00\x00\x00\x00\x01"
            + hashlib.sha256(b"first").digest()
        )

        assert link(CHAIN_START, 1, FIRST) == by_hand.digest()

    def test_follows_on_the_one_before(self):
        first = link(CHAIN_START, 1, FIRST)
        by_hand = hashlib.sha256(
            first + b"\x00" * 6 + b"\x01\x02" + hashlib.sha256(b"second").digest()
        )

        assert link(first, 258, SECOND) == by_hand.digest()

    def test_has_a_known_value(self):
        assert link(CHAIN_START, 1, FIRST).hex() == KNOWN

    @pytest.mark.parametrize(
        ("previous", "position", "envelope_hash"),
        [
            (bytes(31) + b"\x01", 1, FIRST),
            (CHAIN_START, 2, FIRST),
            (CHAIN_START, 1, SECOND),
        ],
        ids=["previous", "position", "envelope"],
    )
    def test_depends_on(
        self, previous: bytes, position: int, envelope_hash: ContentHash
    ):
        assert link(previous, position, envelope_hash) != link(CHAIN_START, 1, FIRST)
