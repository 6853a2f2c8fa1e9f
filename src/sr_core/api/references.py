"""What can be referred to (SPEC 5.6): parse, give, answer."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from sr_core.api.authority import ANYONE
from sr_core.api.views.references import RefPage, RefView
from sr_core.application.platform import Platform
from sr_core.application.references import Referable, browse, browse_all
from sr_core.domain.refs import RefKind, RefRelation

PageNumber = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]


@get("/references", authority=ANYONE)
async def references(
    platform: NamedDependency[Platform],
    kind: FromQuery[RefKind | None] = None,
    rel: FromQuery[RefRelation | None] = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> RefPage:
    """List what can be referred to, category by category, oldest first in each."""
    offset = (page - 1) * page_size
    found = await browse_all(
        platform.rows, kind=kind, rel=rel, limit=page_size, offset=offset
    )
    return _told(found, page, page_size)


@get("/references/{category:str}", authority=ANYONE)
async def category_references(
    category: FromPath[str],
    platform: NamedDependency[Platform],
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> RefPage:
    """List what can be referred to of one category, oldest first."""
    offset = (page - 1) * page_size
    found = await browse(platform.rows, category, limit=page_size, offset=offset)
    return _told(found, page, page_size)


def _told(found: Referable, page: int, page_size: int) -> RefPage:
    refs = [
        RefView(kind=each.kind, id=each.id, rel=each.rel, meta=dict(each.meta))
        for each in found.refs
    ]
    return RefPage(references=refs, total=found.total, page=page, page_size=page_size)


router = Router(
    path="", tags=["references"], route_handlers=[references, category_references]
)
