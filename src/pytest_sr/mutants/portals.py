"""Bugs in what humans bind: exceptions, approvals, freeze records, notes, files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.application import approvals, citations, freezes
from sr_core.application.verification import Verification
from sr_core.domain import (
    approval,
    exception_terms,
    freeze,
    gates,
    governed_exception,
    record,
)
from sr_core.domain.events import Ruling
from sr_core.domain.gate import Gate
from sr_core.domain.governed_exception import ExceptionResolved, GovernedException
from sr_core.domain.ids import parse_gate_id


def _allow(*_: object, **__: object) -> None:
    return None


@mutant("approval.acknowledges-nothing")
def approval_acknowledges_nothing() -> tuple[Patch, ...]:
    """An approval need not acknowledge the exceptions that are in force."""
    real = inside(approval, "decide")

    def decide(command: Any, seen: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        acknowledged = set(command.exceptions_acknowledged)
        active = {
            name: kind for name, kind in seen.known.items() if name in acknowledged
        }
        return real(command, replace(seen, active=active))

    return (Patch(owner=approval, name="decide", value=decide),)


@mutant("approval.of-own-work")
def approval_of_own_work() -> tuple[Patch, ...]:
    """Whoever made a candidate may release it."""
    real = inside(approval, "_require_releasable")

    def require(command: Any, seen: Any) -> None:  # noqa: ANN401 - passed on as it comes
        real(command, replace(seen, made_by=None))

    return (Patch(owner=approval, name="_require_releasable", value=require),)


@mutant("evidence.attached-is-fine")
def evidence_attached_is_fine() -> tuple[Patch, ...]:
    """What people attach can be cited as evidence."""
    real = inside(approval, "decide")

    async def candidates_of(*_: object, **__: object) -> dict[Any, Any]:
        return {}

    def decide(command: Any, seen: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(command, replace(seen, recorded=command.evidence))

    return (
        Patch(owner=citations, name="refuse_attachments", value=_allow),
        Patch(owner=approvals, name="candidates_of", value=candidates_of),
        Patch(owner=approval, name="decide", value=decide),
    )


@mutant("exception.outlives-its-end")
def exception_outlives_its_end() -> tuple[Patch, ...]:
    """An exception that was lifted stays in force."""
    real = inside(governed_exception, "evolve")

    def evolve(exception: Any, event: Any) -> GovernedException:  # noqa: ANN401 - passed on as it comes
        if isinstance(event, ExceptionResolved):
            assert exception is not None, "it was drawn up"
            return replace(exception)
        return real(exception, event)

    return (Patch(owner=governed_exception, name="evolve", value=evolve),)


@mutant("exception.about-anything")
def exception_about_anything() -> tuple[Patch, ...]:
    """An exception may be about an integrity condition, so it does not say its name."""
    return (Patch(owner=exception_terms, name="_refuse_conditions", value=_allow),)


@mutant("exception.never-too-late")
def exception_never_too_late() -> tuple[Patch, ...]:
    """An exception may end before it begins."""
    real = inside(exception_terms, "create")

    def create(command: Any, seen: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        long_ago = command.now - timedelta(days=36_500)
        return real(replace(command, now=long_ago), seen)

    return (Patch(owner=exception_terms, name="create", value=create),)


@mutant("waiver.changes-nothing")
def waiver_changes_nothing() -> tuple[Patch, ...]:
    """A candidate is not verified again when a waiver comes into force, or ends."""

    async def reconsider(*_: object, **_because: object) -> Ruling:
        return Ruling()

    return (Patch(owner=Verification, name="reconsider", value=reconsider),)


@mutant("waiver.at-any-gate")
def waiver_at_any_gate() -> tuple[Patch, ...]:
    """A failure at any gate can be waived."""

    def require_waivable(text: str) -> Gate:
        return gates.GATES[parse_gate_id(text)]

    return (Patch(owner=gates, name="require_waivable", value=require_waivable),)


@mutant("freeze.believes-the-caller")
def freeze_believes_the_caller() -> tuple[Patch, ...]:
    """What the caller says of a freeze is not compared with what is computed."""
    return (Patch(owner=freeze, name="_require_as_declared", value=_allow),)


@mutant("freeze.hides-exceptions")
def freeze_hides_exceptions() -> tuple[Patch, ...]:
    """A freeze record leaves out the exceptions that are in force."""

    async def none(*_: object, **__: object) -> tuple[()]:
        return ()

    return (Patch(owner=freezes, name="active_for", value=none),)


@mutant("note.supersedes-twice")
def note_supersedes_twice() -> tuple[Patch, ...]:
    """A note whose place was taken can have it taken again."""
    return (Patch(owner=record, name="_require_latest", value=_allow),)
