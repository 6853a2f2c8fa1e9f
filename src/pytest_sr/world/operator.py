"""What an operator does to a case's deployment, in a process apart from the system.

Each command is the one behind `sr evidence rewrap` or `sr kek`, with the settings of the
case. It returns the code of what went wrong, or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pytest_sr.world.keeper import CACHE_TTL_S
from sr_core.bootstrap import kek_keeping, rewrapping
from sr_core.bootstrap.settings import parse_keks, parse_settings
from sr_core.domain.errors import SrError


async def rewrap(environment: Mapping[str, str]) -> str:
    """Move all key records to the current version; return the first failure's code."""
    failure = ""
    try:
        async for each in rewrapping.rewrapped(parse_settings(environment)):
            failure = failure or (each.failure or "").partition(":")[0]
    except SrError as error:
        return error.code
    return failure


async def keep_kek(environment: Mapping[str, str], *, below: int | None) -> str:
    """Rotate the KEK, or retire what is below a version; wait until that is noticed."""
    settings = parse_keks(environment)
    try:
        async with kek_keeping.kek_keeping(settings, settings.kek_id) as keeping:
            if below is None:
                await keeping.rotate()
            else:
                await keeping.retire(below=below)
    except SrError as error:
        return error.code
    await keks_forgotten()
    return ""


async def keks_forgotten() -> None:
    """Return when nobody goes by a KEK that was asked for before.

    That is promised by a time and shows in nothing, so the time is what is waited for.
    """
    await asyncio.sleep(CACHE_TTL_S)
