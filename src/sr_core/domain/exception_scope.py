"""How far an exception reaches: never everywhere, never for ever (C-EXC-5, SPEC 6.5).

A scope names what it is bounded by. One that names nothing of the kind it claims cannot
be made, so no exception without bounds can be recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import CandidateId, LoopId, OracleId
from sr_core.domain.ref_builders import candidate_ref, loop_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation


class ExceptionKind(StrEnum):
    """The three kinds of exception; there is no common one (SPEC 6.5)."""

    DEVIATION = "DEVIATION"
    DEFERRAL = "DEFERRAL"
    WAIVER = "WAIVER"

    @property
    def ref_kind(self) -> RefKind:
        """The kind of a ref to it: Deviation, Deferral or Waiver (SPEC 8.3)."""
        return RefKind(self.title())


class ScopeKind(StrEnum):
    """What bounds an exception, beside its end."""

    PER_CANDIDATE = "per-candidate"
    PER_LOOP = "per-loop"
    PER_BASELINE = "per-baseline"
    TIME_BOXED = "time-boxed"


_BOUNDED_BY: Final[Mapping[ScopeKind, tuple[str, ...]]] = {
    ScopeKind.PER_CANDIDATE: ("candidate_id",),
    ScopeKind.PER_LOOP: ("loop_id",),
    ScopeKind.PER_BASELINE: ("baseline_id",),
    ScopeKind.TIME_BOXED: (
        "candidate_id",
        "loop_id",
        "baseline_id",
        "work_unit_id",
        "artifact_refs",
    ),
}
assert _BOUNDED_BY.keys() == set(ScopeKind), "every kind of scope has a bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the question is asked whether an exception counts."""

    loop_id: LoopId | None = None
    work_unit_id: str | None = None
    candidate_id: CandidateId | None = None
    baseline_id: str | None = None
    artifact_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionScope:
    """What an exception is bounded by.

    Raises:
        MalformedInput: it names nothing that bounds it as its kind says.

    """

    scope_kind: ScopeKind
    loop_id: LoopId | None = None
    candidate_id: CandidateId | None = None
    oracle_id: OracleId | None = None
    baseline_id: str | None = None
    work_unit_id: str | None = None
    artifact_refs: tuple[Ref, ...] = ()

    def __post_init__(self) -> None:
        bounds = _BOUNDED_BY[self.scope_kind]
        if not any(getattr(self, name) for name in bounds):
            raise MalformedInput(
                field="scope",
                found=f"{self.scope_kind} without {' or '.join(bounds)}",
                expected=f"a {self.scope_kind} scope that names {' or '.join(bounds)}",
            )

    def reaches(self, place: Place) -> bool:
        """Whether `place` lies inside: what it names most narrowly decides."""
        if self.baseline_id and place.baseline_id not in {None, self.baseline_id}:
            return False
        if self.candidate_id is not None:
            return self.candidate_id == place.candidate_id
        if self.loop_id is not None:
            return self.loop_id == place.loop_id
        if self.work_unit_id is not None:
            return self.work_unit_id == place.work_unit_id
        if self.artifact_refs:
            return any(each.id in place.artifact_ids for each in self.artifact_refs)
        return self.baseline_id == place.baseline_id

    @property
    def refs(self) -> tuple[Ref, ...]:
        """A ref to each thing that the exception affects (SPEC 2.3)."""
        affects = RefRelation.AFFECTS
        loop = (loop_ref(self.loop_id, affects),) if self.loop_id else ()
        candidate = (
            (candidate_ref(self.candidate_id, affects),) if self.candidate_id else ()
        )
        artifacts = (replace(each, rel=affects) for each in self.artifact_refs)
        return (*loop, *candidate, *artifacts)


def guess_kind(
    *,
    candidate_id: CandidateId | None,
    loop_id: LoopId | None,
    baseline_id: str | None,
) -> ScopeKind:
    """Return the kind of a scope that does not say its own: the narrowest it names."""
    if candidate_id is not None:
        return ScopeKind.PER_CANDIDATE
    if loop_id is not None:
        return ScopeKind.PER_LOOP
    if baseline_id is not None:
        return ScopeKind.PER_BASELINE
    return ScopeKind.TIME_BOXED
