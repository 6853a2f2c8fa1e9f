"""What the routes take and answer, as OpenAPI 3.1 (R-API-12).

The framework tells what it knows: paths, parameters, bodies, answers. Added here is what
holds for all routes alike: who may ask, how refusals are told, the headers that every
request may have and every answer has, and which answer's field another route takes.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Litestar
from litestar.di import Provide
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from sr_core import api, domain, ports
from sr_core.api.authority import Authority
from sr_core.api.bounds import NAME_PATTERN
from sr_core.api.idempotency import HEADER, KEY_PATTERN, SAFE_METHODS
from sr_core.api.problems import FACE_CODES, PROBLEM_JSON, Problem
from sr_core.domain.errors import SrError

Document: TypeAlias = dict[str, Any]
Queries: TypeAlias = Mapping[tuple[str, str], Mapping[str, bool]]

TAGS: Final[Mapping[str, str]] = {
    "operations": "Whether the platform lives, is ready, and what it measured.",
    "loops": "Bounded pieces of governed work, and their iterations.",
    "candidates": "What work produced, how oracles judged it, what the evidence supports.",
    "portals": "What humans bind: decisions, exceptions, approvals, freeze records.",
}
_OF_ALL: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_OF_TOKENS: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PRECONDITION_FAILED,  # reading needs evidence, a stage, a surface too
)
_OF_RULES: Final = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
_SCHEME: Final = "accessToken"
_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token of the configured OpenID Connect issuer.",
}
_ANSWER_HEADERS: Final = {
    "X-Request-Id": "The name of this request.",
    "X-Correlation-Id": "What its events are recorded under.",
}
_REQUEST_HEADERS: Final = {
    "X-Request-Id": ("A name for this request.", NAME_PATTERN),
    "X-Correlation-Id": (
        "What this request is part of; it is written to every event.",
        NAME_PATTERN,
    ),
    HEADER: (
        "Has the request carried out once, however often it is sent.",
        KEY_PATTERN,
    ),
}
_PATH_PARAMETER: Final = re.compile(r"{(\w+)}")
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route: its method, its path, and who may ask."""

    method: str
    path: str
    authority: Authority
    body: Mapping[str, Any] | None = field(default=None, compare=False)
    """What it takes, where the framework cannot tell, since the body is streamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The document, its routes, and the query parameters that each of them knows."""

    document: Document
    operations: tuple[Operation, ...]
    queries: Queries


def describe(
    handlers: list[ControllerRouterHandler],
    dependencies: Mapping[str, Provide],
    authority_of: Callable[[BaseRouteHandler], Authority],
) -> Description:
    """Return the description of an application of `handlers`."""
    app = Litestar(
        route_handlers=handlers,
        dependencies=dict(dependencies),
        logging_config=None,  # the default one takes the process's log over
        openapi_config=OpenAPIConfig(
            title="SOLVER-Ralph",
            version=version("pytest-sr"),
            path="/never-served",
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],
        ),
    )
    document: Document = msgspec.json.decode(
        msgspec.json.encode(app.openapi_schema.to_schema())
    )
    operations = tuple(
        each
        for each in _operations(app, authority_of)
        if not each.path.startswith("/never-served")
    )
    for operation in operations:
        told = document["paths"][operation.path][operation.method.lower()]
        _complete(told, operation)
        if operation.body is not None:
            told["requestBody"] = dict(operation.body)
    _complete_components(document)
    _link(document)
    return Description(
        document=document,
        operations=operations,
        queries={
            (each.method, each.path): dict(
                _query(document["paths"][each.path][each.method.lower()])
            )
            for each in operations
        },
    )


def _operations(
    app: Litestar, authority_of: Callable[[BaseRouteHandler], Authority]
) -> Iterator[Operation]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods):
                if method != "OPTIONS" and "authority" in handler.opt:
                    yield Operation(
                        method=str(method),
                        path=route.path_format,
                        authority=authority_of(handler),
                        body=handler.opt.get("reads_body"),
                    )


def _query(told: Document) -> Iterator[tuple[str, bool]]:
    for each in told.get("parameters", ()):
        if each.get("in") == "query":
            yield each["name"], each["schema"].get("type") == "array"


def _complete(told: Document, operation: Operation) -> None:
    statuses = list(_OF_ALL)
    if operation.authority.kinds is None:
        told["security"] = []
    else:
        statuses += _OF_TOKENS
        told["security"] = [{_SCHEME: []}]
        if operation.authority.is_optional:
            told["security"].append({})
    told["x-authority"] = authority_name(operation.authority)
    told.setdefault("parameters", []).extend(_headers(operation))
    if operation.method not in SAFE_METHODS:
        statuses += _OF_RULES
    responses = told["responses"]
    for status in sorted(statuses):
        name = _refusal_name(status)
        responses[str(status.value)] = {"$ref": f"#/components/responses/{name}"}
    if operation.path == "/ready":
        _tell_unready(responses)
    if operation.path == "/metrics/prometheus":
        responses["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    if "/content" in operation.path:
        responses["200"]["content"] = {"*/*": {"schema": {}}}
    for response in responses.values():
        if "$ref" not in response:
            response["headers"] = {**response.get("headers", {}), **_answer_headers()}
    told["summary"] = told.get("description", "").partition(".")[0] or told["summary"]


def _tell_unready(responses: Document) -> None:
    """Have 503 say that a dependency does not work, in the form of the 200."""
    responses["503"] = {
        "description": "A dependency does not work: see `checks`.",
        "content": dict(responses["200"]["content"]),
    }


def _headers(operation: Operation) -> Iterator[Document]:
    for name in _ANSWER_HEADERS:
        yield {"$ref": f"#/components/parameters/{name}"}
    if operation.method not in SAFE_METHODS:
        yield {"$ref": f"#/components/parameters/{HEADER}"}


def _answer_headers() -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _ANSWER_HEADERS}


def _refusal_name(status: HTTPStatus) -> str:
    return "".join(filter(str.isalpha, status.phrase.title()))


def _refusal(status: HTTPStatus) -> Document:
    return {
        "description": f"{status.phrase}: see `code`.",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "headers": _answer_headers(),
    }


def _complete_components(document: Document) -> None:
    _, schemas = msgspec.json.schema_components(
        [Problem], ref_template="#/components/schemas/{name}"
    )
    schemas["Problem"]["properties"]["code"]["enum"] = sorted(_codes())
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {_SCHEME: _TOKEN}
    components["responses"] = {
        _refusal_name(status): _refusal(status)
        for status in (*_OF_ALL, *_OF_TOKENS, *_OF_RULES)
    }
    components["headers"] = {
        name: {"schema": {"type": "string"}, "required": True, "description": meaning}
        for name, meaning in _ANSWER_HEADERS.items()
    }
    components["parameters"] = {
        name: _header(name, *told) for name, told in _REQUEST_HEADERS.items()
    }
    document["tags"] = [
        {"name": name, "description": TAGS.get(name, f"All about {name}.")}
        for name in sorted(_tags(document))
    ]


def _tags(document: Document) -> set[str]:
    return {tag for _, _, told in _told(document) for tag in told.get("tags", ())}


def _codes() -> Iterator[str]:
    """Yield every code that a refusal may have: those of the rules, ports and face."""
    for package in (domain, ports, api):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    yield from FACE_CODES
    yield from {
        each.code
        for each in _below(SrError)
        if each.__module__.startswith(
            ("sr_core.domain", "sr_core.ports", "sr_core.api")
        )
    }


def _below(kind: type[SrError]) -> Iterator[type[SrError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _header(name: str, meaning: str, pattern: str) -> Document:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": meaning,
        "schema": {"type": "string", "pattern": f"^{pattern}$"},
    }


def _link(document: Document) -> None:
    """Say which answer's field names what another route's path is about."""
    for path, method, told in _told(document):
        fields = _answer_fields(document, told)
        for target_path, target_method, target in _told(document):
            named = _PATH_PARAMETER.findall(target_path)
            if (target_path, target_method) == (path, method) or len(named) != 1:
                continue
            if named[0] in fields:
                success = told["responses"][_success(told)]
                success.setdefault("links", {})[target["operationId"]] = {
                    "operationId": target["operationId"],
                    "parameters": {named[0]: f"$response.body#/{named[0]}"},
                }


def _told(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if method in _METHODS:
                yield path, method, told


def _success(told: Document) -> str:
    statuses: list[str] = list(told["responses"])
    return next(status for status in statuses if status.startswith("2"))


def _answer_fields(document: Document, told: Document) -> frozenset[str]:
    content = told["responses"][_success(told)].get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
    return frozenset(schema.get("properties", ()))


def authority_name(authority: Authority) -> str:
    """Return an authority as people say it."""
    if authority.kinds is None:
        return "open"
    kinds = " or ".join(each.value for each in sorted(authority.kinds))
    if authority.is_optional:
        return "token optional"
    if len(authority.kinds) == 3:  # noqa: PLR2004 - all the kinds there are
        kinds = "any token"
    if authority.roles:
        return f"{kinds} with role {' or '.join(sorted(authority.roles))}"
    return kinds
