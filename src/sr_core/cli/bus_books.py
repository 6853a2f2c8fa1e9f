"""`sr outbox`, `sr dead-letter`, `sr notices`: what an operator asks and does of the bus.

    sr outbox status                          how much waits, and for how long
    sr outbox gaps                            where the bus did not bring what the log holds
    sr outbox prune                           remove rows that are published and verified
    sr dead-letter list                       events that a consumer laid aside
    sr dead-letter replay CONSUMER EVENT_ID   have one done once more
    sr notices [--after N]                    what waits for a person

Each prints one JSON object a line, so that a program can read it too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from sr_core.bootstrap.bus import books, publisher
from sr_core.bootstrap.settings import Settings, parse_settings
from sr_core.cli.health import say

LINES_MAX: Final = 1000


async def run_outbox(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `sr outbox` and return its exit code."""
    parser = argparse.ArgumentParser(prog="sr outbox")
    parser.add_argument("act", choices=("gaps", "prune", "status"))
    act = parser.parse_args(arguments).act
    settings = parse_settings(environment)
    if act == "prune":
        return await _prune(settings)
    async with books(settings) as opened:
        if act == "gaps":
            _show(*await opened.gaps.all(limit=LINES_MAX))
        else:
            _show(await opened.outbox.backlog())
    return 0


async def run_dead_letter(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> int:
    """Run `sr dead-letter` and return its exit code."""
    parser = argparse.ArgumentParser(prog="sr dead-letter")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("list", help="show the dead letters, oldest first")
    replay = acts.add_parser("replay", help="have one event done once more")
    replay.add_argument("consumer")
    replay.add_argument("event_id")
    chosen = parser.parse_args(arguments)
    async with books(parse_settings(environment)) as opened:
        if chosen.act == "list":
            _show(*await opened.inbox.dead_letters(limit=LINES_MAX))
        else:
            _show(await opened.replays.replay(chosen.consumer, chosen.event_id))
    return 0


async def run_notices(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `sr notices` and return its exit code."""
    parser = argparse.ArgumentParser(prog="sr notices")
    parser.add_argument(
        "--after",
        type=int,
        default=0,
        metavar="N",
        help="show those past the notice_id N, to go on from what was seen",
    )
    after = parser.parse_args(arguments).after
    async with books(parse_settings(environment)) as opened:
        _show(*await opened.inbox.notices(after=after, limit=LINES_MAX))
    return 0


async def _prune(settings: Settings) -> int:
    async with publisher(settings, say) as parts:
        removed = await parts.keep(older_than_s=settings.outbox_keep_s)
    say(f"removed {removed} rows that were published and verified")
    return 0


def _show(*told: object) -> None:
    for each in told:
        sys.stdout.write(f"{msgspec.json.encode(each).decode()}\n")
