"""The intake: what is to be made of one piece of work, fixed by its hash.

    draft --activate--> active --archive--> archived
      |  ^                 |                   |
      |  +-------fork------+-------fork--------+
      +--update

A draft is edited; from its activation on an intake's content is what its hash says. A
change after that is a fork: a new draft, one version higher, that supersedes its source.

Clauses: SPEC 4.7 (phases), SPEC 7.10 (content), SPEC 1.2 (hash).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import reduce
from types import MappingProxyType
from typing import Any, Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.bounds import (
    require_count,
    require_distinct,
    require_line,
    require_path,
    require_prose,
)
from sr_core.domain.errors import AuthorityRequired, TransitionRefused
from sr_core.domain.ids import IntakeId, WorkUnitId, parse_staged_unit_id
from sr_core.domain.ref_builders import NO_REFS, intake_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.work_errors import IntakeTaken

ENTRIES_MAX: Final = 100
"""How many of each there may be: deliverables, constraints, inputs and so on."""


class WorkKind(StrEnum):
    """What kind of work it is; a procedure template says which kinds it fits."""

    ANALYSIS_REPORT = "analysis_report"
    CUSTOM = "custom"
    DECISION_RECORD = "decision_record"
    DESIGN_DOCUMENT = "design_document"
    IMPLEMENTATION_PLAN = "implementation_plan"
    INTAKE_PROCESSING = "intake_processing"
    ONTOLOGY_BUILD = "ontology_build"
    RESEARCH_MEMO = "research_memo"
    REVIEW_RESPONSE = "review_response"
    TECHNICAL_SPEC = "technical_spec"


class IntakePhase(StrEnum):
    """Where an intake stands (SPEC 4.7)."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable:
    """One thing that the work is to leave, and where."""

    name: str
    format: str
    path: str
    description: str | None = None

    def __post_init__(self) -> None:
        require_line(self.name, field="deliverables.name")
        require_line(self.format, field="deliverables.format")
        require_path(self.path, field="deliverables.path")
        if self.description is not None:
            require_prose(self.description, field="deliverables.description")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeContent:
    """All that an intake says of the work; the intake's hash covers every field."""

    work_unit_id: WorkUnitId
    title: str
    kind: WorkKind
    objective: str
    """One sentence."""
    audience: str
    deliverables: tuple[Deliverable, ...] = ()
    constraints: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Ref, ...] = ()
    unknowns: tuple[str, ...] = ()
    completion_criteria: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parse_staged_unit_id(self.work_unit_id)
        for name in ("title", "objective", "audience"):
            require_line(getattr(self, name), field=name)
        for name in ("deliverables", "definitions", "inputs"):
            require_count(getattr(self, name), field=name, most=ENTRIES_MAX)
        for name in ("constraints", "unknowns", "completion_criteria"):
            require_count(getattr(self, name), field=name, most=ENTRIES_MAX)
            for each in getattr(self, name):
                require_prose(each, field=name)
        for term, meaning in self.definitions.items():
            require_line(term, field="definitions")
            require_prose(meaning, field=f"definitions.{term}")
        require_distinct(
            [each.path for each in self.deliverables], field="deliverables.path"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeChanges:
    """New values of an intake's fields; None leaves a field as it is."""

    work_unit_id: WorkUnitId | None = None
    title: str | None = None
    kind: WorkKind | None = None
    objective: str | None = None
    audience: str | None = None
    deliverables: tuple[Deliverable, ...] | None = None
    constraints: tuple[str, ...] | None = None
    definitions: Mapping[str, str] | None = None
    inputs: tuple[Ref, ...] | None = None
    unknowns: tuple[str, ...] | None = None
    completion_criteria: tuple[str, ...] | None = None

    def upon(self, content: IntakeContent) -> IntakeContent:
        """Return `content` with these values in it, or raise `MalformedInput`."""
        return replace(content, **self.given())

    def given(self) -> dict[str, Any]:
        """Return the fields that change, by name."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the events so far say of one intake."""

    intake_id: IntakeId
    content: IntakeContent
    phase: IntakePhase = IntakePhase.DRAFT
    version: int = 1
    supersedes: IntakeId | None = None
    content_hash: ContentHash | None = None
    """Set at activation, and never changed."""


# Commands: what someone asks for.


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIntake:
    """Draft what is to be made."""

    by: Actor
    intake_id: IntakeId
    content: IntakeContent


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkIntake:
    """Draft the next version of an intake that is fixed."""

    by: Actor
    intake_id: IntakeId
    source: Intake


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateIntake:
    """Edit a draft."""

    by: Actor
    changes: IntakeChanges


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateIntake:
    """Fix the content under its hash, so that work can be bound to it.

    `content_hash` is that of the content as it stands; `taken_by` is another active
    intake with the same content, if there is one.
    """

    by: Actor
    content_hash: ContentHash
    taken_by: IntakeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveIntake:
    """Take the intake out of use, for good."""

    by: Actor
    reason: str | None = None


IntakeCommand: TypeAlias = (
    CreateIntake | ForkIntake | UpdateIntake | ActivateIntake | ArchiveIntake
)


# Events: what has happened.


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeCreated:
    """A draft was begun."""

    intake_id: IntakeId
    content: IntakeContent

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What the intake takes in."""
        return self.content.inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeUpdated:
    """A draft was edited."""

    intake_id: IntakeId
    changes: IntakeChanges

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What the intake takes in now, where that changed."""
        return self.changes.inputs or NO_REFS


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeActivated:
    """The content was fixed.

    The content is JSON, so its hash is that of its canonical form; both are said, as
    readers of either name look for them (SPEC 1.2).
    """

    intake_id: IntakeId
    content_hash: ContentHash
    canonical_json_hash: ContentHash

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The intake, pinned by its hash."""
        return (intake_ref(self.intake_id, self.content_hash, RefRelation.ABOUT),)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeArchived:
    """The intake was taken out of use."""

    intake_id: IntakeId
    reason: str | None

    refs = NO_REFS


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeForked:
    """A draft of the next version was begun; it starts from its source's content."""

    intake_id: IntakeId
    source_intake_id: IntakeId
    source_content_hash: ContentHash
    version: int
    content: IntakeContent

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The source, which it supersedes, and what the intake takes in."""
        source = intake_ref(
            self.source_intake_id, self.source_content_hash, RefRelation.SUPERSEDES
        )
        return (source, *self.content.inputs)


IntakeEvent: TypeAlias = (
    IntakeCreated | IntakeUpdated | IntakeActivated | IntakeArchived | IntakeForked
)


# The rules.

_ALLOWED: Final[Mapping[IntakePhase, frozenset[type[IntakeCommand]]]] = (
    MappingProxyType(
        {
            IntakePhase.DRAFT: frozenset({UpdateIntake, ActivateIntake}),
            IntakePhase.ACTIVE: frozenset({ArchiveIntake, ForkIntake}),
            IntakePhase.ARCHIVED: frozenset({ForkIntake}),
        }
    )
)
assert _ALLOWED.keys() == set(IntakePhase), "every phase says what it allows"


def decide(intake: Intake | None, command: IntakeCommand) -> tuple[IntakeEvent, ...]:
    """Return the events that `command` leads to; `intake` is None before the first.

    Raises:
        TransitionRefused: the intake's phase does not allow the command.
        AuthorityRequired: an agent would fix content or take it out of use.
        IntakeTaken: another active intake has the same content.
        MalformedInput: the content is not one that an intake may have.

    """
    if isinstance(command, CreateIntake):
        _require_new(intake, command)
        return (IntakeCreated(intake_id=command.intake_id, content=command.content),)
    if isinstance(command, ForkIntake):
        _require_new(intake, command)
        return _fork(command)
    _authorise(command)
    intake = _in_allowed_phase(intake, command)
    match command:
        case UpdateIntake():
            return _update(intake, command)
        case ActivateIntake():
            return _activate(intake, command)
        case ArchiveIntake(reason=reason):
            if reason is not None:
                require_prose(reason, field="reason")
            return (IntakeArchived(intake_id=intake.intake_id, reason=reason),)
        case _:
            assert_never(command)


def evolve(intake: Intake | None, event: IntakeEvent) -> Intake:
    """Fold one event into the state. Never refuses: what is recorded has happened."""
    if isinstance(event, IntakeCreated | IntakeForked):
        assert intake is None, "an intake begins once"
        return _begun(event)
    assert intake is not None, "every other event follows the beginning"
    match event:
        case IntakeUpdated(changes=changes):
            return replace(intake, content=changes.upon(intake.content))
        case IntakeActivated(content_hash=content_hash):
            return replace(intake, phase=IntakePhase.ACTIVE, content_hash=content_hash)
        case IntakeArchived():
            return replace(intake, phase=IntakePhase.ARCHIVED)
        case _:
            assert_never(event)


def fold(events: Iterable[IntakeEvent], onto: Intake | None = None) -> Intake | None:
    """Return the intake after `events`, in order."""
    return reduce(evolve, events, onto)


def _begun(event: IntakeCreated | IntakeForked) -> Intake:
    if isinstance(event, IntakeCreated):
        return Intake(intake_id=event.intake_id, content=event.content)
    return Intake(
        intake_id=event.intake_id,
        content=event.content,
        version=event.version,
        supersedes=event.source_intake_id,
    )


def _authorise(command: UpdateIntake | ActivateIntake | ArchiveIntake) -> None:
    """Let agents draft, and keep what binds others from them (C-TB-2)."""
    if command.by.kind is ActorKind.AGENT and not isinstance(command, UpdateIntake):
        raise AuthorityRequired(
            action=type(command).__name__,
            required="a HUMAN or the SYSTEM",
            actor=str(command.by),
        )


def _require_new(intake: Intake | None, command: IntakeCommand) -> None:
    if intake is not None:
        raise _refusal(intake, command)


def _in_allowed_phase(intake: Intake | None, command: IntakeCommand) -> Intake:
    if intake is not None and type(command) in _ALLOWED[intake.phase]:
        return intake
    raise _refusal(intake, command)


def _refusal(intake: Intake | None, command: IntakeCommand) -> TransitionRefused:
    allowed = _ALLOWED[intake.phase] if intake else {CreateIntake}
    return TransitionRefused(
        subject=intake.intake_id if intake else "the intake",
        phase=intake.phase if intake else "not yet created",
        attempted=type(command).__name__,
        allowed={each.__name__ for each in allowed},
    )


def _fork(command: ForkIntake) -> tuple[IntakeForked]:
    source = _in_allowed_phase(command.source, command)
    assert source.content_hash is not None, "what is no draft has its hash"
    return (
        IntakeForked(
            intake_id=command.intake_id,
            source_intake_id=source.intake_id,
            source_content_hash=source.content_hash,
            version=source.version + 1,
            content=source.content,
        ),
    )


def _update(intake: Intake, command: UpdateIntake) -> tuple[IntakeUpdated, ...]:
    """Return the edit; values that the draft has already change nothing."""
    command.changes.upon(intake.content)
    changed = {
        name: value
        for name, value in command.changes.given().items()
        if value != getattr(intake.content, name)
    }
    if not changed:
        return ()
    unchanged = {each.name for each in fields(IntakeChanges)} - changed.keys()
    only = replace(command.changes, **dict.fromkeys(unchanged))
    return (IntakeUpdated(intake_id=intake.intake_id, changes=only),)


def _activate(intake: Intake, command: ActivateIntake) -> tuple[IntakeActivated]:
    if command.taken_by is not None:
        raise IntakeTaken(intake_id=command.taken_by, content_hash=command.content_hash)
    return (
        IntakeActivated(
            intake_id=intake.intake_id,
            content_hash=command.content_hash,
            canonical_json_hash=command.content_hash,
        ),
    )
