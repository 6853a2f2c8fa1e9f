"""What all bodies share: their strictness, and how much text they may hold."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=512)]
Prose = Annotated[str, Meta(min_length=1, max_length=20_000)]
BudgetNumber = Annotated[int, Meta(ge=1, le=1_000_000)]


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A request's body: its fields and no others."""


class RefBody(Body):
    """A typed reference."""

    kind: Name
    id: Name
    rel: Name
    meta: dict[str, str]
