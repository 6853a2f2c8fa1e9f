"""`sr evidence rewrap` as a process that is killed at its N-th step at the bucket.

    rewrapper.py N      die by SIGKILL at step N: there is one before each, and one after

It has the KEKs of the tests, and does the rest as the command does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from itertools import count
from typing import Any

from sr_core.adapters.memory.kek_source import MemoryKekSource
from sr_core.adapters.s3.key_records import S3KeyRecords
from sr_core.bootstrap import compose
from sr_core.cli import evidence_rewrap
from sr_core.domain.kek import Kek, KekRef, parse_kek_id
from sr_core.testing import build_kek

KEK_ID = parse_kek_id("solver-ralph-kek")
KEKS = [
    Kek(ref=KekRef(id=KEK_ID, version=version), key=build_kek(version).key)
    for version in (1, 2)
]
STEPS = count(1)


def mortal(
    act: Callable[..., Awaitable[Any]], dies_at: int
) -> Callable[..., Awaitable[Any]]:
    """Return `act` with a step before it and one after it."""

    def step() -> None:
        if next(STEPS) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async def acted(*args: Any) -> Any:
        step()
        done = await act(*args)
        step()
        return done

    return acted


if __name__ == "__main__":
    for name in ("add", "found", "read", "remove"):
        act = getattr(S3KeyRecords, name)
        setattr(S3KeyRecords, name, mortal(act, int(sys.argv[1])))
    vars(compose)["kek_source"] = lambda _: nullcontext(MemoryKekSource(KEKS))
    sys.exit(asyncio.run(evidence_rewrap.run([], os.environ)))
