"""What scenarios may name: steps, faults, checks and mutants, each a typed function.

    @step("candidate.verify")
    async def verify(world: World, *, candidate: str, within: Duration = ...) -> Answer:
        '''Ask for the verification of a candidate.'''

The signature is the schema: the first parameter is given by whoever calls, each of
the keyword-only ones after it is a key in YAML, and the fields of what a step returns
are what `${name.field}` may reach. What no scenario could write is refused at import.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import (
    Any,
    Final,
    Literal,
    NewType,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

Duration = NewType("Duration", float)
"""Seconds; `10s`, `500ms` or `2m` in YAML."""

EventName = NewType("EventName", str)
"""CamelCase, such as `RunCompleted`."""

F = TypeVar("F", bound=Callable[..., object])

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*", re.ASCII)
_ARGUMENT_DOC: Final = re.compile(r"\s+(\w+): +(\S.*)")


class RegistrationError(Exception):
    """A function that cannot be offered to scenarios; raised at import."""

    def __init__(self, subject: str, found: str, *, remedy: str) -> None:
        super().__init__(f"{subject}: {found}. {remedy}.")


class Form(StrEnum):
    """What a value may look like, in the words of its messages."""

    TEXT = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    DURATION = "a duration such as 10s"
    EVENT = "an event such as RunCompleted"
    CHOICE = "one of a few words"
    TEXTS = "a list of texts"
    TEXT_MAP = "a map of texts"
    MAP = "a map"
    ANY = "any value"
    OTHER = "a value that no scenario can write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a parameter takes, or a field holds."""

    form: Form
    choices: tuple[str | int | bool, ...] = ()
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument that a scenario may give."""

    name: str
    """As in Python; see `key`."""
    kind: Kind
    required: bool
    default: object
    """None where it is required."""
    doc: str

    @property
    def key(self) -> str:
        """As in YAML: `from` for the parameter `from_`."""
        return self.name.removesuffix("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What is known of one registered function."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    returns: type | None
    """The frozen dataclass that a step gives; None for all else."""
    function: Callable[..., object]


class Registry(Mapping[str, Spec]):
    """Named functions of one role; a name is given once."""

    def __init__(
        self,
        role: str,
        *,
        gives_results: bool = False,
        reserved: frozenset[str] = frozenset(),
    ) -> None:
        self.role = role
        self._gives_results = gives_results
        self._reserved = reserved
        self._specs: dict[str, Spec] = {}

    def register(self, name: str) -> Callable[[F], F]:
        """Return the decorator that enters a function under `name`.

        It raises `RegistrationError`, and enters nothing, if no scenario could write it.
        """

        def enter(function: F) -> F:
            self._check_name(name)
            self._specs[name] = self._spec(name, function)
            return function

        return enter

    def __getitem__(self, name: str) -> Spec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def _check_name(self, name: str) -> None:
        reasons = (
            (not _NAME.fullmatch(name), "this is no name", "Write it like `run.start`"),
            (name in self._reserved, "files have that key", "Take another name"),
            (name in self._specs, "the name is taken", "Take another, or remove one"),
        )
        subject = f"{self.role} {name!r}"
        for is_so, found, remedy in reasons:
            if is_so:
                raise RegistrationError(subject, found, remedy=remedy)

    def _spec(self, name: str, function: Callable[..., object]) -> Spec:
        subject = (
            f"{self.role} {name!r} ({function.__module__}.{function.__qualname__})"
        )
        hints = _hints(subject, function)
        return Spec(
            name=name,
            summary=_summary(subject, function),
            parameters=tuple(self._parameters(subject, function, hints)),
            returns=_returns(subject, hints) if self._gives_results else None,
            function=function,
        )

    def _parameters(
        self, subject: str, function: Callable[..., object], hints: Mapping[str, object]
    ) -> Iterator[Parameter]:
        docs = _argument_docs(function)
        for each in _offered(subject, function):
            parameter = _parameter(subject, each, hints, docs.get(each.name, ""))
            if parameter.key in self._reserved:
                raise RegistrationError(
                    subject,
                    f"the parameter `{each}` would hide the key `{parameter.key}`",
                    remedy="Take another name for the parameter",
                )
            yield parameter


STEPS: Final = Registry("step", gives_results=True, reserved=frozenset({"as", "heal"}))
FAULTS: Final = Registry("fault", reserved=frozenset({"at", "landed"}))
CHECKS: Final = Registry("check", reserved=frozenset({"within", "after", "while"}))
MUTANTS: Final = Registry("mutant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """All that a scenario may name."""

    steps: Registry
    faults: Registry
    checks: Registry
    mutants: Registry


REGISTRIES: Final = Registries(
    steps=STEPS, faults=FAULTS, checks=CHECKS, mutants=MUTANTS
)


def step(name: str) -> Callable[[F], F]:
    """Offer a function as the step `name` of `given` and `when`."""
    return STEPS.register(name)


def fault(name: str) -> Callable[[F], F]:
    """Offer a function as the kind of fault `name`."""
    return FAULTS.register(name)


def check(name: str) -> Callable[[F], F]:
    """Offer a function as the check `name` of `then` and `always`."""
    return CHECKS.register(name)


def mutant(name: str) -> Callable[[F], F]:
    """Offer a function as the mutant `name`; its docstring says what it patches."""
    return MUTANTS.register(name)


Reached: TypeAlias = Kind | type
"""What a lookup gives: a value of a kind, or a dataclass to look into."""


def fields_of(result: type) -> Mapping[str, Reached]:
    """Return what each field of the dataclass `result` holds."""
    hints = get_type_hints(result)
    return {each.name: _reached(hints[each.name]) for each in fields(result)}


def _reached(annotation: object) -> Reached:
    if isinstance(annotation, type) and is_dataclass(annotation):
        return annotation
    return _kind(annotation) or _kind_of_field(annotation) or Kind(form=Form.OTHER)


# What an annotation says. A parameter has to be of a kind that YAML can write; a field
# may hold anything, and what YAML could not write is only passed on whole.

_PLAIN: Final[Mapping[object, Form]] = {
    str: Form.TEXT,
    int: Form.INTEGER,
    float: Form.NUMBER,
    bool: Form.FLAG,
    Duration: Form.DURATION,
    EventName: Form.EVENT,
    object: Form.ANY,
    Any: Form.ANY,
}
_GENERIC: Final[Mapping[tuple[object, ...], Form]] = {
    (tuple, str, ...): Form.TEXTS,
    (Mapping, str, str): Form.TEXT_MAP,
    (Mapping, str, object): Form.MAP,
    (Mapping, str, Any): Form.MAP,
}
_UNIONS: Final = (Union, types.UnionType)
_ALLOWED: Final = """str, int, bool, float, Duration, EventName, Literal[...], \
tuple[str, ...], Mapping[str, str], Mapping[str, object], object, or one `| None`"""


def _kind(annotation: object) -> Kind | None:
    """Return the kind that a parameter of `annotation` takes; None if none can."""
    for plain, form in _PLAIN.items():
        if annotation is plain:
            return Kind(form=form)
    origin = get_origin(annotation)  # Mapping's is the one of collections.abc
    if origin is Literal:
        return _choice(get_args(annotation))
    if origin in _UNIONS:
        return _nullable(annotation, _kind)
    generic = _GENERIC.get((origin, *get_args(annotation)))
    return Kind(form=generic) if generic else None


def _kind_of_field(annotation: object) -> Kind | None:
    """Return the kind of a field that no parameter could be annotated with."""
    if isinstance(annotation, NewType):
        return _kind(annotation.__supertype__)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _choice(tuple(str(each) for each in annotation))
    if get_origin(annotation) in _UNIONS:
        return _nullable(annotation, _kind_of_field)
    return None


def _nullable(annotation: object, kind: Callable[[object], Kind | None]) -> Kind | None:
    inner = [each for each in get_args(annotation) if each is not types.NoneType]
    found = kind(inner[0]) if len(inner) == 1 else None
    return replace(found, nullable=True) if found else None


def _choice(choices: tuple[object, ...]) -> Kind | None:
    plain = tuple(each for each in choices if isinstance(each, str | int))
    if len(plain) != len(choices):
        return None
    return Kind(form=Form.CHOICE, choices=plain)


# Signatures and docstrings.


def _hints(subject: str, annotated: Callable[..., object]) -> dict[str, object]:
    try:
        return get_type_hints(annotated)
    except (NameError, TypeError, AttributeError) as error:
        raise RegistrationError(
            subject,
            f"the annotations of {annotated.__qualname__} cannot be read: {error}",
            remedy="Define at the top of a module what they name",
        ) from error


def _summary(subject: str, function: Callable[..., object]) -> str:
    doc = inspect.getdoc(function)
    if not doc:
        raise RegistrationError(
            subject, "it has no docstring", remedy="Say in a line what it does"
        )
    return doc.partition("\n")[0]


def _argument_docs(function: Callable[..., object]) -> dict[str, str]:
    """Return what the docstring's `Args:` section says of each argument."""
    section = (inspect.getdoc(function) or "").partition("\nArgs:\n")[2]
    lines = section.partition("\n\n")[0].splitlines()
    found = filter(None, map(_ARGUMENT_DOC.fullmatch, lines))
    return {each[1]: each[2] for each in found}


def _offered(
    subject: str, function: Callable[..., object]
) -> Iterator[inspect.Parameter]:
    """Yield the keyword-only parameters; nothing else may follow the first."""
    for at, each in enumerate(inspect.signature(function).parameters.values()):
        if each.kind is each.KEYWORD_ONLY:
            yield each
        elif at > 0 or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            raise RegistrationError(
                subject,
                f"the parameter `{each}` is not keyword-only",
                remedy="Put a `*` after the first parameter",
            )


def _parameter(
    subject: str, given: inspect.Parameter, hints: Mapping[str, object], doc: str
) -> Parameter:
    kind = _kind(hints[given.name]) if given.name in hints else None
    if kind is None:
        raise RegistrationError(
            subject,
            f"no scenario can write the parameter `{given}`",
            remedy=f"Annotate it with {_ALLOWED}",
        )
    required = given.default is given.empty
    if kind.nullable and given.default is not None:
        raise RegistrationError(
            subject,
            f"the parameter `{given}` may be None and has another default, or none",
            remedy="Give it the default None",
        )
    return Parameter(
        name=given.name,
        kind=kind,
        required=required,
        default=None if required else given.default,
        doc=doc,
    )


def _returns(subject: str, hints: Mapping[str, object]) -> type | None:
    returned = hints.get("return", types.NoneType)
    if returned is types.NoneType:
        return None
    if not _is_frozen(returned):
        raise RegistrationError(
            subject,
            f"it returns {returned}, whose fields no scenario can reach",
            remedy="Return a frozen dataclass, or None",
        )
    assert isinstance(returned, type)
    _check_fields(subject, returned, seen=set())
    return returned


def _is_frozen(candidate: object) -> bool:
    frozen = getattr(getattr(candidate, "__dataclass_params__", None), "frozen", False)
    return isinstance(candidate, type) and frozen is True


def _check_fields(subject: str, result: type, *, seen: set[type]) -> None:
    """Walk the nested results, so that no lookup finds one it cannot read."""
    seen.add(result)
    for hint in _hints(subject, result).values():
        if isinstance(hint, type) and is_dataclass(hint) and hint not in seen:
            _check_fields(subject, hint, seen=seen)
