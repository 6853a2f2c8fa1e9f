"""A blob, its container and its record: there and back, and no key on the way."""

from __future__ import annotations

import base64
import hashlib
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from tests.sealing import (
    KEK_TEXT,
    OTHER_TEXT,
    PLAIN_BYTES,
    SIZES,
    a_blob,
    a_context,
    a_kek,
    seal,
)

from sr_core.codec import crypto
from sr_core.codec.floe import GCM256_IV256_64K, Encryptor
from sr_core.codec.key_record import (
    container_aad,
    parse_key_record,
    rewrapped_key,
    unwrapped_key,
    wrapped_key,
)
from sr_core.codec.sealed import BlobOpener, BlobSealer, opened, sealed
from sr_core.domain.kek import SecretKey, WrapCount
from sr_core.domain.sealing_errors import (
    KeyNotCommitted,
    SealTampered,
    SealUnsound,
    WrapLimitReached,
)

KEY: Final = base64.b64decode(KEK_TEXT.removeprefix("base64:"))


class TestABlob:
    """R-ENC-1."""

    @pytest.mark.parametrize("size", SIZES)
    def test_comes_back_byte_for_byte(self, size):
        container, done = seal(a_blob(size))
        record = parse_key_record(done.record.data)

        assert opened([container], record, a_kek(), a_context()) == a_blob(size)
        assert len(container) == GCM256_IV256_64K.sealed_bytes(size)

    @pytest.mark.parametrize("piece", [1_000, 65_504, 65_536, 200_000])
    def test_comes_back_in_whatever_pieces_it_goes(self, piece):
        blob, kek = a_blob(150_000), a_kek()
        sealer = BlobSealer(a_context(), kek, WrapCount(kek=kek.ref))
        pieces = []
        for start in range(0, len(blob), piece):
            pieces += sealer.update(blob[start : start + piece])
        done = sealer.finish()

        assert done.count.wraps == 1
        assert opened([*pieces, *done.rest], done.record, kek, a_context()) == blob

    def test_is_nowhere_in_what_is_stored(self):
        blob = b"a secret that is long enough to be found " * 40
        container, done = seal(blob)

        assert blob[:16] not in container + done.record.data
        assert KEY not in container + done.record.data

    def test_has_a_key_of_its_own(self):
        records = [seal(b"the same")[1].record for _ in range(20)]
        keys = [unwrapped_key(each, a_kek(), a_context()).reveal() for each in records]

        assert len(set(keys)) == 20

    def test_is_named_by_its_record(self):
        container, done = seal(a_blob(70_000))

        assert done.record.sealed.size == len(container)
        digest = hashlib.sha256(container).hexdigest()
        assert done.record.sealed.content_hash == f"sha256:{digest}"


class TestAnotherContainer:
    def test_of_another_blob_is_refused_before_it_is_decrypted(self):
        _, done = seal(a_blob(10))
        container, _ = seal(a_blob(10))

        with pytest.raises(KeyNotCommitted):
            opened([container], done.record, a_kek(), a_context())

    def test_of_the_same_key_is_refused_at_its_end(self):
        """Who holds the data key can make one; the hash in the record tells it."""
        _, done = seal(a_blob(200_000))
        key = unwrapped_key(done.record, a_kek(), a_context())
        encryptor = Encryptor(key, container_aad(a_context()), GCM256_IV256_64K)
        forged = b"".join((*encryptor.update(bytes(200_000)), *encryptor.finish()))
        opener = BlobOpener(done.record, a_kek(), a_context())
        assert b"".join(opener.update(forged)) == bytes(3 * PLAIN_BYTES)

        with pytest.raises(SealTampered, match="its key record names"):
            opener.finish()
        with pytest.raises(SealTampered, match="its key record names"):
            opened([forged], done.record, a_kek(), a_context())


class TestRotation:
    """R-ENC-8."""

    def test_touches_no_byte_of_the_container(self):
        container, done = seal(a_blob(70_000))
        before = hashlib.sha256(container).digest()
        new = a_kek(OTHER_TEXT, version=2)
        record, _ = rewrapped_key(
            parse_key_record(done.record.data),
            old=a_kek(),
            new=new,
            context=a_context(),
            count=WrapCount(kek=new.ref),
        )
        again = parse_key_record(record.data)

        assert opened([container], again, new, a_context()) == a_blob(70_000)
        assert opened([container], done.record, a_kek(), a_context()) == a_blob(70_000)
        assert hashlib.sha256(container).digest() == before


STREAM: Final = """
import resource, sys
from sr_core.codec.sealed import BlobOpener, BlobSealer
from sr_core.domain.kek import WrapCount
from tests.sealing import a_context, a_kek

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux

def sealed(mib):
    kek = a_kek()
    sealer = BlobSealer(a_context(), kek, WrapCount(kek=kek.ref))
    for number in range(mib):
        yield from sealer.update(bytes((number % 256,)) * 2**20)
    done = sealer.finish()
    yield from done.rest
    records.append(done.record)

def size_of(mib):
    with open(sys.argv[2], "wb") as file:
        file.writelines(sealed(mib))
    opener, size = BlobOpener(records[-1], a_kek(), a_context()), 0
    with open(sys.argv[2], "rb") as file:
        while piece := file.read(2**20):
            size += sum(map(len, opener.update(piece)))
    return size + len(opener.finish())

records = []
size_of(2)
before = peak()
mib = int(sys.argv[1])
assert size_of(mib) == mib * 2**20
print(peak() - before)
"""


class TestMemory:
    """R-ENC-12."""

    def test_does_not_grow_with_the_blob(self, tmp_path):
        mib = 192
        ended = subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-c", STREAM, str(mib), str(tmp_path / "container")],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=Path(__file__).parents[3],
        )

        assert ended.stderr == ""
        assert int(ended.stdout) < 16 * 1024


class TestTheLimit:
    """R-ENC-11."""

    def test_holds_before_anything_is_sealed(self, monkeypatch):
        kek = a_kek()
        drawn: list[int] = []
        count = WrapCount(kek=kek.ref, wraps_max=5)
        for number in range(1, 6):
            _, done = sealed(b"blob", a_context(), kek, count)
            count = done.count
            assert count.wraps == number
        monkeypatch.setattr(crypto, "fresh", drawn.append)

        with pytest.raises(WrapLimitReached, match="as many as it may"):
            BlobSealer(a_context(), kek, count)

        assert drawn == []

    def test_is_that_of_the_kek_that_wraps(self):
        kek = a_kek()

        with pytest.raises(AssertionError, match="count is that of the KEK"):
            sealed(b"", a_context(), kek, WrapCount(kek=a_kek(version=2).ref))


def forms_of(key: bytes) -> dict[str, str]:
    """Return how a key could be written."""
    plain = key.decode("latin-1")
    return {
        "plain": plain,
        "repr": repr(key)[2:-1],
        "hex": key.hex(),
        "HEX": key.hex().upper(),
        "base64": base64.b64encode(key).decode().rstrip("="),
        "base64, 1 byte on": base64.b64encode(b"x" + key).decode()[2:-4],
        "base64, 2 bytes on": base64.b64encode(b"xx" + key).decode()[3:-4],
        "urlsafe": base64.urlsafe_b64encode(key).decode().rstrip("="),
        "percent": quote(key),
        "list": str(list(key))[1:-1],
    }


def all_told_of(error: BaseException) -> str:
    """Return the error as it could be logged: with the locals of our frames."""
    told = "".join(traceback.format_exception(error))
    told += repr(error.args) + repr(vars(error)) + repr(error.__context__)
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "sr_core" in frame.f_code.co_filename:
            told += repr(frame.f_locals)
    return told


def broken(*_: object, **__: object) -> bytes:
    message = "the cipher broke"
    raise RuntimeError(message)


def ignored(*_: object, **__: object) -> None:
    """Begin as nothing."""


DRAWN_BY_ONE: Final = 4
"""What one seal of a short blob draws: data key, IV, nonce, salt."""


class TestKeys:
    """R-ENC-17: whatever fails, no form of a key is in what is told of it."""

    def drawn(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        """Note what is drawn as a data key."""
        keys: list[bytes] = []
        draw = crypto.fresh

        def noted(size: int) -> bytes:
            made = draw(size)
            keys.append(made)
            return made

        monkeypatch.setattr(crypto, "fresh", noted)
        return keys

    @pytest.mark.parametrize(
        ("act", "call"),
        [
            ("seal", "AESGCM.encrypt"),
            ("seal", "HKDFExpand.derive"),
            ("wrap", "AESGCM.encrypt"),
            ("wrap", "HKDF.derive"),
            ("open", "AESGCM.decrypt"),
            ("open", "HKDF.derive"),
            ("open", "HKDFExpand.derive"),
        ],
    )
    def test_are_in_no_error(self, act, call, monkeypatch):
        name, _, method = call.partition(".")
        drawn = self.drawn(monkeypatch)
        kek = a_kek()
        container, done = seal(a_blob(10))
        sealer = BlobSealer(a_context(), kek, WrapCount(kek=kek.ref))
        keys = [KEY, drawn[0], drawn[DRAWN_BY_ONE]]
        key = SecretKey(keys[1])
        acts: dict[str, Callable[[], object]] = {
            "seal": sealer.finish if name == "AESGCM" else lambda: seal(b""),
            "wrap": lambda: wrapped_key(
                key,
                context=a_context(),
                sealed=done.record.sealed,
                kek=kek,
                count=WrapCount(kek=kek.ref),
            ),
            "open": lambda: opened([container], done.record, kek, a_context()),
        }
        whole = getattr(crypto, name)
        broken_class = type(name, (), {"__init__": ignored, method: broken})
        assert hasattr(whole, method)
        monkeypatch.setattr(crypto, name, broken_class)

        with pytest.raises(RuntimeError, match="the cipher broke") as failed:
            acts[act]()

        told = all_told_of(failed.value)
        assert "<a key of" in told or act == "seal"  # so locals are looked at
        for each in keys:
            assert [
                form for form in forms_of(each) if forms_of(each)[form] in told
            ] == []

    def test_are_in_no_refusal(self):
        container, done = seal(a_blob(10))
        stored = bytearray(done.record.data)
        stored[-1] ^= 1
        acts: tuple[Callable[[], object], ...] = (
            lambda: opened([container], done.record, a_kek(OTHER_TEXT), a_context()),
            lambda: opened(
                [container], parse_key_record(bytes(stored)), a_kek(), a_context()
            ),
            lambda: opened([b"x" * 99], done.record, a_kek(), a_context()),
            lambda: opened([container[:-1]], done.record, a_kek(), a_context()),
        )
        for act in acts:
            with pytest.raises(SealUnsound) as refused:
                act()

            told = all_told_of(refused.value)
            assert [name for name, form in forms_of(KEY).items() if form in told] == []

    def test_would_be_found_if_they_were(self):
        for form in forms_of(KEY).values():
            told = all_told_of(ValueError(f"a key: {form}"))
            told += f"a key: {form}"
            assert [name for name, each in forms_of(KEY).items() if each in told]

    def test_are_in_no_sealer_and_no_opener(self):
        kek = a_kek()
        _, done = seal(a_blob(10))
        for holder in (
            BlobSealer(a_context(), kek, WrapCount(kek=kek.ref)),
            BlobOpener(done.record, kek, a_context()),
        ):
            shown = repr(holder) + repr(vars(holder))
            assert not [name for name, form in forms_of(KEY).items() if form in shown]
            with pytest.raises(TypeError):
                pickle.dumps(holder)

    def test_of_a_record_stay_wrapped_when_it_is_printed(self):
        _, done = seal(a_blob(10))
        key = unwrapped_key(done.record, a_kek(), a_context()).reveal()
        shown = repr(done) + repr(replace(done.record, salt=b""))

        for secret in (key, KEY):
            forms = forms_of(secret).items()
            assert [name for name, form in forms if form in shown] == []
