"""What the event manager asks of an event: these fields and no others.

The events themselves belong to their aggregates; who reads them here depends on nothing
else of them.
"""

from __future__ import annotations

from typing import Protocol

from sr_core.domain.refs import Ref


class Scope(Protocol):
    """What an exception is bounded by."""

    @property
    def work_unit_id(self) -> str | None:
        """See the event."""
        ...

    @property
    def loop_id(self) -> str | None:
        """See the event."""
        ...


class DeferralDrawn(Protocol):
    """A deferral was drawn up."""

    @property
    def exception_id(self) -> str:
        """See the event."""
        ...

    @property
    def scope(self) -> Scope:
        """See the event."""
        ...


class ExceptionMoved(Protocol):
    """An exception came into force, or went out of it."""

    @property
    def exception_id(self) -> str:
        """See the event."""
        ...


class Pinned(Protocol):
    """Something named and pinned by its hash."""

    @property
    def id(self) -> str:
        """See the event."""
        ...

    @property
    def content_hash(self) -> str:
        """See the event."""
        ...


class SurfaceBound(Protocol):
    """A work surface was bound to a unit."""

    @property
    def work_surface_id(self) -> str:
        """See the event."""
        ...

    @property
    def work_unit_id(self) -> str:
        """See the event."""
        ...

    @property
    def intake_ref(self) -> Pinned:
        """See the event."""
        ...

    @property
    def template_ref(self) -> Pinned:
        """See the event."""
        ...


class SurfaceMoved(Protocol):
    """Something became of a work surface."""

    @property
    def work_surface_id(self) -> str:
        """See the event."""
        ...


class StageMoved(SurfaceMoved, Protocol):
    """Something became of a stage."""

    @property
    def stage_id(self) -> str:
        """See the event."""
        ...


class GateFound(Protocol):
    """What the gate of a stage found."""

    @property
    def status(self) -> str:
        """See the event."""
        ...

    @property
    def waiver_refs(self) -> tuple[object, ...]:
        """See the event."""
        ...


class StageLeft(StageMoved, Protocol):
    """A stage was completed."""

    @property
    def evidence_bundle_ref(self) -> str:
        """See the event."""
        ...

    @property
    def gate_result(self) -> GateFound:
        """See the event."""
        ...

    @property
    def next_stage_id(self) -> str | None:
        """See the event."""
        ...


class StalenessSaid(Protocol):
    """Something was marked stale, or is so no longer."""

    @property
    def stale_id(self) -> str:
        """See the event."""
        ...

    @property
    def refs(self) -> tuple[Ref, ...]:
        """See the event."""
        ...
