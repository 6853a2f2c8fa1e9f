"""How a mutant is made: inner parts of the platform replaced from outside, for a while.

A mutant is a function that says which attributes to replace by what. The runtime has no
switch for it, and nothing of it is left afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pytest_sr.registry import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One attribute of a module or class, and what stands in its place."""

    owner: object
    name: str
    value: object


def inside(owner: object, name: str) -> Any:  # noqa: ANN401 - it may be anything
    """Return what stands in a module or class under `name`, private or not."""
    return vars(owner)[name]


@contextmanager
def mutated(spec: Spec | None) -> Iterator[None]:
    """Put the mutant into the platform, and take it out when the block ends."""
    patches = _patches(spec) if spec is not None else ()
    originals = [(each, inside(each.owner, each.name)) for each in patches]
    try:
        for each in patches:
            setattr(each.owner, each.name, each.value)
        yield
    finally:
        for each, original in reversed(originals):
            setattr(each.owner, each.name, original)


def _patches(spec: Spec) -> Sequence[Patch]:
    patches = spec.function()
    assert isinstance(patches, tuple), f"{spec.name} says what it replaces"
    assert all(isinstance(each, Patch) for each in patches), "and by what"
    return patches
