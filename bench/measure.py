"""Paired runs: ours and its floor take turns, so that both meet the same machine.

A ratio says how much of the floor's speed we have, or how much of its time we take; each
result says which by its unit.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Timed = Callable[[], Awaitable[float]]
"""Does its work once, and returns how long that took, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure: the median of the ratios of paired runs.

    `ours` and `floor` are medians in `unit`; `runs` holds the ratio of each pair, in the
    order in which they were run.
    """

    name: str
    ratio: float
    ours: float
    floor: float
    unit: str
    runs: tuple[float, ...]
    wanted: str

    def plain(self) -> dict[str, Any]:
        """Return the result as JSON holds it."""
        return asdict(self)


async def rates(
    name: str, *, ours: Timed, floor: Timed, count: int, pairs: int, wanted: str
) -> Result:
    """Return how much of the floor's rate we have; each run does `count` operations."""
    return await _paired(name, ours, floor, pairs, wanted, _rate(count), "per second")


async def times(
    name: str, *, ours: Timed, floor: Timed, pairs: int, wanted: str
) -> Result:
    """Return how many times the floor's time we take."""
    return await _paired(name, ours, floor, pairs, wanted, lambda s: s, "seconds")


async def timed(work: Awaitable[object]) -> float:
    """Do the work, and return how long it took, in seconds."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def _rate(count: int) -> Callable[[float], float]:
    return lambda seconds: count / seconds


async def _paired(
    name: str,
    ours: Timed,
    floor: Timed,
    pairs: int,
    wanted: str,
    figure: Callable[[float], float],
    unit: Literal["per second", "seconds"],
) -> Result:
    found: list[tuple[float, float]] = []
    for number in range(pairs):
        # Who comes first changes, so that neither always finds the other's caches.
        if number % 2:
            mine = figure(await ours())
            theirs = figure(await floor())
        else:
            theirs = figure(await floor())
            mine = figure(await ours())
        found.append((mine, theirs))
    ratios = tuple(round(mine / theirs, 4) for mine, theirs in found)
    return Result(
        name=name,
        ratio=statistics.median(ratios),
        ours=round(statistics.median(mine for mine, _ in found), 4),
        floor=round(statistics.median(theirs for _, theirs in found), 4),
        unit=unit,
        runs=ratios,
        wanted=wanted,
    )
