"""`sr serve`: the HTTP face of a deployment, until it is told to stop."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

import uvicorn

from sr_core.adapters.system import SystemClock
from sr_core.api.app import build_app
from sr_core.bootstrap.compose import running
from sr_core.bootstrap.event_log import require_continued
from sr_core.bootstrap.logs import start_logging
from sr_core.bootstrap.settings import parse_settings


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    argparse.ArgumentParser(
        prog="sr serve", description="Settings come from the environment."
    ).parse_args(arguments)
    settings = parse_settings(environment)
    start_logging(
        style=settings.log_format,
        level=settings.log_level,
        secrets=settings.secrets,
        clock=SystemClock(),
    )
    await require_continued(settings)
    async with running(settings) as parts:
        app = build_app(parts.platform, parts.identity, parts.dependencies)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http="h11",
                log_config=None,
                access_log=False,  # the face's door logs each request, with its names
                timeout_graceful_shutdown=10,
            )
        )
        sys.stdout.write(f"serving on http://{settings.host}:{settings.port}\n")
        sys.stdout.flush()
        await server.serve()
    return 0
