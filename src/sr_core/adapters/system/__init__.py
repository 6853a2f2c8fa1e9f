"""The machine's own clock, and identifiers made from it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sr_core.ports.clock import Clock

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_CHARS: Final = 26
_ULID_BITS: Final = 128
_CHANCE_BITS: Final = 80
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SystemClock:
    """The time of day, as this machine keeps it."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is where the Clock port ends


class UlidSource:
    """Monotonic ULIDs: 48 bits of milliseconds, then 80 bits of chance.

    Within a millisecond, and while the clock stands behind what was already given
    out, the last ULID is counted up instead. Safe to share between threads.
    """

    def __init__(
        self, clock: Clock, *, randbits: Callable[[int], int] = secrets.randbits
    ) -> None:
        self._clock = clock
        self._randbits = randbits
        self._lock = threading.Lock()
        self._last = -1

    def fresh(self, prefix: str) -> str:
        """Return ``<prefix>_<ULID>``; its ULID is greater than every earlier one."""
        drawn = self._milliseconds() << _CHANCE_BITS | self._randbits(_CHANCE_BITS)
        with self._lock:
            self._last = max(self._last + 1, drawn)
            return f"{prefix}_{_crockford(self._last)}"

    def _milliseconds(self) -> int:
        return (self._clock.now() - _EPOCH) // timedelta(milliseconds=1)


def _crockford(value: int) -> str:
    assert 0 <= value < 1 << _ULID_BITS, "a ULID has 128 bits, enough until 10889"
    digits = (value >> 5 * place & 31 for place in reversed(range(_ULID_CHARS)))
    return "".join(_CROCKFORD[digit] for digit in digits)
