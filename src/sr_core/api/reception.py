"""What is asked of every request that found its route, before its handler runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from litestar import Request, Response
from litestar.handlers.base import BaseRouteHandler

from sr_core.api.authority import Authority
from sr_core.api.idempotency import SAFE_METHODS, name_request, replay_of
from sr_core.api.requests import refuse_surplus_body, refuse_unknown_query
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.actors import Actor
from sr_core.ports.identity import Identity, NotAuthenticated
from sr_core.ports.receipts import NamedRequest

_TYPE_IN_PATH: Final = re.compile(r":\w+}")
AUTHORIZATIONS_MAX: Final = 1


class Behind(Protocol):
    """What requests are received for; it may change between two of them."""

    platform: Platform
    identity: Identity


class Reception:
    """Finds out who asks and whether they may, and whether the request is a repeated one.

    `queries` are the parameters each operation knows, by method and path.
    """

    def __init__(
        self,
        behind: Behind,
        *,
        queries: Mapping[tuple[str, str], Mapping[str, bool]],
        authority_of: Callable[[BaseRouteHandler], Authority],
    ) -> None:
        self._behind = behind
        self._queries = queries
        self._authority_of = authority_of

    async def receive(self, request: Request[Any, Any, Any]) -> Response[bytes] | None:
        """Return the answer if there is one already, else None: the handler may run.

        Raises:
            SrError: the request is refused.

        """
        if request.method == "OPTIONS":
            return None
        authority = self._authority_of(request.route_handler)
        by = await self._who(request, authority)
        path = route_of(request)
        refuse_unknown_query(request, self._queries[request.method, path])
        await refuse_surplus_body(request)
        named = None
        if by is not None and request.method not in SAFE_METHODS:
            fresh = self._behind.platform.ids.fresh
            named = await name_request(request, by, f"{request.method} {path}", fresh)
        request.state.asked = by and Asked(
            by=by, correlation_id=request.state.correlation_id, request=named
        )
        return await self._replay(request, named)

    async def _who(
        self, request: Request[Any, Any, Any], authority: Authority
    ) -> Actor | None:
        if authority.kinds is None:
            return None
        if authority.is_optional and "authorization" not in request.headers:
            return None
        by = await self._behind.identity.actor_of(bearer(request))
        authority.require(by, action=f"{request.method} {route_of(request)}")
        return by

    async def _replay(
        self, request: Request[Any, Any, Any], named: NamedRequest | None
    ) -> Response[bytes] | None:
        if named is None:
            return None
        answer = await replay_of(named, self._behind.platform.recorder.store)
        if answer is None:
            request.state.named_request = named
            return None
        return Response(
            answer.body, status_code=answer.status, media_type=answer.media_type
        )


def route_of(request: Request[Any, Any, Any]) -> str:
    """Return the path of the request's route, such as ``/api/v1/loops/{loop_id}``."""
    return _TYPE_IN_PATH.sub("}", request.scope["path_template"])


def bearer(request: Request[Any, Any, Any]) -> str:
    """Return the request's token, or raise `NotAuthenticated`."""
    given = request.headers.getall("authorization", [])
    if len(given) > AUTHORIZATIONS_MAX:
        raise NotAuthenticated(reason="two authorizations")
    scheme, _, token = "".join(given).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(reason="no bearer token")
    return token
