"""Whether the platform lives, whether it is ready, what it measured (SPEC 5.1)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.enums import MediaType

from sr_core.api.authority import ANYONE, OPEN, OPTIONAL
from sr_core.api.description import Description
from sr_core.api.views.operations import (
    CheckStatus,
    CheckView,
    HealthView,
    InfoView,
    MetricsView,
    ProtectedView,
    ReadinessView,
    WhoAmIView,
    domain_metrics,
    http_metrics,
)
from sr_core.application.health import Checked, Readiness
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.envelope import rfc3339

SERVICE: Final = "solver-ralph-api"
PROMETHEUS_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


@get("/health", tags=["operations"], authority=OPEN)
async def health() -> HealthView:
    """Return that the process lives; this asks nothing of anyone else."""
    return HealthView(status="healthy", version=version("pytest-sr"))


@get("/ready", tags=["operations"], authority=OPEN)
async def ready(
    platform: NamedDependency[Platform], readiness: NamedDependency[Readiness]
) -> Response[ReadinessView]:
    """Return whether every dependency works, each tried for real, all at once."""
    checks = [_shown(each) for each in await readiness.checked()]
    is_ready = all(each.status is CheckStatus.HEALTHY for each in checks)
    return Response(
        ReadinessView(
            ready=is_ready, timestamp=rfc3339(platform.clock.now()), checks=checks
        ),
        status_code=200 if is_ready else 503,
    )


@get(
    "/metrics/prometheus",
    tags=["operations"],
    authority=OPEN,
    media_type=MediaType.TEXT,
)
async def prometheus(platform: NamedDependency[Platform]) -> Response[str]:
    """Return the metrics in Prometheus' text format."""
    return Response(platform.recorder.metrics.prometheus(), media_type=PROMETHEUS_TEXT)


@get("/openapi.json", tags=["operations"], authority=OPEN)
async def openapi(
    description: NamedDependency[Description],
) -> Response[dict[str, object]]:
    """Return what every route takes and answers, as OpenAPI 3.1."""
    return Response(description.document, media_type=MediaType.JSON)


@get("/info", tags=["operations"], authority=OPEN)
async def info() -> InfoView:
    """Return what service this is."""
    return InfoView(
        service=SERVICE,
        version=version("pytest-sr"),
        description="Governed work for AI agents",
    )


@get("/metrics", tags=["operations"], authority=OPEN)
async def metrics(
    platform: NamedDependency[Platform], uptime_s: NamedDependency[float]
) -> MetricsView:
    """Return what this process counted and measured."""
    reading = platform.recorder.metrics.reading()
    return MetricsView(
        service=SERVICE,
        version=version("pytest-sr"),
        uptime_seconds=uptime_s,
        timestamp=rfc3339(platform.clock.now()),
        http=http_metrics(reading),
        domain=domain_metrics(reading),
    )


@get("/whoami", tags=["operations"], authority=OPTIONAL)
async def whoami(asked: NamedDependency[Asked | None]) -> WhoAmIView:
    """Return whom the token proves the caller to be."""
    if asked is None:
        return WhoAmIView(actor_kind=None, actor_id=None, subject=None, roles=[])
    return WhoAmIView(
        actor_kind=asked.by.kind,
        actor_id=asked.by.actor_id,
        subject=asked.by.actor_id.rpartition(":")[2],
        roles=sorted(asked.by.roles),
    )


@get("/protected", tags=["operations"], authority=ANYONE)
async def protected(asked: NamedDependency[Asked]) -> ProtectedView:
    """Return that the token is good for a governed route."""
    return ProtectedView(
        authenticated=True, actor_kind=asked.by.kind, actor_id=asked.by.actor_id
    )


def _shown(checked: Checked) -> CheckView:
    return CheckView(
        name=checked.name,
        status=CheckStatus.UNHEALTHY if checked.error else CheckStatus.HEALTHY,
        latency_ms=checked.latency_ms,
        error=checked.error,
        notes=list(checked.notes),
    )


router = Router(path="", route_handlers=[info, metrics, whoami, protected])
