"""Bytes with secrets in them, what a redaction of them has to be, and wrong redactors.

Nothing here asks the redactor what it found: the judge has the original, what was planted
where, and what came out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pytest

from sr_core.domain import redaction
from sr_core.domain.redaction import MARKER, Redacted, survivors
from sr_core.domain.redaction_rules import RULES, Rule

PEM: Final = (
    b"-----BEGIN RSA PRIVATE KEY-----\n"
    b"MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\n"
    b"VTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u+qKhbwKfBstIs+bMY2Zkp18gnTxK\n"
    b"-----END RSA PRIVATE KEY-----"
)
JWT: Final = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
BLOCK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Planted:
    """Bytes, and where in them each secret begins and ends."""

    data: bytes
    secrets: tuple[tuple[int, int], ...]


def planted(before: bytes, secret: bytes, after: bytes = b"") -> Planted:
    """Return the secret between the two."""
    return Planted(before + secret + after, ((len(before), len(before) + len(secret)),))


def joined(parts: Sequence[Planted]) -> Planted:
    """Return the parts one after the other."""
    data, secrets = b"", []
    for each in parts:
        secrets += [(start + len(data), end + len(data)) for start, end in each.secrets]
        data += each.data
    return Planted(data, tuple(secrets))


def wide(it: Planted, encoding: str) -> Planted:
    """Return the ASCII of it in another encoding."""
    width = len("x".encode(encoding))
    secrets = tuple((start * width, end * width) for start, end in it.secrets)
    return Planted(it.data.decode("ascii").encode(encoding), secrets)


CASES: dict[str, Planted] = {
    "shorter than the marker": planted(b"pwd='", b"abcd", b"'"),
    "shorter than the marker, at the end": planted(b"x\npwd=", b"ab"),
    "short credential": planted(b"db mysql://", b"a:b", b"@h\n"),
    "body of a key": planted(b"key:\n", PEM, b"\nrest\n"),
    "key without an end": planted(b"", PEM[:-29], b""),
    "key in JSON": planted(b'{"k": "', PEM.replace(b"\n", b"\\n"), b'"}'),
    "PGP key": planted(
        b"",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n=abcd\n"
        b"-----END PGP PRIVATE KEY BLOCK-----",
    ),
    "not UTF-8 before it": planted(b"\xff\xfe\x80\xc3(password: ", b"hunter2"),
    "not UTF-8 in it": planted(b"password: ", b"hun\xff\xc3ter2", b"\nrest"),
    "spaces in it": planted(b"password: ", b"correct horse battery", b"\r\nrest"),
    "quoted, more than a line": planted(b'password = "', b'a\n\\"b\n', b'"\nrest'),
    "quoted twice": planted(b"pwd='", b"ab''cd", b"'\nrest"),
    "on the next line": planted(b"password: |\n    ", b"hunter2", b"\nrest: 1\n"),
    "in a URL's query": planted(b"GET /?api_key=", b"abc123"),
    "in escaped JSON": planted(b'{\\"password\\": \\"', b"hunter2", b'\\"}'),
    "nothing but signs": planted(b"password=", b"=", b"\nx"),
    "one sign": planted(b"pwd: ", b"|", b"\n\0"),
    "in an element": planted(b"<password>", b"hunter2", b"</password>"),
    "an option": planted(b"mysql --password ", b"hunter2", b"\n"),
    "an environment": planted(b"DB_PASSWORD_MAIN=", b"hunter2", b"\0PATH=/bin"),
    "access key": planted(b"id ", b"AKIAIOSFODNN7EXAMPLE", b" x"),
    "access key, longer": planted(b"z", b"AKIAIOSFODNN7EXAMPLE7", b" x"),
    "secret access key": planted(
        b"aws_secret_access_key = ", b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    ),
    "token": planted(b"sent ", JWT, b" on"),
    "token, glued": planted(b"abc", JWT + b".x.y.eyJabcde", b"\xff"),
    "bearer": planted(b"Bearer ", b"c2VjcmV0LXRva2Vu", b'"'),
    "URL": planted(b"https://", b"u:p/w?x#y@h", b"\n"),
    "database URL": planted(b"", b"postgresql+psycopg://u:p'w/@h/d", b" x"),
    "KEK": planted(b"", b"base64:E7ptRi4z4wVwQVHEgFNa8ZxAn9rA3hyGKYWBGtC5UtM=", b"\n"),
    "a cut makes another": planted(b"token=pwd=", b"x", b"\n"),
    "overlapping": planted(b"password=", b"postgres://a:" + JWT + b"@h", b"\nx"),
    "twice on end": planted(b"", b"AKIAIOSFODNN7EXAMPLE" + JWT, b"\n"),
    "two in two rounds": joined(
        [planted(b"", b"pwd=abcdefgh", b"\n"), planted(b"a token=pwd=", b"x", b"\n")]
    ),
    "the word of the next one in it": planted(
        b"bearer abcdefghbearer ", b"ijklmnop", b" x"
    ),
    "the word of the next one in quotes": planted(
        b"pwd='password=' ", b"hunter2", b"\n"
    ),
    "marker in its place": planted(b"password=", b"[[REDACTED]]hunter2", b"\n"),
}
"""By what is hard about each."""
CASES.update(
    {
        f"in {encoding}, {odd} bytes on": joined(
            [
                Planted(b"\xfe" * odd, ()),
                wide(planted(b"x\npassword: ", b"hunter2", b"\nrest"), encoding),
                wide(planted(b"", PEM, b"\n"), encoding),
            ]
        )
        for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
        for odd in range(4)
    }
)
CASES["at the end, in half a character"] = Planted(
    "pwd=abc".encode("utf-16-le")[:-1], ((8, 13),)
)
CASES["not ASCII, in UTF-16"] = Planted("pwd=hЖntЯ\nx".encode("utf-16-le"), ((8, 18),))
CASES |= {
    f"{before} bytes before the end of a block": planted(
        b"\x90" * (BLOCK - before), b"password=hunter2-hunter2", b"\n" + b"\x90" * 64
    )
    for before in range(1, 25)
}


def objections(it: Planted, made: Redacted) -> Iterator[str]:
    """Yield in which ways `made` is no redaction of it."""
    covered = [(each.offset, each.offset + each.length) for each in made.regions]
    for start, end in it.secrets:
        if not any(low <= start and end <= high for low, high in covered):
            yield f"bytes {start} to {end} are in no region"
    yield from not_the_difference(it.data, made)
    if names := survivors(made.data):
        yield f"{', '.join(sorted(names))} match what came out"


def not_the_difference(original: bytes, made: Redacted) -> Iterator[str]:
    """Yield where the regions are not what the two differ by."""
    at = redacted_at = 0
    for each in made.regions:
        if at and each.offset <= at:
            yield f"the region at {each.offset} touches the one before it"
        kept = original[at : each.offset]
        if each.redacted_offset != redacted_at + len(kept):
            yield f"the region at {each.offset} is said to lie elsewhere"
        if made.data[redacted_at : each.redacted_offset] != kept:
            yield f"what is before the region at {each.offset} is not as it was"
        redacted_at = each.redacted_offset + len(MARKER)
        if made.data[each.redacted_offset : redacted_at] != MARKER:
            yield f"no marker stands for the region at {each.offset}"
        at = each.offset + each.length
        if each.length < 1 or original[each.offset : at] == MARKER:
            yield f"the region at {each.offset} holds no difference"
    if made.data[redacted_at:] != original[at:]:
        yield "what is behind the last region is not as it was"


Fault = Callable[[pytest.MonkeyPatch], None]


def _in_place(patch: pytest.MonkeyPatch) -> None:
    """Write the marker over the secret, and leave what it has no room in (O-5)."""

    def spliced(data: bytes, spans: Sequence[redaction._Span]) -> bytes:
        made = bytearray(data)
        for each in spans:
            if each.end - each.start >= len(MARKER):
                made[each.start : each.end] = MARKER.ljust(each.end - each.start, b"*")
        return bytes(made)

    patch.setattr(redaction, "_spliced", spliced)
    _once(patch)


def _once(patch: pytest.MonkeyPatch) -> None:
    """Believe that one round is enough."""
    rounds = iter((redaction._matches,))  # noqa: SLF001 - from outside

    def matches(data: bytes) -> Iterator[redaction._Span]:
        return next(rounds, lambda _: iter(()))(data)

    patch.setattr(redaction, "_matches", matches)


def _header_only(patch: pytest.MonkeyPatch) -> None:
    """Take the header of a key for the key (O-5)."""
    header = re.compile(rb"-----begin [a-z0-9 ]*private key[a-z ]*-----")
    rules = [
        replace(each, pattern=header) if each.name == "private-key" else each
        for each in RULES
    ]
    patch.setattr(redaction, "RULES", tuple(rules))


def _lossy_text(patch: pytest.MonkeyPatch) -> None:
    """Search in text, where what is no UTF-8 counts three bytes (O-5)."""

    def views(data: bytes) -> Iterator[redaction._View]:
        yield redaction._View(data.decode(errors="replace").encode(), 0, 1)  # noqa: SLF001

    patch.setattr(redaction, "_views", views)
    _once(patch)


def _unmerged(patch: pytest.MonkeyPatch) -> None:
    """Cut each match for itself, wherever the next one begins."""
    patch.setattr(
        redaction,
        "_merged",
        lambda spans: sorted(spans, key=lambda it: (it.start, it.end)),
    )


def _in_blocks(patch: pytest.MonkeyPatch) -> None:
    """Search in one block after the other."""
    every = redaction._views  # noqa: SLF001 - from outside

    def views(data: bytes) -> Iterator[redaction._View]:
        for at in range(0, len(data), BLOCK):
            for each in every(data[at : at + BLOCK]):
                yield replace(each, start=each.start + at)

    patch.setattr(redaction, "_views", views)


def _as_it_is_only(patch: pytest.MonkeyPatch) -> None:
    """Leave out every encoding but those of ASCII."""

    def views(data: bytes) -> Iterator[redaction._View]:
        yield redaction._View(data, 0, 1)  # noqa: SLF001 - as above

    patch.setattr(redaction, "_views", views)


def _values_end_at_a_space(patch: pytest.MonkeyPatch) -> None:
    """Take a password for one word."""
    word = re.compile(rb"passw(?:or)?d\s*[:=]\s*[^\s]+|pwd=[^\s]+")
    rules = [
        replace(each, pattern=word) if each.name == "password" else each
        for each in RULES
    ]
    patch.setattr(redaction, "RULES", tuple(rules))


def _once_over(patch: pytest.MonkeyPatch) -> None:
    """Go on behind each match, and not in it."""

    def found(rule: Rule, text: bytes) -> Iterator[tuple[int, int]]:
        secret = rule.pattern.groupindex.get("secret", 0)
        for each in rule.pattern.finditer(text):
            if rule.needs in each[0]:
                yield each.span(secret)

    patch.setattr(redaction, "_found", found)


def _nothing(patch: pytest.MonkeyPatch) -> None:
    """Have no rule at all."""
    patch.setattr(redaction, "RULES", ())


def _offsets_of_the_copy(patch: pytest.MonkeyPatch) -> None:
    """Say where in the copy each region is, and call it the original."""
    every = redaction._regions  # noqa: SLF001 - from outside

    def regions(spans: Sequence[redaction._Span]) -> Iterator[redaction.Region]:
        for each in every(spans):
            yield replace(each, offset=each.redacted_offset)

    patch.setattr(redaction, "_regions", regions)


FAULTS: Final[dict[str, Fault]] = {
    "marker longer than the match": _in_place,
    "one round": _once,
    "header of a key only": _header_only,
    "lossy text": _lossy_text,
    "no merging": _unmerged,
    "block by block": _in_blocks,
    "ASCII only": _as_it_is_only,
    "values end at a space": _values_end_at_a_space,
    "behind each match only": _once_over,
    "no rules": _nothing,
    "offsets of the copy": _offsets_of_the_copy,
}
