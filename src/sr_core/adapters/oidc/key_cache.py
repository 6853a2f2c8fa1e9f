"""The provider's keys, fetched when needed and kept for as long as they may serve.

    age     0 ........ max_age ............ max_stale ........
            serve      refresh first;       refuse to judge
                       if that fails, serve

A key that the provider removed dies with the next refresh. A refresh that fails takes
nothing away (R-API-7). A kid nobody knows leads to one refresh, and to no more than one
in `cooldown_s`, however many ask (R-API-6).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx

from sr_core.adapters.oidc.key_set import (
    ANSWER_BYTES_MAX,
    KeySet,
    KeySetRefused,
    TrustedKey,
    parse_key_set,
)
from sr_core.domain.errors import MalformedInput
from sr_core.ports.errors import Unavailable

_log: Final = logging.getLogger(__name__)


class _FetchFailed(Exception):  # noqa: N818 - never leaves this module
    """The provider answered, but not with a key set."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)


_FAILURES: Final = (
    _FetchFailed,
    KeySetRefused,
    TimeoutError,
    OSError,
    httpx.HTTPError,
    httpx.InvalidURL,
)


class KeyCache:
    """The trusted keys behind one JWKS address, for one event loop."""

    def __init__(
        self,
        jwks_uri: str,
        *,
        max_age_s: float,
        max_stale_s: float,
        cooldown_s: float,
        deadline_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._uri = parse_jwks_uri(jwks_uri)
        self._max_age_s = max_age_s
        self._max_stale_s = max_stale_s
        self._cooldown_s = cooldown_s
        self._deadline_s = deadline_s
        self._monotonic = monotonic
        self._tls = ssl.create_default_context()
        self._keys: Mapping[str, TrustedKey] = {}
        self._fetched_at: float | None = None
        self._attempted_at: float | None = None
        self._is_failing = False
        self._flight: asyncio.Task[None] | None = None

    @property
    def age_s(self) -> float:
        """How old the keys in use are; infinite while there are none."""
        if self._fetched_at is None:
            return float("inf")
        return self._monotonic() - self._fetched_at

    async def find(self, kid: str) -> TrustedKey | None:
        """Return the key called `kid`, or None if the provider has no such key.

        Raises:
            Unavailable: the provider does not answer, and what is known is too old, or
                says nothing about `kid`.

        """
        if self.age_s >= self._max_age_s:
            # While the provider is known to fail, nobody waits for it who need not.
            await self._refresh(is_awaited=not (self._is_usable and self._is_failing))
        if kid not in self._keys:
            await self._refresh(is_awaited=True)
        key = self._keys.get(kid)
        if not self._is_usable or (key is None and self._is_failing):
            raise Unavailable(
                system="the identity provider", deadline_s=self._deadline_s
            )
        return key

    async def aclose(self) -> None:
        """Give up a refresh that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    @property
    def _is_usable(self) -> bool:
        return self.age_s <= self._max_stale_s

    async def _refresh(self, *, is_awaited: bool) -> None:
        """Start a refresh unless one is under way or was just tried.

        The refresh is a task of its own, so that a caller who hangs up neither ends it
        for the others nor uses up the attempt.
        """
        if self._flight is None and self._is_cooled_down():
            self._attempted_at = self._monotonic()
            self._flight = asyncio.create_task(self._fetch(self._attempted_at))
        if self._flight is not None and is_awaited:
            await asyncio.shield(self._flight)

    def _is_cooled_down(self) -> bool:
        if self._attempted_at is None:
            return True
        return self._monotonic() - self._attempted_at >= self._cooldown_s

    async def _fetch(self, started_at: float) -> None:
        has_succeeded = False
        try:
            key_set = await _fetch_key_set(self._uri, self._deadline_s, self._tls)
        except _FAILURES as error:
            _log.warning("No keys from %s: %s", self._uri, str(error) or repr(error))
        else:
            for reason in key_set.ignored:
                _log.warning("Ignored a key of %s: %s", self._uri, reason)
            self._keys, self._fetched_at = key_set.keys, started_at
            has_succeeded = True
        finally:
            self._is_failing = not has_succeeded
            self._flight = None


async def _fetch_key_set(uri: str, deadline_s: float, tls: ssl.SSLContext) -> KeySet:
    async with asyncio.timeout(deadline_s):
        key_set = parse_key_set(await _get(uri, deadline_s, tls))
    if not key_set.keys:
        raise _FetchFailed(
            reason=f"none of its keys is fit: {'; '.join(key_set.ignored)}"
        )
    return key_set


async def _get(uri: str, deadline_s: float, tls: ssl.SSLContext) -> bytes:
    """Return what stands at `uri` itself: no redirect, no proxy, no compression."""
    client = httpx.AsyncClient(
        verify=tls, trust_env=False, follow_redirects=False, timeout=deadline_s
    )
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with client, client.stream("GET", uri, headers=headers) as response:
        if response.status_code != HTTPStatus.OK:
            raise _FetchFailed(reason=f"status {response.status_code}")
        answer = bytearray()
        async for chunk in response.aiter_raw():
            answer += chunk
            if len(answer) > ANSWER_BYTES_MAX:
                raise _FetchFailed(reason=f"more than {ANSWER_BYTES_MAX} bytes")
        return bytes(answer)


def parse_jwks_uri(text: str) -> str:
    """Return `text` if keys may be fetched from there, or raise `MalformedInput`."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and _is_loopback(host)
        )
        is_plain = host and parts.username is None and not parts.fragment
    except ValueError:
        is_safe = is_plain = False
    if is_safe and is_plain:
        return text
    raise MalformedInput(
        field="JWKS address",
        found=text,
        expected="an https address without user or fragment, or http on loopback",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
