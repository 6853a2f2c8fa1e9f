"""`sr evidence rewrap`: move all key records to the current version of the KEK.

Exit status: 0 all records are under it, 1 some could not be moved and are as they were,
2 it could not be done; what was moved until then, is. Given again, it goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from sr_core.bootstrap.rewrapping import rewrapped
from sr_core.bootstrap.settings import parse_settings


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    argparse.ArgumentParser(
        prog="sr evidence rewrap",
        description="Move all key records to the current version of the KEK. No byte of "
        "evidence is written. Exits 0 if all are under it, 1 if some could not be moved, "
        "2 if it could not be done; given again, it goes on.",
    ).parse_args(arguments)
    done: Counter[str] = Counter()
    async for each in rewrapped(parse_settings(environment)):
        if each.failure is not None:
            done["not moved"] += 1
            sys.stdout.write(f"{each.place} {each.failure}\n")
        elif each.is_erased:
            done["erased"] += 1
        else:
            done["moved" if each.is_moved else "in place"] += 1
    told = ", ".join(f"{done[name]} {name}" for name in _WORDS)
    sys.stdout.write(f"key records: {told}\n")
    return 1 if done["not moved"] else 0


_WORDS = ("moved", "in place", "erased", "not moved")
