"""FLOE: the known answers of three implementations, and what is refused at once.

The mutants of whole stored objects are in test_sealed_mutants.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec import floe
from sr_core.codec.floe import (
    GCM256_IV256_64K,
    HEADER_BYTES,
    Decryptor,
    Encryptor,
    Parameters,
    decrypted,
    encrypted,
)
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import SecretKey
from sr_core.domain.sealing_errors import (
    KeyNotCommitted,
    SealMalformed,
    SealTampered,
    SealTruncated,
)

VECTORS: Final = Path(__file__).parents[2] / "vectors" / "floe"
NAMES: Final = sorted(
    each.name.removesuffix("_ct.txt") for each in VECTORS.glob("*_ct.txt")
)
KEY: Final = SecretKey(bytes(32))
AAD: Final = b"This is AAD"
BY_NAME: Final = {
    "GCM256_IV256_64": Parameters(segment_bytes=64),
    "GCM256_IV256_4K": Parameters(segment_bytes=4096),
    "lastSegAligned": Parameters(segment_bytes=40),
    "lastSegEmpty": Parameters(segment_bytes=40),
    "rotation": Parameters(segment_bytes=40, rotation_bits=2),
}
SMALL: Final = BY_NAME["GCM256_IV256_64"]


def known(name: str) -> tuple[Parameters, bytes, bytes]:
    """Return parameters, container and plaintext of a known answer."""
    container, plain = (
        bytes.fromhex((VECTORS / f"{name}_{each}.txt").read_text())
        for each in ("ct", "pt")
    )
    return BY_NAME[name.partition("_")[2]], container, plain


def read(container: bytes, parameters: Parameters = SMALL, *, piece: int = 7) -> bytes:
    pieces = (
        container[start : start + piece] for start in range(0, len(container), piece)
    )
    return b"".join(decrypted(pieces, KEY, AAD, parameters))


def written(plain: bytes, parameters: Parameters = SMALL, *, piece: int = 7) -> bytes:
    pieces = (plain[start : start + piece] for start in range(0, len(plain), piece))
    return b"".join(encrypted(pieces, KEY, AAD, parameters))


class TestTheKnownAnswers:
    """R-ENC-2: C++, Java and Rust wrote them."""

    def test_are_eleven(self):
        assert len(NAMES) == 11
        assert {name.partition("_")[2] for name in NAMES} == BY_NAME.keys()

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("piece", [1, 33, 100_000])
    def test_are_read(self, name, piece):
        parameters, container, plain = known(name)

        assert read(container, parameters, piece=piece) == plain

    @pytest.mark.parametrize("name", NAMES)
    def test_are_read_under_no_other_parameters(self, name):
        parameters, container, _ = known(name)
        longer = Parameters(segment_bytes=parameters.segment_bytes + 1)

        with pytest.raises(SealMalformed, match="parameters"):
            read(container, longer)

    @pytest.mark.parametrize("name", [each for each in NAMES if "rotation" in each])
    def test_that_rotate_are_not_read_without(self, name):
        _, container, _ = known(name)

        with pytest.raises(SealTampered, match="Segment 4 "):
            read(container, Parameters(segment_bytes=40))

    def test_have_a_last_segment_that_is_full_and_one_that_is_empty(self):
        lengths = {}
        for name in ("java_lastSegAligned", "java_lastSegEmpty"):
            parameters, container, plain = known(name)
            lengths[name] = (len(container) - HEADER_BYTES, len(plain))
            assert parameters.plain_bytes == 8

        assert lengths == {
            "java_lastSegAligned": (2 * 40, 16),
            "java_lastSegEmpty": (2 * 40 + 32, 16),
        }

    @pytest.mark.parametrize("name", NAMES)
    def test_are_as_long_as_ours(self, name):
        parameters, container, plain = known(name)
        ours = written(plain, parameters)

        empty_last = 32 if name.endswith("lastSegEmpty") else 0
        assert len(ours) == len(container) - empty_last
        assert ours[:10] == container[:10]


class TestAContainer:
    @pytest.mark.parametrize("size", [*range(70), 95, 96, 97, 127, 128, 129, 1000])
    def test_gives_back_what_went_in(self, size):
        plain = bytes(number % 251 for number in range(size))
        container = written(plain)

        assert read(container) == plain
        assert len(container) == SMALL.sealed_bytes(size)

    @given(
        st.binary(max_size=300),
        st.integers(1, 320),
        st.integers(1, 500),
        st.integers(33, 90),
        st.integers(0, 3),
    )
    def test_is_the_same_however_it_comes_in_pieces(
        self, plain, piece, other, segment_bytes, rotation_bits
    ):
        parameters = Parameters(
            segment_bytes=segment_bytes, rotation_bits=rotation_bits
        )
        container = written(plain, parameters, piece=piece)

        assert read(container, parameters, piece=other) == plain
        assert len(container) == parameters.sealed_bytes(len(plain))

    def test_is_another_each_time(self):
        one, other = written(b"x" * 100), written(b"x" * 100)

        assert one[:10] == other[:10]
        assert one[10:42] != other[10:42]
        assert one[74 + 4 : 74 + 16] != other[74 + 4 : 74 + 16]

    def test_uses_no_nonce_twice(self):
        container = written(bytes(64 * 32))
        body = container[HEADER_BYTES:]
        nonces = {body[start + 4 : start + 16] for start in range(0, len(body), 64)}

        assert len(nonces) == 64

    def test_opens_under_no_other_key(self):
        container = written(b"x")

        for key in (bytes(31) + b"\x01", b"\x80" + bytes(31)):
            with pytest.raises(KeyNotCommitted):
                list(decrypted([container], SecretKey(key), AAD, SMALL))

    @pytest.mark.parametrize(
        "aad", [b"", b"This is AA", b"This is AADD", b"this is AAD"]
    )
    def test_opens_under_no_other_context(self, aad):
        with pytest.raises(KeyNotCommitted):
            list(decrypted([written(b"x")], KEY, aad, SMALL))

    @pytest.mark.parametrize("size", [0, 16, 31, 33, 48, 64])
    def test_has_a_key_of_32_bytes(self, size):
        key = SecretKey(bytes(size))

        with pytest.raises(AssertionError, match="32 bytes"):
            Encryptor(key, AAD, SMALL)
        with pytest.raises(AssertionError, match="32 bytes"):
            Decryptor(key, AAD, SMALL)

    def test_is_not_written_on_after_its_end(self):
        encryptor = Encryptor(KEY, AAD, SMALL)
        encryptor.finish()

        with pytest.raises(AssertionError, match="nothing comes after"):
            encryptor.update(b"more")

    def test_has_a_bound(self):
        parameters = Parameters(segment_bytes=64, segments_max=2)
        container = written(bytes(64), parameters)

        assert read(container, parameters) == bytes(64)
        with pytest.raises(MalformedInput, match="more than 2 segments"):
            written(bytes(65), parameters)
        with pytest.raises(SealMalformed, match="Segment 2 is one too many"):
            read(written(bytes(65)), parameters)


class TestAReader:
    """R-ENC-4: what it gives is verified, and only `finish` says that it is whole."""

    def test_gives_whole_segments_and_the_last_one_at_the_end(self):
        container = written(bytes(range(80)))
        reader = Decryptor(KEY, AAD, SMALL)

        assert reader.update(container[:137]) == []
        assert reader.update(container[137:138]) == [bytes(range(32))]
        assert reader.update(container[138:]) == [bytes(range(32, 64))]
        assert reader.finish() == bytes(range(64, 80))

    @pytest.mark.parametrize("more", [b"\x00", b"\xff" * 64])
    def test_keeps_the_last_one_back_if_anything_follows(self, more):
        reader = Decryptor(KEY, AAD, SMALL)
        reader.update(written(b"all of it"))

        with pytest.raises(SealMalformed, match="bytes follow"):
            reader.update(more)
        with pytest.raises(SealMalformed, match="bytes follow"):
            reader.finish()

    def test_gives_nothing_more_once_it_has_refused(self):
        container = written(bytes(96))
        broken = bytearray(container)
        broken[HEADER_BYTES + 64 + 20] ^= 1
        reader = Decryptor(KEY, AAD, SMALL)
        assert reader.update(bytes(broken[: HEADER_BYTES + 64])) == [bytes(32)]
        rest = bytes(broken[HEADER_BYTES + 64 :])

        for piece in (rest, container[HEADER_BYTES + 64 :], b"", container):
            with pytest.raises(SealTampered, match="Segment 1 "):
                reader.update(piece)
        with pytest.raises(SealTampered, match="Segment 1 "):
            reader.finish()

    @pytest.mark.parametrize(
        ("size", "part"),
        [(0, "Header"), (73, "Header"), (74, "Segment 0"), (138, "Seg")],
    )
    def test_says_where_it_was_cut(self, size, part):
        reader = Decryptor(KEY, AAD, SMALL)
        reader.update(written(bytes(40))[:size])

        for _ in range(2):
            with pytest.raises(SealTruncated, match=part):
                reader.finish()

    @pytest.mark.parametrize("length", [0, 1, 31, 65, 0x7FFFFFFF, 0xFFFFFFFE])
    def test_waits_for_no_segment_of_a_length_that_none_has(self, length):
        reader = Decryptor(KEY, AAD, SMALL)
        reader.update(written(b"")[:HEADER_BYTES])

        with pytest.raises(SealMalformed, match=f"it has {length} bytes"):
            reader.update(length.to_bytes(4, "big"))

    def test_would_wait_without_that_guard(self, monkeypatch):
        monkeypatch.setattr(floe, "_require_possible", lambda *_: None)
        reader = Decryptor(KEY, AAD, SMALL)
        reader.update(written(b"")[:HEADER_BYTES])

        assert reader.update(b"\xff\xff\xff\xfe") == []
        assert reader.update(bytes(1_000_000)) == []

    def test_has_no_key_in_what_is_printed_of_it(self):
        reader = Decryptor(SecretKey(b"canary-canary-canary-canary-1234"), AAD, SMALL)

        assert "canary" not in repr(reader) + repr(vars(reader))


class TestMemory:
    """R-ENC-12."""

    def test_is_bounded_however_long_the_message_is(self):
        pieces = 48

        def plain() -> Iterator[bytes]:
            for number in range(pieces):
                yield bytes((number,)) * 1_000_000

        tracemalloc.start()
        try:
            container = encrypted(plain(), KEY, AAD, GCM256_IV256_64K)
            size = sum(
                len(each) for each in decrypted(container, KEY, AAD, GCM256_IV256_64K)
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert size == pieces * 1_000_000
        assert peak < 6_000_000
