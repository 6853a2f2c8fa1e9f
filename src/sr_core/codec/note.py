"""Signed notes, as C2SP signed-note has them: text, a blank line, a signature line.

    solver-ralph/log
    200
    VfYnE…=

    — solver-ralph/log 1Tbxbg…=

The signature line is an em dash, the name of the key, and base64 of the first four
bytes of the key's hash with the 64 bytes of its Ed25519 signature over the text, the
text's last newline included. Keys are written as Go's `sumdb/note` writes them:

    <name>+<hash>+<base64 of 01 and the public key>
    PRIVATE+KEY+<name>+<hash>+<base64 of 01 and the seed>

A note of ours has one signature, and nothing but what is said here.

A key serves one purpose, which its text says and its hash covers (R-ATT-7). Those that
sign evidence have, in the place of 01, the byte FF that signed-note leaves to others and
a name of their own, so that no program takes one for a key that signs notes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from sr_core.domain.errors import MalformedInput

NOTE_BYTES_MAX: Final = 4096
KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_PRIVATE: Final = "PRIVATE+KEY+"
_NAME: Final = re.compile(r"[^\s+]{1,255}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SIGNATURE_LINE: Final = "an em dash, a key's name, and base64"


class Purpose(StrEnum):
    """What a key signs, and nothing else."""

    CHECKPOINT = "checkpoint"
    EVIDENCE = "evidence"


_TYPES: Final[Mapping[Purpose, bytes]] = {
    Purpose.CHECKPOINT: b"\x01",
    Purpose.EVIDENCE: b"\xffsolver-ralph/evidence/ed25519/v1:",
}
_KEYGEN: Final[Mapping[Purpose, str]] = {
    Purpose.CHECKPOINT: "sr log keygen",
    Purpose.EVIDENCE: "sr evidence keygen",
}


@dataclass(frozen=True, kw_only=True)
class VerifierKey:
    """Whose signatures are believed: a name and an Ed25519 public key."""

    name: str
    key: bytes
    purpose: Purpose = Purpose.CHECKPOINT

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        said = self.name.encode() + b"\n" + _TYPES[self.purpose] + self.key
        return hashlib.sha256(said).digest()[:_ID_BYTES]

    @property
    def label(self) -> str:
        """The key's name and hash, by which people and signatures name it."""
        return f"{self.name}+{self.key_id.hex()}"

    @property
    def text(self) -> str:
        """The key as it is written down."""
        return f"{self.label}+{encoded(_TYPES[self.purpose] + self.key)}"

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's Ed25519 signature over `data`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """What signs; it is a secret, and not part of what is printed."""

    name: str
    seed: bytes = field(repr=False)
    purpose: Purpose = Purpose.CHECKPOINT

    @cached_property
    def verifier(self) -> VerifierKey:
        """The key that its signatures are checked with."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(
            name=self.name, key=public.public_bytes_raw(), purpose=self.purpose
        )

    @property
    def text(self) -> str:
        """The key as it is written down, and kept secret."""
        data = encoded(_TYPES[self.purpose] + self.seed)
        return f"{_PRIVATE}{self.verifier.label}+{data}"

    def sign(self, data: bytes) -> bytes:
        """Return the signature over `data`; the same data always get the same one."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(data)


def parse_key_name(text: str, *, field: str) -> str:
    """Return `text` as a key's name, or raise `MalformedInput`."""
    if _NAME.fullmatch(text):
        return text
    raise MalformedInput(
        field=field, found=text, expected="1 to 255 characters, neither blank nor plus"
    )


def parse_verifier_key(
    text: str, *, field: str, purpose: Purpose | None = Purpose.CHECKPOINT
) -> VerifierKey:
    """Return the key that `text` writes down; with no `purpose`, of whichever it is.

    Raises:
        MalformedInput: it is not of the form, or serves another purpose.

    """
    name, data, actual = _parts(text)
    if actual and purpose and actual is not purpose:
        raise _other_purpose(field, actual, purpose)
    key = VerifierKey(name=name, key=data, purpose=actual or Purpose.CHECKPOINT)
    if actual is None or text != key.text:
        raise MalformedInput(
            field=field,
            found="a secret" if text.startswith(_PRIVATE) else text,
            expected=f"<name>+<hash>+<key>, as {_printers(purpose)} prints it",
        )
    return key


def parse_signing_key(
    text: str, *, field: str, purpose: Purpose = Purpose.CHECKPOINT
) -> SigningKey:
    """Return the key that `text` writes down; what is wrong with it is not told in full.

    Raises:
        MalformedInput: it is not of the form, or serves another purpose; the text itself
            is not repeated.

    """
    name, data, actual = _parts(text.removeprefix(_PRIVATE))
    if actual and actual is not purpose:
        raise _other_purpose(field, actual, purpose)
    key = SigningKey(name=name, seed=data, purpose=purpose)
    if actual is None or text != key.text:
        raise MalformedInput(
            field=field,
            found=f"a text of {len(text)} characters",
            expected=f"{_PRIVATE}<name>+<hash>+<key>, as {_printers(purpose)} prints it",
        )
    return key


def signed(text: str, key: SigningKey) -> bytes:
    """Return the note that says `text`, which ends with a newline."""
    assert text.endswith("\n"), "a note's text is whole lines"
    assert key.purpose is Purpose.CHECKPOINT, "another key signs no notes"
    signature = encoded(key.verifier.key_id + key.sign(text.encode()))
    return f"{text}\n— {key.name} {signature}\n".encode()


def signer_of(note: bytes, *, what: str) -> str:
    """Return by which key the note says that it is signed; see `VerifierKey.label`.

    Raises:
        MalformedInput: it is no such note.

    """
    _, rest = _halves(note, what=what)
    _, name, signature = _signature_line(rest, what=what)
    if signature is None:
        raise MalformedInput(field=what, found=rest, expected=_SIGNATURE_LINE)
    return f"{name}+{signature[:_ID_BYTES].hex()}"


def opened(note: bytes, key: VerifierKey, *, what: str) -> str:
    """Return the text that `key` has signed; `what` names the note.

    Raises:
        MalformedInput: it is no such note, or another key's, or was changed.

    """
    text, rest = _halves(note, what=what)
    line = text.count("\n") + 2
    _check_signature(text, rest, key, what=f"{what}, line {line}")
    return text


def decoded(text: str) -> bytes | None:
    """Return what `text` is the base64 of, None if it is not, to the last character."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if encoded(data) == text else None


def encoded(data: bytes) -> str:
    """Return the base64 of `data`, in the standard alphabet and padded (RFC 4648, 4)."""
    return base64.b64encode(data).decode()


def _halves(note: bytes, *, what: str) -> tuple[str, str]:
    """Return the text, with its last newline, and what comes after the blank line."""
    whole = _decoded_text(note, what=what)
    text, blank, rest = whole.rpartition("\n\n")
    if not blank or not text:
        raise MalformedInput(
            field=what, found=whole, expected="a text, a blank line and a signature"
        )
    return f"{text}\n", rest


def _check_signature(text: str, rest: str, key: VerifierKey, *, what: str) -> None:
    mark, name, signature = _signature_line(rest, what=what)
    if mark != "—" or signature is None:
        raise MalformedInput(field=what, found=rest, expected=_SIGNATURE_LINE)
    if (name, signature[:_ID_BYTES]) != (key.name, key.key_id):
        raise MalformedInput(
            field=what,
            found=f"a signature by {name}+{signature[:_ID_BYTES].hex()}",
            expected=f"one by {key.label}",
        )
    if not key.has_signed(text.encode(), signature[_ID_BYTES:]):
        raise MalformedInput(
            field=what,
            found="a signature that is not over this text",
            expected=f"the text that {key.name} signed",
        )


def _signature_line(rest: str, *, what: str) -> tuple[str, str, bytes | None]:
    if rest.count("\n") != 1 or not rest.endswith("\n"):
        raise MalformedInput(
            field=what, found=rest, expected="one signature line, and nothing after it"
        )
    mark, _, named = rest.removesuffix("\n").partition(" ")
    name, _, text = named.partition(" ")
    data = decoded(text)
    is_whole = data is not None and len(data) == _ID_BYTES + _SIGNATURE_BYTES
    return mark, name, data if is_whole else None


def _decoded_text(note: bytes, *, what: str) -> str:
    try:
        text = note.decode()
    except UnicodeDecodeError as error:
        raise MalformedInput(
            field=what, found=f"{error}", expected="a note in UTF-8"
        ) from error
    if len(note) > NOTE_BYTES_MAX or _CONTROL.search(text):
        raise MalformedInput(
            field=what,
            found=f"{len(note)} bytes",
            expected=f"{NOTE_BYTES_MAX} bytes at most, without control characters",
        )
    return text


def _parts(text: str) -> tuple[str, bytes, Purpose | None]:
    """Return name, key bytes and purpose; no purpose where they are not of the form."""
    name, _, rest = text.partition("+")
    data = decoded(rest.partition("+")[2]) or b""
    for purpose, mark in _TYPES.items():
        is_such = data.startswith(mark) and len(data) == len(mark) + KEY_BYTES
        if is_such and _NAME.fullmatch(name):
            return name, data.removeprefix(mark), purpose
    return name, b"", None


def _other_purpose(field: str, actual: Purpose, wanted: Purpose) -> MalformedInput:
    return MalformedInput(
        field=field,
        found=f"a key of the purpose {actual}",
        expected=f"one of the purpose {wanted}, as {_printers(wanted)} prints it",
    )


def _printers(purpose: Purpose | None) -> str:
    """Return which commands print keys of that purpose, or of any."""
    return " or ".join(
        f"`{command}`" for each, command in _KEYGEN.items() if purpose in {None, each}
    )
