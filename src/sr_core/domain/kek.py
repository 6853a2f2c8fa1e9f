"""Key-encryption keys: what names one, what it is made of, how often it is used.

A KEK is 32 random bytes that a secret store keeps, one secret for each version. As text
it is ``base64:`` and the 44 characters of their base64; nothing else is taken for one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, replace
from typing import Final, NewType, NoReturn

from sr_core.domain.errors import MalformedInput
from sr_core.domain.sealing_errors import BadKeyMaterial, WrapLimitReached

KekId = NewType("KekId", str)
"""Which KEK, whatever its version: ``solver-ralph-kek``, say."""

KEY_BYTES: Final = 32
"""How long a KEK is, and a data key."""
KEK_TAG: Final = "base64:"
KEK_VERSION_MAX: Final = 2**32 - 1
WRAPS_MAX: Final = 2**24
"""How many data keys one KEK version wraps unless told otherwise.

A wrapping key is derived for each record, so that this is no limit of the cipher, whose
own is 2^32 (NIST SP 800-38D, 8.3); it bounds how much one leaked version opens.
"""
DISTINCT_BYTES_MIN: Final = 17
"""Of 32 random bytes fewer are distinct once in 10^14 keys; of a period of 16, always."""

_KEK_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TEXT: Final = frozenset({*range(0x20, 0x7F), *b"\t\n\r"})


class SecretKey:
    """Key bytes that are in no repr, no copy and no pickle (R-ENC-17)."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def reveal(self) -> bytes:
        """Return the bytes, for one call of a cipher; keep them in no variable."""
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretKey):
            return NotImplemented
        return hmac.compare_digest(self._data, other._data)

    __hash__ = None  # type: ignore[assignment]  # a key is no key of a mapping

    def __repr__(self) -> str:
        return f"<a key of {len(self._data)} bytes>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        message = "a key is neither copied nor pickled"
        raise TypeError(message)

    __getstate__ = __reduce__ = __reduce_ex__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class KekRef:
    """One version of one KEK."""

    id: KekId
    version: int

    def __post_init__(self) -> None:
        if not 1 <= self.version <= KEK_VERSION_MAX:
            raise MalformedInput(
                field="kek version",
                found=self.version,
                expected=f"a number from 1 to {KEK_VERSION_MAX}",
            )

    def __str__(self) -> str:
        return f"version {self.version} of {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kek:
    """A key-encryption key, as `parse_kek` makes it."""

    ref: KekRef
    key: SecretKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapCount:
    """How many data keys a KEK version has wrapped, and how many it may (R-ENC-11).

    Who seals keeps it, and counts before the key is used: a count that is lost then is
    one too many, never one too few.
    """

    kek: KekRef
    wraps: int = 0
    wraps_max: int = WRAPS_MAX

    def one_more(self) -> WrapCount:
        """Return the count with one wrap more.

        Raises:
            WrapLimitReached: the version has wrapped as many as it may.

        """
        if self.wraps >= self.wraps_max:
            raise WrapLimitReached(kek=str(self.kek), limit=self.wraps_max)
        return replace(self, wraps=self.wraps + 1)


def parse_kek_id(text: str) -> KekId:
    """Return `text` as a KEK's identifier, or raise `MalformedInput`."""
    if _KEK_ID.fullmatch(text):
        return KekId(text)
    raise MalformedInput(
        field="kek id",
        found=text,
        expected="1 to 64 letters, digits, dots, dashes, underscores",
    )


def parse_kek(text: str, *, ref: KekRef) -> Kek:
    """Return the KEK that `text`, as the secret store gave it, writes down.

    Raises:
        BadKeyMaterial: it is not of the form, not of 32 bytes, or not random.

    """
    if not text.startswith(KEK_TAG):
        raise BadKeyMaterial(
            name=str(ref), why=f"{len(text)} characters that do not begin with base64:"
        )
    key = SecretKey(_decoded(text.removeprefix(KEK_TAG)))
    if why := _unfit(text, key):
        raise BadKeyMaterial(name=str(ref), why=why)
    return Kek(ref=ref, key=key)


def write_kek(key: SecretKey) -> str:
    """Return the text by which a secret store keeps the key; it is as secret as the key."""
    return KEK_TAG + base64.b64encode(key.reveal()).decode()


def _unfit(text: str, key: SecretKey) -> str | None:
    """Return why `key` is not what `text` writes down, or no key to use, if so."""
    if not hmac.compare_digest(write_kek(key).encode(), text.encode()):
        return "what follows base64: is not standard base64, to the last character"
    if len(key) != KEY_BYTES:
        return f"it has {len(key)} bytes, not {KEY_BYTES}"
    if _TEXT.issuperset(key.reveal()):
        return "its bytes are text, not random"
    if len(set(key.reveal())) < DISTINCT_BYTES_MIN:
        return "its bytes repeat themselves"
    if len(_steps(key)) == 1:
        return "its bytes count up or down"
    return None


def _steps(key: SecretKey) -> set[int]:
    """Return by how much each byte differs from the one before, modulo 256."""
    pairs = zip(key.reveal(), key.reveal()[1:], strict=False)
    return {(after - before) % 256 for before, after in pairs}


def _decoded(text: str) -> bytes:
    """Return what `text` is the base64 of; nothing where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
