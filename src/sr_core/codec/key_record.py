"""The key record of a container: its data key, wrapped, and what the two are bound to.

     5      magic, `SRKR` and the form's version 01
     1      suite, 01: FLOE with 64 KiB segments, and the wrap told below
   2 + n    evidence id                       |
   2 + n    blob name                         | the context
     1      classification, 2 or 3            |
     2      schema version                    |
   2 + n    KEK id
     4      KEK version
    32      check value of the KEK
     8      length of the container
    32      SHA-256 of the container
    32      salt
    48      data key, encrypted, with its tag

Integers are big-endian, texts UTF-8 after their length in two bytes. All before the last
48 bytes is the head; the wrap binds every bit of it. A record has one form only.

The check value commits to the KEK. It is compared before anything is decrypted, so that
a wrong KEK is told from a changed record, and no ciphertext opens under two KEKs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sr_core.codec import crypto
from sr_core.codec.crypto import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Aead
from sr_core.domain.context_compiler import Classification
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import Kek, KekRef, SecretKey, WrapCount, parse_kek_id
from sr_core.domain.refs import ContentHash
from sr_core.domain.sealing import SealContext, SealedObject
from sr_core.domain.sealing_errors import (
    SealContextMismatch,
    SealMalformed,
    SealTampered,
    SealTruncated,
    WrongKek,
)

MAGIC: Final = b"SRKR\x01"
SUITE: Final = 1
CHECK_BYTES: Final = 32
SALT_BYTES: Final = 32
WRAPPED_BYTES: Final = KEY_BYTES + TAG_BYTES
RECORD_BYTES_MAX: Final = 1024
"""No record of this form is longer."""

_CHECK: Final = b"sr/kek-check/v1"
_WRAP: Final = b"sr/wrap/v1"
_BLOB: Final = b"sr/restricted/v1"
_PART: Final = "key record"


@dataclass(frozen=True, kw_only=True)
class KeyRecord:
    """What one key record says; that it is true, only the KEK can show."""

    context: SealContext
    kek: KekRef
    check: bytes
    sealed: SealedObject
    salt: bytes
    wrapped: bytes

    @cached_property
    def head(self) -> bytes:
        """All of it but the wrapped key."""
        return b"".join(
            (
                MAGIC,
                bytes((SUITE,)),
                _context(self.context),
                _kek(self.kek),
                self.check,
                self.sealed.size.to_bytes(8, "big"),
                bytes.fromhex(self.sealed.content_hash.removeprefix("sha256:")),
                self.salt,
            )
        )

    @property
    def data(self) -> bytes:
        """The record as it is stored."""
        return self.head + self.wrapped


def container_aad(context: SealContext) -> bytes:
    """Return what a container is bound to: the label `sr/restricted/v1` and the context.

    The KEK is not in it, so that a rotation leaves containers as they are.
    """
    return _BLOB + _context(context)


def wrapped_key(
    key: SecretKey,
    *,
    context: SealContext,
    sealed: SealedObject,
    kek: Kek,
    count: WrapCount,
) -> tuple[KeyRecord, WrapCount]:
    """Return the record of a container's data key, and the count with this wrap in it.

    Raises:
        WrapLimitReached: the KEK's version has wrapped as many as it may.

    """
    assert count.kek == kek.ref, "the count is that of the KEK"
    counted = count.one_more()
    bare = KeyRecord(
        context=context,
        kek=kek.ref,
        check=kek_check(kek),
        sealed=sealed,
        salt=crypto.fresh(SALT_BYTES),
        wrapped=b"",
    )
    cipher, nonce = _wrapping(bare, kek)
    wrapped = cipher.wrapped(key, nonce=nonce, aad=bare.head)
    return _with(bare, wrapped), counted


def unwrapped_key(record: KeyRecord, kek: Kek, context: SealContext) -> SecretKey:
    """Return the data key; `context` is that of the blob which was asked for.

    Raises:
        SealContextMismatch: the record is another blob's.
        WrongKek: the KEK is not the one that wrapped the key.
        SealTampered: the record is not as it was written.

    """
    _require_context(record, context)
    _require_kek(record, kek)
    cipher, nonce = _wrapping(record, kek)
    key = cipher.unwrapped(record.wrapped, nonce=nonce, aad=record.head)
    if key is None:
        raise SealTampered(part=_PART, why="is not as it was written")
    return key


def rewrapped_key(
    record: KeyRecord, *, old: Kek, new: Kek, context: SealContext, count: WrapCount
) -> tuple[KeyRecord, WrapCount]:
    """Return the record with its key wrapped under `new`; the container stays (R-ENC-8).

    Raises:
        SealUnsound: the record does not open under `old` for `context`.
        WrapLimitReached: the version of `new` has wrapped as many as it may.

    """
    return wrapped_key(
        unwrapped_key(record, old, context),
        context=record.context,
        sealed=record.sealed,
        kek=new,
        count=count,
    )


def kek_check(kek: Kek) -> bytes:
    """Return the KEK's check value; it commits to the KEK and tells nothing of it."""
    info = _CHECK + _kek(kek.ref)
    return crypto.derived(kek.key, salt=b"", info=info, size=CHECK_BYTES).reveal()


def parse_key_record(data: bytes) -> KeyRecord:
    """Return the record in `data`, which is so far only believed to be one.

    Raises:
        SealMalformed: it is not of the form, to the last byte.
        SealTruncated: it ends before the form does.

    """
    _require_form(data)
    reader = _Reader(data, at=len(MAGIC) + 1)
    try:
        record = KeyRecord(
            context=SealContext(
                evidence_id=reader.text(),
                blob_name=reader.text(),
                classification=_classification(reader.number(1)),
                schema_version=reader.number(2),
            ),
            kek=KekRef(id=parse_kek_id(reader.text()), version=reader.number(4)),
            check=reader.take(CHECK_BYTES),
            sealed=SealedObject(
                size=reader.number(8),
                content_hash=ContentHash(f"sha256:{reader.take(32).hex()}"),
            ),
            salt=reader.take(SALT_BYTES),
            wrapped=reader.take(WRAPPED_BYTES),
        )
    except MalformedInput as error:
        raise SealMalformed(
            part=_PART, why=f"is of no such form: {error.field}"
        ) from error
    _require_end(reader)
    return record


class _Reader:
    """Reads a record from front to back."""

    def __init__(self, data: bytes, *, at: int) -> None:
        self._data = data
        self._at = at

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if self.left < size:
            raise SealTruncated(part=_PART, why=f"ends after {len(self._data)} bytes")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        """Return the number in the next `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def text(self) -> str:
        """Return the text that comes next, after its length."""
        try:
            return self.take(self.number(2)).decode()
        except UnicodeDecodeError as error:
            raise MalformedInput(
                field="text", found="other bytes", expected="UTF-8"
            ) from error


def _wrapping(record: KeyRecord, kek: Kek) -> tuple[Aead, bytes]:
    """Return the cipher that wraps this record's key and no other, and its nonce.

    Both come from the KEK, a salt of the record's own and the context, so that no key of
    a cipher is used twice, and the nonce needs no place of its own.
    """
    both = crypto.derived(
        kek.key,
        salt=record.salt,
        info=_wrap_info(record),
        size=KEY_BYTES + NONCE_BYTES,
    )
    key = SecretKey(both.reveal()[:KEY_BYTES])
    return Aead(key), both.reveal()[KEY_BYTES:]


def _wrap_info(record: KeyRecord) -> bytes:
    return _WRAP + _context(record.context) + _kek(record.kek)


def _context(context: SealContext) -> bytes:
    return b"".join(
        (
            _text(context.evidence_id),
            _text(context.blob_name),
            context.classification.to_bytes(1, "big"),
            context.schema_version.to_bytes(2, "big"),
        )
    )


def _kek(ref: KekRef) -> bytes:
    return _text(ref.id) + ref.version.to_bytes(4, "big")


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _classification(number: int) -> Classification:
    try:
        return Classification(number)
    except ValueError as error:
        raise MalformedInput(
            field="classification", found=number, expected="2 or 3"
        ) from error


def _with(bare: KeyRecord, wrapped: bytes) -> KeyRecord:
    return KeyRecord(
        context=bare.context,
        kek=bare.kek,
        check=bare.check,
        sealed=bare.sealed,
        salt=bare.salt,
        wrapped=wrapped,
    )


def _require_form(data: bytes) -> None:
    form = MAGIC + bytes((SUITE,))
    if data[: len(form)] == form:
        return
    if form.startswith(data):
        raise SealTruncated(part=_PART, why=f"ends after {len(data)} bytes")
    raise SealMalformed(
        part=_PART,
        why=f"begins with {data[: len(form)].hex()}, not with {form.hex()}",
        remedy="Restore the record, or read it with the release that wrote it",
    )


def _require_end(reader: _Reader) -> None:
    if reader.left:
        raise SealMalformed(part=_PART, why=f"has {reader.left} bytes after its end")


def _require_context(record: KeyRecord, context: SealContext) -> None:
    if fields := record.context.differences(context):
        raise SealContextMismatch(fields=fields)


def _require_kek(record: KeyRecord, kek: Kek) -> None:
    """Refuse another KEK before anything is decrypted with it (R-ENC-5)."""
    if record.kek != kek.ref:
        raise WrongKek(named=str(record.kek), why=f"{kek.ref} was given")
    if not crypto.is_same(record.check, kek_check(kek)):
        raise WrongKek(
            named=str(record.kek),
            why="the key that was given for it has another check value",
        )
