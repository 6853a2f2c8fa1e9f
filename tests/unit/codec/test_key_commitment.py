"""R-ENC-5: a ciphertext that opens under two keys is opened under one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.sealing import OTHER_TEXT, a_blob, a_context, a_kek, seal
from tests.two_keys import Side, collision

from sr_core.codec import crypto, floe, key_record
from sr_core.codec.floe import GCM256_IV256_64K, decrypted
from sr_core.codec.key_record import KeyRecord, unwrapped_key
from sr_core.domain.kek import Kek, SecretKey
from sr_core.domain.sealing_errors import KeyNotCommitted, WrongKek

OURS: Final = a_kek()
THEIRS: Final = a_kek(OTHER_TEXT)
ONE: Final = SecretKey(bytes(range(32)))
OTHER: Final = SecretKey(bytes(range(100, 132)))
IV: Final = bytes(range(50, 82))
NONCE: Final = bytes(12)


@pytest.fixture
def decryptions(monkeypatch) -> list[int]:
    """Note how long each ciphertext is that the cipher is asked to decrypt."""
    seen: list[int] = []
    inner = crypto.Aead.decrypted

    def noted(self, sealed, *, nonce, aad):
        seen.append(len(sealed))
        return inner(self, sealed, nonce=nonce, aad=aad)

    monkeypatch.setattr(crypto.Aead, "decrypted", noted)
    return seen


def derived(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return crypto.derived(SecretKey(key), salt=salt, info=info, size=size).reveal()


def wrap_side(record: KeyRecord, kek: Kek) -> Side:
    """Return key, nonce and head of the wrap, computed from the page's words."""
    head = record.data[:-48]
    context = head[6 : head.index(b"a-kek") - 2]
    named = b"\x00\x05a-kek" + (1).to_bytes(4, "big")
    info = b"sr/wrap/v1" + context + named
    both = derived(kek.key.reveal(), head[-32:], info, 44)
    return Side(key=both[:32], nonce=both[32:], aad=head)


@pytest.fixture(scope="module")
def wrap_of_two() -> KeyRecord:
    """A record whose wrapped key has a tag that holds under both KEKs."""
    _, done = seal(a_blob(10), kek=OURS)
    sides = [wrap_side(done.record, kek) for kek in (OURS, THEIRS)]
    return replace(done.record, wrapped=collision(*sides, size=32))


def segment_side(key: SecretKey) -> Side:
    prefix = GCM256_IV256_64K.block + IV
    message = crypto.expanded(key, prefix + b"MESSAGE_KEY:" + b"aad", 48)
    segment = crypto.expanded(message, prefix + b"DEK:" + bytes(8) + b"aad", 32)
    return Side(key=segment.reveal(), nonce=NONCE, aad=bytes(8) + b"\x01")


@pytest.fixture(scope="module")
def container_of_two() -> bytes:
    """A container that commits to `ONE`; its only segment holds under `OTHER` too."""
    tag = crypto.expanded(
        ONE, GCM256_IV256_64K.block + IV + b"HEADER_TAG:" + b"aad", 32
    ).reveal()
    body = collision(segment_side(ONE), segment_side(OTHER), size=64)
    length = (32 + 64).to_bytes(4, "big")
    return GCM256_IV256_64K.block + IV + tag + length + NONCE + body


def read(container: bytes, key: SecretKey) -> bytes:
    return b"".join(decrypted([container], key, b"aad", GCM256_IV256_64K))


class TestTheCollision:
    def test_opens_under_two_keys_of_plain_aes_gcm(self):
        sides = [
            Side(key=bytes(range(n, n + 32)), nonce=bytes(12), aad=b"aad")
            for n in (1, 2)
        ]
        sealed = collision(*sides, size=48)

        plain = [
            AESGCM(each.key).decrypt(each.nonce, sealed, each.aad) for each in sides
        ]
        assert plain[0] != plain[1]


class TestAWrappedKey:
    def test_opens_under_the_kek_that_is_committed_to(self, wrap_of_two, decryptions):
        assert len(unwrapped_key(wrap_of_two, OURS, a_context())) == 32
        assert decryptions == [48]

    def test_is_not_even_tried_under_the_other(self, wrap_of_two, decryptions):
        with pytest.raises(WrongKek, match="another check value"):
            unwrapped_key(wrap_of_two, THEIRS, a_context())

        assert decryptions == []

    def test_opens_under_both_where_nothing_commits(self, wrap_of_two, monkeypatch):
        monkeypatch.setattr(key_record, "_require_kek", lambda *_: None)

        keys = [
            unwrapped_key(wrap_of_two, each, a_context()) for each in (OURS, THEIRS)
        ]

        assert keys[0] != keys[1]


class TestASegment:
    def test_opens_under_the_key_that_is_committed_to(
        self, container_of_two, decryptions
    ):
        assert len(read(container_of_two, ONE)) == 64
        assert decryptions == [80]

    def test_is_not_even_tried_under_the_other(self, container_of_two, decryptions):
        with pytest.raises(KeyNotCommitted):
            read(container_of_two, OTHER)

        assert decryptions == []

    def test_opens_under_both_where_nothing_commits(
        self, container_of_two, monkeypatch
    ):
        monkeypatch.setattr(floe, "_require_tag", lambda *_: None)

        assert read(container_of_two, ONE) != read(container_of_two, OTHER)
