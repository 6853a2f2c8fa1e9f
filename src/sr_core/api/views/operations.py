"""What the platform tells of itself (SPEC 5.1, 14.1)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from sr_core.domain.actors import ActorKind
from sr_core.ports.metrics import Counter, Distribution, Histogram, Reading


class HealthView(msgspec.Struct, kw_only=True):
    """That the process lives."""

    status: str
    version: str


class CheckStatus(StrEnum):
    """How a dependency is."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class CheckView(msgspec.Struct, kw_only=True):
    """What one dependency showed; `error` says why it is unhealthy.

    `notes` say what works and is not as it should be.
    """

    name: str
    status: CheckStatus
    latency_ms: float | None
    error: str | None
    notes: list[str]


class ReadinessView(msgspec.Struct, kw_only=True):
    """Whether the platform is ready: whether every dependency is."""

    ready: bool
    timestamp: str
    checks: list[CheckView]


class InfoView(msgspec.Struct, kw_only=True):
    """What service this is."""

    service: str
    version: str
    description: str


class WhoAmIView(msgspec.Struct, kw_only=True):
    """Whom the token proves the caller to be; all None without one."""

    actor_kind: ActorKind | None
    actor_id: str | None
    subject: str | None
    roles: list[str]


class ProtectedView(msgspec.Struct, kw_only=True):
    """That a token is good for a governed route."""

    authenticated: bool
    actor_kind: ActorKind
    actor_id: str


class HistogramView(msgspec.Struct, kw_only=True):
    """How often, how long in all, and how many took at most so many seconds."""

    count: int
    sum: float
    buckets: dict[str, int]


class HttpMetricsView(msgspec.Struct, kw_only=True):
    """Requests that were answered before this one."""

    requests_total: int
    requests_success: int
    requests_client_error: int
    requests_server_error: int
    avg_latency_ms: float


class DomainMetricsView(msgspec.Struct, kw_only=True):
    """What this process recorded."""

    loops_created: int
    iterations_started: int
    iterations_completed: int
    candidates_registered: int
    oracle_runs_total: int
    oracle_runs_passed: int
    oracle_runs_failed: int
    events_appended: int
    kek_wraps: dict[str, int]
    oracle_avg_latency_ms: float
    event_append_avg_latency_ms: float
    iteration_total: dict[str, int]
    loop_lifecycle_duration_seconds: HistogramView
    oracle_run_duration_seconds: dict[str, HistogramView]
    event_store_append_duration_seconds: HistogramView
    projection_rebuild_duration_seconds: HistogramView


class MetricsView(msgspec.Struct, kw_only=True):
    """All metrics of this process."""

    service: str
    version: str
    uptime_seconds: float
    timestamp: str
    http: HttpMetricsView
    domain: DomainMetricsView


def http_metrics(reading: Reading) -> HttpMetricsView:
    """Return what was answered."""
    return HttpMetricsView(
        requests_total=_count(reading, Counter.HTTP_REQUESTS),
        requests_success=_count(reading, Counter.HTTP_SUCCESS),
        requests_client_error=_count(reading, Counter.HTTP_CLIENT_ERROR),
        requests_server_error=_count(reading, Counter.HTTP_SERVER_ERROR),
        avg_latency_ms=_only(reading, Histogram.HTTP_REQUEST).mean_ms,
    )


def domain_metrics(reading: Reading) -> DomainMetricsView:
    """Return what was recorded."""
    runs = reading.distributions[Histogram.ORACLE_RUN]
    return DomainMetricsView(
        loops_created=_count(reading, Counter.LOOPS_CREATED),
        iterations_started=_count(reading, Counter.ITERATIONS_STARTED),
        iterations_completed=_count(reading, Counter.ITERATIONS_COMPLETED),
        candidates_registered=_count(reading, Counter.CANDIDATES_REGISTERED),
        oracle_runs_total=_count(reading, Counter.ORACLE_RUNS),
        oracle_runs_passed=_count(reading, Counter.ORACLE_RUNS_PASSED),
        oracle_runs_failed=_count(reading, Counter.ORACLE_RUNS_FAILED),
        events_appended=_count(reading, Counter.EVENTS_APPENDED),
        kek_wraps=dict(reading.counts[Counter.KEK_WRAPS]),
        oracle_avg_latency_ms=_over_all(runs.values()).mean_ms,
        event_append_avg_latency_ms=_only(reading, Histogram.APPEND).mean_ms,
        iteration_total=dict(reading.counts[Counter.ITERATION]),
        loop_lifecycle_duration_seconds=_view(_only(reading, Histogram.LOOP_LIFECYCLE)),
        oracle_run_duration_seconds={
            suite_id: _view(each) for suite_id, each in runs.items()
        },
        event_store_append_duration_seconds=_view(_only(reading, Histogram.APPEND)),
        projection_rebuild_duration_seconds=_view(_only(reading, Histogram.REBUILD)),
    )


def _count(reading: Reading, counter: Counter) -> int:
    return reading.counts[counter][""]


def _only(reading: Reading, histogram: Histogram) -> Distribution:
    return reading.distributions[histogram][""]


def _over_all(each_of: Iterable[Distribution]) -> Distribution:
    every = list(each_of)
    return Distribution(
        count=sum(each.count for each in every),
        total_s=sum(each.total_s for each in every),
        buckets={},
    )


def _view(distribution: Distribution) -> HistogramView:
    return HistogramView(
        count=distribution.count,
        sum=distribution.total_s,
        buckets=dict(distribution.buckets),
    )
