"""Faults of where KEKs come from: what is kept there, and how it is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal

from pytest_sr.faults.base import Landing
from pytest_sr.registry import fault
from pytest_sr.world import operator
from pytest_sr.world.door import Reply, Trouble
from pytest_sr.world.keeper import Keeper, key_text
from pytest_sr.world.world import World, WorldError

Kept = Literal["missing", "wrong", "short", "retired"]
How = Literal["down", "slow", "unauthorised", "token-error", "limited", "approval"]

SECRETS: Final = "/api/v4/secrets"
"""What the paths of all secrets begin with; a login is answered as ever."""
_SHORT_BYTES: Final = 31


def _error(status: int, error: str) -> Reply:
    told = {
        "reqId": "req-of-a-fault",
        "statusCode": status,
        "message": "a scenario wants it so",
        "error": error,
    }
    return _json(status, told)


def _json(status: int, told: object) -> Reply:
    return Reply(
        status=status,
        body=json.dumps(told).encode(),
        headers={"Content-Type": "application/json"},
    )


_TROUBLES: Final[dict[How, tuple[Trouble, str]]] = {
    "down": (Trouble(do="hang up"), "hung up"),
    "slow": (Trouble(do="keep waiting"), "kept waiting"),
    "unauthorised": (
        Trouble(do="answer", where=SECRETS, answer=_error(401, "UnauthorizedError")),
        "HTTP 401 UnauthorizedError",
    ),
    "token-error": (
        Trouble(do="answer", where=SECRETS, answer=_error(403, "TokenError")),
        "HTTP 403 TokenError",
    ),
    "limited": (
        Trouble(do="answer", where=SECRETS, answer=_error(429, "RateLimitExceeded")),
        "HTTP 429 RateLimitExceeded",
    ),
    "approval": (
        Trouble(
            do="answer",
            where=SECRETS,
            answer=_json(200, {"approval": {"id": "approval-1", "status": "open"}}),
        ),
        "HTTP 200 approval",
    ),
}
"""What is done, and how that is seen through the door."""
_WELL: Final = "HTTP 200 secret"


@fault("kek.kept")
@asynccontextmanager
async def spoil_kek(world: World, *, do: Kept) -> AsyncIterator[Landing]:
    """Have the first version of the KEK be gone, another, of 31 bytes, or retired."""
    keeper = world.keeper
    await keeper.prepare()
    name = keeper.kek_id if do == "retired" else keeper.key_name(1)
    original = await keeper.text(name)
    if original is None:
        message = f"{name} is not there, so it cannot be spoilt"
        raise WorldError(message)
    wanted = await _spoilt(keeper, do)
    try:
        found = await keeper.text(name)
        yield Landing(
            landed=found == wanted != original,
            detail=f"{name} as it is kept: {'there' if found else 'not there'}",
        )
    finally:
        await keeper.write(name, original)
        if do == "wrong":  # it is a key, and who was given it keeps it for a while
            await operator.keks_forgotten()
        if await keeper.text(name) != original:
            message = f"{name} is not what it was before the fault"
            raise WorldError(message)


async def _spoilt(keeper: Keeper, do: Kept) -> str | None:
    """Do it, and return what the secret is to be now."""
    match do:
        case "missing":
            await keeper.remove(keeper.key_name(1))
            return None
        case "wrong" | "short":
            text = key_text() if do == "wrong" else key_text(_SHORT_BYTES)
            await keeper.write(keeper.key_name(1), text)
            return text
        case "retired":
            in_use = "versions:2-2"
            await keeper.write(keeper.key_name(2), key_text())
            await keeper.write(keeper.kek_id, in_use)
            return in_use


@fault("infisical.answers")
@asynccontextmanager
async def trouble_keeper(world: World, *, do: How) -> AsyncIterator[Landing]:
    """Have this case's way to Infisical be in trouble.

    Args:
        do: down hangs up, slow answers nothing; the others are answers to all but logins

    """
    keeper = world.keeper
    await keeper.prepare()
    trouble, wanted = _TROUBLES[do]
    async with AsyncExitStack() as exits:
        exits.enter_context(keeper.door.troubled(trouble))
        seen = await keeper.seen()
        yield Landing(landed=seen == wanted, detail=f"through the case's door: {seen}")
    if (seen := await keeper.seen()) != _WELL:
        message = f"Infisical is not as it was before the fault: {seen}"
        raise WorldError(message)
