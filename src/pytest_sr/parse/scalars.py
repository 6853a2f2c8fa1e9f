"""Plain scalars as YAML 1.2's core schema reads them.

true false null 12 0o14 0x1f 1.5 6e23     what they look like
yes no on off 12:30 2026-01-01 1_000      text
"""

from __future__ import annotations

import math
import re
from typing import Final

from pytest_sr.scenario import Scalar

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGERS: Final = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_DIGITS_MAX: Final = 64
_INTEGER_MAX: Final = 2**63 - 1

YES_WORDS: Final = frozenset({"yes", "y", "on"})
NO_WORDS: Final = frozenset({"no", "n", "off"})


class OutOfRange(Exception):  # noqa: N818 - named for what it says
    """A number that another reader of the file could not hold exactly."""


def plain_scalar(text: str) -> Scalar:
    """Return what `text` stands for, written without quotes.

    Raises:
        OutOfRange: it is an integer of more than 64 bits, or not finite.

    """
    if text in _WORDS:
        return _WORDS[text]
    for form, base in _INTEGERS:
        if form.fullmatch(text):
            return _integer(text, base)
    return _float(text) if _FLOAT.fullmatch(text) else text


def _integer(text: str, base: int) -> int:
    number = int(text, base) if len(text) <= _DIGITS_MAX else _INTEGER_MAX + 1
    if not -_INTEGER_MAX <= number <= _INTEGER_MAX:
        raise OutOfRange
    return number


def _float(text: str) -> float:
    number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise OutOfRange
    return number
