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
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
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
_ED25519: Final = b"\x01"
_ID_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_PRIVATE: Final = "PRIVATE+KEY+"
_NAME: Final = re.compile(r"[^\s+]{1,255}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_FORM_OF_VERIFIER: Final = "<name>+<hash>+<key>, as `sr log keygen` prints it"
_FORM_OF_SIGNER: Final = "PRIVATE+KEY+<name>+<hash>+<key>, as `sr log keygen` prints it"


@dataclass(frozen=True, kw_only=True)
class VerifierKey:
    """Whose signatures are believed: a name and an Ed25519 public key."""

    name: str
    key: bytes

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        said = self.name.encode() + b"\n" + _ED25519 + self.key
        return hashlib.sha256(said).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as it is written down."""
        return f"{self.name}+{self.key_id.hex()}+{_encoded(_ED25519 + self.key)}"


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """What signs; it is a secret, and not part of what is printed."""

    name: str
    seed: bytes = field(repr=False)

    @cached_property
    def verifier(self) -> VerifierKey:
        """The key that its signatures are checked with."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(name=self.name, key=public.public_bytes_raw())

    @property
    def text(self) -> str:
        """The key as it is written down, and kept secret."""
        digest = self.verifier.key_id.hex()
        return f"{_PRIVATE}{self.name}+{digest}+{_encoded(_ED25519 + self.seed)}"

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


def parse_verifier_key(text: str, *, field: str) -> VerifierKey:
    """Return the key that `text` writes down, or raise `MalformedInput`."""
    name, digest, data = _parts(text)
    key = VerifierKey(name=name, key=data)
    if len(data) != KEY_BYTES or digest != key.key_id.hex() or text != key.text:
        raise MalformedInput(field=field, found=text, expected=_FORM_OF_VERIFIER)
    return key


def parse_signing_key(text: str, *, field: str) -> SigningKey:
    """Return the key that `text` writes down; what is wrong with it is not told in full.

    Raises:
        MalformedInput: it is not of the form; the text itself is not repeated.

    """
    name, _, data = _parts(text.removeprefix(_PRIVATE))
    key = SigningKey(name=name, seed=data)
    if len(data) != KEY_BYTES or text != key.text:
        raise MalformedInput(
            field=field,
            found=f"a text of {len(text)} characters",
            expected=_FORM_OF_SIGNER,
        )
    return key


def signed(text: str, key: SigningKey) -> bytes:
    """Return the note that says `text`, which ends with a newline."""
    assert text.endswith("\n"), "a note's text is whole lines"
    signature = _encoded(key.verifier.key_id + key.sign(text.encode()))
    return f"{text}\n— {key.name} {signature}\n".encode()


def opened(note: bytes, key: VerifierKey, *, what: str) -> str:
    """Return the text that `key` has signed; `what` names the note.

    Raises:
        MalformedInput: it is no such note, or another key's, or was changed.

    """
    whole = _decoded_text(note, what=what)
    text, blank, rest = whole.rpartition("\n\n")
    line = text.count("\n") + 3
    if not blank or not text:
        raise MalformedInput(
            field=what, found=whole, expected="a text, a blank line and a signature"
        )
    _check_signature(f"{text}\n", rest, key, what=f"{what}, line {line}")
    return f"{text}\n"


def decoded(text: str) -> bytes | None:
    """Return what `text` is the base64 of, None if it is not, to the last character."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encoded(data) == text else None


def _check_signature(text: str, rest: str, key: VerifierKey, *, what: str) -> None:
    mark, name, signature = _signature_line(rest, what=what)
    if mark != "—" or signature is None:
        raise MalformedInput(
            field=what, found=rest, expected="an em dash, a key's name, and base64"
        )
    if (name, signature[:_ID_BYTES]) != (key.name, key.key_id):
        raise MalformedInput(
            field=what,
            found=f"a signature by {name}+{signature[:_ID_BYTES].hex()}",
            expected=f"one by {key.name}+{key.key_id.hex()}",
        )
    try:
        public = Ed25519PublicKey.from_public_bytes(key.key)
        public.verify(signature[_ID_BYTES:], text.encode())
    except InvalidSignature as error:
        raise MalformedInput(
            field=what,
            found="a signature that is not over this text",
            expected=f"the text that {key.name} signed",
        ) from error


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


def _parts(text: str) -> tuple[str, str, bytes]:
    """Return name, hash and key bytes; empty where they are not of the form."""
    name, _, rest = text.partition("+")
    digest, _, key = rest.partition("+")
    data = decoded(key) or b""
    if not _NAME.fullmatch(name) or len(data) != KEY_BYTES + 1:
        return name, digest, b""
    return name, digest, data.removeprefix(_ED25519) if data[:1] == _ED25519 else b""


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
