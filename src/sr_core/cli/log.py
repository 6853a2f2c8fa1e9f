"""`sr log`: looking after the event log; one module for each subcommand."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from sr_core.cli import (
    log_checkpoint,
    log_consistency,
    log_keygen,
    log_prove,
    log_rebuild,
    log_replay,
    log_verify,
)

Subcommand: TypeAlias = Callable[[Sequence[str], Mapping[str, str]], Awaitable[int]]

SUBCOMMANDS: Final[Mapping[str, Subcommand]] = MappingProxyType(
    {
        "checkpoint": log_checkpoint.run,
        "consistency": log_consistency.run,
        "keygen": log_keygen.run,
        "prove": log_prove.run,
        "rebuild": log_rebuild.run,
        "replay": log_replay.run,
        "verify": log_verify.run,
    }
)


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the subcommand that `arguments` name and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="sr log", description="Settings come from the environment."
    )
    parser.add_argument("subcommand", choices=sorted(SUBCOMMANDS))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    return await SUBCOMMANDS[chosen.subcommand](chosen.rest, environment)
