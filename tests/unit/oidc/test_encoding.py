import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.adapters.oidc.encoding import (
    NotStrict,
    decode_base64url,
    parse_json_object,
)


class TestBase64url:
    """R-API-4: one text for one value."""

    @pytest.mark.parametrize(
        ("text", "data"),
        [
            ("", b""),
            ("Zg", b"f"),
            ("Zm8", b"fo"),
            ("Zm9v", b"foo"),
            ("-_8", b"\xfb\xff"),
        ],
    )
    def test_what_is_canonical_is_read(self, text, data):
        assert decode_base64url(text) == data

    @pytest.mark.parametrize(
        "text",
        [
            "Zg==",
            "Zm8=",
            "Zh",
            "Zm9",
            "Z",
            "Zm9v\n",
            " Zm9v",
            "Zm+v",
            "Zm/v",
            "Zm9v.",
            "Zmé",
        ],
    )
    def test_nothing_else_is(self, text):
        with pytest.raises(NotStrict):
            decode_base64url(text)

    @given(st.text(alphabet="AQgwZm9v-_=", max_size=9))
    def test_no_two_texts_mean_the_same(self, text):
        try:
            data = decode_base64url(text)
        except NotStrict:
            return
        assert base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text


class TestJson:
    """R-API-4: a reader who is kind to doubles lets two parties see two tokens."""

    def test_an_object_is_read(self):
        assert parse_json_object('{"a": [1, 2.5, "é", null]}'.encode()) == {
            "a": [1, 2.5, "é", None]
        }

    @pytest.mark.parametrize(
        "data",
        [
            b'{"a": 1, "a": 1}',
            b'{"b": {"a": 1, "\\u0061": 2}}',
            b'{"a": NaN}',
            b'{"a": -Infinity}',
            b'{"a": 1e400}',
            b'{"a": "\\ud800"}',
            b'{"\\ud800": 1}',
            b'{"a": "\xff"}',
            '{"a": 1}'.encode("utf-16"),
            b'\xef\xbb\xbf{"a": 1}',
            b'{"a": 1} x',
            b'{"a": ' + b"9" * 5000 + b"}",
            b'{"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
            b"[1]",
            b'"a"',
            b"null",
            b"",
        ],
        ids=lambda data: repr(data[:24]),
    )
    def test_nothing_else_is(self, data):
        with pytest.raises(NotStrict):
            parse_json_object(data)
