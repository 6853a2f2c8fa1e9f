"""What is told of definitions, profiles and templates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sr_core.api.views.base import Accepted, View
from sr_core.api.views.paging import Sheet
from sr_core.application.definition_types import Category
from sr_core.domain.config_definition import TypeKey


class DefinitionView(View, kw_only=True):
    """One version of a definition."""

    config_id: str
    type_key: TypeKey
    name: str
    version: int
    content_hash: str
    definition: dict[str, Any]
    is_current: bool
    recorded_by_kind: str
    recorded_by_id: str
    recorded_at: datetime


class DefinitionPage(Sheet, kw_only=True):
    """Some of the definitions, oldest first."""

    config_definitions: list[DefinitionView]


class AgentView(View, kw_only=True):
    """One agent, as it was defined last."""

    config_id: str
    id: str
    name: str
    actor_id: str
    status: str
    capabilities: list[str]
    current_work_unit_id: str | None
    iterations_completed: int
    proposals_produced: int
    last_active_at: str | None
    content_hash: str
    recorded_at: datetime


class AgentPage(Sheet, kw_only=True):
    """Some of the agents, oldest first."""

    agents: list[AgentView]


class DefinitionAccepted(Accepted, kw_only=True):
    """A definition as it was laid down; None where nothing had changed."""

    config_id: str | None
    type_key: TypeKey
    name: str
    content_hash: str


class ProfileView(msgspec.Struct, kw_only=True):
    """A verification profile."""

    profile_id: str
    name: str
    description: str
    profile_version: str
    required_suites: list[str]
    optional_suites: list[str]
    allow_with_exceptions: bool
    waivable_failures: list[str]
    integrity_conditions: list[str]
    """None of these can ever be waived."""
    applicable_deliverables: list[str]
    metadata: dict[str, str]
    content_hash: str
    is_built_in: bool


class ProfilePage(msgspec.Struct, kw_only=True):
    """All verification profiles: the built-in ones, then the others by their names."""

    profiles: list[ProfileView]
    total: int


class TypeView(msgspec.Struct, kw_only=True):
    """A type of template, with the JSON Schema of its content."""

    type_key: TypeKey
    category: Category
    name: str
    requires_portal: bool
    content_schema: dict[str, Any] = msgspec.field(name="schema")
    starters: list[str] = msgspec.field(default_factory=list)


class TypePage(msgspec.Struct, kw_only=True):
    """All types of template, by category."""

    schemas: list[TypeView]
    categories: list[Category]
    total: int


class TemplateView(msgspec.Struct, kw_only=True):
    """A template as it is in force."""

    template_id: str
    type_key: TypeKey
    category: Category
    is_starter: bool
    """Whether it is shipped, as the reference for its type."""
    requires_portal: bool
    revision: int
    """Counts what was recorded under that name, from 1; 0 is a starter."""
    content_hash: str
    content: dict[str, Any]


class TemplatePage(msgspec.Struct, kw_only=True):
    """Some of the templates: the starters, then the others by type and name."""

    templates: list[TemplateView]
    total: int
    page: int
    page_size: int


class TemplateAccepted(Accepted, kw_only=True):
    """A template as it was laid down."""

    template_id: str
    type_key: TypeKey
    content_hash: str
