"""Which keys are believed, for what, and from when to when (R-ATT-7).

    key [from=<time>] [until=<time>] [revoked=<time>] key …

Parts are kept apart by blanks and newlines, so that a list fits in a file with a key on
each line and in one variable alike. A key is written as `sr_core.codec.note` has it and
says its purpose itself; a time is in UTC, such as 2026-01-09T12:00:00Z.

    old key  ───────────────┤ until
                 from ├──────────────────── new key
                      both are believed

What was signed from `from` on and before `until` and before `revoked` is believed. The
two ends differ in what they say and not in what they do: `until` is planned when a key
is replaced, `revoked` is the moment from which somebody else may have had it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sr_core.codec.note import Purpose, VerifierKey, parse_verifier_key
from sr_core.domain.errors import MalformedInput

KEYS_MAX: Final = 64
TEXT_CHARS_MAX: Final = 65_536
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z"
)
_BOUNDS: Final = ("from", "until", "revoked")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key and when what it signs is believed; `bounds` are its times by name."""

    key: VerifierKey
    bounds: Mapping[str, datetime] = field(default_factory=dict)

    def objection(self, moment: datetime) -> str | None:
        """Return why what was signed at `moment` is not believed, if it is not."""
        if (end := self.bounds.get("revoked")) and moment >= end:
            return f"it is revoked from {_written(end)} on"
        if (start := self.bounds.get("from")) and moment < start:
            return f"it is believed from {_written(start)} on"
        if (end := self.bounds.get("until")) and moment >= end:
            return f"it is believed until {_written(end)}"
        return None

    @property
    def text(self) -> str:
        """The key and its times as they are written down."""
        times = (f"{name}={_written(time)}" for name, time in self.bounds.items())
        return " ".join((self.key.text, *times))


def parse_trusted_keys(
    text: str, *, field: str, purpose: Purpose | None = None
) -> tuple[TrustedKey, ...]:
    """Return the keys that `text` lists; with `purpose`, all of them have to serve it.

    Raises:
        MalformedInput: it is no such list, a key stands there twice, or one serves two
            purposes under two names.

    """
    if len(text) > TEXT_CHARS_MAX:
        raise MalformedInput(
            field=field,
            found=f"{len(text)} characters",
            expected=f"{TEXT_CHARS_MAX} characters at most",
        )
    keys = tuple(
        _parsed(parts, field=field, purpose=purpose)
        for parts in _grouped(text.split(), field=field)
    )
    check_apart([each.key for each in keys], field=field)
    return keys


def check_apart(keys: Sequence[VerifierKey], *, field: str) -> None:
    """Return if no two of the keys are the same, under whatever name and purpose.

    Raises:
        MalformedInput: two of them are, or there are too many.

    """
    if len(keys) > KEYS_MAX:
        raise MalformedInput(
            field=field, found=f"{len(keys)} keys", expected=f"{KEYS_MAX} keys at most"
        )
    seen: dict[bytes | str, VerifierKey] = {}
    for each in keys:
        others = (seen.setdefault(each.key, each), seen.setdefault(each.label, each))
        other = next((other for other in others if other is not each), None)
        if other is not None:
            raise MalformedInput(
                field=field,
                found=f"one key as {other.label} and as {each.label}",
                expected="each key once, and for each purpose one of its own",
            )


def parse_time(text: str, *, field: str) -> datetime:
    """Return the moment that `text` says, in UTC, or raise `MalformedInput`."""
    expected = "a time in UTC such as 2026-01-09T12:00:00Z"
    if not _TIME.fullmatch(text):
        raise MalformedInput(field=field, found=text, expected=expected)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise MalformedInput(field=field, found=text, expected=expected) from error


def _grouped(parts: Sequence[str], *, field: str) -> Iterator[list[str]]:
    """Yield each key with its times; a key has a plus in it, and a time has none."""
    group: list[str] = []
    for each in parts:
        if "+" in each:
            if group:
                yield group
            group = [each]
        elif group:
            group.append(each)
        else:
            raise MalformedInput(field=field, found=each, expected="a key first")
    if group:
        yield group


def _parsed(parts: Sequence[str], *, field: str, purpose: Purpose | None) -> TrustedKey:
    key = parse_verifier_key(parts[0], field=field, purpose=purpose)
    bounds: dict[str, datetime] = {}
    for each in parts[1:]:
        name, _, value = each.partition("=")
        if name not in _BOUNDS or name in bounds:
            raise MalformedInput(
                field=f"{field}: {key.label}",
                found=each,
                expected=f"each of {', '.join(_BOUNDS)} once, with = and a time",
            )
        bounds[name] = parse_time(value, field=f"{field}: {key.label}: {name}")
    return TrustedKey(key=key, bounds=bounds)


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
