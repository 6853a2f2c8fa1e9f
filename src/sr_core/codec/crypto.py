"""The ciphers that sealed evidence is made of, and nothing else that touches a key.

AES-256-GCM with a nonce of 12 bytes and a tag of 16 (NIST SP 800-38D), and HKDF over
SHA-384 (RFC 5869). Keys come and go as `SecretKey`.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from sr_core.domain.kek import KEY_BYTES, SecretKey

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

Data: TypeAlias = bytes | bytearray | memoryview

__all__ = ["KEY_BYTES", "NONCE_BYTES", "TAG_BYTES", "Aead", "Data"]


class Aead:
    """AES-256-GCM under one key."""

    def __init__(self, key: SecretKey) -> None:
        assert len(key) == KEY_BYTES, "only AES-256 is used"
        self._cipher = AESGCM(key.reveal())

    def encrypted(self, plain: Data, *, nonce: bytes, aad: bytes) -> bytes:
        """Return ciphertext and tag; no nonce may come twice under one key."""
        return self._cipher.encrypt(nonce, plain, aad)

    def decrypted(self, sealed: Data, *, nonce: Data, aad: bytes) -> bytes | None:
        """Return the plaintext, None where the tag does not hold."""
        try:
            return self._cipher.decrypt(nonce, sealed, aad)
        except InvalidTag:
            return None

    def wrapped(self, key: SecretKey, *, nonce: bytes, aad: bytes) -> bytes:
        """Return the key's ciphertext and tag."""
        return self._cipher.encrypt(nonce, key.reveal(), aad)

    def unwrapped(self, sealed: bytes, *, nonce: bytes, aad: bytes) -> SecretKey | None:
        """Return the key, None where the tag does not hold."""
        plain = self.decrypted(sealed, nonce=nonce, aad=aad)
        return None if plain is None else SecretKey(plain)


def expanded(key: SecretKey, info: bytes, size: int) -> SecretKey:
    """Return the `size` bytes that HKDF-Expand makes of `key`."""
    return SecretKey(HKDFExpand(SHA384(), size, info).derive(key.reveal()))


def derived(key: SecretKey, *, salt: bytes, info: bytes, size: int) -> SecretKey:
    """Return the `size` bytes that HKDF, extract and then expand, makes of `key`."""
    return SecretKey(HKDF(SHA384(), size, salt, info).derive(key.reveal()))


def fresh(size: int) -> bytes:
    """Return random bytes from the operating system."""
    return secrets.token_bytes(size)


def is_same(one: bytes, other: bytes) -> bool:
    """Return whether they are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)
