"""`sr log rebuild`: make the read model anew from the log, while the platform goes on.

Exit status: 0 the live rows were what the log gives, 1 they were not and are now, 2 it
could not be judged, and the live rows are as they were.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from sr_core.application.rebuild import Rebuilt
from sr_core.application.replay import BATCH
from sr_core.bootstrap.read_copies import make_anew
from sr_core.bootstrap.settings import parse_settings
from sr_core.ports.read_copy import Difference

LINES_MAX: Final = 20
"""How many differences are printed; all of them are counted."""
OBJECTS_BETWEEN_COLLECTIONS: Final = 200_000
"""A replay makes many objects and no cycles: looking for those seldom saves a seventh."""


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="sr log rebuild",
        description="Make the read model anew from the log. Exits 0 if it was what the "
        "log gives, 1 if it was not and is now, 2 if that could not be judged.",
    )
    add_batch(parser)
    chosen = parser.parse_args(arguments)
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    rebuilt = await make_anew(parse_settings(environment), batch=chosen.batch)
    for line in _told(rebuilt):
        sys.stdout.write(f"{line}\n")
    return 1 if rebuilt.compared.rows else 0


def add_batch(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how many events are applied at a time."""
    parser.add_argument(
        "--batch",
        type=int,
        choices=range(1, 100_001),
        default=BATCH,
        metavar="N",
        help=f"apply N events at a time (default: {BATCH})",
    )


def difference_line(each: Difference) -> str:
    """Return a difference as it is printed."""
    key = " ".join(f"{name}={value}" for name, value in each.key.items())
    if each.column is not None:
        live, replayed = (_json(value) for value in (each.live, each.replayed))
        return f"{each.table} {key} {each.column}: live {live}, from the log {replayed}"
    if each.live is None:
        return f"{each.table} {key}: no live row, the log gives one"
    if each.replayed is None:
        return f"{each.table} {key}: a live row, the log gives none"
    return f"{each.table} {key}: written in another way than the log gives"


def _told(rebuilt: Rebuilt) -> Iterator[str]:
    rate = rebuilt.events / rebuilt.took_s
    yield (
        f"rebuilt from {rebuilt.events} events in {rebuilt.took_s:.2f} s, "
        f"{rate:.0f} events/s; appends waited {rebuilt.standstill_s:.2f} s"
    )
    compared = rebuilt.compared
    for each in compared.differences[:LINES_MAX]:
        yield difference_line(each)
    if compared.rows:
        yield f"{compared.rows} live rows were not what the log gives, and are now"
    else:
        yield "every live row was what the log gives"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
