"""Each operation has one handler: of two, the framework would silently take the last."""

from collections import Counter

from litestar import Router, get
from litestar.routes import HTTPRoute

from sr_core.api.operations import router as operations
from sr_core.api.routes import ROUTERS


def doubled(routers) -> set[str]:
    made = Counter(
        f"{method} {route.path_format}"
        for router in routers
        for route in router.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS"
    )
    return {each for each, times in made.items() if times > 1}


def test_no_operation_has_two_handlers():
    assert doubled((*ROUTERS, operations)) == set()


def test_two_handlers_in_two_routers_are_noticed():
    @get("/things", authority=None)
    async def one() -> str:
        return "one"

    @get("/things", authority=None)
    async def other() -> str:
        return "other"

    routers = [Router(path="", route_handlers=[each]) for each in (one, other)]

    assert doubled(routers) == {"GET /things"}
