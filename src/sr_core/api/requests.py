"""How a request is read: strictly, and once (R-API-10)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.handlers.base import BaseRouteHandler

from sr_core.api.bounds import UnsupportedMediaType
from sr_core.codec.canonical import parse_json
from sr_core.domain.errors import MalformedInput

_NOTHING: Final = frozenset({b"", b"{}"})


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is what its route asks for: keys once, numbers as numbers."""

    async def json(self) -> Any:  # noqa: ANN401 - it holds what the route asks for
        """Return the body as the route's own type, or raise `MalformedInput`."""
        media_type = self.headers.get("content-type", "application/json")
        if media_type.partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType(found=media_type[:128])
        value = parse_json(await self.body(), what="body")
        wanted = self.route_handler.parsed_data_field
        assert wanted is not None, "JSON is read where the route takes a body"
        # Here, because the framework itself takes "5" for 5 wherever it converts.
        return msgspec.convert(value, wanted.annotation, strict=True)


async def refuse_surplus_body(request: Request[Any, Any, Any]) -> None:
    """Raise `MalformedInput` if there is a body where the route takes none."""
    is_announced = (
        request.headers.get("content-length", "0") != "0"
        or "transfer-encoding" in request.headers
    )
    if is_announced and not _takes_body(request.route_handler):
        body = await request.body()
        if body.strip() not in _NOTHING:
            raise MalformedInput(
                field="body",
                found=body[:64].decode("utf-8", "replace"),
                expected="no body: this route takes none",
            )


def _takes_body(handler: BaseRouteHandler) -> bool:
    """Whether the route takes a body: as a value, as bytes, or reading it by itself."""
    return (
        handler.parsed_data_field is not None
        or "body" in handler.parsed_fn_signature.parameters
        or bool(handler.opt.get("reads_body"))
    )


def refuse_unknown_query(
    request: Request[Any, Any, Any], known: Mapping[str, bool]
) -> None:
    """Raise `MalformedInput` for a parameter that is unknown, or there twice.

    `known` says of each parameter whether it may be there several times.
    """
    seen: set[str] = set()
    for name, value in _parameters(request.scope["query_string"]):
        if name not in known:
            raise MalformedInput(
                field="query", found=name[:128], expected=_choices(known)
            )
        if name in seen and not known[name]:
            raise MalformedInput(
                field=name, found="it twice", expected="it once, or leave it out"
            )
        if "\0" in value:
            raise MalformedInput(
                field=name, found="the character U+0000", expected="text without it"
            )
        seen.add(name)


def _parameters(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise MalformedInput(
            field="query", found=ascii(query[:64]), expected="UTF-8, percent-encoded"
        ) from error


def _choices(known: Collection[str]) -> str:
    if not known:
        return "no query: this route takes no parameter"
    return f"only {', '.join(sorted(known))}"
