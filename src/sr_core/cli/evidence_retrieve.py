"""`sr evidence verify` without a file: whether all cited evidence is there.

Exit codes: 0 every bundle is intact; 1 some are not, and their lines say what is wrong;
2 no claim cites any evidence, so nothing was judged, or the claims could not be read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from sr_core.application.retrievability import Checked
from sr_core.bootstrap.retrieving import checked
from sr_core.bootstrap.settings import parse_settings
from sr_core.codec.evidence import escaped

INTACT = 0
LOST = 1
UNJUDGED = 2


async def run(environment: Mapping[str, str]) -> int:
    """Print a line for each bundle that is cited, and return the exit code."""
    intact = lost = 0
    async for each in checked(parse_settings(environment)):
        sys.stdout.write(f"{told(each)}\n")
        intact += each.is_intact
        lost += not each.is_intact
    if not intact + lost:
        sys.stdout.write("INVALID: no active claim cites evidence\n")
        return UNJUDGED
    sys.stdout.write(f"bundles: {intact} intact, {lost} not\n")
    return LOST if lost else INTACT


def told(it: Checked) -> str:
    """Return the line of one bundle."""
    faults = "; ".join(
        f"{state} {escaped(part)}" for part, state in sorted(it.faults.items())
    )
    return f"{it.content_hash} {faults or 'INTACT'}, cited by {', '.join(it.cited_by)}"
