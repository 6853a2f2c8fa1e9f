"""The bounds of a loop, in three dimensions, and what was used of them (C-LOOP-1).

A bound only rises, and a human raises it (C-TB-1). One rule says what is exhausted, and
everything that uses a budget up asks it: the start of an iteration, the start of a run,
and the resumption of a loop that a bound stopped.

Clauses: SPEC 6.6 (budgets), SPEC 4.1 (a decrease is refused).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

from sr_core.domain.errors import BudgetDecreased, BudgetExhausted, MalformedInput

SECONDS_PER_HOUR: Final = 3600


class Bound(StrEnum):
    """The dimensions that a loop is bounded in, each by its name in `Budgets`."""

    ITERATIONS = "max_iterations"
    ORACLE_RUNS = "max_oracle_runs"
    WALLCLOCK = "max_wallclock_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The bounds of a loop, each at least one; hours count from its activation."""

    max_iterations: int = 5
    max_oracle_runs: int = 25
    max_wallclock_hours: int = 16

    def __post_init__(self) -> None:
        for bound in Bound:
            if self.limit(bound) < 1:
                raise MalformedInput(
                    field=f"budgets.{bound}",
                    found=self.limit(bound),
                    expected="a whole number from 1 up",
                )

    def limit(self, bound: Bound) -> int:
        """Return the limit in one dimension."""
        limits: dict[str, int] = asdict(self)
        return limits[bound]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetChange:
    """New bounds; a dimension that is None stays as it is."""

    max_iterations: int | None = None
    max_oracle_runs: int | None = None
    max_wallclock_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used of each bound; `hours` since the loop was activated."""

    iterations: int
    oracle_runs: int
    hours: float

    def of(self, bound: Bound) -> float:
        """Return what was used in one dimension."""
        match bound:
            case Bound.ITERATIONS:
                return self.iterations
            case Bound.ORACLE_RUNS:
                return self.oracle_runs
            case Bound.WALLCLOCK:
                return self.hours


def require_left(budgets: Budgets, usage: Usage, *bounds: Bound) -> None:
    """Raise `BudgetExhausted` for the first of `bounds` of which nothing is left."""
    for bound in bounds:
        if usage.of(bound) >= budgets.limit(bound):
            raise BudgetExhausted(
                bound=bound, used=usage.of(bound), limit=budgets.limit(bound)
            )


def raised(budgets: Budgets, change: BudgetChange) -> Budgets:
    """Return `budgets` after `change`.

    Raises:
        BudgetDecreased: a bound would fall.
        MalformedInput: a bound would not be a number from 1 up.

    """
    wanted = {
        name: limit for name, limit in asdict(change).items() if limit is not None
    }
    after = replace(budgets, **wanted)
    for bound in Bound:
        if after.limit(bound) < budgets.limit(bound):
            raise BudgetDecreased(
                bound=bound, limit=budgets.limit(bound), wanted=after.limit(bound)
            )
    return after
