"""What a value could have been, where a request gave one that a closed set has not.

The framework says that the value is unknown; this says which are known (SPEC 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from litestar.handlers.base import BaseRouteHandler
from msgspec import inspect

_PARTS = re.compile(r"[^.\[\]]+")


def choices_at(
    handler: BaseRouteHandler, key: str, *, in_body: bool
) -> tuple[str, ...]:
    """Return the members of the closed set at `key` of a request to `handler`.

    `key` is such as ``summary.actions[0].kind`` in a body, or a parameter's name. Empty
    where no closed set is.
    """
    parameters = handler.parsed_fn_signature.parameters
    first, *rest = ["data", *_PARTS.findall(key)] if in_body else [key]
    if first not in parameters:
        return ()
    kinds = [*_flat(inspect.type_info(parameters[first].annotation))]
    for part in rest:
        kinds = [each for kind in kinds for each in _inside(kind, part)]
    sets = [kind.cls for kind in kinds if isinstance(kind, inspect.EnumType)]
    return tuple(str(member.value) for each in sets for member in each)


def _flat(kind: inspect.Type) -> Iterator[inspect.Type]:
    """Return what `kind` may be, one by one, without what is only said about it."""
    if isinstance(kind, inspect.Metadata):
        yield from _flat(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _flat(each)
    else:
        yield kind


def _inside(kind: inspect.Type, part: str) -> Iterator[inspect.Type]:
    """Return what stands in `kind` under `part`, the name of a field or an index."""
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            if field.encode_name == part:
                yield from _flat(field.type)
    elif isinstance(kind, inspect.ListType) and part.isdigit():
        yield from _flat(kind.item_type)
