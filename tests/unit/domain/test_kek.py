"""KEKs: what is taken for one, what is shown of one, and how often one is used."""

from __future__ import annotations

import base64
import copy
import pickle
import traceback
from dataclasses import asdict, replace

import msgspec
import pytest
from tests.sealing import KEK_TEXT, OTHER_TEXT, a_kek

from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import (
    KEK_VERSION_MAX,
    KekRef,
    SecretKey,
    WrapCount,
    parse_kek,
    parse_kek_id,
    write_kek,
)
from sr_core.domain.sealing_errors import BadKeyMaterial, WrapLimitReached

REF = KekRef(id=parse_kek_id("solver-ralph-kek"), version=3)
BYTES = base64.b64decode(KEK_TEXT.removeprefix("base64:"))
FORMS = (
    BYTES.decode("latin-1"),
    BYTES.hex(),
    base64.b64encode(BYTES).decode(),
    base64.urlsafe_b64encode(BYTES).decode(),
    repr(BYTES)[2:-1],
)


def of(data: bytes) -> str:
    return "base64:" + base64.b64encode(data).decode()


def shown(text: str) -> list[str]:
    """Return in which forms the key's bytes are in `text`."""
    return [form for form in FORMS if form in text]


class TestKeyMaterial:
    """R-ENC-9."""

    def test_is_tagged_base64_of_32_bytes(self):
        assert parse_kek(KEK_TEXT, ref=REF).key.reveal() == BYTES
        assert write_kek(parse_kek(KEK_TEXT, ref=REF).key) == KEK_TEXT

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "do not begin with base64:"),
            (KEK_TEXT.removeprefix("base64:"), "do not begin with base64:"),
            (KEK_TEXT.replace("base64:", "BASE64:"), "do not begin with base64:"),
            (f" {KEK_TEXT}", "do not begin with base64:"),
            ("<hidden-by-infisical>", "do not begin with base64:"),
            ("base64:<hidden-by-infisical>", "not standard base64"),
            (f"{KEK_TEXT}\n", "not standard base64"),
            (f"{KEK_TEXT} ", "not standard base64"),
            (KEK_TEXT[:30] + "\n" + KEK_TEXT[30:], "not standard base64"),
            (KEK_TEXT.removesuffix("="), "not standard base64"),
            (f"{KEK_TEXT}=", "not standard base64"),
            (KEK_TEXT.replace("tM=", "tN="), "not standard base64"),
            (OTHER_TEXT[:-5] + "-_E6E=", "not standard base64"),
            (KEK_TEXT + KEK_TEXT.removeprefix("base64:"), "not standard base64"),
            ("base64:größe", "not standard base64"),
            ("base64:", "0 bytes, not 32"),
            (of(BYTES[:16]), "16 bytes, not 32"),
            (of(BYTES[:24]), "24 bytes, not 32"),
            (of(BYTES[:31]), "31 bytes, not 32"),
            (of(BYTES + b"\x00"), "33 bytes, not 32"),
            (of(BYTES * 2), "64 bytes, not 32"),
            (of(bytes(32)), "repeat themselves"),
            (of(b"\xff" * 32), "repeat themselves"),
            (of(BYTES[:16] * 2), "repeat themselves"),
            (of(BYTES[:8] * 4), "repeat themselves"),
            (of(bytes(range(128, 160))), "count up or down"),
            (of(bytes(range(255, 223, -1))), "count up or down"),
            (of(bytes(n * 7 % 256 for n in range(32))), "count up or down"),
            (of(b"correct horse battery staple 123"), "text, not random"),
            (of(BYTES.hex()[:32].encode()), "text, not random"),
        ],
    )
    def test_that_is_not_is_refused_and_not_repeated(self, text, said):
        with pytest.raises(BadKeyMaterial, match=said) as refused:
            parse_kek(text, ref=REF)

        told = "".join(traceback.format_exception(refused.value))
        assert "version 3 of solver-ralph-kek" in str(refused.value)
        assert shown(told) == []
        assert len(text) < 8 or text.strip() not in told

    def test_of_other_keys_is_taken(self):
        keys = [OTHER_TEXT, of(bytes(reversed(BYTES)))]

        assert [write_kek(parse_kek(each, ref=REF).key) for each in keys] == keys

    @pytest.mark.parametrize("text", ["", "a kek", "-kek", "kek/1", "k" * 65, "größe"])
    def test_has_a_plain_name(self, text):
        with pytest.raises(MalformedInput, match="kek id"):
            parse_kek_id(text)

    @pytest.mark.parametrize("version", [0, -1, KEK_VERSION_MAX + 1])
    def test_has_a_version(self, version):
        with pytest.raises(MalformedInput, match="kek version"):
            KekRef(id=REF.id, version=version)


class TestAKey:
    """R-ENC-17: nothing that holds a key shows it, or hands it on."""

    def test_is_not_in_what_is_printed(self):
        kek = a_kek()
        printed = f"{kek} {kek!r} {kek.key} {kek.key!r} {[kek]} { ({'kek': kek}) }"

        assert shown(printed) == []

    def test_would_be_seen_if_it_were(self):
        assert shown(repr(BYTES)) != []
        assert shown(BYTES.hex()) != []
        assert shown(KEK_TEXT) != []

    @pytest.mark.parametrize(
        "act",
        [
            *(
                lambda kek, number=number: pickle.dumps(kek, protocol=number)
                for number in range(pickle.HIGHEST_PROTOCOL + 1)
            ),
            copy.copy,
            copy.deepcopy,
        ],
    )
    def test_is_neither_pickled_nor_copied(self, act):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            act(a_kek().key)

    @pytest.mark.parametrize(
        "act",
        [
            pickle.dumps,
            copy.deepcopy,
            asdict,
            msgspec.json.encode,
            msgspec.to_builtins,
            lambda kek: vars(kek.key),
            lambda kek: hash(kek.key),
        ],
    )
    def test_is_not_handed_on_by_what_holds_it(self, act):
        with pytest.raises(TypeError) as refused:
            act(a_kek())

        assert shown(str(refused.value)) == []

    def test_is_the_same_as_one_of_the_same_bytes(self):
        assert SecretKey(BYTES) == SecretKey(bytes(BYTES))
        assert SecretKey(BYTES) != SecretKey(BYTES[::-1])
        assert SecretKey(BYTES) != BYTES
        assert len(SecretKey(BYTES)) == 32


class TestWraps:
    """R-ENC-11."""

    def test_are_counted_up_to_the_limit(self):
        count = WrapCount(kek=REF, wraps_max=5)

        for number in range(5):
            assert count.wraps == number
            count = count.one_more()

        with pytest.raises(WrapLimitReached, match="Rotate") as refused:
            count.one_more()
        assert "version 3 of solver-ralph-kek has wrapped 5" in str(refused.value)

    def test_beyond_it_are_refused_too(self):
        with pytest.raises(WrapLimitReached):
            replace(WrapCount(kek=REF, wraps_max=5), wraps=6).one_more()

    def test_are_limited_far_below_what_the_cipher_allows(self):
        assert WrapCount(kek=REF).wraps_max <= 2**32 // 256
