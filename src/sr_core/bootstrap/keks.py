"""Where KEKs come from, opened; and whether that works."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final, NoReturn

from sr_core.adapters.infisical.access import Api, InfisicalAccess
from sr_core.adapters.infisical.kek_source import InfisicalKekSource
from sr_core.adapters.memory.kek_source import MemoryKekSource
from sr_core.application.kek_cache import KekCache
from sr_core.bootstrap.kek_settings import KekSettings
from sr_core.codec.envelope import rfc3339
from sr_core.domain.kek import KekId, KekRef
from sr_core.domain.sealing_errors import BadKeyMaterial
from sr_core.ports.errors import Unfit
from sr_core.ports.kek_source import (
    KekDenied,
    KekInconsistent,
    KekSource,
    KekUnavailable,
    KekUnobtainable,
)

PROBE_S: Final = 4.0
"""How long a probe takes at most, so that it ends by itself."""

_LOG: Final = logging.getLogger(__name__)


@asynccontextmanager
async def kek_source(settings: KekSettings) -> AsyncIterator[KekSource]:
    """Open the source of KEKs, behind its cache; where none is set it has no key."""
    if settings.given is not None:
        _LOG.warning(
            "The KEK is that of SR_ENVELOPE_KEY, which everybody sees who sees this"
            " environment. Set INFISICAL_WORKSPACE_ID outside of development."
        )
        yield MemoryKekSource([settings.given])
        return
    if settings.infisical is None:
        yield NoKekSource()
        return
    if settings.infisical.api is Api.V3:
        _LOG.warning(
            "Infisical is asked by its paths of v3, which it drops one day. Set"
            " INFISICAL_API_VERSION=v4 if the server has v4."
        )
    source = InfisicalKekSource(settings.infisical, monotonic=time.monotonic)
    try:
        yield KekCache(
            source,
            monotonic=time.monotonic,
            ttl_s=settings.cache_ttl_s,
            stale_s=settings.cache_stale_s,
        )
    finally:
        await source.aclose()


class NoKekSource:
    """A `KekSource` for a deployment without a secret store: it seals and opens nothing."""

    async def current(self, kek_id: KekId) -> NoReturn:
        """See `KekSource.current`."""
        raise KekUnavailable(cause=f"none is set up that could hold {kek_id}")

    async def version(self, ref: KekRef) -> NoReturn:
        """See `KekSource.version`."""
        raise KekUnavailable(cause=f"none is set up that could hold {ref}")


class KekProbe:
    """Asks Infisical for the current KEK, with our credentials and without a cache.

    It keeps its token from one time to the next, so that who asks often whether we are
    ready neither logs in each time nor locks us out (R-INF-6, R-INF-11).
    """

    def __init__(
        self,
        access: InfisicalAccess,
        *,
        kek_id: KekId,
        is_strict: bool,
        now: Callable[[], datetime],
    ) -> None:
        in_time = replace(access.deadlines, total_s=PROBE_S)
        self._source = InfisicalKekSource(
            replace(access, deadlines=in_time), monotonic=time.monotonic
        )
        self._kek_id = kek_id
        self._is_strict = is_strict
        self._now = now
        self._since: datetime | None = None
        self._powers: tuple[str, ...] | None = None

    async def check(self) -> tuple[str, ...]:
        """Return what the identity may do and need not; the current KEK can be had.

        Raises:
            Unfit: it cannot, by which code and since when, without a secret's name; or
                the identity may do too much, and the settings are strict.

        """
        try:
            powers = await self._tried()
        except (KekUnobtainable, KekUnavailable, BadKeyMaterial) as error:
            self._since = self._since or self._now()
            since = rfc3339(self._since)
            cause = f"{error.code}{_why(error)}, since {since}"
            raise Unfit(system="Infisical", cause=cause) from error
        self._since = None
        facts = tuple(f"over-privileged: {each}" for each in powers)
        if facts and self._is_strict:
            raise Unfit(system="Infisical", cause="; ".join(facts))
        return facts

    async def aclose(self) -> None:
        """Close the connections."""
        await self._source.aclose()

    async def _tried(self) -> tuple[str, ...]:
        await self._source.current(self._kek_id)
        if self._powers is None:
            self._powers = await self._source.powers(self._kek_id)
        return self._powers


def _why(error: Exception) -> str:
    match error:
        case KekDenied() | KekInconsistent():
            return f" ({error.why})"
        case KekUnavailable():
            return f" ({error.cause})"
        case _:
            return ""
