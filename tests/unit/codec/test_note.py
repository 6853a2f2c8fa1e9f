"""Signed notes: what Go's `sumdb/note` writes is read, and everything else refused."""

from __future__ import annotations

import pytest

from sr_core.codec.note import (
    SigningKey,
    opened,
    parse_key_name,
    parse_signing_key,
    parse_verifier_key,
    signed,
)
from sr_core.domain.errors import MalformedInput

SECRET = (
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # noqa: S105 - published
)
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6"
    "RyyBwJnAM="
)
"""The example in the documentation of golang.org/x/mod/sumdb/note."""
NOTE = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n".encode()
KEY = parse_verifier_key(PUBLIC, field="key")
SIGNER = parse_signing_key(SECRET, field="key")
OTHER = SigningKey(name="PeterNeumann", seed=bytes(32))


class TestTheExampleOfGo:
    def test_is_opened(self):
        assert opened(NOTE, KEY, what="note") == TEXT

    def test_is_what_we_write(self):
        assert signed(TEXT, SIGNER) == NOTE

    def test_has_keys_that_we_write_the_same(self):
        assert (SIGNER.text, SIGNER.verifier.text) == (SECRET, PUBLIC)


def changed(old: str, new: str) -> bytes:
    text = NOTE.decode()
    assert old in text
    return text.replace(old, new).encode()


class TestANote:
    @pytest.mark.parametrize(
        ("note", "said"),
        [
            (changed("answer", "answers"), "line 4: found 'a signature that is not"),
            (signed(TEXT, OTHER), "line 4: found 'a signature by PeterNeumann"),
            (changed("— Peter", "— Petra"), "line 4: found 'a signature by Petra"),
            (changed("— ", "-- "), "an em dash"),
            (changed("JnAM=", "JnAN="), "an em dash"),
            (changed("JnAM=", "JnAM"), "an em dash"),
            (changed("x08go/", "x08go*"), "an em dash"),
            (changed("x08go/ZJkuBS", "x08g"), "an em dash"),
            (changed(f" {SIGNATURE}", ""), "an em dash"),
            (NOTE + b"more\n", "one signature line, and nothing after it"),
            (NOTE + NOTE.splitlines()[-1] + b"\n", "one signature line"),
            (NOTE.removesuffix(b"\n"), "one signature line"),
            (TEXT.encode(), "a text, a blank line and a signature"),
            (b"", "a text, a blank line and a signature"),
            (NOTE.replace(b"\n", b"\r\n"), "without control characters"),
            (NOTE + b"\xff", "a note in UTF-8"),
            (b"x" * 5000, "4096 bytes at most"),
        ],
    )
    def test_that_is_none_is_refused_where_it_is_wrong(self, note, said):
        with pytest.raises(MalformedInput, match=said):
            opened(note, KEY, what="note")

    def test_that_was_signed_over_is_refused_by_every_bit(self):
        for index in range(len(NOTE) * 8):
            flipped = bytearray(NOTE)
            flipped[index // 8] ^= 1 << index % 8

            with pytest.raises(MalformedInput):
                opened(bytes(flipped), KEY, what="note")


class TestAKey:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "PeterNeumann",
            PUBLIC + "=",
            PUBLIC.replace("c74f20a3", "c74f20a4"),
            PUBLIC.replace("Peter", "Petra"),
            PUBLIC.replace("+ARpc", "+BRpc"),
            PUBLIC.replace("Peter", "Peter "),
            PUBLIC + "\n",
            SECRET,
        ],
    )
    def test_of_another_form_verifies_nothing(self, text):
        with pytest.raises(MalformedInput, match="sr log keygen"):
            parse_verifier_key(text, field="SR_LOG_VERIFIER_KEY")

    @pytest.mark.parametrize(
        "text",
        [
            "PRIVATE+KEY+log",
            SECRET.removeprefix("PRIVATE+KEY+"),
            SECRET.replace("c74f20a3", "c74f20a4"),
            SECRET + " ",
            PUBLIC,
        ],
    )
    def test_of_another_form_signs_nothing_and_is_not_repeated(self, text):
        with pytest.raises(MalformedInput, match="sr log keygen") as error:
            parse_signing_key(text, field="SR_LOG_SIGNING_KEY")

        assert text not in str(error.value)

    def test_that_signs_is_not_printed(self):
        assert "seed" not in repr(SIGNER)

    @pytest.mark.parametrize("name", ["", "a b", "a+b", "x" * 256])
    def test_has_no_such_name(self, name):
        with pytest.raises(MalformedInput, match="neither blank nor plus"):
            parse_key_name(name, field="--name")

    def test_may_be_named_for_its_log(self):
        assert parse_key_name("solver-ralph/log", field="--name") == "solver-ralph/log"
