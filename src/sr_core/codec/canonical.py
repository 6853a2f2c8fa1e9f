"""Domain values to the one form of bytes that is stored and hashed (RFC 8785).

The way back is strict: a field that the class does not have is refused, so nothing that
was recorded is ever read as if it had not been.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
import rfc8785

from sr_core.domain.errors import MalformedInput

T = TypeVar("T")

DEPTH_MAX: Final = 64
"""How deep JSON from outside may nest (R-API-10)."""
DIGITS_MAX: Final = 4300
"""How long a number may be."""

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""U+0000 as canonical JSON writes it; the log's index cannot hold it (R-EVT-10)."""


def plain(value: object) -> Any:  # noqa: ANN401 - JSON holds anything
    """Return `value` as what JSON is made of: maps, lists, text, numbers."""
    return msgspec.to_builtins(value, str_keys=True)


def canonical(value: object) -> bytes:
    """Return the canonical JSON of `value`.

    Raises:
        MalformedInput: it holds what canonical JSON cannot: a number beyond 2^53, NaN,
            half of a surrogate pair, U+0000.

    """
    try:
        data = rfc8785.dumps(plain(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise MalformedInput(
            field="canonical JSON", found=str(error), expected="what RFC 8785 can hold"
        ) from error
    if _NUL.search(data):
        raise MalformedInput(
            field="text", found="the character U+0000", expected="text without it"
        )
    return data


def parse_json(data: bytes, *, what: str) -> Any:  # noqa: ANN401 - JSON holds anything
    """Return the JSON in `data`; a repeated key and NaN are refused, and great depth.

    Raises:
        MalformedInput: it is not such JSON; `what` names it.

    """
    try:
        value = json.loads(
            data,
            object_pairs_hook=_once_each,
            parse_constant=_no_constant,
            parse_float=_bounded,
        )
    except (ValueError, RecursionError) as error:
        raise MalformedInput(
            field=what, found=f"{error}", expected="JSON in UTF-8, each key once"
        ) from error
    if _is_deeper(value, DEPTH_MAX):
        raise MalformedInput(
            field=what,
            found=f"more than {DEPTH_MAX} levels",
            expected=f"JSON that nests {DEPTH_MAX} levels at most",
        )
    return value


def restored(kind: type[T], value: object, *, what: str) -> T:
    """Return the `kind` that `value`, as `plain` made it, stands for.

    Raises:
        MalformedInput: it is no `kind`, or holds a field that `kind` has not.

    """
    try:
        made = msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, MalformedInput) as error:
        raise MalformedInput(
            field=what, found=f"{error}", expected=f"the fields of {kind.__name__}"
        ) from error
    if surplus := _surplus(value, plain(made), at=""):
        raise MalformedInput(
            field=what,
            found=surplus.removeprefix("."),
            expected=f"the fields of {kind.__name__} alone",
        )
    return made


def _surplus(given: object, kept: object, *, at: str) -> str | None:
    """Return where `given` holds a key that `kept` does not, if anywhere."""
    if isinstance(given, Mapping) and isinstance(kept, Mapping):
        unknown = next((f"{at}.{key}" for key in given if key not in kept), None)
        pairs = [(value, kept.get(key), f"{at}.{key}") for key, value in given.items()]
    elif isinstance(given, list) and isinstance(kept, list | tuple):
        unknown = None
        both = zip(given, kept, strict=True)
        pairs = [(*pair, f"{at}[{index}]") for index, pair in enumerate(both)]
    else:
        return None
    deeper = (_surplus(one, other, at=where) for one, other, where in pairs)
    return unknown or next((found for found in deeper if found), None)


def _is_deeper(value: object, levels: int) -> bool:
    """Whether maps and lists nest in `value` more than `levels` deep."""
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for each in layer
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not layer:
            return False
    return any(isinstance(each, dict | list) for each in layer)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        message = f"repeated key {', '.join(doubled)}"
        raise ValueError(message)
    return made


def _bounded(text: str) -> float:
    """Return the number; whole ones are bounded by the interpreter in the same way."""
    number = float(text)
    if len(text) > DIGITS_MAX or not math.isfinite(number):
        message = f"a number beyond all bounds, or of more than {DIGITS_MAX} digits"
        raise ValueError(message)
    return number


def _no_constant(name: str) -> float:
    message = f"{name} is no number of JSON"
    raise ValueError(message)
