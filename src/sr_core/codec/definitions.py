"""Definitions and intakes to their plain form and back, and their hashes (SPEC 1.2)."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

import msgspec

from sr_core.codec.canonical import canonical, parse_json, restored
from sr_core.domain.config_definition import ConfigDefinitionRecorded, Document
from sr_core.domain.intake import IntakeContent
from sr_core.domain.procedure_template import ProcedureTemplate
from sr_core.domain.profile_definition import ProfileDefinition
from sr_core.domain.refs import ContentHash, hash_bytes

T = TypeVar("T")


def document(definition: object) -> Document:
    """Return the definition as it is read back from the log, every default written out."""
    made: Document = parse_json(canonical(definition), what="definition")
    return made


def hash_definition(definition: object) -> ContentHash:
    """Return the hash of the definition's canonical form; it covers every field."""
    return hash_bytes(canonical(definition))


def hash_intake(content: IntakeContent) -> ContentHash:
    """Return the intake's hash: that of its content's canonical form."""
    return hash_bytes(canonical(content))


def typed(kind: type[T], content: object, *, what: str) -> T:
    """Return the `kind` that `content` describes, or raise `MalformedInput`.

    What a rule of `kind` itself refuses is told in that rule's words.
    """
    with suppress(msgspec.ValidationError):
        msgspec.convert(content, kind, strict=True)
    return restored(kind, content, what=what)


def template_of(recorded: ConfigDefinitionRecorded) -> ProcedureTemplate:
    """Return the procedure template that was recorded."""
    return restored(ProcedureTemplate, recorded.definition, what=recorded.name)


def profile_of(recorded: ConfigDefinitionRecorded) -> ProfileDefinition:
    """Return the verification profile that was recorded."""
    return restored(ProfileDefinition, recorded.definition, what=recorded.name)
