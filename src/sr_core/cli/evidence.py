"""`sr evidence`: looking after evidence; one module for each subcommand."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Final, TypeAlias

Subcommand: TypeAlias = Callable[[Sequence[str], Mapping[str, str]], Awaitable[int]]

SUBCOMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "export": "evidence_export",
        "keygen": "evidence_keygen",
        "rewrap": "evidence_rewrap",
        "verify": "evidence_verify",
    }
)
"""The module beside this one that each is; who verifies loads no driver."""


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the subcommand that `arguments` name and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="sr evidence",
        description="Settings come from the environment; `keygen` and `verify` of a file"
        " need none.",
    )
    parser.add_argument("subcommand", choices=sorted(SUBCOMMANDS))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    module = import_module(f"sr_core.cli.{SUBCOMMANDS[chosen.subcommand]}")
    subcommand: Subcommand = module.run
    return await subcommand(chosen.rest, environment)
