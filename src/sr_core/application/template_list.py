"""Templates of all types, shipped and recorded, as people look for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sr_core.application.definition_types import (
    TEMPLATE_TYPES,
    Category,
    DefinitionType,
)
from sr_core.application.definitions import shipped
from sr_core.application.platform import Platform
from sr_core.codec.definitions import document, hash_definition
from sr_core.domain.config_definition import TypeKey
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.refs import ContentHash, parse_content_hash
from sr_core.ports.read_model import Row

CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One template in force; a starter has revision 0."""

    template_id: str
    type: DefinitionType
    revision: int
    content_hash: ContentHash
    content: Mapping[str, Any]

    @property
    def is_starter(self) -> bool:
        """Whether it is shipped."""
        return self.revision == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateList:
    """What is in force of each type."""

    platform: Platform

    async def all(
        self, *, type_key: TypeKey | None = None, category: Category | None = None
    ) -> tuple[Template, ...]:
        """Return the templates of that type or category: starters, then the others."""
        types = [
            each
            for each in TEMPLATE_TYPES.values()
            if type_key in {None, each.type_key} and category in {None, each.category}
        ]
        starters = [each for kind in types for each in starters_of(kind)]
        recorded = [each for kind in types for each in await self._recorded(kind)]
        return (*starters, *recorded)

    async def one(self, template_id: str, type_key: TypeKey | None) -> Template:
        """Return the template of that name.

        Raises:
            NotFound: there is none.
            MalformedInput: there is one of several types, and none is named.

        """
        found = [
            each
            for each in await self.all(type_key=type_key)
            if each.template_id == template_id
        ]
        if not found:
            raise NotFound(kind="template", identifier=template_id)
        if len(found) > 1:
            keys = ", ".join(each.type.type_key for each in found)
            raise MalformedInput(
                field="type_key", found=type_key, expected=f"one of {keys}"
            )
        return found[0]

    async def _recorded(self, kind: DefinitionType) -> Sequence[Template]:
        where: Row = {"type_key": kind.type_key, "is_current": True}
        rows: list[Row] = []
        while True:
            page = await self.platform.rows.rows(
                "config_definitions", where, limit=CHUNK, offset=len(rows)
            )
            rows += page.rows
            if not page.rows or len(rows) >= page.total:
                break
        made = [_template(row, kind) for row in rows]
        return sorted(made, key=lambda each: each.template_id)


def starters_of(kind: DefinitionType) -> tuple[Template, ...]:
    """Return the starters of a type."""
    return tuple(
        Template(
            template_id=name,
            type=kind,
            revision=0,
            content_hash=hash_definition(each),
            content=document(each),
        )
        for name, each in shipped(kind.type_key).items()
    )


def _template(row: Row, kind: DefinitionType) -> Template:
    content, revision = row["definition"], row["version"]
    assert isinstance(content, Mapping), "a definition is recorded as a document"
    assert isinstance(revision, int), "versions are counted"
    return Template(
        template_id=str(row["name"]),
        type=kind,
        revision=revision,
        content_hash=parse_content_hash(str(row["content_hash"])),
        content=content,
    )
