"""The HTTP face: routes, who is asking, and how errors are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope

from sr_core.api import operations
from sr_core.api.authority import Authority
from sr_core.api.problems import (
    on_bug,
    on_http_error,
    on_sr_error,
    on_validation_error,
)
from sr_core.api.routes import ROUTERS
from sr_core.application.health import Dependency
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.canonical import parse_json
from sr_core.domain.errors import SrError
from sr_core.ports.identity import Identity, NotAuthenticated

BODY_BYTES_MAX: Final = 1024 * 1024
"""How large a request's body may be, where its route does not say otherwise."""

OPENAPI_PATH: Final = "/schema"
"""Below it the framework tells what the routes take and answer, to whoever asks."""

_CORRELATION: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON has each key once, no NaN, and bounded depth (R-API-10)."""

    async def json(self) -> Any:  # noqa: ANN401 - JSON holds anything
        """Return the body's JSON, or raise `MalformedInput`."""
        return parse_json(await self.body(), what="body")


def build_app(
    platform: Platform, identity: Identity, dependencies: Sequence[Dependency]
) -> Litestar:
    """Return the platform as an ASGI application.

    Everything below ``/api/v1`` but ``info`` wants a token; a route that is added there
    cannot be left open by forgetting to ask.
    """

    async def correlate(request: Request[Any, Any, Any]) -> None:
        given = request.headers.get("x-correlation-id", "")
        fits = _CORRELATION.fullmatch(given)
        request.state.correlation_id = given if fits else platform.ids.fresh("corr")

    async def identify(request: Request[Any, Any, Any]) -> None:
        await correlate(request)
        by = await identity.actor_of(_bearer(request))
        authority_of(request.route_handler).require(
            by, action=f"{request.method} {request.scope['path_template']}"
        )
        request.state.asked = Asked(by=by, correlation_id=request.state.correlation_id)

    governed = Router(
        path="/api/v1",
        before_request=identify,
        route_handlers=[
            *ROUTERS,
            operations.whoami,
        ],
    )
    app = Litestar(
        route_handlers=[
            operations.health,
            operations.ready,
            operations.info,
            governed,
        ],
        request_class=StrictRequest,
        before_request=correlate,
        before_send=[_say_correlation],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "dependencies": Provide(lambda: dependencies, sync_to_thread=False),
            "asked": Provide(_asked, sync_to_thread=False),
        },
        exception_handlers={
            SrError: on_sr_error,
            HTTPException: on_http_error,
            msgspec.ValidationError: on_validation_error,
            Exception: on_bug,
        },
        logging_config=None,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=OpenAPIConfig(
            title="SOLVER-Ralph",
            version="1",
            path=OPENAPI_PATH,
            render_plugins=[JsonRenderPlugin()],
        ),
        state=State(),
    )
    require_authorities(app)
    return app


def authority_of(handler: BaseRouteHandler) -> Authority:
    """Return who may ask for what `handler` does.

    Raises:
        AssertionError: the handler does not say.

    """
    authority = handler.opt.get("authority")
    assert isinstance(authority, Authority), (
        f"{handler} names no authority: give its decorator authority="
    )
    return authority


def require_authorities(app: Litestar) -> None:
    """Raise `AssertionError` unless every route of `app` names its authority."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and not route.path.startswith(OPENAPI_PATH):
            for handler in route.route_handlers:
                if "OPTIONS" not in handler.http_methods:
                    authority_of(handler)


def _bearer(request: Request[Any, Any, Any]) -> str:
    """Return the request's token, or raise `NotAuthenticated`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(reason="no bearer token")
    return token


def _asked(request: Request[Any, Any, Any]) -> Asked:
    asked = request.state.asked
    assert isinstance(asked, Asked), "every route that asks stands below the guard"
    return asked


async def _say_correlation(message: Message, scope: Scope) -> None:
    correlation_id = scope["state"].get("correlation_id")
    if message["type"] == "http.response.start" and correlation_id is not None:
        headers = [*message["headers"], (b"x-correlation-id", correlation_id.encode())]
        message["headers"] = headers
