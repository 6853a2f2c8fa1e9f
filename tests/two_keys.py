"""One AES-GCM ciphertext that opens under two keys (R-ENC-5).

GHASH is a polynomial, so that one free block can be chosen such that the tags under both
keys come out the same. Written after the published attacks ("invisible salamanders",
Dodis and others, CRYPTO 2018); it needs both keys, as an insider has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

BLOCK: Final = 16
_REDUCTION: Final = 0xE1 << 120
_ONE: Final = 1 << 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two ways to open it."""

    key: bytes
    nonce: bytes
    aad: bytes


def collision(one: Side, other: Side, *, size: int) -> bytes:
    """Return ciphertext of `size` bytes and tag, which hold on both sides."""
    assert size % BLOCK == 0, "whole blocks only"
    assert size > 0, "one of them is free"
    filled = bytes(number % 256 for number in range(size - BLOCK)) + bytes(BLOCK)
    factors = [_product(_hash_key(each), _hash_key(each)) for each in (one, other)]
    wanted = _tag(one, filled) ^ _tag(other, filled)
    free = _product(wanted, _inverse(factors[0] ^ factors[1]))
    body = filled[:-BLOCK] + free.to_bytes(BLOCK, "big")
    return body + _tag(one, body).to_bytes(BLOCK, "big")


def _tag(side: Side, body: bytes) -> int:
    """Return the tag (NIST SP 800-38D, 7.1)."""
    sizes = (8 * len(side.aad)).to_bytes(8, "big") + (8 * len(body)).to_bytes(8, "big")
    key, made = _hash_key(side), 0
    for block in (*_blocks(side.aad), *_blocks(body), sizes):
        made = _product(made ^ int.from_bytes(block, "big"), key)
    return made ^ _encrypted(side, side.nonce + b"\x00\x00\x00\x01")


def _hash_key(side: Side) -> int:
    return _encrypted(side, bytes(BLOCK))


def _encrypted(side: Side, block: bytes) -> int:
    cipher = Cipher(AES256(side.key), ECB()).encryptor()  # noqa: S305 - one block of GCM
    return int.from_bytes(cipher.update(block), "big")


def _blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), BLOCK):
        yield data[start : start + BLOCK].ljust(BLOCK, b"\x00")


def _product(left: int, right: int) -> int:
    """Multiply in GF(2^128), bits in the order of GCM."""
    made = 0
    for bit in range(127, -1, -1):
        if right >> bit & 1:
            made ^= left
        left = left >> 1 ^ (_REDUCTION if left & 1 else 0)
    return made


def _inverse(value: int) -> int:
    """Return value^(2^128 - 2)."""
    made, power = _ONE, value
    for _ in range(127):
        power = _product(power, power)
        made = _product(made, power)
    return made
