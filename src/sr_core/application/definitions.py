"""Definitions: lay them down, and find the one that is in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.definitions import (
    document,
    hash_definition,
    profile_of,
    template_of,
)
from sr_core.domain import config_definition
from sr_core.domain.config_definition import (
    ConfigDefinitionRecorded,
    Definitions,
    RecordDefinition,
    Turn,
    TypeKey,
)
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.ids import ProfileId, TemplateId, parse_config_id
from sr_core.domain.procedure_template import ProcedureTemplate
from sr_core.domain.profile_definition import BUILT_IN, ProfileDefinition
from sr_core.domain.refs import ContentHash
from sr_core.domain.starter_templates import STARTERS
from sr_core.ports.event_store import NewEvent, StreamId

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionBook:
    """The definitions of one log, and those that are shipped."""

    platform: Platform

    async def record(
        self,
        type_key: TypeKey,
        name: str,
        definition: object,
        *,
        turn: Turn,
        asked: Asked,
    ) -> tuple[RecordDefinition, Recorded]:
        """Lay down a definition; return what was asked for and what was recorded."""
        command = RecordDefinition(
            by=asked.by,
            config_id=parse_config_id(self.platform.ids.fresh("cfg")),
            type_key=type_key,
            name=name,
            definition=document(definition),
            content_hash=hash_definition(definition),
            turn=turn,
            is_shipped=name in shipped(type_key),
        )

        async def rule(known: Definitions) -> Ruling:
            return Ruling(events=config_definition.decide(known, command))

        case = _case(type_key, name)
        return command, await self.platform.recorder.record(case, rule, asked)

    async def versions(self, type_key: TypeKey, name: str) -> Definitions:
        """Return all recorded versions of the definition, oldest first."""
        return await self.platform.recorder.state(_case(type_key, name))

    async def template(
        self, template_id: TemplateId, content_hash: ContentHash | None = None
    ) -> ProcedureTemplate:
        """Return the template in force, or its version with that hash.

        Raises:
            NotFound: there is no such template, or no such version of it.

        """
        starter = STARTERS.get(template_id)
        if starter is not None:
            _require_hash(template_id, hash_definition(starter), content_hash)
            return starter
        known = await self.versions(TypeKey.PROCEDURE_TEMPLATE, template_id)
        found = known.of_hash(content_hash) if content_hash else known.latest
        return template_of(_require(found, "procedure template", template_id))

    async def profile(self, profile_id: ProfileId) -> ProfileDefinition:
        """Return the profile in force, or raise `NotFound`."""
        if profile_id in BUILT_IN:
            return BUILT_IN[profile_id]
        known = await self.versions(TypeKey.VERIFICATION_PROFILE, profile_id)
        return profile_of(_require(known.latest, "verification profile", profile_id))


def shipped(type_key: TypeKey) -> dict[str, object]:
    """Return the definitions of that type that are shipped, by name."""
    if type_key is TypeKey.PROCEDURE_TEMPLATE:
        return {str(name): each for name, each in STARTERS.items()}
    if type_key is TypeKey.VERIFICATION_PROFILE:
        return {str(name): each for name, each in BUILT_IN.items()}
    return {}


def _case(type_key: TypeKey, name: str) -> Case[Definitions]:
    return Case(boundary=StreamId(f"config:{type_key}/{name}"), fold=_fold)


def _fold(events: Iterable[DomainEvent], onto: Definitions | None) -> Definitions:
    known: list[ConfigDefinitionRecorded] = []
    for event in events:
        assert isinstance(event, ConfigDefinitionRecorded), (
            "a name's boundary is its own"
        )
        known.append(event)
    return config_definition.fold(known, onto)


def _require(
    found: ConfigDefinitionRecorded | None, kind: str, name: str
) -> ConfigDefinitionRecorded:
    if found is None:
        raise NotFound(kind=kind, identifier=name)
    return found


def _require_hash(name: str, actual: ContentHash, wanted: ContentHash | None) -> None:
    if wanted is not None and wanted != actual:
        raise NotFound(kind="procedure template", identifier=f"{name} as {wanted}")
