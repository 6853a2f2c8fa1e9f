"""`python -m bench.faults`: have faults for so long, and print what became of the log.

Exit 0 if nothing is wrong, 1 if something is, and 2 if the run is INVALID: a fault never
landed, nothing was acknowledged, or a control did not show what it is there to show.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random  # noqa: TID251 - the schedule is drawn from the seed
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.faults import bus_faults, log_faults
from bench.faults.judge import Figures
from bench.faults.log_faults import Bounds
from bench.faults.nats_server import nats_of_our_own
from bench.faults.servers import postgres_of_our_own

UNBOUNDED: Final = 1_000_000
CONTROLS: Final[Mapping[str, str]] = {
    "control: writer": "duplicates",
    "control: reader": "lost",
    "control: publisher": "lost",
}
"""What each control has to show, over all kinds of a run."""
COLUMNS: Final = (
    *("faults", "acknowledged", "unanswered", "gone", "lost", "duplicates"),
    *("reordered", "holes", "broken", "unposted"),
)


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for, and return the exit code."""
    chosen = _parser().parse_args(arguments)
    kinds = chosen.kinds.split(",")
    if unknown := [each for each in kinds if each not in _all()]:
        _say(f"no such kind: {', '.join(unknown)}; there are {', '.join(_all())}")
        return 2
    bounds = Bounds(seconds=chosen.seconds / len(kinds), faults_max=chosen.faults)
    _say(f"seed {chosen.seed}")
    try:
        found = asyncio.run(run(kinds, chosen.seed, bounds))
    except (RuntimeError, TimeoutError) as error:
        _say(f"INVALID: the run broke off: {error!r}")
        return 2
    except (asyncio.CancelledError, KeyboardInterrupt):
        _say("INVALID: the run was ended before its time")
        return 2
    sys.stdout.write(table(found))
    if chosen.json:
        chosen.json.write_text(
            json.dumps([each.plain() for each in found], indent=2) + "\n"
        )
    return verdict(found)


async def run(kinds: Sequence[str], seed: int, bounds: Bounds) -> list[Figures]:
    """Return the figures of each kind, on servers of this run alone."""
    task = asyncio.current_task()
    assert task is not None, "called by a running loop"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    # That connections break is what the run is for: the figures tell of it.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    found: list[Figures] = []
    with postgres_of_our_own() as server, nats_of_our_own() as bus:
        await server.start()
        await bus.start()
        for kind in kinds:
            rng = random.Random(f"{seed} {kind}")  # noqa: S311 - a schedule, no secret
            if kind in log_faults.KINDS:
                found += await log_faults.run(kind, server, rng, bounds)
            else:
                found += await bus_faults.run(kind, server, bus, rng, bounds)
    return found


def verdict(found: Sequence[Figures]) -> int:
    """Return the exit code, and say what is wrong or why the run shows nothing."""
    wrong = [each for each in found if not _is_control(each) and each.wrong]
    for each in wrong:
        _say(f"WRONG: {each.kind}, {each.subject}: {each.wrong}")
    if wrong:
        return 1
    faults = invalid(found)
    for line in faults:
        _say(f"INVALID: {line}")
    return 2 if faults else 0


def invalid(found: Sequence[Figures]) -> list[str]:
    """Return why nothing is shown by the run; nothing if it shows something."""
    why = [] if found else ["nothing was run"]
    for each in found:
        if each.faults == 0:
            why.append(f"{each.kind}: no fault has landed on {each.subject}")
        if each.acknowledged == 0:
            why.append(f"{each.kind}: {each.subject} had nothing acknowledged")
    for subject, shows in CONTROLS.items():
        shown = [each.plain()[shows] for each in found if each.subject == subject]
        if shown and not any(shown):
            why.append(f"{subject} shows no {shows}: the run could not have seen any")
    return why


def table(found: Sequence[Figures]) -> str:
    """Return the figures as text, a line each."""
    head = f"{'kind':16}{'subject':20}" + "".join(f"{each:>13}" for each in COLUMNS)
    lines = [head]
    for each in found:
        plain = each.plain()
        figures = "".join(f"{plain[name]:>13}" for name in COLUMNS)
        lines.append(f"{each.kind:16}{each.subject:20}{figures}")
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.faults")
    parser.add_argument(
        "--seconds", type=float, default=120, help="how long, for all kinds together"
    )
    parser.add_argument("--kinds", default=",".join(_all()), help="of faults, a,b")
    parser.add_argument(
        "--faults", type=int, default=UNBOUNDED, help="of each kind, at most"
    )
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(2**32), help="of the schedule"
    )
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser


def _all() -> Sequence[str]:
    return [*log_faults.KINDS, *bus_faults.KINDS]


def _is_control(figures: Figures) -> bool:
    return figures.subject in CONTROLS


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
