"""The context of an iteration: all of its inputs, pinned, and nothing else (C-CTX-1).

There is one builder for every way in which an iteration starts. It is given what each
input is said to be and what was found when it was looked up. It answers with the refs
of `IterationStarted`, or names everything that keeps them from being complete.

Clauses: SPEC 8.1, C-CTX-1, C-CTX-2, C-EXC-2; gate G-CTX-ADMISSIBLE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sr_core.domain.errors import ContextInadmissible
from sr_core.domain.ids import LoopId
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.domain.type_keys import (
    AGENT_DEFINITION,
    ELIGIBILITY_SNAPSHOT,
    GATING_POLICY,
    PLAN_INSTANCE,
)


class Category(StrEnum):
    """What an input is to the iteration; the order is that of the refs."""

    LOOP = "loop"
    GOVERNED_DOCUMENT = "governed document"
    PRIOR_ITERATION = "prior iteration"
    BASE_CANDIDATE = "base candidate"
    ORACLE_SUITE = "oracle suite"
    EXCEPTION = "active exception"
    RECORD = "note"
    AGENT_DEFINITION = "agent definition"
    GATING_POLICY = "gating policy"
    INTAKE = "intake"
    PROCEDURE_TEMPLATE = "procedure template"
    PLAN = "plan"
    ELIGIBILITY = "eligibility snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input: what is said of it, and what it was when it was looked up.

    `found` is the part of its meta that whoever holds it answers for; None, if nothing
    is there.
    """

    ref: Ref
    found: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFacts:
    """All that a context is built from.

    `due` names, by category, what has to be among the inputs. A category that is always
    due needs an input even if nothing is named.
    """

    loop_id: LoopId
    asked_for: tuple[Ref, ...] = ()
    """Refs that whoever starts the iteration gave: each has to be among the inputs."""
    inputs: Mapping[Category, tuple[Input, ...]]
    due: Mapping[Category, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What the refs of a category look like."""

    kinds: frozenset[RefKind]
    rel: RefRelation = RefRelation.DEPENDS_ON
    pins: tuple[str, ...] = ()
    type_key: str | None = None
    is_always_due: bool = False


_ARTIFACT: Final = frozenset({RefKind.GOVERNED_ARTIFACT})
_RECORD: Final = frozenset({RefKind.RECORD})
_ARTIFACT_PINS: Final = ("content_hash", "version", "type_key")
_RECORD_PINS: Final = ("content_hash", "type_key")

_RULES: Final[Mapping[Category, _Rule]] = MappingProxyType(
    {
        Category.LOOP: _Rule(
            kinds=frozenset({RefKind.LOOP}),
            rel=RefRelation.IN_SCOPE_OF,
            is_always_due=True,
        ),
        Category.GOVERNED_DOCUMENT: _Rule(
            kinds=_ARTIFACT, pins=_ARTIFACT_PINS, is_always_due=True
        ),
        Category.PRIOR_ITERATION: _Rule(
            kinds=frozenset({RefKind.ITERATION}), pins=("content_hash",)
        ),
        Category.BASE_CANDIDATE: _Rule(
            kinds=frozenset({RefKind.CANDIDATE}), pins=("content_hash",)
        ),
        Category.ORACLE_SUITE: _Rule(
            kinds=frozenset({RefKind.ORACLE_SUITE}),
            pins=("content_hash", "suite_hash"),
            is_always_due=True,
        ),
        Category.EXCEPTION: _Rule(
            kinds=frozenset({RefKind.DEVIATION, RefKind.DEFERRAL, RefKind.WAIVER}),
            pins=("scope", "expires_at"),
        ),
        Category.RECORD: _Rule(kinds=_RECORD, pins=_RECORD_PINS),
        Category.AGENT_DEFINITION: _Rule(
            kinds=_ARTIFACT,
            rel=RefRelation.SUPPORTED_BY,
            pins=_ARTIFACT_PINS,
            type_key=AGENT_DEFINITION,
            is_always_due=True,
        ),
        Category.GATING_POLICY: _Rule(
            kinds=_ARTIFACT,
            rel=RefRelation.SUPPORTED_BY,
            pins=_ARTIFACT_PINS,
            type_key=GATING_POLICY,
            is_always_due=True,
        ),
        Category.INTAKE: _Rule(
            kinds=frozenset({RefKind.INTAKE}), pins=("content_hash",)
        ),
        Category.PROCEDURE_TEMPLATE: _Rule(
            kinds=frozenset({RefKind.PROCEDURE_TEMPLATE}),
            pins=("content_hash", "current_stage_id"),
        ),
        Category.PLAN: _Rule(kinds=_RECORD, pins=_RECORD_PINS, type_key=PLAN_INSTANCE),
        Category.ELIGIBILITY: _Rule(
            kinds=_RECORD,
            rel=RefRelation.SUPPORTED_BY,
            pins=_RECORD_PINS,
            type_key=ELIGIBILITY_SNAPSHOT,
        ),
    }
)
assert _RULES.keys() == set(Category), "every category says what its refs look like"


def build_context(facts: ContextFacts) -> tuple[Ref, ...]:
    """Return the refs of the iteration, by category and within it by identifier.

    Raises:
        ContextInadmissible: an input is missing, not pinned, not to be found, other
            than it is said to be, or related in the wrong way. All of them are named.

    """
    refs = tuple(
        each.ref
        for category in Category
        for each in _ordered(facts.inputs.get(category, ()))
    )
    problems = [
        problem for category in Category for problem in _problems(category, facts)
    ]
    problems += _ghosts(facts.asked_for, refs)
    if problems:
        raise ContextInadmissible(loop_id=facts.loop_id, problems=problems)
    return refs


def _ordered(inputs: Iterable[Input]) -> Sequence[Input]:
    return sorted(inputs, key=lambda each: (each.ref.kind, each.ref.id))


def _ghosts(asked_for: Iterable[Ref], refs: Iterable[Ref]) -> Iterator[str]:
    """Yield which refs were asked for and are not among the inputs (C-CTX-2)."""
    known = {(each.kind, each.id, each.rel): each for each in refs}
    for each in asked_for:
        own = known.get((each.kind, each.id, each.rel))
        name = f"{each.kind} {each.id}, asked for as {each.rel},"
        if own is None:
            yield f"{name} is no input of it"
        elif other := sorted(each.meta.items() - own.meta.items()):
            said, value = other[0]
            yield f"{name} has {said} {own.meta.get(said, 'none')}, not {value}"


def _problems(category: Category, facts: ContextFacts) -> Iterator[str]:
    rule = _RULES[category]
    inputs = facts.inputs.get(category, ())
    names = [each.ref.id for each in inputs]
    missing = facts.due.get(category, frozenset()) - set(names)
    for name in sorted(missing):
        yield f"{category} {name} is missing"
    if rule.is_always_due and not inputs and not missing:
        yield f"{category} is missing"
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield f"{category} {name} is there twice"
    for each in _ordered(inputs):
        for problem in _faults(each, rule):
            yield f"{category} {each.ref.id} {problem}"


def _faults(given: Input, rule: _Rule) -> Iterator[str]:
    """Yield what is wrong with one input."""
    ref = given.ref
    if ref.kind not in rule.kinds:
        yield f"is a {ref.kind}, not a {' or '.join(sorted(rule.kinds))}"
    if ref.rel is not rule.rel:
        yield f"is related by {ref.rel}, not by {rule.rel}"
    if rule.type_key is not None and ref.meta.get("type_key") != rule.type_key:
        yield f"is of type {ref.meta.get('type_key')}, not {rule.type_key}"
    unpinned = [name for name in rule.pins if not ref.meta.get(name)]
    if unpinned:
        yield f"is not pinned: it has no {', '.join(unpinned)}"
    yield from _differences(given, rule)


def _differences(given: Input, rule: _Rule) -> Iterator[str]:
    """Yield where what was found is not what is said; every pin has to be answered for."""
    if given.found is None:
        yield "cannot be found where it is said to be"
        return
    for name in (*rule.pins, *sorted(given.ref.meta.keys() - set(rule.pins))):
        said = given.ref.meta.get(name)
        found = given.found.get(name)
        if said and found != said:
            yield f"is pinned to {name} {said}, and has {found or 'none'}"
