"""`sr log checkpoint`: sign the log as it is now.

Exit codes: 0 it is signed, now or before; 1 it is not what was signed last, or does not
hold together, and nothing was signed; 2 misused, or there is nothing to sign.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from sr_core.bootstrap.event_log import checkpoints
from sr_core.bootstrap.settings import parse_settings
from sr_core.ports.checkpoints import LogUnsound


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    argparse.ArgumentParser(
        prog="sr log checkpoint", description="Settings come from the environment."
    ).parse_args(arguments)
    service = checkpoints(parse_settings(environment))
    try:
        made = await service.make()
    except LogUnsound as error:
        sys.stderr.write(f"sr log checkpoint: {error}\n")
        return 1
    for each in made:
        sys.stdout.write(f"signed {each.size} events, root {each.root.hex()}\n")
    if not made and await service.signed_size() == 0:
        sys.stderr.write("sr log checkpoint: the log is empty: nothing to sign\n")
        return 2
    if not made:
        sys.stdout.write("nothing was appended since the last checkpoint\n")
    return 0
