"""`sr worker`: the processes of a deployment that work without being asked over HTTP."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sr_core.bootstrap.settings import Settings, parse_settings
from sr_core.cli import bus_workers, governor

Worker = Callable[[Settings], Awaitable[int]]

WORKERS: Final[Mapping[str, Worker]] = MappingProxyType(
    {
        "governor": governor.run,
        "notices": bus_workers.run_notices,
        "outbox": bus_workers.run_outbox,
    }
)


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the worker that `arguments` name and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="sr worker", description="Settings come from the environment."
    )
    parser.add_argument("worker", choices=sorted(WORKERS))
    chosen = parser.parse_args(arguments)
    return await WORKERS[chosen.worker](parse_settings(environment))
