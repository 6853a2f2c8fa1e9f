"""`sr log replay`: say what the log gives, as digests; nothing is changed.

Prints one line of JSON: rows and hash of each table, what differs from the live rows, and
how far each plan is. Exit status: 0 it was said, 2 it could not be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from sr_core.bootstrap.read_copies import replay_here, replayed_line
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli.log_rebuild import add_batch


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="sr log replay",
        description="Replay the log into tables that nobody sees, print their digests, "
        "and leave nothing behind.",
    )
    add_batch(parser)
    parser.add_argument(
        "--moment",
        metavar="NAME",
        help="a moment that another session holds, as pg_export_snapshot() names it",
    )
    chosen = parser.parse_args(arguments)
    found = await replay_here(
        parse_settings(environment), moment=chosen.moment, batch=chosen.batch
    )
    sys.stdout.write(f"{replayed_line(found)}\n")
    return 0
