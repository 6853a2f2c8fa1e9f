"""`python -m bench`: measure, print a table, write `bench/results.json` and the plot."""

from __future__ import annotations

import argparse
import asyncio
import json
import operator
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import append, plot, rebuild, seal
from bench.measure import Result
from bench.servers import stack

RESULTS: Final = Path(__file__).parent / "results.json"
_COMPARE: Final = {">=": operator.ge, "<=": operator.le}


def main(arguments: Sequence[str]) -> int:
    """Measure what the command line asks for; 1 if a figure is not what is wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument(
        "--quick", action="store_true", help="few and short runs, to see that it works"
    )
    chosen = parser.parse_args(arguments)
    appends, rebuilds, seals = append.Sizes(), rebuild.Sizes(), seal.Sizes()
    if chosen.quick:
        appends = append.Sizes(pairs=3, alone=60, together=240, large_log=20_000)
        rebuilds = rebuild.Sizes(pairs=1, events=4_000)
        seals = seal.Sizes(pairs=3, mib=8)
    found = asyncio.run(seal.measure(seals))
    with stack() as addresses:
        found += asyncio.run(append.measure(addresses, appends))
        found += asyncio.run(rebuild.measure(addresses, rebuilds))
    sys.stdout.write(table(found))
    if not chosen.quick:
        RESULTS.write_text(
            json.dumps([each.plain() for each in found], indent=2) + "\n"
        )
        plot.draw(found)
    return 0 if all(map(is_as_wanted, found)) else 1


def is_as_wanted(result: Result) -> bool:
    """Return whether the ratio is on the right side of what is wanted."""
    sign, limit = result.wanted.split()
    return bool(_COMPARE[sign](result.ratio, float(limit)))


def table(found: Sequence[Result]) -> str:
    """Return the results as text, a line each."""
    lines = [
        f"{'name':32}{'ratio':>8}{'wanted':>10}{'ours':>12}{'floor':>12}  unit, spread"
    ]
    for each in found:
        mark = "" if is_as_wanted(each) else "  NOT AS WANTED"
        lines.append(
            f"{each.name:32}{each.ratio:8.2f}{each.wanted:>10}{each.ours:12.1f}"
            f"{each.floor:12.1f}  {each.unit}, {min(each.runs):.2f}-{max(each.runs):.2f}"
            f" in {len(each.runs)} pairs{mark}"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
