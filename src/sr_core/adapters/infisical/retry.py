"""What is asked again, how often, and after how long (R-INF-4).

| what happened | a GET, the login | any other call |
|---|---|---|
| no connection (in time), or it broke before the answer was whole | again | never |
| 429, 502, 503, 504 | again | never |
| any other status | never | never |
| a piece of the answer came too late, or the answer has no end | never | never |

A server that says when to come back is not asked before. A write that may have been
carried out is looked at with a GET instead (`client`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

ATTEMPTS_MAX: Final = 4
PAUSE_S: Final = 0.2
PAUSE_MAX_S: Final = 5.0

_AGAIN: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_SECONDS: Final = re.compile(r"\b(\d{1,6}) seconds?\b")
_DIGITS: Final = re.compile(r"\d{1,6}")

Chance = Callable[[], float]
"""Gives a number from 0 to 1, another one each time."""


def is_worth_repeating(status: int) -> bool:
    """Tell whether the same question may well be answered otherwise in a moment."""
    return status in _AGAIN


def asked_pause_s(headers: Mapping[str, str], message: str) -> float | None:
    """Return after how long the server wants to be asked again, if it says so."""
    said = headers.get("retry-after", "").strip()
    if _DIGITS.fullmatch(said):
        return float(said)
    found = _SECONDS.search(message)
    return float(found[1]) if found else None


def pause_s(attempt: int, asked_s: float | None, chance: Chance) -> float:
    """Return how long to wait after the attempt of this number, the first being 1."""
    bound = min(PAUSE_MAX_S, PAUSE_S * (1 << (attempt - 1)))
    jittered = bound * (0.5 + chance() / 2)
    return jittered if asked_s is None else asked_s + jittered


def drawn() -> float:
    """Return a number from 0 to 1."""
    return secrets.randbelow(1 << 20) / (1 << 20)
