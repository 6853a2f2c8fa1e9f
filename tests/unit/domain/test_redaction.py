"""R-ENC-15: redaction is true, on bytes, and the regions are what the two differ by."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.redacting import (
    CASES,
    FAULTS,
    JWT,
    PEM,
    Planted,
    joined,
    objections,
    planted,
    wide,
)

from sr_core.domain import redaction
from sr_core.domain.redaction import MARKER, Redacted, redact, survivors
from sr_core.domain.redaction_rules import RULES, Rule, SecretKind
from sr_core.domain.sealing_errors import RedactionUnfinished

MIB = 1 << 20
HARD = {
    name: (piece * (MIB // len(piece) + 1))[:MIB]
    for name, piece in {
        "zeros": b"\0",
        "dashes": b"-",
        "spaces": b"pwd=" + b" " * 999,
        "headers of keys": b"-----BEGIN PRIVATE KEY-----",
        "beginnings": b"-----BEGIN ",
        "heads of tokens": b"eyJ",
        "words": b"password",
        "options": b"--password",
        "half of words": b"api_",
        "quotes that close": b"pwd=\"\npwd='\n",
        "quotes that do not": b'pwd="\\\npwd=\\"\n',
        "schemes": b"postgres://",
        "slashes": b"://",
        "bearers": b"bearer ",
        "access keys": b"AKIA",
        "KEKs": b"base64:",
        "two bytes a character": b"p\0a\0s\0s\0w\0o\0r\0d\0",
        "four bytes a character": b"p\0\0\0w\0\0\0d\0\0\0",
    }.items()
}
"""What has a pattern try the same bytes again and again, if one can be brought to."""
ALPHABET = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'")
VALUES = st.text(ALPHABET, min_size=1, max_size=20).map(str.encode)
WORDS = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"),
    min_size=8,
    max_size=30,
).map(str.encode)
CAPITALS = st.from_regex(rb"[0-9A-Z]{16}", fullmatch=True)
BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=4).map(
    lambda lines: b"\n".join(each.hex().encode() for each in lines)
)


def lines_of(before: str, value: bytes, after: str = "\n") -> Planted:
    return planted(before.encode(), value, after.encode())


SECRETS = st.one_of(
    st.builds(
        lines_of,
        st.sampled_from(
            [
                "password=",
                "PWD: ",
                "db_passwd = ",
                '"passphrase": ',
                "api-key=",
                "-pwd ",
            ]
        ),
        VALUES,
    ),
    st.builds(
        lines_of,
        st.sampled_from(["Password='", "client_secret: '"]),
        VALUES.map(lambda it: it.replace(b"\\", b"")).filter(bool),
        st.just("' and on"),
    ),
    st.builds(lambda it: lines_of("", b"AKIA" + it, " "), CAPITALS),
    st.builds(
        lambda *parts: lines_of("", b"eyJ" + b".".join(parts), " "), WORDS, WORDS, WORDS
    ),
    st.builds(lambda it: lines_of("bearer ", it), WORDS),
    st.builds(
        lambda user, word: lines_of("mysql://", user + b":" + word + b"@h", " "),
        WORDS,
        WORDS,
    ),
    st.builds(
        lambda it: lines_of("", PEM[:32] + it + PEM[-30:]),
        BODIES,
    ),
)
ENCODINGS = st.sampled_from(
    ["ascii", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
PARTS = st.lists(
    st.one_of(
        st.binary(max_size=40).map(lambda it: Planted(it, ())),
        st.builds(wide, SECRETS, ENCODINGS),
    ),
    min_size=1,
    max_size=8,
).map(joined)


class TestIsTrue:
    @pytest.mark.parametrize("case", CASES.values(), ids=CASES)
    def test_of_what_is_hard(self, case):
        assert list(objections(case, redact(case.data))) == []

    @settings(max_examples=500, deadline=None)
    @given(PARTS)
    @example(joined([CASES["access key"], CASES["body of a key"]]))
    def test_of_any_secrets_in_any_bytes(self, it):
        assert list(objections(it, redact(it.data))) == []

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=200))
    def test_of_any_bytes(self, data):
        assert list(objections(Planted(data, ()), redact(data))) == []

    @pytest.mark.parametrize("case", CASES.values(), ids=CASES)
    def test_a_second_time_there_is_nothing_left_to_do(self, case):
        once = redact(case.data)

        assert redact(once.data) == Redacted(data=once.data, regions=())

    def test_what_holds_no_secret_is_left_as_it_is(self):
        data = (
            b"password policy; tokens: 4096\n2 passed\nhttps://host/path?q=1\n"
            b"AKIA\neyJabcdefgh.x\nthe bearer of this\nbase64:abc=\n\0\0\0\xff"
        )

        assert redact(data) == Redacted(data=data, regions=())

    def test_the_marker_is_no_secret_in_any_encoding(self):
        text = MARKER.decode()

        assert [
            survivors(text.encode(each)) for each in ("ascii", "utf-16", "utf-32")
        ] == [frozenset()] * 3


class TestRegions:
    def test_say_what_by_which_rules(self):
        made = redact(b"a " + JWT + b"\npostgres://u:p@h\n" + PEM)

        assert made.data == b"a %b\n%b\n%b" % (MARKER, MARKER, MARKER)
        assert [(each.kind, each.rules) for each in made.regions] == [
            (SecretKind.SECRET, ("json-web-token",)),
            (
                SecretKind.DATABASE_CREDENTIAL,
                ("database-url", "url-with-credentials"),
            ),
            (SecretKind.PRIVATE_KEY, ("private-key",)),
        ]

    def test_of_what_overlaps_or_touches_there_is_one(self):
        case = CASES["twice on end"]

        (region,) = redact(case.data).regions
        assert (region.offset, region.length) == (0, len(case.data) - 1)
        assert region.rules == ("aws-access-key", "json-web-token")

    @pytest.mark.parametrize("rule", RULES, ids=lambda it: it.name)
    def test_every_rule_is_of_use(self, rule, monkeypatch):
        """Without any one of them some secret is in no region."""
        rest = tuple(each for each in RULES if each is not rule)
        monkeypatch.setattr(redaction, "RULES", rest)
        missed = [
            name
            for name, case in ALONE.items()
            if any(
                "in no region" in each for each in objections(case, redact(case.data))
            )
        ]

        assert missed == [rule.name]


ALONE = {
    "private-key": planted(b"", PEM),
    "database-url": planted(b"", b"redis://h/secret-path"),
    "url-with-credentials": planted(b"https://", b"u:p@h"),
    "aws-access-key": planted(b"", b"ASIAIOSFODNN7EXAMPLE"),
    "json-web-token": planted(b"", JWT),
    "password": planted(b"passwd=", b"x"),
    "password-option": planted(b"--password ", b"x"),
    "api-key": planted(b"authorization: ", b"x"),
    "token": planted(b"token: ", b"abcdefgh"),
    "bearer-token": planted(b"bearer ", b"abcdefgh"),
    "kek": planted(b"", b"base64:" + b"A" * 43 + b"="),
}
"""What one rule alone finds."""


class TestBounds:
    @pytest.mark.parametrize("data", HARD.values(), ids=HARD)
    def test_no_bytes_take_long(self, data):
        """A MiB takes a tenth of a second here; what is tried twice takes minutes."""
        began = time.perf_counter()
        try:
            redact(data)
        except RedactionUnfinished:
            assert b'pwd="' in data
        assert time.perf_counter() - began < 5

    def test_control_a_pattern_that_tries_again_takes_longer_and_longer(
        self, monkeypatch
    ):
        naive = re.compile(rb"eyJ[\w-]+\.[\w-]+\.")
        rule = Rule(
            name="naive", kind=SecretKind.SECRET, pattern=naive, is_caseless=False
        )
        monkeypatch.setattr(redaction, "RULES", (rule,))
        taken = []
        for size in (1_000, 4_000):
            began = time.process_time()
            redact(b"eyJ" * size)
            taken.append(time.process_time() - began)

        assert taken[1] > 6 * taken[0]

    def test_more_secrets_than_may_be_are_refused(self, monkeypatch):
        monkeypatch.setattr(redaction, "MATCHES_MAX", 3)
        lines = [b"pwd=1\n"] * 3

        assert len(redact(b"".join(lines)).regions) == 3
        with pytest.raises(RedactionUnfinished, match="more than 3 secrets"):
            redact(b"".join([*lines, b"pwd=1\n"]))

    def test_what_comes_to_no_end_is_refused(self, monkeypatch):
        """A rule that matches the marker, say."""
        rule = Rule(name="m", kind=SecretKind.SECRET, pattern=re.compile(rb"\[\[red|x"))
        monkeypatch.setattr(redaction, "RULES", (rule,))

        with pytest.raises(RedactionUnfinished, match="still matches after 16 rounds"):
            redact(b"x")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_redactor_is_found_out(fault, monkeypatch):
    found: dict[str, list[str]] = {}
    for name, case in CASES.items():
        with monkeypatch.context() as patch:
            FAULTS[fault](patch)
            try:
                made = redact(case.data)
            except RedactionUnfinished as refused:
                found[name] = [str(refused)]
                continue
        if said := list(objections(case, made)):
            found[name] = said

    assert found, f"nothing is wrong with {fault}"
