"""Bugs in what iterations start from: inputs left out, not pinned, not looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.application import context as contexts
from sr_core.application import loops
from sr_core.application.context import documents, exceptions, own, staged
from sr_core.application.governed import Governed
from sr_core.domain import context as rules
from sr_core.domain import governed_artifact
from sr_core.domain.refs import Ref


@mutant("context.drops-exceptions")
def context_drops_exceptions() -> tuple[Patch, ...]:
    """Active exceptions are not among what an iteration starts from."""
    return _without(exceptions.active)


@mutant("context.keeps-exceptions")
def context_keeps_exceptions() -> tuple[Patch, ...]:
    """Exceptions that are not active any more are among them still."""
    real: Callable[..., Any] = inside(exceptions, "every_row")

    def every_row(rows: object, table: str, _: object) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(rows, table, {})

    return (Patch(owner=exceptions, name="every_row", value=every_row),)


@mutant("context.drops-loop")
def context_drops_loop() -> tuple[Patch, ...]:
    """An iteration does not name its loop, and is let go without."""
    (unchecked,) = context_is_not_checked()
    return (*_without(own.loop), unchecked)


@mutant("context.drops-history")
def context_drops_history() -> tuple[Patch, ...]:
    """Earlier iterations are not among what an iteration starts from."""
    return _without(own.prior_iterations)


@mutant("context.drops-documents")
def context_drops_documents() -> tuple[Patch, ...]:
    """An iteration names no governed document, and is let go without."""
    (unchecked,) = context_is_not_checked()
    return (*_without(documents.documents), unchecked)


@mutant("context.drops-policies")
def context_drops_policies() -> tuple[Patch, ...]:
    """An iteration names neither agent nor policy, and is let go without."""
    (unchecked,) = context_is_not_checked()
    dropped = {documents.agent_definitions, documents.gating_policies}
    left = tuple(each for each in contexts.LOOKUPS if each not in dropped)
    return (Patch(owner=contexts, name="LOOKUPS", value=left), unchecked)


@mutant("context.drops-suites")
def context_drops_suites() -> tuple[Patch, ...]:
    """An iteration names no oracle suite, and is let go without."""
    (unchecked,) = context_is_not_checked()
    return (*_without(staged.suites), unchecked)


@mutant("context.is-not-checked")
def context_is_not_checked() -> tuple[Patch, ...]:
    """Whatever is missing or unpinned, the iteration starts."""

    def problems(*_: object) -> tuple[()]:
        return ()

    return (Patch(owner=rules, name="_problems", value=problems),)


@mutant("context.never-admits")
def context_never_admits() -> tuple[Patch, ...]:
    """Nothing is ever complete enough to start from."""

    def problems(category: object, _: object) -> tuple[str, ...]:
        return (f"{category} is never good enough",)

    return (Patch(owner=rules, name="_problems", value=problems),)


@mutant("context.pins-nothing")
def context_pins_nothing() -> tuple[Patch, ...]:
    """What an iteration starts from is pinned to a hash of zeros."""
    real: Callable[..., Any] = inside(loops, "iteration_context")

    async def unpinned(*arguments: object, **named: object) -> tuple[Ref, ...]:
        refs: tuple[Ref, ...] = await real(*arguments, **named)
        return tuple(_with_zeros(each) for each in refs)

    return (Patch(owner=loops, name="iteration_context", value=unpinned),)


@mutant("directive.anything-goes")
def directive_anything_goes() -> tuple[Patch, ...]:
    """A loop may be opened under a directive that nobody recorded."""

    async def taken(_: Governed, given: Ref) -> Ref:
        return given

    return (Patch(owner=Governed, name="directive", value=taken),)


@mutant("artifact.needs-no-approval")
def artifact_needs_no_approval() -> tuple[Patch, ...]:
    """Whoever may register a version may make it current."""
    return (
        Patch(owner=governed_artifact, name="_needs_approval", value=lambda _: False),
    )


def _without(dropped: object) -> tuple[Patch, ...]:
    left = tuple(each for each in contexts.LOOKUPS if each is not dropped)
    assert len(left) < len(contexts.LOOKUPS), "what is dropped was there"
    return (Patch(owner=contexts, name="LOOKUPS", value=left),)


def _with_zeros(ref: Ref) -> Ref:
    """Return the ref with hashes of the right form and of nothing."""
    zeros = f"sha256:{'0' * 64}"
    meta = {
        name: zeros if name.endswith("_hash") else said
        for name, said in ref.meta.items()
    }
    return replace(ref, meta=meta)
