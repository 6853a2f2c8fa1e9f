"""Config definitions: what humans lay down for all work, under a name, version by version.

Agents, portals, oracles, profiles, templates, semantic sets and policies are definitions
of one form: a type, a name, and a document whose hash is recorded. A version, once
recorded, stays; a later one follows it. Only a human with the governance role records one.

Clauses: C-TB-1 (humans bind), SPEC 2.3 (ConfigDefinitionRecorded), SPEC 5.6, C-EVT-2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.ids import ConfigId
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.ref_builders import NO_REFS
from sr_core.domain.refs import ContentHash
from sr_core.domain.work_errors import DefinitionTaken, StarterFixed

Document: TypeAlias = Mapping[str, object]
"""A definition in its plain form; `sr_core.codec` makes typed values of it and back."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class TypeKey(StrEnum):
    """What a definition defines (SPEC 1.4)."""

    AGENT_DEFINITION = "config.agent_definition"
    BUDGET_CONFIG = "budget_config"
    DEFERRAL = "record.deferral"
    DEVIATION = "record.deviation"
    EVIDENCE_PACKET = "evidence.gate_packet"
    FREEZE = "record.freeze"
    GATING_POLICY = "config.gating_policy"
    INTERVENTION_NOTE = "record.intervention_note"
    ORACLE_DEFINITION = "config.oracle_definition"
    ORACLE_SUITE = "oracle_suite"
    PORTAL_DEFINITION = "config.portal_definition"
    PORTAL_PLAYBOOK = "config.portal_playbook"
    PROCEDURE_TEMPLATE = "config.procedure_template"
    SEMANTIC_PROFILE = "config.semantic_profile"
    SEMANTIC_SET = "config.semantic_set"
    VERIFICATION_PROFILE = "verification_profile"
    WAIVER = "record.waiver"


class Turn(StrEnum):
    """Which version a recording is meant to be."""

    FIRST = "first"
    NEXT = "next"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDefinition:
    """Lay down a definition; `content_hash` is that of the document's canonical form."""

    by: Actor
    config_id: ConfigId
    type_key: TypeKey
    name: str
    definition: Document
    content_hash: ContentHash
    turn: Turn = Turn.ANY
    is_shipped: bool = False
    """Whether the platform ships a definition of that type under that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDefinitionRecorded:
    """A definition was laid down; `version` counts those of its name, from 1."""

    config_id: ConfigId
    type_key: TypeKey
    name: str
    version: int
    content_hash: ContentHash
    definition: Document

    refs = NO_REFS


DefinitionEvent: TypeAlias = ConfigDefinitionRecorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """All versions of one named definition, oldest first."""

    versions: tuple[ConfigDefinitionRecorded, ...] = ()

    @property
    def latest(self) -> ConfigDefinitionRecorded | None:
        """The version in force."""
        return self.versions[-1] if self.versions else None

    def of_hash(self, content_hash: ContentHash) -> ConfigDefinitionRecorded | None:
        """Return the version with that hash, if it was ever recorded."""
        return next(
            (each for each in self.versions if each.content_hash == content_hash), None
        )


def decide(
    known: Definitions, command: RecordDefinition
) -> tuple[ConfigDefinitionRecorded, ...]:
    """Return the definition as recorded; a next version that changes nothing is none.

    Raises:
        AuthorityRequired: no human, or one without the governance role.
        MalformedInput: the name is not one that a definition may have.
        StarterFixed: the platform ships one of that name.
        DefinitionTaken: the name has a first version, or this very one is in force.
        NotFound: there is no version that this one could follow.

    """
    action = f"recording a {command.type_key}"
    command.by.require(ActorKind.HUMAN, action=action)
    command.by.require_role(PORTAL_ROLE[Portal.GOVERNANCE], action=action)
    if not _NAME.fullmatch(command.name):
        raise MalformedInput(
            field=f"name of a {command.type_key}",
            found=command.name[:128],
            expected="1 to 128 letters, digits, dots, colons, dashes, underscores",
        )
    if command.is_shipped:
        raise StarterFixed(name=command.name)
    if _is_in_force(known, command):
        return ()
    return (
        ConfigDefinitionRecorded(
            config_id=command.config_id,
            type_key=command.type_key,
            name=command.name,
            version=len(known.versions) + 1,
            content_hash=command.content_hash,
            definition=command.definition,
        ),
    )


def fold(
    events: Iterable[ConfigDefinitionRecorded], onto: Definitions | None = None
) -> Definitions:
    """Return the versions after `events`, in order."""
    before = onto.versions if onto is not None else ()
    return Definitions(versions=(*before, *events))


def _is_in_force(known: Definitions, command: RecordDefinition) -> bool:
    """Whether the latest version is this very one; refuse what its turn rules out."""
    latest = known.latest
    same = latest is not None and latest.content_hash == command.content_hash
    if command.turn is Turn.NEXT:
        if latest is None:
            raise NotFound(kind=str(command.type_key), identifier=command.name)
        return same
    if latest is not None and (command.turn is Turn.FIRST or same):
        raise DefinitionTaken(
            type_key=command.type_key,
            name=command.name,
            why="is recorded already" if not same else "is recorded with that content",
        )
    return False
