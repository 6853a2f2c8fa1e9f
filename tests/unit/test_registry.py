from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NewType

import pytest

from pytest_sr import registry as module
from pytest_sr.registry import (
    Duration,
    EventName,
    Form,
    Kind,
    RegistrationError,
    Registry,
    fields_of,
)

Decorator = Callable[[Callable[..., object]], Callable[..., object]]
LoopId = NewType("LoopId", str)


class Phase(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    part: Part
    loop: LoopId
    phase: Phase
    maybe: LoopId | None
    size: int | None
    trace: bytes
    parts: list[Part]
    anything: object


@dataclass
class Changing:
    x: int


@dataclass(frozen=True)
class Unreadable:
    x: "NowhereDefined"  # type: ignore[name-defined] # noqa: F821 # must not work


@dataclass(frozen=True)
class HoldsUnreadable:
    inner: Unreadable


@pytest.fixture
def steps() -> Registry:
    return Registry("step", gives_results=True, reserved=frozenset({"as"}))


class TestSpec:
    """The signature is the schema."""

    def test_says_what_the_function_says(self, steps: Registry):
        @steps.register("run.start")
        async def start(world: object, *, suite: str, times: int = 3) -> Result:
            """Start a run.

            And wait for it.

            Args:
                suite: which one
                times: how often

            Returns:
                what came of it

            """
            raise NotImplementedError

        spec = steps["run.start"]

        assert (spec.name, spec.summary) == ("run.start", "Start a run.")
        assert spec.returns is Result
        assert spec.function is start
        first, second = spec.parameters
        assert (first.name, first.required, first.doc) == ("suite", True, "which one")
        assert (second.required, second.default, second.doc) == (False, 3, "how often")

    @pytest.mark.parametrize(
        ("annotation", "kind"),
        [
            (str, Kind(form=Form.TEXT)),
            (int, Kind(form=Form.INTEGER)),
            (float, Kind(form=Form.NUMBER)),
            (bool, Kind(form=Form.FLAG)),
            (Duration, Kind(form=Form.DURATION)),
            (EventName, Kind(form=Form.EVENT)),
            (object, Kind(form=Form.ANY)),
            (Any, Kind(form=Form.ANY)),
            (tuple[str, ...], Kind(form=Form.TEXTS)),
            (Mapping[str, str], Kind(form=Form.TEXT_MAP)),
            (Mapping[str, object], Kind(form=Form.MAP)),
            (Mapping[str, Any], Kind(form=Form.MAP)),
            (Literal["a", "b"], Kind(form=Form.CHOICE, choices=("a", "b"))),
            (Literal[1, True], Kind(form=Form.CHOICE, choices=(1, True))),
        ],
    )
    def test_knows_each_kind(self, steps, annotation, kind):
        def take(world: object, *, value):
            """Take it."""

        take.__annotations__["value"] = annotation
        steps.register("take")(take)

        assert steps["take"].parameters[0].kind == kind

    def test_none_is_a_kind_of_its_own(self, steps: Registry):
        @steps.register("take")
        def take(world: object, *, value: Duration | None = None) -> None:
            """Take it."""

        assert steps["take"].parameters[0].kind == Kind(
            form=Form.DURATION, nullable=True
        )

    def test_a_keyword_of_python_is_a_key_like_any_other(self, steps: Registry):
        @steps.register("take")
        def take(world: object, *, from_: str) -> None:
            """Take it."""

        (parameter,) = steps["take"].parameters
        assert (parameter.name, parameter.key) == ("from_", "from")

    def test_a_context_manager_is_seen_through(self):
        faults = Registry("fault")

        @faults.register("net.cut")
        @asynccontextmanager
        async def cut(world: object, *, link: str) -> AsyncIterator[None]:
            """Cut a link."""
            del world, link
            yield

        assert faults["net.cut"].parameters[0].name == "link"
        assert faults["net.cut"].returns is None


class TestRefusedAtImport:
    """What no scenario could write is an error where it is written."""

    @pytest.mark.parametrize(
        "annotation",
        [
            *(bytes, list[str], tuple[str, str], tuple[int, ...], dict[str, str]),
            *(Mapping[str, int], str | int, str | int | None, LoopId, Phase, Part),
            *(Literal["a", None], set[str]),  # noqa: PYI061 - what must not work
        ],
    )
    def test_annotations(self, steps, annotation):
        def take(world: object, *, value):
            """Take it."""

        take.__annotations__["value"] = annotation

        with pytest.raises(RegistrationError, match=r"take.*value.*Annotate it with"):
            steps.register("take")(take)
        assert "take" not in steps

    def test_no_annotation(self, steps):
        def take(world: object, *, value):
            """Take it."""

        with pytest.raises(RegistrationError, match="Annotate it"):
            steps.register("take")(take)

    def test_none_without_its_default(self, steps):
        def take(world: object, *, value: str | None) -> None:
            """Take it."""

        with pytest.raises(RegistrationError, match="Give it the default None"):
            steps.register("take")(take)

    def test_a_second_positional(self, steps):
        def take(world: object, value: str) -> None:
            """Take it."""

        with pytest.raises(RegistrationError, match="is not keyword-only"):
            steps.register("take")(take)

    def test_a_bag_of_keywords(self, steps):
        def take(world: object, **values: str) -> None:
            """Take it."""

        with pytest.raises(RegistrationError, match="is not keyword-only"):
            steps.register("take")(take)

    def test_no_docstring(self, steps):
        def take(world: object) -> None:
            pass

        with pytest.raises(RegistrationError, match="no docstring"):
            steps.register("take")(take)

    def test_annotations_that_nobody_can_read(self, steps):
        def take(world: object) -> None:
            """Take it."""

        take.__annotations__["return"] = "NowhereDefined"

        with pytest.raises(RegistrationError, match="NowhereDefined"):
            steps.register("take")(take)

    @pytest.mark.parametrize("returned", [str, Changing, Result | None, list[Result]])
    def test_a_result_that_lookups_cannot_reach_into(self, steps, returned):
        def take(world: object):
            """Take it."""

        take.__annotations__["return"] = returned

        with pytest.raises(RegistrationError, match="Return a frozen dataclass"):
            steps.register("take")(take)

    def test_a_result_with_an_unreadable_part(self, steps):
        def take(world: object) -> HoldsUnreadable:
            """Take it."""
            raise NotImplementedError

        with pytest.raises(RegistrationError, match="annotations of Unreadable"):
            steps.register("take")(take)

    @pytest.mark.parametrize(
        "name", ["", "Run", "run.", ".run", "run start", "run/x", "1"]
    )
    def test_a_name_of_another_form(self, steps, name):
        with pytest.raises(RegistrationError, match="this is no name"):
            steps.register(name)(print)

    def test_a_name_that_files_have(self, steps):
        with pytest.raises(RegistrationError, match="files have that key"):
            steps.register("as")(print)

    def test_a_parameter_that_hides_a_key(self, steps):
        def take(world: object, *, as_: str) -> None:
            """Take it."""

        with pytest.raises(RegistrationError, match="hide the key `as`"):
            steps.register("take")(take)

    def test_a_name_that_is_taken(self, steps):
        def take(world: object) -> None:
            """Take it."""

        def other(world: object) -> None:
            """Take it otherwise."""

        steps.register("take")(take)

        with pytest.raises(RegistrationError, match="the name is taken"):
            steps.register("take")(other)
        assert steps["take"].function is take


class TestFieldsOf:
    """What `${name.field}` may reach, and of what kind it is."""

    def test_says_what_each_field_holds(self):
        assert fields_of(Result) == {
            "part": Part,
            "loop": Kind(form=Form.TEXT),
            "phase": Kind(form=Form.CHOICE, choices=("ACTIVE", "PAUSED")),
            "maybe": Kind(form=Form.TEXT, nullable=True),
            "size": Kind(form=Form.INTEGER, nullable=True),
            "trace": Kind(form=Form.OTHER),
            "parts": Kind(form=Form.OTHER),
            "anything": Kind(form=Form.ANY),
        }


class TestDecorators:
    """Each role has its registry, and a name is that of one thing in it."""

    @pytest.mark.parametrize(
        ("decorator", "role"),
        [
            (module.step, "steps"),
            (module.fault, "faults"),
            (module.check, "checks"),
            (module.mutant, "mutants"),
        ],
    )
    def test_enter_into_their_own(
        self, monkeypatch, decorator: Callable[[str], Decorator], role
    ):
        entered_in = getattr(module.REGISTRIES, role)
        monkeypatch.setattr(entered_in, "_specs", {})

        @decorator("under.test")
        def function(world: object) -> None:
            """Do nothing."""

        assert list(entered_in) == ["under.test"]
        assert len(entered_in) == 1

    @pytest.mark.parametrize(
        ("decorator", "name"),
        [
            (module.step, "heal"),
            (module.step, "as"),
            (module.fault, "at"),
            (module.check, "while"),
            (module.check, "within"),
        ],
    )
    def test_keep_the_keys_of_files_free(self, decorator, name):
        with pytest.raises(RegistrationError, match="files have that key"):
            decorator(name)(print)
