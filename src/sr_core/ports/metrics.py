"""What is counted and measured, and by what name (SPEC 14.1).

A move is made by what the platform did, never by what a client said: the domain's moves
follow from recorded events, those of HTTP from answers that were sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias


class Counter(StrEnum):
    """What only grows, by one for each time that it happens."""

    HTTP_REQUESTS = "http_requests"
    HTTP_SUCCESS = "http_requests_success"
    HTTP_CLIENT_ERROR = "http_requests_client_error"
    HTTP_SERVER_ERROR = "http_requests_server_error"
    LOOPS_CREATED = "loops_created"
    ITERATIONS_STARTED = "iterations_started"
    ITERATIONS_COMPLETED = "iterations_completed"
    ITERATION = "iteration"
    CANDIDATES_REGISTERED = "candidates_registered"
    ORACLE_RUNS = "oracle_runs"
    ORACLE_RUNS_PASSED = "oracle_runs_passed"
    ORACLE_RUNS_FAILED = "oracle_runs_failed"
    EVENTS_APPENDED = "events_appended"
    KEK_WRAPS = "kek_wraps"


class Histogram(StrEnum):
    """How long things take, in seconds."""

    HTTP_REQUEST = "http_request_duration_seconds"
    LOOP_LIFECYCLE = "loop_lifecycle_duration_seconds"
    ORACLE_RUN = "oracle_run_duration_seconds"
    APPEND = "event_store_append_duration_seconds"
    REBUILD = "projection_rebuild_duration_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """How a metric is told: its meaning, and its one label, if it has one.

    `known` are label values that stand at zero before anything happened.
    """

    meaning: str
    label: str | None = None
    known: tuple[str, ...] = ()
    buckets_s: tuple[float, ...] = ()


COUNTERS: Final[Mapping[Counter, Definition]] = {
    Counter.HTTP_REQUESTS: Definition(meaning="requests answered"),
    Counter.HTTP_SUCCESS: Definition(meaning="requests answered below 400"),
    Counter.HTTP_CLIENT_ERROR: Definition(meaning="requests answered 400 to 499"),
    Counter.HTTP_SERVER_ERROR: Definition(meaning="requests answered 500 or above"),
    Counter.LOOPS_CREATED: Definition(meaning="LoopCreated recorded"),
    Counter.ITERATIONS_STARTED: Definition(meaning="IterationStarted recorded"),
    Counter.ITERATIONS_COMPLETED: Definition(meaning="IterationCompleted recorded"),
    Counter.ITERATION: Definition(
        meaning="iterations completed, by outcome",
        label="outcome",
        known=("success", "failure"),
    ),
    Counter.CANDIDATES_REGISTERED: Definition(meaning="CandidateMaterialized recorded"),
    Counter.ORACLE_RUNS: Definition(meaning="oracle runs ended"),
    Counter.ORACLE_RUNS_PASSED: Definition(meaning="oracle runs ended as SUCCESS"),
    Counter.ORACLE_RUNS_FAILED: Definition(meaning="oracle runs ended otherwise"),
    Counter.EVENTS_APPENDED: Definition(meaning="events recorded, of any type"),
    Counter.KEK_WRAPS: Definition(
        meaning="data keys wrapped by this process, by version of the KEK", label="kek"
    ),
}
assert COUNTERS.keys() == set(Counter), "every counter is defined"

HISTOGRAMS: Final[Mapping[Histogram, Definition]] = {
    Histogram.HTTP_REQUEST: Definition(
        meaning="from a request's arrival to the end of its answer",
        buckets_s=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
    ),
    Histogram.LOOP_LIFECYCLE: Definition(
        meaning="from LoopCreated to LoopClosed",
        buckets_s=(1, 10, 60, 300, 900, 3600, 14_400, 28_800, 57_600),
    ),
    Histogram.ORACLE_RUN: Definition(
        meaning="from RunStarted to RunCompleted",
        label="suite_id",
        buckets_s=(0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600),
    ),
    Histogram.APPEND: Definition(
        meaning="the transaction that appends to the log",
        buckets_s=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5),
    ),
    Histogram.REBUILD: Definition(
        meaning="making the read model anew from the log",
        buckets_s=(0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800),
    ),
}
assert HISTOGRAMS.keys() == set(Histogram), "every histogram is defined"


@dataclass(frozen=True, slots=True)
class Count:
    """It happened once."""

    counter: Counter
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Duration:
    """It took that long."""

    histogram: Histogram
    seconds: float
    label: str | None = None


Move: TypeAlias = Count | Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What a histogram holds; `buckets` count what took at most so many seconds."""

    count: int
    total_s: float
    buckets: Mapping[str, int]

    @property
    def mean_ms(self) -> float:
        """The mean, in milliseconds; zero while nothing was measured."""
        return self.total_s * 1000 / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All metrics at one moment, by label; the label of what has none is empty."""

    counts: Mapping[Counter, Mapping[str, int]]
    distributions: Mapping[Histogram, Mapping[str, Distribution]]


class Metrics(Protocol):
    """The metrics of one running platform; nothing here waits or fails."""

    def move(self, *moves: Move) -> None:
        """Take the moves in."""
        ...

    def reading(self) -> Reading:
        """Return what stands now."""
        ...

    def prometheus(self) -> str:
        """Return the same in Prometheus' text format."""
        ...
