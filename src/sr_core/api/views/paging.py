"""Lists that are asked for by page and page size, and answered so too."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from litestar.params import QueryParameter

from sr_core.api.views.base import Page, View, show_page
from sr_core.ports.read_model import ReadModel

PageNumber = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]


class Sheet(Page, kw_only=True):
    """A page, by its number from 1."""

    page: int = 1
    page_size: int = 50


S = TypeVar("S", bound=Sheet)
V = TypeVar("V", bound=View)


async def show_sheet(
    rows: ReadModel,
    table: str,
    where: dict[str, str | None],
    sheet: tuple[int, int],
    kind: type[V],
    of: type[S],
) -> S:
    """Return a page `of` views `kind`; `sheet` is its number and its size."""
    page, size = sheet
    span = (size, (page - 1) * size)
    shown = await show_page(rows, table, where, span, kind, of)
    return msgspec.structs.replace(shown, page=page, page_size=size)
