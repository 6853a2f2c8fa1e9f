"""The HTTP face: routes, who is asking, and how errors are told.

Door ──▶ Keeper ──▶ framework ──▶ hook: who asks, in what form? ──▶ handler
names,   answers    finds the     token, authority, query,
bounds   of named   route         repeated request
         requests
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers.base import BaseRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from sr_core.api import operations
from sr_core.api.authority import Authority
from sr_core.api.bounds import BODY_BYTES_MAX, Bounds
from sr_core.api.description import Description, describe
from sr_core.api.door import Door
from sr_core.api.idempotency import Keeper
from sr_core.api.problems import (
    on_bug,
    on_http_error,
    on_sr_error,
    on_validation_error,
)
from sr_core.api.reception import Reception
from sr_core.api.requests import StrictRequest
from sr_core.api.routes import ROUTERS
from sr_core.application.health import Dependency, Readiness
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.errors import SrError
from sr_core.ports.identity import Identity

__all__ = [
    "BODY_BYTES_MAX",
    "ROUTERS",
    "Face",
    "authority_of",
    "build_app",
    "build_description",
    "require_authorities",
]

GOVERNED_PATH: Final = "/api/v1"


@dataclass(slots=True, kw_only=True)
class Behind:
    """What the routes are served with: the platform, and who knows its callers."""

    platform: Platform
    identity: Identity
    readiness: Readiness


class Face(Litestar):
    """The framework's application, entered through the door alone."""

    door: Door
    behind: Behind

    def serve(
        self,
        platform: Platform,
        identity: Identity,
        dependencies: Sequence[Dependency],
        *,
        bounds: Bounds | None = None,
    ) -> None:
        """Serve this platform from now on; the routes stay as they were built."""
        self.behind.platform = platform
        self.behind.identity = identity
        self.behind.readiness = Readiness(dependencies)
        self.door = Door(
            Keeper(self._routed, platform.recorder.store),
            fresh=platform.ids.fresh,
            metrics=platform.recorder.metrics,
            bounds=bounds or Bounds(),
        )

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Litestar.__call__(self, scope, receive, send)

    async def __call__(
        self,
        scope: Any,  # noqa: ANN401 - the framework unites scopes that no caller mixes
        receive: Any,  # noqa: ANN401
        send: Any,  # noqa: ANN401
    ) -> None:
        """Answer one request."""
        await self.door(scope, receive, send)


def build_app(
    platform: Platform,
    identity: Identity,
    dependencies: Sequence[Dependency],
    *,
    bounds: Bounds | None = None,
) -> Face:
    """Return the platform as an ASGI application.

    Every route names who may ask; one that is added cannot be left open by forgetting to.
    """
    description = build_description()
    behind = Behind(
        platform=platform, identity=identity, readiness=Readiness(dependencies)
    )
    reception = Reception(
        behind, queries=description.queries, authority_of=authority_of
    )
    app = Face(
        route_handlers=_handlers(ROUTERS),
        request_class=StrictRequest,
        before_request=reception.receive,
        dependencies=_dependencies(behind, description),
        exception_handlers={
            SrError: on_sr_error,
            HTTPException: on_http_error,
            msgspec.ValidationError: on_validation_error,
            Exception: on_bug,
        },
        logging_config=None,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=None,
        state=State(),
    )
    require_authorities(app)
    app.behind = behind
    app.serve(platform, identity, dependencies, bounds=bounds)
    return app


def build_description() -> Description:
    """Return what the routes take and answer."""
    return _described(ROUTERS)


@cache
def _described(routers: tuple[Router, ...]) -> Description:
    """Return the description; it follows from the routes, so it is made once for them."""
    return describe(_handlers(routers), _dependencies(None, None), authority_of)


def _handlers(routers: Sequence[Router]) -> list[ControllerRouterHandler]:
    return [
        operations.health,
        operations.ready,
        operations.openapi,
        operations.prometheus,
        Router(path=GOVERNED_PATH, route_handlers=[*routers, operations.router]),
    ]


def _dependencies(
    behind: Behind | None, description: Description | None
) -> dict[str, Provide]:
    began = time.monotonic()
    return {
        "platform": Provide(lambda: behind and behind.platform, sync_to_thread=False),
        "readiness": Provide(lambda: behind and behind.readiness, sync_to_thread=False),
        "description": Provide(lambda: description, sync_to_thread=False),
        "uptime_s": Provide(lambda: time.monotonic() - began, sync_to_thread=False),
        "asked": Provide(_asked, sync_to_thread=False),
    }


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
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if "OPTIONS" not in handler.http_methods:
                    authority_of(handler)


def _asked(request: Request[Any, Any, Any]) -> Asked | None:
    asked = request.state.asked
    is_optional = authority_of(request.route_handler).is_optional
    assert asked is not None or is_optional, "who asks is known before a handler runs"
    return asked  # type: ignore[no-any-return]  # the framework's state holds anything
