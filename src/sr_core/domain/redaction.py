"""Redaction: bytes without their secrets, and the regions in which they differ.

    original ──every rule, in every view──▶ regions ──merged──▶ a marker for each
        ▲                                                             │
        └──────── whatever matches now, widened to the original ◀─────┘ until none does

A view is the bytes as they are, or the characters of UTF-16 or UTF-32 that begin at one
of the first bytes, in either order; so a rule is written once, in ASCII. What is not
ASCII in a view is one byte that no rule begins or ends with. Nothing is ever decoded.

After it, no rule matches in any view: that is how it ends. A region says where, how much
and by which rules; of what was there it has nothing, not even a hash, since a short
secret can be guessed by one (R-ENC-15, R-ENC-16).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import Final

from sr_core.domain.redaction_rules import RULES, Rule, SecretKind
from sr_core.domain.sealing_errors import RedactionUnfinished

MARKER: Final = b"[[REDACTED]]"
"""What stands for each region."""
ROUNDS_MAX: Final = 16
"""How often what was cut may bring together what matches; nobody's file needs three."""
MATCHES_MAX: Final = 100_000
"""How many secrets there may be; what has more is better left restricted."""
_NOT_ASCII: Final = b"\xff"
_ANY_WORD: Final = re.compile(rb"[^\x00\xff]{4}")
"""The least that any rule matches; a view without it is not searched."""
_IS_ZERO: Final = bytes(1) + _NOT_ASCII * 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Bytes of the original in whose place a marker stands; offsets are in bytes."""

    offset: int
    length: int
    redacted_offset: int
    kind: SecretKind
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """Bytes that no rule matches, and where they differ from the original."""

    data: bytes
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes from `start` to before `end`, and the rules that matched them."""

    start: int
    end: int
    rules: frozenset[str]


@dataclass(frozen=True, slots=True)
class _View:
    """One byte a character: each stands for `width` bytes, the first at `start`."""

    text: bytes
    start: int
    width: int


def redact(data: bytes) -> Redacted:
    """Return `data` with a marker in the place of whatever a rule matches.

    Raises:
        RedactionUnfinished: each cut brings another secret about, or there are too many.

    """
    spans: list[_Span] = []
    for _ in range(ROUNDS_MAX):
        made = _spliced(data, spans)
        found = list(islice(_matches(made), MATCHES_MAX + 1))
        if not found:
            return Redacted(data=made, regions=tuple(_regions(spans)))
        if len(found) > MATCHES_MAX:
            raise RedactionUnfinished(why=f"there are more than {MATCHES_MAX} secrets")
        places = _Places(spans)
        spans = _merged([*spans, *map(places.widened, found)])
    raise RedactionUnfinished(why=f"a rule still matches after {ROUNDS_MAX} rounds")


def survivors(data: bytes) -> frozenset[str]:
    """Return the names of the rules that match in `data`."""
    return frozenset(name for each in _matches(data) for name in each.rules)


def _matches(data: bytes) -> Iterator[_Span]:
    """Yield whatever a rule matches, in bytes of `data`."""
    for view in _views(data):
        folded = view.text.lower()
        for rule in RULES:
            text = folded if rule.is_caseless else view.text
            for start, end in _found(rule, text):
                yield _Span(
                    view.start + start * view.width,
                    min(view.start + end * view.width, len(data)),
                    frozenset({rule.name}),
                )


def _found(rule: Rule, text: bytes) -> Iterator[tuple[int, int]]:
    groups = rule.pattern.groupindex
    secret, again = groups.get("secret", 0), groups.get("again", 0)
    at = 0
    while found := rule.pattern.search(text, at):
        if rule.needs in found[0]:
            yield found.span(secret)
        at = found.start(again) if again and found[again] is not None else found.end()


def _views(data: bytes) -> Iterator[_View]:
    yield _View(data, 0, 1)
    if bytes(1) not in data:
        return
    for width in (2, 4):
        for start in range(width):
            for low in (0, width - 1):
                text = _narrowed(data[start:], width, low)
                if _ANY_WORD.search(text):
                    yield _View(text, start, width)


def _narrowed(data: bytes, width: int, low: int) -> bytes:
    """Return the byte at `low` of each character, where it is zero but for that byte."""
    whole = data + bytes(-len(data) % width)
    planes = [whole[at::width] for at in range(width)]
    others = [each.translate(_IS_ZERO) for at, each in enumerate(planes) if at != low]
    numbers = [int.from_bytes(each) for each in (planes[low], *others)]
    return reduce(int.__or__, numbers).to_bytes(len(planes[low]))


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """Return the spans in order, those that overlap or touch as one."""
    merged: list[_Span] = []
    for each in sorted(spans, key=lambda it: (it.start, it.end)):
        last = merged[-1] if merged else None
        if last is None or last.end < each.start:
            merged.append(each)
        else:
            end = max(last.end, each.end)
            merged[-1] = _Span(last.start, end, last.rules | each.rules)
    return merged


def _spliced(data: bytes, spans: Sequence[_Span]) -> bytes:
    """Return `data` with a marker in the place of each of the spans."""
    begins = [0, *(each.end for each in spans)]
    ends = [*(each.start for each in spans), len(data)]
    kept = (data[begin:end] for begin, end in zip(begins, ends, strict=True))
    return MARKER.join(kept)


class _Places:
    """Where the bytes of the spliced data come from."""

    def __init__(self, spans: Sequence[_Span]) -> None:
        self._spans = spans
        self._starts = list(_redacted_offsets(spans))

    def widened(self, found: _Span) -> _Span:
        """Return which bytes of the original `found` is made of, markers taken whole."""
        return _Span(self._first(found.start), self._last(found.end), found.rules)

    def _first(self, start: int) -> int:
        """Return the place in the original of the first byte of a match."""
        at = bisect_right(self._starts, start) - 1
        if at < 0:
            return start
        behind = start - self._starts[at] - len(MARKER)
        span = self._spans[at]
        return span.start if behind < 0 else span.end + behind

    def _last(self, end: int) -> int:
        """Return the place in the original behind the last byte of a match."""
        at = bisect_left(self._starts, end) - 1
        if at < 0:
            return end
        behind = end - self._starts[at] - len(MARKER)
        return self._spans[at].end + max(behind, 0)


def _redacted_offsets(spans: Iterable[_Span]) -> Iterator[int]:
    """Yield where each span's marker begins in the spliced data."""
    shift = 0
    for each in spans:
        yield each.start + shift
        shift += len(MARKER) - (each.end - each.start)


def _regions(spans: Sequence[_Span]) -> Iterator[Region]:
    for each, at in zip(spans, _redacted_offsets(spans), strict=True):
        matched = [rule for rule in RULES if rule.name in each.rules]
        yield Region(
            offset=each.start,
            length=each.end - each.start,
            redacted_offset=at,
            kind=matched[0].kind,
            rules=tuple(rule.name for rule in matched),
        )


assert not survivors(MARKER), "the marker is no secret"
