"""`sr init`: bring a deployment's services to the needed state, or say what is missing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from sr_core.bootstrap.compose import initialise, missing
from sr_core.bootstrap.settings import parse_settings


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="sr init")
    parser.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit 1 if anything is missing",
    )
    chosen = parser.parse_args(arguments)
    settings = parse_settings(environment)
    done = () if chosen.check else await initialise(settings)
    left = await missing(settings)
    for each in (*done, *left):
        sys.stdout.write(f"{each}\n")
    if not done and not left:
        sys.stdout.write("everything is in place\n")
    return 1 if left else 0
