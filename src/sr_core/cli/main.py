"""The `sr` command. Exit codes: 0 all held, 1 something failed, 2 misused or unjudged.

Commands of other packages are found by their entry point in the group ``sr.commands``:
the platform does not know the plugin that proves it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final, TypeAlias

from sr_core.domain.errors import SrError

Command: TypeAlias = Callable[[Sequence[str]], int]

MISUSED: Final = 2

OWN: Final[Mapping[str, str]] = {
    "dead-letter": "bus_books:run_dead_letter",
    "evidence": "evidence:run",
    "init": "init:run",
    "log": "log:run",
    "notices": "bus_books:run_notices",
    "outbox": "bus_books:run_outbox",
    "serve": "serve:run",
    "worker": "worker:run",
}
"""The module beside this one and the function in it that each command is.

A command loads what it needs, and no more.
"""


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name, and return its exit code."""
    parser = argparse.ArgumentParser(prog="sr", description="Governed work, proven.")
    commands = _commands()
    parser.add_argument("command", choices=sorted(commands))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    try:
        return commands[chosen.command](chosen.rest)
    except SrError as error:
        sys.stderr.write(f"sr {chosen.command}: {error}\n")
        return MISUSED


def _commands() -> dict[str, Command]:
    own = {name: _own(place) for name, place in OWN.items()}
    others = {
        each.name: _loaded(each.value) for each in entry_points(group="sr.commands")
    }
    return {**others, **own}


def _own(place: str) -> Command:
    """Return the command at `place`, loaded when it is first run."""
    module, _, function = place.partition(":")

    def command(rest: Sequence[str]) -> int:
        run_it = getattr(import_module(f"sr_core.cli.{module}"), function)
        code: int = asyncio.run(run_it(rest, os.environ))
        return code

    return command


def _loaded(value: str) -> Command:
    """Return the command that an entry point names, loaded when it is first run."""

    def command(rest: Sequence[str]) -> int:
        (found,) = (
            each for each in entry_points(group="sr.commands") if each.value == value
        )
        code: int = found.load()(rest)
        return code

    return command
