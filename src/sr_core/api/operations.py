"""Whether the platform lives, and whether it is ready (SPEC 5.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final

from litestar import Response, get
from litestar.di import NamedDependency

from sr_core.api.answers import Answer
from sr_core.api.authority import ANYONE, OPEN
from sr_core.application.health import Dependency
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.domain.errors import SrError

DEADLINE_S: Final = 5.0
"""How long a dependency has to show that it works."""


@get("/health", tags=["operations"], authority=OPEN)
async def health() -> Answer:
    """Return that the process lives; this asks nothing of anyone else."""
    return {"status": "healthy", "version": version("pytest-sr")}


@get("/ready", tags=["operations"], authority=OPEN)
async def ready(
    platform: NamedDependency[Platform],
    dependencies: NamedDependency[Sequence[Dependency]],
) -> Response[Answer]:
    """Return whether every dependency works, each tried for real, all at once."""
    checks = await asyncio.gather(*(_tried(each) for each in dependencies))
    is_ready = all(each["status"] == "healthy" for each in checks)
    return Response(
        {
            "ready": is_ready,
            "timestamp": platform.clock.now().isoformat(),
            "checks": [dict(each) for each in checks],
        },
        status_code=200 if is_ready else 503,
    )


@get("/api/v1/info", tags=["operations"], authority=OPEN)
async def info() -> Answer:
    """Return what service this is."""
    return {
        "service": "solver-ralph-api",
        "version": version("pytest-sr"),
        "description": "Governed work for AI agents",
    }


@get("/whoami", tags=["operations"], authority=ANYONE)
async def whoami(asked: NamedDependency[Asked]) -> Answer:
    """Return whom the token proves the caller to be."""
    return {
        "actor_kind": asked.by.kind,
        "actor_id": asked.by.actor_id,
        "roles": sorted(asked.by.roles),
    }


async def _tried(dependency: Dependency) -> Mapping[str, object]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    error: str | None = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            await dependency.check()
    except TimeoutError:
        error = f"no answer within {DEADLINE_S:g} s"
    except SrError as failure:
        error = str(failure)
    return {
        "name": dependency.name,
        "status": "unhealthy" if error else "healthy",
        "latency_ms": round((loop.time() - began) * 1000, 3),
        "error": error,
    }
