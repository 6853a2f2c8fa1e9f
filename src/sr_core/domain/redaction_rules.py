r"""What is a secret in bytes, as data: a name, a kind, and a pattern (SPEC 9.2).

A rule matches the whole of what gives a secret away: the word and the value, the header
and the body. A value that is not quoted ends with its line, since a secret may hold any
other byte; what is cut too much can be asked for, what is cut too little is out.

No pattern tries a byte twice for long: what repeats without a bound is possessive, and
what may be tried at each byte of a run has a bound or begins where the run begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SecretKind(StrEnum):
    """What was taken out, as the redaction manifest names it (SPEC 9.2)."""

    SECRET = "SECRET"  # noqa: S105 - a kind
    PRIVATE_KEY = "PRIVATE_KEY"
    DATABASE_CREDENTIAL = "DATABASE_CREDENTIAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of secret: the group `secret` is taken out, or the whole of the match.

    From the group `again` on it is searched again, where it has one: a value that ends
    before its line may hold the word of the next one. A caseless rule is given bytes in
    lower case. A match counts if it holds `needs`.
    """

    name: str
    kind: SecretKind
    pattern: re.Pattern[bytes]
    is_caseless: bool = True
    needs: bytes = b""


_QUOTED: Final = rb"""(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+')++"""
_VALUE: Final = rb"(?:(?P<again>" + _QUOTED + rb")|[^\s\x00][^\r\n\x00]*+)"
_IS: Final = (
    rb"[\w.-]{0,32}+[\\\"'`\]) \t]{0,8}+(?:[:=]{1,2}>?|>|%3[ad])"
    rb"\s{0,64}+(?:[|>][-+]?\s{0,64}+)?"
)
"""From the word to the value: `DB_PASSWORD_2 = `, `"password": `, `<password>`."""
_PASSWORD: Final = rb"p(?:ass[_-]?(?:wor?d|wd|phrase)|wd)"
_KEY: Final = (
    rb"(?:(?:api|auth|access|account|client|encryption|id|master|private|refresh|secret"
    rb"|service|session|shared|signing)[_ .-]?(?:access[_ .-]?)?(?:key|token|secret)"
    rb"|authorization)"
)
_LONG: Final = rb"(?=[\\\"']{0,4}[^\s\"'\x00]{8})"
_DATABASES: Final = (
    rb"(?:postgres(?:ql)?|mysql|mariadb|mongodb|redis|rediss|amqps?|mssql|sqlserver"
    rb"|oracle|cockroachdb|clickhouse|db2)"
)
_URL: Final = rb"[^\s\"<>`\x00]++"
_EDGE: Final = rb"[a-z0-9 ]{0,40}private key[a-z ]{0,10}-{4,5}"

RULES: Final = (
    Rule(
        name="private-key",
        kind=SecretKind.PRIVATE_KEY,
        # Without its end, all that follows may be the key.
        pattern=re.compile(
            rb"-{4,5} ?begin " + _EDGE + rb".*?(?:-{4,5} ?end " + _EDGE + rb"|\Z)",
            re.DOTALL,
        ),
    ),
    Rule(
        name="database-url",
        kind=SecretKind.DATABASE_CREDENTIAL,
        pattern=re.compile(_DATABASES + rb"(?:\+[\w.-]{1,16}+)?://" + _URL),
    ),
    Rule(
        name="url-with-credentials",
        kind=SecretKind.SECRET,
        pattern=re.compile(rb"://" + _URL),
        needs=b"@",
    ),
    Rule(
        name="aws-access-key",
        kind=SecretKind.SECRET,
        pattern=re.compile(rb"A(?:KIA|SIA|GPA|IDA|ROA|NPA|NVA|IPA)[0-9A-Z]{16,}+"),
        is_caseless=False,
    ),
    Rule(
        name="json-web-token",
        kind=SecretKind.SECRET,
        # It begins with its run, so that no byte of the run is looked at twice.
        pattern=re.compile(
            rb"(?<![\w-])(?:(?!eyJ)[\w-])*+"
            rb"(?P<secret>eyJ[\w-]{5,}+(?:\.[\w-]*+){2,}+)"
        ),
        is_caseless=False,
    ),
    Rule(
        name="password",
        kind=SecretKind.SECRET,
        pattern=re.compile(_PASSWORD + _IS + _VALUE, re.DOTALL),
    ),
    Rule(
        name="password-option",
        kind=SecretKind.SECRET,
        pattern=re.compile(rb"-" + _PASSWORD + rb"\s{1,8}+" + _VALUE, re.DOTALL),
    ),
    Rule(
        name="api-key",
        kind=SecretKind.SECRET,
        pattern=re.compile(_KEY + _IS + _VALUE, re.DOTALL),
    ),
    Rule(
        name="token",
        kind=SecretKind.SECRET,
        pattern=re.compile(
            rb"(?:token|secret|credential)" + _IS + _LONG + _VALUE, re.DOTALL
        ),
    ),
    Rule(
        name="bearer-token",
        kind=SecretKind.SECRET,
        pattern=re.compile(rb"bearer\s{1,8}+(?P<again>[^\s\"'\x00]{8,}+)"),
    ),
    Rule(
        name="kek",
        kind=SecretKind.SECRET,
        pattern=re.compile(rb"base64:[A-Za-z0-9+/]{43}="),
        is_caseless=False,
    ),
)
"""The rules in the order in which a region that several match takes its kind."""
