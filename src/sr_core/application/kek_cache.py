"""KEKs that were asked for lately, for a bounded time (R-ENC-10, R-INF-5).

        ask --fresh?--> give it
             |  no
             v
            one question to the source, however many wait for it
             |                |                     |
             key              it is unavailable     anything else
             |                |                     |
             keep, give       stale and allowed?    forget, raise
                              give it, or raise

Time is that of a monotonic clock: setting the clock of the machine changes nothing.
Nothing is given out stale unless a window for that is set, and never after a refusal.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sr_core.domain.kek import Kek, KekId, KekRef
from sr_core.ports.kek_source import KekDenied, KekSource, KekUnavailable

TTL_S: Final = 300.0
ENTRIES_MAX: Final = 64
USES_MAX: Final = 100_000

_Key = KekId | KekRef
"""What is asked for: the current version of an id, or a version."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    """A key, since when it is kept, and how often it was given out."""

    kek: Kek
    since: float
    uses: int = 0


class KekCache:
    """A `KekSource` that asks another one at most so often; for one event loop."""

    def __init__(
        self,
        source: KekSource,
        *,
        monotonic: Callable[[], float],
        ttl_s: float = TTL_S,
        stale_s: float = 0.0,
        entries_max: int = ENTRIES_MAX,
        uses_max: int = USES_MAX,
    ) -> None:
        """Keep at most `entries_max` keys of 32 bytes, each for `ttl_s` and `uses_max`.

        For `stale_s` after that one is still given while the source is unavailable.
        """
        self._source = source
        self._monotonic = monotonic
        self._ttl_s = ttl_s
        self._stale_s = stale_s
        self._entries_max = entries_max
        self._uses_max = uses_max
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._flights: dict[_Key, asyncio.Task[Kek]] = {}

    async def current(self, kek_id: KekId) -> Kek:
        """See `KekSource.current`."""
        return await self._given(kek_id, lambda: self._source.current(kek_id))

    async def version(self, ref: KekRef) -> Kek:
        """See `KekSource.version`."""
        return await self._given(ref, lambda: self._source.version(ref))

    def forget(self) -> None:
        """Forget every key: what is asked for next is asked of the source."""
        self._entries.clear()

    async def _given(self, key: _Key, ask: Callable[[], Awaitable[Kek]]) -> Kek:
        entry = self._entries.get(key)
        if entry is not None and self._is_fresh(entry):
            entry.uses += 1
            self._entries.move_to_end(key)
            return entry.kek
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fetched(key, ask))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _is_fresh(self, entry: _Entry) -> bool:
        age_s = self._monotonic() - entry.since
        return age_s < self._ttl_s and entry.uses < self._uses_max

    async def _fetched(self, key: _Key, ask: Callable[[], Awaitable[Kek]]) -> Kek:
        began = self._monotonic()
        try:
            kek = await ask()
        except KekUnavailable:
            if (stale := self._stale(key)) is None:
                raise
            return stale
        except KekDenied:
            self.forget()  # who is no longer let in has no keys any more
            raise
        except BaseException:
            self._entries.pop(key, None)
            raise
        self._keep(key, _Entry(kek=kek, since=began, uses=1))
        return kek

    def _stale(self, key: _Key) -> Kek | None:
        """Return the key that was kept, if it may still be used; forget it if not."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._monotonic() - entry.since >= self._ttl_s + self._stale_s:
            del self._entries[key]
            return None
        return entry.kek

    def _keep(self, key: _Key, entry: _Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)

    def _landed(self, key: _Key, flight: asyncio.Task[Kek]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # who waited for it may have hung up
