"""FLOE, the container that restricted evidence is sealed in: bytes to and from segments.

    header     10 parameters | 32 IV | 32 tag, which commits to key, IV and context
    segment     4 length | 12 nonce | ciphertext | 16 tag        as many as are needed
    segment     the same, and marked as the last one             always there

Inner segments are of one length and say FFFFFFFF for it; the last one says how long it
is, and nothing else says that the end is reached. Each is bound to its position, and
whether it is the last. The format is FLOE's with AES-256-GCM and HKDF-Expand over
SHA-384 (C2SP; Snowflake, IACR ePrint 2025/2275); docs/explanation/restricted-evidence.md
has it byte by byte.

Memory is bounded by two segments and the piece that is handed in, however long the
message is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sr_core.codec import crypto
from sr_core.codec.crypto import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Aead, Data
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import SecretKey
from sr_core.domain.sealing_errors import (
    KeyNotCommitted,
    SealMalformed,
    SealTampered,
    SealTruncated,
    SealUnsound,
)

IV_BYTES: Final = 32
HEADER_TAG_BYTES: Final = 32
BLOCK_BYTES: Final = 10
"""How long the parameters are in the header."""
HEADER_BYTES: Final = BLOCK_BYTES + IV_BYTES + HEADER_TAG_BYTES
LENGTH_BYTES: Final = 4
OVERHEAD_BYTES: Final = LENGTH_BYTES + NONCE_BYTES + TAG_BYTES
"""What a segment has beside its ciphertext."""
INNER: Final = 2**32 - 1
"""What the length field of a segment says that is not the last one."""
SEGMENTS_MAX: Final = 2**40

_AEAD: Final = 0
_KDF: Final = 0
_MESSAGE_KEY_BYTES: Final = 48
_POSITION_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Which FLOE: how long a segment is, and how many share a key (2^`rotation_bits`)."""

    segment_bytes: int
    rotation_bits: int = 20
    segments_max: int = SEGMENTS_MAX

    def __post_init__(self) -> None:
        assert OVERHEAD_BYTES < self.segment_bytes < INNER, "a segment holds something"

    @property
    def plain_bytes(self) -> int:
        """How many bytes of plaintext an inner segment has."""
        return self.segment_bytes - OVERHEAD_BYTES

    @property
    def block(self) -> bytes:
        """The parameters as the header has them."""
        segment = self.segment_bytes.to_bytes(4, "big")
        return bytes((_AEAD, _KDF)) + segment + IV_BYTES.to_bytes(4, "big")

    def sealed_bytes(self, plain: int) -> int:
        """Return how long the container of `plain` bytes is, as we write it."""
        segments = max(1, -(-plain // self.plain_bytes))
        return HEADER_BYTES + plain + segments * OVERHEAD_BYTES

    def opened_bytes(self, container: int) -> int:
        """Return how long the plaintext of a container is that is as we write it.

        Of one that another has written it is a guess; opening it tells.
        """
        segments = max(1, -(-(container - HEADER_BYTES) // self.segment_bytes))
        return max(0, container - HEADER_BYTES - segments * OVERHEAD_BYTES)


GCM256_IV256_64K: Final = Parameters(segment_bytes=65_536)
"""The one that restricted evidence is sealed with."""


class Encryptor:
    """Makes one container, a piece at a time."""

    def __init__(self, key: SecretKey, aad: bytes, parameters: Parameters) -> None:
        iv = crypto.fresh(IV_BYTES)
        self._parameters = parameters
        self._message = _Message(key, iv, aad, parameters)
        self._ready = [parameters.block + iv + self._message.header_tag]
        self._held = bytearray()
        self._position = 0
        self._is_finished = False

    def update(self, piece: bytes) -> list[bytes]:
        """Return what of the container is ready, with `piece` added to the plaintext."""
        assert not self._is_finished, "nothing comes after the last segment"
        self._held += piece
        size = self._parameters.plain_bytes
        # What fills a segment to its end is held back: it may be the last one.
        whole = max(0, len(self._held) - 1) // size * size
        with memoryview(self._held) as held:
            self._ready += [
                self._segment(held[start : start + size], is_last=False)
                for start in range(0, whole, size)
            ]
        del self._held[:whole]
        ready, self._ready = self._ready, []
        return ready

    def finish(self) -> list[bytes]:
        """Return what is left of the container, which ends with it."""
        ready = self.update(b"")
        self._is_finished = True
        return [*ready, self._segment(self._held, is_last=True)]

    def _segment(self, plain: Data, *, is_last: bool) -> bytes:
        if self._position >= self._parameters.segments_max:
            raise MalformedInput(
                field="plaintext",
                found=f"more than {self._parameters.segments_max} segments",
                expected="less, or several blobs",
            )
        length = OVERHEAD_BYTES + len(plain) if is_last else INNER
        nonce = crypto.fresh(NONCE_BYTES)
        sealed = self._message.cipher_at(self._position).encrypted(
            plain, nonce=nonce, aad=_segment_aad(self._position, is_last=is_last)
        )
        self._position += 1
        return b"".join((length.to_bytes(LENGTH_BYTES, "big"), nonce, sealed))


class Decryptor:
    """Opens one container, a piece at a time; after a refusal it gives nothing more.

    What it returns has been verified, and is all the same only the beginning of the
    message until `finish` has returned: that alone tells that nothing is missing.
    """

    def __init__(self, key: SecretKey, aad: bytes, parameters: Parameters) -> None:
        assert len(key) == KEY_BYTES, "a key of FLOE has 32 bytes"
        self._key = key
        self._aad = aad
        self._parameters = parameters
        self._message: _Message | None = None
        self._held = bytearray()
        self._position = 0
        self._last: bytes | None = None
        self._refusal: SealUnsound | None = None

    def update(self, piece: bytes) -> list[bytes]:
        """Return the plaintext of the segments that are whole by now, save the last one.

        Raises:
            SealMalformed: these are no segments, or bytes follow the last one.
            KeyNotCommitted: the container was made with another key or context.
            SealTampered: a segment is not the one that was sealed in its place.

        """
        self._require_unrefused()
        self._held += piece
        try:
            return list(self._opened())
        except SealUnsound as refusal:
            raise self._refused(refusal) from None

    def finish(self) -> bytes:
        """Return the plaintext of the last segment, now that nothing follows it.

        Raises:
            SealTruncated: the container ends before its last segment has come.

        """
        self._require_unrefused()
        try:
            return _required_last(self._last, self._part, self._held)
        except SealTruncated as refusal:
            raise self._refused(refusal) from None

    @property
    def _part(self) -> str:
        """What is being read."""
        return "header" if self._message is None else f"segment {self._position}"

    def _opened(self) -> Iterator[bytes]:
        if self._message is None:
            if len(self._held) < HEADER_BYTES:
                return
            self._message = self._committed()
        while size := self._size_of_next():
            yield from self._next(self._message, size)
        if self._last is not None:
            _require_end(self._held, self._position - 1)

    def _committed(self) -> _Message:
        """Return the message of the header, whose tag is compared before all else."""
        header = bytes(self._held[:HEADER_BYTES])
        block, iv = header[:BLOCK_BYTES], header[BLOCK_BYTES:-HEADER_TAG_BYTES]
        _require_block(block, self._parameters)
        message = _Message(self._key, iv, self._aad, self._parameters)
        _require_tag(header[-HEADER_TAG_BYTES:], message)
        del self._held[:HEADER_BYTES]
        return message

    def _size_of_next(self) -> int:
        """Return how long the next segment is, 0 where it is not whole yet."""
        if self._last is not None or len(self._held) < LENGTH_BYTES:
            return 0
        length = int.from_bytes(self._held[:LENGTH_BYTES], "big")
        size = self._parameters.segment_bytes if length == INNER else length
        _require_possible(size, self._position, self._parameters)
        return size if len(self._held) >= size else 0

    def _next(self, message: _Message, size: int) -> Iterator[bytes]:
        is_last = self._held[:LENGTH_BYTES] != INNER.to_bytes(LENGTH_BYTES, "big")
        start = LENGTH_BYTES + NONCE_BYTES
        with memoryview(self._held) as held:
            plain = message.cipher_at(self._position).decrypted(
                held[start:size],
                nonce=held[LENGTH_BYTES:start],
                aad=_segment_aad(self._position, is_last=is_last),
            )
        if plain is None:
            raise SealTampered(
                part=f"segment {self._position}",
                why="is not what was sealed in its place",
            )
        del self._held[:size]
        self._position += 1
        if is_last:
            self._last = plain
        else:
            yield plain

    def _require_unrefused(self) -> None:
        if self._refusal is not None:
            raise self._refusal

    def _refused(self, refusal: SealUnsound) -> SealUnsound:
        self._refusal = refusal
        self._held.clear()
        self._last = None
        return refusal


def encrypted(
    pieces: Iterable[bytes], key: SecretKey, aad: bytes, parameters: Parameters
) -> Iterator[bytes]:
    """Yield the container of the plaintext that `pieces` are."""
    encryptor = Encryptor(key, aad, parameters)
    for each in pieces:
        yield from encryptor.update(each)
    yield from encryptor.finish()


def decrypted(
    pieces: Iterable[bytes], key: SecretKey, aad: bytes, parameters: Parameters
) -> Iterator[bytes]:
    """Yield the plaintext of the container that `pieces` are; see `Decryptor`.

    Raises:
        SealUnsound: it is not to be opened; what was yielded before is a beginning.

    """
    decryptor = Decryptor(key, aad, parameters)
    for each in pieces:
        yield from decryptor.update(each)
    yield decryptor.finish()


class _Message:
    """The keys of one message, each derived when it is needed."""

    def __init__(
        self, key: SecretKey, iv: bytes, aad: bytes, parameters: Parameters
    ) -> None:
        assert len(key) == KEY_BYTES, "a key of FLOE has 32 bytes"
        self._prefix = parameters.block + iv
        self._aad = aad
        self._rotation_bits = parameters.rotation_bits
        self.header_tag = self._derived(key, b"HEADER_TAG:", HEADER_TAG_BYTES).reveal()
        self._key = self._derived(key, b"MESSAGE_KEY:", _MESSAGE_KEY_BYTES)
        self._first = -1
        self._cipher: Aead | None = None

    def cipher_at(self, position: int) -> Aead:
        """Return the cipher of the segment at that position, from 0."""
        first = position >> self._rotation_bits << self._rotation_bits
        if self._cipher is None or first != self._first:
            purpose = b"DEK:" + first.to_bytes(_POSITION_BYTES, "big")
            self._cipher = Aead(self._derived(self._key, purpose, KEY_BYTES))
            self._first = first
        return self._cipher

    def _derived(self, key: SecretKey, purpose: bytes, size: int) -> SecretKey:
        return crypto.expanded(key, self._prefix + purpose + self._aad, size)


def _segment_aad(position: int, *, is_last: bool) -> bytes:
    return position.to_bytes(_POSITION_BYTES, "big") + bytes((is_last,))


def _require_block(block: bytes, parameters: Parameters) -> None:
    if block != parameters.block:
        raise SealMalformed(
            part="header",
            why=f"has the parameters {block.hex()}, not {parameters.block.hex()}",
        )


def _require_tag(tag: bytes, message: _Message) -> None:
    if not crypto.is_same(tag, message.header_tag):
        raise KeyNotCommitted


def _require_possible(size: int, position: int, parameters: Parameters) -> None:
    """Refuse a segment of a length or a place that none has, before it is waited for."""
    if not OVERHEAD_BYTES <= size <= parameters.segment_bytes:
        raise SealMalformed(
            part=f"segment {position}",
            why=f"says that it has {size} bytes, and it has {OVERHEAD_BYTES} to "
            f"{parameters.segment_bytes}",
        )
    if position >= parameters.segments_max:
        raise SealMalformed(
            part=f"segment {position}",
            why=f"is one too many: a container has {parameters.segments_max}",
        )


def _require_end(after: bytearray, position: int) -> None:
    if after:
        raise SealMalformed(
            part=f"segment {position}",
            why="is marked as the last one, and bytes follow it",
        )


def _required_last(last: bytes | None, part: str, held: bytearray) -> bytes:
    """Return the last segment, without which nothing tells that the message is whole."""
    if last is None:
        raise SealTruncated(
            part=part, why=f"ends after {len(held)} bytes, and no last segment has come"
        )
    return last
