"""One HTTP request to Infisical: what is sent, what comes back, how it can fail.

No redirect is followed, no proxy of the environment is asked, no answer is read without
bound (R-INF-10). A call ends within the time for its operation, whatever the server does:
the time runs around all of it (R-INF-3).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx
import msgspec

from sr_core.adapters.infisical.access import Deadlines
from sr_core.adapters.infisical.retry import (
    ATTEMPTS_MAX,
    Chance,
    asked_pause_s,
    is_worth_repeating,
    pause_s,
)
from sr_core.ports.kek_source import KekUnavailable

T = TypeVar("T")

ANSWER_BYTES_MAX: Final = 1 << 20

Sleep = Callable[[float], Awaitable[None]]

_BROKEN: Final = (
    httpx.ConnectTimeout,
    httpx.NetworkError,
    httpx.ProtocolError,
)
"""What says that there was no connection, or that it broke before the answer was whole."""
_ERRORS: Final = frozenset(
    {
        "BadRequest",
        "ForbiddenError",
        "NotFound",
        "PermissionDenied",
        "RateLimitExceeded",
        "TokenError",
        "UnauthorizedError",
        "ValidationFailure",
    }
)
"""The names of errors that we repeat to people; anything else may be anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked; `is_repeatable` if asking twice does nothing that once does not."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    is_repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole; the body may hold a secret, and is in no repr."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def error(self) -> str:
        """The name of the server's error, if it is one of those that we know."""
        name = self._told().get("error")
        return name if isinstance(name, str) and name in _ERRORS else ""

    @property
    def asked_pause_s(self) -> float | None:
        """After how long the server wants to be asked again, if it says so."""
        message = self._told().get("message")
        return asked_pause_s(self.headers, message if isinstance(message, str) else "")

    @property
    def is_of_the_token(self) -> bool:
        """Whether it is our token that was refused, not what we asked for (R-INF-6)."""
        return self.status == HTTPStatus.UNAUTHORIZED or (
            self.status == HTTPStatus.FORBIDDEN and self.error == "TokenError"
        )

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.error}".rstrip()

    def _told(self) -> Mapping[str, Any]:
        return decoded(self.body, dict[str, Any]) or {}


def decoded(body: bytes, kind: type[T]) -> T | None:
    """Return what `body` says, or None if it is no JSON of that form."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class Wire:
    """A server, asked one question at a time or many; to be closed after use."""

    def __init__(
        self, endpoint: str, deadlines: Deadlines, *, sleep: Sleep, chance: Chance
    ) -> None:
        self._deadlines = deadlines
        self._sleep = sleep
        self._chance = chance
        self._client = httpx.AsyncClient(
            base_url=endpoint,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(deadlines.read_s, connect=deadlines.connect_s),
        )

    @asynccontextmanager
    async def operation(self) -> AsyncIterator[None]:
        """Bound all that is done in the block by the time for one operation.

        Raises:
            KekUnavailable: the time is over.

        """
        total_s = self._deadlines.total_s
        try:
            async with asyncio.timeout(total_s):
                yield
        except TimeoutError as error:
            raise KekUnavailable(cause="timeout", deadline_s=total_s) from error

    async def ask(self, call: Call, *, token: str | None = None) -> Answer:
        """Return the answer to `call`, whatever its status is.

        A repeatable call is repeated where that may help (`retry`). Run it in an
        `operation`, which bounds the pauses too.

        Raises:
            KekUnavailable: there was no answer; one that is not repeatable may have been
                carried out nevertheless.

        """
        attempts = ATTEMPTS_MAX if call.is_repeatable else 1
        for attempt in range(1, attempts):
            answer = await self._tried(call, token)
            if answer is not None and not is_worth_repeating(answer.status):
                return answer
            asked_s = answer.asked_pause_s if answer is not None else None
            if answer is not None and (asked_s or 0) >= self._deadlines.total_s:
                return answer
            await self._sleep(pause_s(attempt, asked_s, self._chance))
        return await self._sent(call, token)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _tried(self, call: Call, token: str | None) -> Answer | None:
        """Return the answer, or None where the connection failed."""
        try:
            return await self._sent(call, token)
        except KekUnavailable as error:
            if isinstance(error.__cause__, _BROKEN):
                return None
            raise

    async def _sent(self, call: Call, token: str | None) -> Answer:
        try:
            return await self._exchanged(call, token)
        except httpx.HTTPError as error:
            raise KekUnavailable(cause=_cause(error)) from error

    async def _exchanged(self, call: Call, token: str | None) -> Answer:
        request = self._client.build_request(
            call.method,
            call.path,
            params=dict(call.query),
            json=call.body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    raise KekUnavailable(
                        cause=f"an answer of more than {ANSWER_BYTES_MAX} bytes"
                    )
        finally:
            await response.aclose()
        return Answer(
            status=response.status_code, body=bytes(body), headers=response.headers
        )


def _cause(error: httpx.HTTPError) -> str:
    match error:
        case httpx.ConnectTimeout():
            return "no connection in time"
        case httpx.TimeoutException():
            return "timeout"
        case httpx.ConnectError():
            return "no connection"
        case _:
            return f"the connection broke ({type(error).__name__})"
