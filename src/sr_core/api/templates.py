"""Templates and verification profiles (SPEC 5.6): parse, give, answer."""

from __future__ import annotations

from litestar import Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from sr_core.api.answers import member
from sr_core.api.authority import ANYONE
from sr_core.api.bodies.definitions import NewProfile, NewTemplate, NextTemplate
from sr_core.api.definitions import STEWARD
from sr_core.api.views.base import accept
from sr_core.api.views.definitions import (
    DefinitionAccepted,
    ProfilePage,
    ProfileView,
    TemplateAccepted,
    TemplatePage,
    TemplateView,
    TypePage,
    TypeView,
)
from sr_core.api.views.paging import PageNumber, PageSize
from sr_core.application.definition_types import (
    TEMPLATE_TYPES,
    Category,
    DefinitionType,
)
from sr_core.application.definitions import DefinitionBook
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.template_list import Template, TemplateList, starters_of
from sr_core.codec.canonical import plain
from sr_core.codec.definitions import hash_definition, typed
from sr_core.domain.config_definition import Turn, TypeKey
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import parse_profile_id, parse_suite_id
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.profile_definition import (
    BUILT_IN,
    ProfileDefinition,
    canonical_profile_id,
)

_NEVER_WAIVED = frozenset(IntegrityCondition) - {IntegrityCondition.MANIFEST_INVALID}
"""The five conditions by which a profile says that none can be waived (SPEC 7.3)."""


@get("/templates", authority=ANYONE)
async def templates(
    platform: NamedDependency[Platform],
    type_key: FromQuery[TypeKey | None] = None,
    category: FromQuery[Category | None] = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> TemplatePage:
    """List templates: the starters, then the others by type and name."""
    found = await TemplateList(platform=platform).all(
        type_key=type_key, category=category
    )
    first = (page - 1) * page_size
    return TemplatePage(
        templates=[show_template(each) for each in found[first : first + page_size]],
        total=len(found),
        page=page,
        page_size=page_size,
    )


@get("/templates/schemas", authority=ANYONE)
async def schemas() -> TypePage:
    """List all types of template, each with the JSON Schema of its content."""
    told = [_type_view(each) for each in TEMPLATE_TYPES.values()]
    return TypePage(schemas=told, categories=[*Category], total=len(told))


@get("/templates/schemas/{type_key:str}", authority=ANYONE)
async def schema(type_key: FromPath[str]) -> TypeView:
    """Return one type of template, with the JSON Schema of its content."""
    return _type_view(_type(member(TypeKey, type_key, field="type_key")))


@post("/templates", authority=STEWARD)
async def create(
    data: JSONBody[NewTemplate],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> TemplateAccepted:
    """Lay down a template under a name that is free."""
    kind = _type(data.type_key)
    definition = typed(kind.kind, data.content, what=kind.type_key)
    name = _name(kind, definition, data.template_id)
    return await _record(kind, name, definition, Turn.FIRST, platform, asked)


@get("/templates/{template_id:str}", authority=ANYONE)
async def read(
    template_id: FromPath[str],
    platform: NamedDependency[Platform],
    type_key: FromQuery[TypeKey | None] = None,
) -> TemplateView:
    """Return one template, as it is in force."""
    return show_template(
        await TemplateList(platform=platform).one(template_id, type_key)
    )


@put("/templates/{template_id:str}", authority=STEWARD)
async def revise(
    template_id: FromPath[str],
    data: JSONBody[NextTemplate],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> TemplateAccepted:
    """Lay down the next version; what is bound to an earlier one stays bound to it."""
    known = await TemplateList(platform=platform).one(template_id, data.type_key)
    definition = typed(known.type.kind, data.content, what=known.type.type_key)
    name = _name(known.type, definition, template_id)
    return await _record(known.type, name, definition, Turn.NEXT, platform, asked)


@get("/oracles/profiles", authority=ANYONE)
async def profiles(platform: NamedDependency[Platform]) -> ProfilePage:
    """List all verification profiles: the built-in ones, then the others."""
    found = await TemplateList(platform=platform).all(
        type_key=TypeKey.VERIFICATION_PROFILE
    )
    told = [
        _profile_view(typed(ProfileDefinition, each.content, what=each.template_id))
        for each in found
    ]
    return ProfilePage(profiles=told, total=len(told))


@post("/oracles/profiles", authority=STEWARD)
async def define_profile(
    data: JSONBody[NewProfile],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> DefinitionAccepted:
    """Say what has to pass before a candidate counts as verified."""
    _require_no_waiver(data.integrity_conditions)
    definition = ProfileDefinition(
        profile_id=parse_profile_id(data.profile_id),
        name=data.name,
        description=data.description,
        required_suites=tuple(parse_suite_id(each) for each in data.required_suites),
        advisory_suites=tuple(parse_suite_id(each) for each in data.optional_suites),
        allow_with_exceptions=bool(data.waivable_failures),
        waivable_failures=tuple(data.waivable_failures),
        applicable_deliverables=tuple(data.applicable_deliverables),
        metadata=data.metadata,
    )
    command, events = await DefinitionBook(platform=platform).record(
        TypeKey.VERIFICATION_PROFILE,
        definition.profile_id,
        definition,
        turn=Turn.FIRST,
        asked=asked,
    )
    return accept(
        DefinitionAccepted,
        events,
        asked,
        config_id=command.config_id,
        type_key=command.type_key,
        name=command.name,
        content_hash=command.content_hash,
    )


@get("/oracles/profiles/{profile_id:str}", authority=ANYONE)
async def profile(
    profile_id: FromPath[str], platform: NamedDependency[Platform]
) -> ProfileView:
    """Return one verification profile, named with its prefix or without."""
    sought = canonical_profile_id(profile_id)
    return _profile_view(await DefinitionBook(platform=platform).profile(sought))


def _require_no_waiver(listed: list[IntegrityCondition] | None) -> None:
    """Raise if the list would suggest that some condition can be waived (C-OR-7)."""
    if listed and not set(listed) >= _NEVER_WAIVED:
        raise MalformedInput(
            field="integrity_conditions",
            found=[str(each) for each in listed],
            expected="all of them, as none can be waived, or leave the field out: "
            f"{', '.join(sorted(_NEVER_WAIVED))}",
        )


def _type(type_key: TypeKey) -> DefinitionType:
    if type_key in TEMPLATE_TYPES:
        return TEMPLATE_TYPES[type_key]
    raise MalformedInput(
        field="type_key",
        found=str(type_key),
        expected=f"a type of template: {', '.join(TEMPLATE_TYPES)}",
    )


def _name(kind: DefinitionType, definition: object, given: str | None) -> str:
    """Return the template's name: that in its content, or the one that was given."""
    inside = getattr(definition, kind.named_by) if kind.named_by else None
    name = inside or given
    if name is None or given not in {None, name}:
        raise MalformedInput(
            field="template_id", found=given, expected=inside or "a name for it"
        )
    return str(name)


async def _record(
    kind: DefinitionType,
    name: str,
    definition: object,
    turn: Turn,
    platform: Platform,
    asked: Asked,
) -> TemplateAccepted:
    command, events = await DefinitionBook(platform=platform).record(
        kind.type_key, name, definition, turn=turn, asked=asked
    )
    return accept(
        TemplateAccepted,
        events,
        asked,
        template_id=name,
        type_key=kind.type_key,
        content_hash=command.content_hash,
    )


def show_template(template: Template) -> TemplateView:
    """Return a template as it is told."""
    return TemplateView(
        template_id=template.template_id,
        type_key=template.type.type_key,
        category=template.type.category,
        is_starter=template.is_starter,
        requires_portal=template.type.requires_portal,
        revision=template.revision,
        content_hash=template.content_hash,
        content=dict(template.content),
    )


def _type_view(kind: DefinitionType) -> TypeView:
    return TypeView(
        type_key=kind.type_key,
        category=kind.category,
        name=kind.title,
        requires_portal=kind.requires_portal,
        content_schema=dict(kind.schema),
        starters=[each.template_id for each in starters_of(kind)],
    )


def _profile_view(definition: ProfileDefinition) -> ProfileView:
    return ProfileView(
        profile_id=definition.profile_id,
        name=definition.name,
        description=definition.description,
        profile_version=definition.profile_version,
        required_suites=[*definition.required_suites],
        optional_suites=[*definition.advisory_suites],
        allow_with_exceptions=definition.allow_with_exceptions,
        waivable_failures=plain(definition.waivable_failures),
        integrity_conditions=sorted(definition.non_waivable),
        applicable_deliverables=[*definition.applicable_deliverables],
        metadata=dict(definition.metadata),
        content_hash=hash_definition(definition),
        is_built_in=definition.profile_id in BUILT_IN,
    )


router = Router(
    path="",
    tags=["templates"],
    route_handlers=[
        templates,
        schemas,
        schema,
        create,
        read,
        revise,
        profiles,
        define_profile,
        profile,
    ],
)
