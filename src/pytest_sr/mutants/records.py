"""Bugs in what is recorded: the log, its refs, and the read model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.adapters.postgres import appending
from sr_core.application import recorder
from sr_core.codec import envelope
from sr_core.domain import (
    approval,
    freeze,
    governed_exception,
    loop,
    record,
)
from sr_core.domain import verification as verification_rules
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.iteration import (
    IterationBegun,
    IterationFailed,
    IterationStarted,
)
from sr_core.domain.loop import StopTriggered
from sr_core.domain.work_surface_events import WorkSurfaceArchived
from sr_core.ports.read_model import UpdateRows


@mutant("projector.drops-stop")
def projector_drops_stop() -> tuple[Patch, ...]:
    """The read model does not learn that a loop was stopped."""
    return _projector(lambda event: isinstance(event, StopTriggered))


@mutant("projector.drops-verification")
def projector_drops_verification() -> tuple[Patch, ...]:
    """The read model learns that there was a verification, and not what it found."""
    real = inside(recorder, "changes_of")
    told = {"profile_id", "mode", "scope", "basis", "computed_at"}  # an answer has them
    kept = {f"verification_{each}" for each in told}

    def changes_of(event: Any, on: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        changes = real(event, on)
        if not isinstance(event, verification_rules.CandidateVerificationComputed):
            return changes
        return tuple(dulled(each) for each in changes)

    def dulled(change: Any) -> Any:  # noqa: ANN401 - any kind of change
        if not isinstance(change, UpdateRows) or change.table != "candidates":
            return change
        values = {name: change.values[name] for name in sorted(kept)}
        return replace(change, values=values)

    return (Patch(owner=recorder, name="changes_of", value=changes_of),)


@mutant("projector.drops-approval")
def projector_drops_approval() -> tuple[Patch, ...]:
    """The read model does not learn of approvals and freezes."""
    kinds = (approval.ApprovalRecorded, freeze.FreezeRecordCreated)
    return _projector(lambda event: isinstance(event, kinds))


@mutant("projector.drops-exception")
def projector_drops_exception() -> tuple[Patch, ...]:
    """The read model does not learn what becomes of an exception."""
    kinds = (
        governed_exception.ExceptionActivated,
        governed_exception.ExceptionResolved,
    )
    return _projector(lambda event: isinstance(event, kinds))


@mutant("projector.drops-succession")
def projector_drops_succession() -> tuple[Patch, ...]:
    """The read model does not learn that a note's place was taken."""
    return _projector(lambda event: isinstance(event, record.RecordSuperseded))


@mutant("projector.drops-archive")
def projector_drops_archive() -> tuple[Patch, ...]:
    """The read model does not learn that a work surface was archived."""
    return _projector(lambda event: isinstance(event, WorkSurfaceArchived))


@mutant("projector.drops-close")
def projector_drops_close() -> tuple[Patch, ...]:
    """The read model does not learn that a loop was closed."""
    return _projector(lambda event: isinstance(event, loop.LoopClosed))


@mutant("projector.drops-update")
def projector_drops_update() -> tuple[Patch, ...]:
    """The read model does not learn of a new goal or a raised bound."""
    return _projector(lambda event: isinstance(event, loop.LoopUpdated))


@mutant("projector.drops-begin")
def projector_drops_begin() -> tuple[Patch, ...]:
    """The read model does not learn that an iteration is under way."""
    return _projector(lambda event: isinstance(event, IterationBegun))


@mutant("projector.drops-failure")
def projector_drops_failure() -> tuple[Patch, ...]:
    """The read model does not learn that an iteration failed."""
    return _projector(lambda event: isinstance(event, IterationFailed))


@mutant("projector.drops-iteration")
def projector_drops_iteration() -> tuple[Patch, ...]:
    """The read model does not learn of any iteration but a loop's first."""
    return _projector(
        lambda event: isinstance(event, IterationStarted) and event.sequence > 1
    )


@mutant("recorder.swaps-kinds")
def recorder_swaps_kinds() -> tuple[Patch, ...]:
    """What the system did is recorded as a human's, and the reverse."""
    real = inside(recorder, "seal")
    other = {ActorKind.HUMAN: ActorKind.SYSTEM, ActorKind.SYSTEM: ActorKind.HUMAN}

    def seal(event: Any, with_: Any, changes: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        by = with_.by
        swapped = Actor(other.get(by.kind, by.kind), by.actor_id)
        return real(event, replace(with_, by=swapped), changes)

    return (Patch(owner=recorder, name="seal", value=seal),)


@mutant("log.mislabels")
def log_mislabels() -> tuple[Patch, ...]:
    """The log files the activation of a loop under another type than it says."""
    real = inside(appending, "_array")

    def array(values: Sequence[object]) -> str:
        said = ["LoopClosed" if each == "LoopActivated" else each for each in values]
        found: str = real(said)
        return found

    return (Patch(owner=appending, name="_array", value=array),)


@mutant("freeze.forgets-approval")
def freeze_forgets_approval() -> tuple[Patch, ...]:
    """A freeze record does not refer to the approval that it rests on."""
    real = inside(envelope, "refs_of")

    def refs_of(event: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        if isinstance(event, freeze.FreezeRecordCreated):
            return ()
        return real(event)

    return (Patch(owner=envelope, name="refs_of", value=refs_of),)


def _projector(drops: Callable[[object], bool]) -> tuple[Patch, ...]:
    real = inside(recorder, "changes_of")

    def changes_of(event: Any, on: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return () if drops(event) else real(event, on)

    return (Patch(owner=recorder, name="changes_of", value=changes_of),)
