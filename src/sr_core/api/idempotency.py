"""A request with an ``Idempotency-Key`` is carried out once (R-API-9).

    first try         its events and its name are recorded in one transaction;
                      then its answer is kept, then sent
    same again        the kept answer, byte for byte
    same, meanwhile   409 IDEMPOTENCY_KEY_IN_PROGRESS, nothing is done
    key, other body   422 IDEMPOTENCY_KEY_REUSED, nothing is done

A body that is read as a stream has to say its hash (``Content-Digest``) where it has a
key: that stands for it, and is compared with what came before anything is recorded.

A key belongs to one actor at one route, and is never forgotten. What recorded nothing it
asked for, above all a refusal, is not kept: the next try is judged anew. Nor is a failure
(500 and above): whether its events are recorded, the next try says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sr_core.api.digests import require_digest
from sr_core.api.sending import send_answer, send_problem
from sr_core.domain.actors import Actor
from sr_core.domain.errors import MalformedInput, SrError
from sr_core.domain.refs import ContentHash, parse_content_hash
from sr_core.ports.receipts import (
    KeyReused,
    NamedRequest,
    Receipt,
    Receipts,
    RequestName,
    RequestRepeated,
    StoredAnswer,
)

HEADER: Final = "Idempotency-Key"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
KEY_PATTERN: Final = r"[\x21-\x7e]{1,255}"
_KEY: Final = re.compile(KEY_PATTERN)


async def name_request(
    request: Request[Any, Any, Any],
    by: Actor,
    route: str,
    fresh: Callable[[str], str],
) -> NamedRequest | None:
    """Return the request as its sender named it, or None if it has no name.

    Raises:
        MalformedInput: the header is there twice, or is no key.

    """
    given = request.headers.getall(HEADER, [])
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise MalformedInput(
            field=HEADER,
            found=", ".join(given)[:128],
            expected="one key of 1 to 255 visible ASCII characters",
        )
    return NamedRequest(
        name=RequestName(actor_id=by.actor_id, route=route, key=given[0]),
        content_hash=await _hash_of(request),
        attempt=fresh("try"),
    )


async def _hash_of(request: Request[Any, Any, Any]) -> ContentHash:
    """Return the hash of all that the request asks for, each part by its length."""
    digest = hashlib.sha256()
    if request.route_handler.opt.get("reads_body"):
        body = require_digest(request)  # the body is longer than memory
    else:
        body = await request.body()
    for part in (request.scope["path"].encode(), request.scope["query_string"], body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return parse_content_hash(f"sha256:{digest.hexdigest()}")


async def replay_of(request: NamedRequest, receipts: Receipts) -> StoredAnswer | None:
    """Return the answer that is kept for the request, or None if none is recorded.

    Raises:
        KeyReused: the key names a request that asked for something else.
        RequestRepeated: it is recorded, and its answer is not known yet.

    """
    receipt = await receipts.receipt(request.name)
    return None if receipt is None else _kept(request, receipt)


def _kept(request: NamedRequest, receipt: Receipt) -> StoredAnswer:
    if receipt.request.content_hash != request.content_hash:
        raise KeyReused(key=request.name.key)
    if receipt.answer is None:
        raise RequestRepeated(key=request.name.key, event_ids=receipt.event_ids)
    return receipt.answer


class Keeper:
    """Holds the answer to a named request back until it is kept."""

    def __init__(self, inner: ASGIApp, receipts: Receipts) -> None:
        self._inner = inner
        self._receipts = receipts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        held = _Held(scope, send)
        await self._inner(scope, receive, held)
        if held.request is not None:
            await self._settle(scope, held.request, held, send)

    async def _settle(
        self, scope: HTTPScope, request: NamedRequest, held: _Held, send: Send
    ) -> None:
        try:
            kept = await self._keep(request, held.answer())
        except SrError as error:
            await send_problem(scope, error, send)
            return
        if kept is None:
            await held.release()
        else:
            await send_answer(kept, send, {})

    async def _keep(
        self, request: NamedRequest, answer: StoredAnswer
    ) -> StoredAnswer | None:
        """Return the answer to give in place of `answer`, if another try came first."""
        receipt = await self._receipts.receipt(request.name)
        if receipt is None:
            return None
        if receipt.request != request:
            return _kept(request, receipt)
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            await self._receipts.answered(request, answer)
        return None


class _Held:
    """The way out of a named request: what is said on it waits for `release`."""

    def __init__(self, scope: HTTPScope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._messages: list[Message] = []

    @property
    def request(self) -> NamedRequest | None:
        named = self._scope["state"].get("named_request")
        return named if isinstance(named, NamedRequest) else None

    async def __call__(self, message: Message) -> None:
        if self.request is None:
            await self._send(message)
        else:
            self._messages.append(message)

    def answer(self) -> StoredAnswer:
        status, media_type, body = 500, "", b""
        for message in self._messages:
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.lower(): value for name, value in message["headers"]}
                media_type = headers.get(b"content-type", b"").decode("latin-1")
            elif message["type"] == "http.response.body":
                body += message["body"]
        return StoredAnswer(status=status, media_type=media_type, body=body)

    async def release(self) -> None:
        for message in self._messages:
            await self._send(message)
