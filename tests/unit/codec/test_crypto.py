"""The ciphers of sealed evidence, against published vectors and another implementation.

Of Wycheproof's AES-GCM the vectors with our sizes apply: keys of 256 bits, nonces of 96.
It has no HKDF over SHA-384; so a small HKDF over the standard library's HMAC is held to
all vectors over SHA-256 and SHA-512, and ours to that one. Nothing of AES key wrap is
used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec import crypto
from sr_core.domain.kek import SecretKey

VECTORS: Final = Path(__file__).parents[2] / "vectors" / "wycheproof"


def groups_of(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["testGroups"]
    return found


def expanded(hash_name: str, key: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869, 2.3."""
    blocks = -(-size // hashlib.new(hash_name).digest_size)
    if blocks > 255:
        message = "more than HKDF gives"
        raise ValueError(message)
    made, block = b"", b""
    for number in range(1, blocks + 1):
        block = hmac.digest(key, block + info + bytes((number,)), hash_name)
        made += block
    return made[:size]


def derived(hash_name: str, key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869, 2.2."""
    empty = bytes(hashlib.new(hash_name).digest_size)
    extracted = hmac.digest(salt or empty, key, hash_name)
    return expanded(hash_name, extracted, info, size)


def raw(test: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(test[name]) for name in names]


def judged(test: dict[str, Any]) -> bool:
    """Whether the vector is taken, and its plaintext and ciphertext belong together."""
    key, nonce, aad, plain, sealed, tag = raw(
        test, "key", "iv", "aad", "msg", "ct", "tag"
    )
    cipher = crypto.Aead(SecretKey(key))
    found = cipher.decrypted(sealed + tag, nonce=nonce, aad=aad)
    made = cipher.encrypted(plain, nonce=nonce, aad=aad)
    assert (found is not None) == (made == sealed + tag)
    return found == plain


class TestAesGcm:
    def test_gives_the_known_answers(self):
        tests = [
            test
            for group in groups_of("aes_gcm_test.json")
            if (group["keySize"], group["ivSize"], group["tagSize"]) == (256, 96, 128)
            for test in group["tests"]
        ]
        wrong = [
            test["tcId"]
            for test in tests
            if judged(test) != (test["result"] == "valid")
        ]

        assert len(tests) == 66
        assert {test["result"] for test in tests} == {"valid", "invalid"}
        assert wrong == []

    @pytest.mark.parametrize("size", range(16))
    def test_gives_nothing_for_less_than_a_tag(self, size):
        cipher = crypto.Aead(SecretKey(bytes(range(32))))

        assert cipher.decrypted(bytes(size), nonce=bytes(12), aad=b"") is None


class TestHkdf:
    @pytest.mark.parametrize(
        ("name", "hash_name", "count"),
        [
            ("hkdf_sha256_test.json", "sha256", 86),
            ("hkdf_sha512_test.json", "sha512", 83),
        ],
    )
    def test_of_the_test_gives_the_known_answers(self, name, hash_name, count):
        wrong = []
        tests = [test for group in groups_of(name) for test in group["tests"]]
        for test in tests:
            key, salt, info, expected = raw(test, "ikm", "salt", "info", "okm")
            try:
                found = derived(hash_name, key, salt, info, test["size"])
            except ValueError:
                found = None
            if (found == expected) != (test["result"] == "valid"):
                wrong.append(test["tcId"])

        assert (len(tests), wrong) == (count, [])

    @given(
        st.binary(min_size=1, max_size=80),
        st.binary(max_size=80),
        st.binary(max_size=300),
        st.integers(1, 200),
    )
    def test_of_ours_gives_what_that_one_gives(self, key, salt, info, size):
        ours = crypto.derived(SecretKey(key), salt=salt, info=info, size=size)
        expansion = crypto.expanded(SecretKey(key), info, size)

        assert ours.reveal() == derived("sha384", key, salt, info, size)
        assert expansion.reveal() == expanded("sha384", key, info, size)


class TestFreshBytes:
    def test_are_as_many_as_asked_for_and_others_each_time(self):
        drawn = {crypto.fresh(32) for _ in range(100)}

        assert len(drawn) == 100
        assert {len(each) for each in drawn} == {32}
