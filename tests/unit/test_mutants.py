"""Mutants come and go without a trace, and each has a claim that notices it."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.mutants.base import Patch, inside, mutated
from pytest_sr.parse import parse_file
from pytest_sr.registry import Registry, Spec
from pytest_sr.scenario import Scenario
from sr_core.application import facts
from sr_core.application.verification import Verification

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted((ROOT / "scenarios").rglob("*.scenario.yaml"))
MUTANTS = {
    name: spec
    for name, spec in CATALOGUE.mutants.items()
    if spec.function.__module__.startswith("pytest_sr.")
}


class Part:
    width = 1

    def area(self) -> int:
        return self.width

    @staticmethod
    def name() -> str:
        return "part"


def mutant_of(*patches: Any) -> Spec:
    def function() -> tuple[Patch, ...]:
        """Replace parts of a part."""
        return patches

    registry = Registry("mutant")
    registry.register("a.mutant")(function)
    return registry["a.mutant"]


WIDE = mutant_of(
    Patch(owner=Part, name="width", value=2),
    Patch(owner=Part, name="area", value=lambda _: 9),
    Patch(owner=Part, name="name", value=staticmethod(lambda: "other")),
)


class TestMutated:
    """ADR 0008: parts are replaced for a while, and put back as they were."""

    def test_all_is_replaced_in_the_block(self):
        with mutated(WIDE):
            assert (Part.width, Part().area(), Part.name()) == (2, 9, "other")

    def test_all_is_as_it_was_after_it(self):
        before = dict(vars(Part))

        with mutated(WIDE):
            pass

        assert dict(vars(Part)) == before

    def test_all_is_as_it_was_after_a_block_that_raised(self):
        before = dict(vars(Part))

        with pytest.raises(LookupError), mutated(WIDE):
            raise LookupError

        assert dict(vars(Part)) == before

    def test_a_part_replaced_twice_is_as_it_was(self):
        twice = mutant_of(
            Patch(owner=Part, name="width", value=2),
            Patch(owner=Part, name="width", value=3),
        )

        with mutated(twice):
            assert Part.width == 3

        assert Part.width == 1

    def test_no_mutant_replaces_nothing(self):
        before = dict(vars(Part))

        with mutated(None):
            assert dict(vars(Part)) == before

    def test_what_is_not_there_cannot_be_replaced_and_nothing_is(self):
        astray = mutant_of(
            Patch(owner=Part, name="width", value=2),
            Patch(owner=Part, name="height", value=2),
        )

        with pytest.raises(KeyError), mutated(astray):
            pass

        assert Part.width == 1

    @pytest.mark.parametrize("said", [None, [], ("width",)], ids=repr)
    def test_a_mutant_says_what_it_replaces(self, said):
        def function() -> object:
            """Say something else."""
            return said

        registry = Registry("mutant")
        registry.register("a.mutant")(function)

        with pytest.raises(AssertionError), mutated(registry["a.mutant"]):
            pass


class TestShipped:
    """Each mutant is a bug that a scenario notices, and leaves nothing behind."""

    @pytest.mark.parametrize("name", MUTANTS)
    def test_it_replaces_something_and_puts_it_back(self, name):
        # What is replaced is known by its place; each making of a mutant makes anew by
        # what.
        patched = MUTANTS[name].function()
        assert isinstance(patched, tuple)
        places = [(each.owner, each.name) for each in patched]
        before = [inside(*place) for place in places]

        with mutated(MUTANTS[name]):
            now = [inside(*place) for place in places]
            assert all(new is not old for new, old in zip(now, before, strict=True))

        after = [inside(*place) for place in places]
        assert places
        assert all(new is old for new, old in zip(after, before, strict=True))

    @pytest.mark.parametrize("name", MUTANTS)
    def test_it_says_what_bug_it_is(self, name):
        assert inspect.getdoc(MUTANTS[name].function)
        assert MUTANTS[name].summary.endswith(".")

    @pytest.mark.parametrize(
        ("name", "owner", "method"),
        [
            ("shippable.skips-gate", Verification, "shippable"),
            ("verification.skips-evidence", Verification, "verify"),
        ],
    )
    async def test_what_it_replaces_for_one_call_is_put_back_when_that_fails(
        self, name, owner, method
    ):
        gates = [inside(Verification, each) for each in ("gate", "ruling")]
        read = inside(facts, "read_bundle")

        with mutated(MUTANTS[name]):
            with pytest.raises(TypeError):
                await getattr(owner, method)(object())

            assert [inside(Verification, each) for each in ("gate", "ruling")] == gates
            assert inside(facts, "read_bundle") is read


def is_called_as(original: object, value: object) -> bool:
    """Whether `value` can be called in every way that `original` says."""
    plain: list[Any] = [getattr(each, "__func__", each) for each in (original, value)]
    if not all(map(callable, plain)):
        return not any(map(callable, plain))
    asked = inspect.signature(plain[0]).parameters.values()
    named = {each.name: each for each in asked if each.kind is each.KEYWORD_ONLY}
    placed = [
        each
        for each in asked
        if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}
    ]
    try:
        inspect.signature(plain[1]).bind(*placed, **named)
    except TypeError:
        return False
    return True


class TestWays:
    """A mutant is called as what it replaces is, so that it breaks that and no more."""

    @pytest.mark.parametrize("name", MUTANTS)
    def test_each_takes_what_was_taken(self, name):
        patches: Any = MUTANTS[name].function()
        for each in patches:
            original = inside(each.owner, each.name)

            assert is_called_as(original, each.value), each.name

    def test_one_that_does_not_is_found(self):
        def original(part: object, *, because: str) -> None: ...

        def silent(*_: object) -> None: ...

        assert not is_called_as(original, silent)
        assert not is_called_as(original, "text")
        assert is_called_as(original, original)


@pytest.fixture(scope="module")
def shipped() -> list[Scenario]:
    """Every scenario that is shipped."""
    return [parse_file(each, CATALOGUE, shown_as=each.name) for each in SCENARIOS]


class TestControls:
    """Mutants and the controls of the shipped scenarios fit each other."""

    def test_every_mutant_is_used_by_a_control(self, shipped):
        used = {each.mutant for scenario in shipped for each in scenario.controls}

        assert MUTANTS.keys() - used == set()

    def test_every_control_names_a_registered_mutant_or_removes_the_fault(
        self, shipped
    ):
        for scenario in shipped:
            for each in scenario.controls:
                assert each.removes_fault == (each.mutant is None)
                assert each.mutant is None or each.mutant in MUTANTS

    def test_there_are_scenarios(self, shipped):
        assert len(shipped) >= 4
