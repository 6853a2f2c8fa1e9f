"""The door of the HTTP face: all that happens to a request before it is understood.

    bytes ──▶ names itself ──▶ within bounds? ──▶ routes, guards, bodies
                 │                  │ no                  │
                 ▼                  ▼                     ▼
             log and metrics ◀── a problem ◀────────── answer, under its names

It stands outside the framework, so that a route that is not there and a request that is
too large are answered, named, counted and logged as any other (SPEC 14.2, R-API-10).
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, cast

from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from sr_core.api.bounds import (
    NAME_PATTERN,
    BodyIncomplete,
    BodyTooSlow,
    Bounds,
    first_breach,
)
from sr_core.api.sending import send_problem
from sr_core.application.log_context import about_request, note_subjects
from sr_core.ports.metrics import Count, Counter, Duration, Histogram, Metrics

_LOG: Final = logging.getLogger("sr_core.api.request")
_NAME: Final = re.compile(NAME_PATTERN)
_OPERATIONS: Final = frozenset({"/health", "/ready"})


class Door:
    """Names, bounds, counts and logs each request on its way to `inner` and back."""

    def __init__(
        self,
        inner: ASGIApp,
        *,
        fresh: Callable[[str], str],
        metrics: Metrics,
        bounds: Bounds,
    ) -> None:
        self._inner = inner
        self._fresh = fresh
        self._metrics = metrics
        self._bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        names = self._named(scope)
        scope.setdefault("state", {}).update(names)
        with about_request(names):
            await self._answer(scope, receive, _Answer(send, names))

    async def _answer(
        self, scope: HTTPScope, receive: Receive, answer: _Answer
    ) -> None:
        began = time.perf_counter()
        try:
            breach = first_breach(scope, self._bounds)
            if breach is None:
                timed = _Timed(receive, self._bounds)
                await self._inner(scope, timed, answer)
            else:
                await send_problem(scope, breach, answer)
        finally:
            self._settle(scope, answer, time.perf_counter() - began)

    def _named(self, scope: HTTPScope) -> dict[str, str]:
        given = dict(scope["headers"])
        request_id = _name_in(given.get(b"x-request-id")) or self._fresh("req")
        correlation_id = _name_in(given.get(b"x-correlation-id")) or request_id
        return {"request_id": request_id, "correlation_id": correlation_id}

    def _settle(self, scope: HTTPScope, answer: _Answer, seconds: float) -> None:
        self._metrics.move(
            Count(Counter.HTTP_REQUESTS),
            Count(_class_of(answer.outcome)),
            Duration(Histogram.HTTP_REQUEST, seconds),
        )
        note_subjects(scope.get("path_params", {}))
        level = logging.DEBUG if scope["path"] in _OPERATIONS else logging.INFO
        _LOG.log(
            level,
            "%s %s was answered with %d%s",
            scope["method"],
            _printable(scope["path"]),
            answer.status,
            "" if answer.is_whole else ", and broken off",
            extra={
                "method": scope["method"],
                "uri": _printable(scope["path"]),
                "status": answer.status,
                "latency_ms": round(seconds * 1000, 3),
            },
        )


class _Answer:
    """The way out: it carries the request's names, and remembers the status."""

    def __init__(self, send: Send, names: dict[str, str]) -> None:
        self._send = send
        self._headers = [
            (f"x-{name.replace('_', '-')}".encode(), value.encode())
            for name, value in names.items()
        ]
        self.status: int = HTTPStatus.INTERNAL_SERVER_ERROR
        self.is_whole = False

    @property
    def outcome(self) -> int:
        """What the request counts as: an answer without its end is none."""
        return self.status if self.is_whole else HTTPStatus.INTERNAL_SERVER_ERROR

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers]
        await self._send(message)
        if message["type"] == "http.response.body":
            self.is_whole = not message.get("more_body", False)


class _Timed:
    """The way in: a body comes within its time, or `BodyTooSlow` is raised."""

    def __init__(self, receive: Receive, bounds: Bounds) -> None:
        self._receive = receive
        self._bounds = bounds
        self._began: float | None = None
        self._bytes = 0
        self._is_whole = False

    async def __call__(self) -> HTTPReceiveMessage:
        if self._is_whole:
            return cast("HTTPReceiveMessage", await self._receive())
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        allowed_s = self._bounds.body_s(self._bytes)
        try:
            async with asyncio.timeout(self._began + allowed_s - now):
                message = cast("HTTPReceiveMessage", await self._receive())
        except TimeoutError:
            raise BodyTooSlow(received=self._bytes, seconds=allowed_s) from None
        if message["type"] == "http.disconnect":
            raise BodyIncomplete(received=self._bytes)
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
        return message


def _name_in(value: bytes | None) -> str | None:
    text = (value or b"").decode("latin-1")
    return text if _NAME.fullmatch(text) else None


def _class_of(status: int) -> Counter:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Counter.HTTP_SERVER_ERROR
    if status >= HTTPStatus.BAD_REQUEST:
        return Counter.HTTP_CLIENT_ERROR
    return Counter.HTTP_SUCCESS


def _printable(path: str) -> str:
    """Return the path on one line, and not at any length."""
    return ascii(path[:256])[1:-1]
